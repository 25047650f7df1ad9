# ruff: noqa: E501 - the table reads by lines
"""What a simulated station lets its CSMS read and set: one table for all versions.

A row has the key of 1.6 (ChangeConfiguration), the component and variable of 2.x (SetVariables),
or both. Names and types: OCPP 1.6 edition 2 section 9, security whitepaper edition 3 section 4,
OCPP 2.0.1 part 2 appendices (referenced components and variables), 2.1 blocks Q, R and S.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Access(StrEnum):
    """Who may do what with a setting, in the words of 2.x (MutabilityEnumType)."""

    READ = "ReadOnly"
    WRITE = "WriteOnly"
    BOTH = "ReadWrite"


class Setting(NamedTuple):
    """One setting; ``least`` bounds a number from below, ``length`` a text [characters]."""

    name: str
    key: str | None
    component: str | None
    variable: str | None
    kind: str
    default: str
    access: Access = Access.BOTH
    least: int = 0
    reboot: bool = False
    length: tuple[int, int] = (0, 2500)


_R, _W = Access.READ, Access.WRITE
_MEASURANDS = (
    "Energy.Active.Import.Register,Power.Active.Import,Power.Offered,Current.Import,Voltage,SoC"
)

# Defaults without a source are assumptions in the range of sold stations.
SETTINGS = (
    Setting("heartbeat_s", "HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", "integer", "300", least=1),
    Setting("meter_s", "MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval", "integer", "60"),
    Setting("measurands", "MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", "MemberList", _MEASURANDS),
    Setting("end_measurands", "StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", "MemberList", "Energy.Active.Import.Register"),
    Setting("end_interval_s", None, "SampledDataCtrlr", "TxEndedInterval", "integer", "0"),
    Setting("aligned_s", "ClockAlignedDataInterval", "AlignedDataCtrlr", "Interval", "integer", "0"),
    Setting("aligned_measurands", "MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", "MemberList", "Energy.Active.Import.Register"),
    Setting("end_aligned", "StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands", "MemberList", ""),
    Setting("end_aligned_s", None, "AlignedDataCtrlr", "TxEndedInterval", "integer", "0"),
    Setting("attempts", "TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "integer", "3", least=1),
    Setting("retry_s", "TransactionMessageRetryInterval", "OCPPCommCtrlr", "MessageAttemptInterval", "integer", "10"),
    Setting("timeout_s", None, "OCPPCommCtrlr", "MessageTimeout", "integer", "30", least=1),
    Setting("ping_s", "WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval", "integer", "60", reboot=True),
    Setting("backoff_s", None, "OCPPCommCtrlr", "RetryBackOffWaitMinimum", "integer", "2"),
    Setting("backoff_random_s", None, "OCPPCommCtrlr", "RetryBackOffRandomRange", "integer", "3"),
    Setting("backoff_times", None, "OCPPCommCtrlr", "RetryBackOffRepeatTimes", "integer", "5"),
    Setting("offline_threshold_s", None, "OCPPCommCtrlr", "OfflineThreshold", "integer", "60"),
    Setting("network_priority", None, "OCPPCommCtrlr", "NetworkConfigurationPriority", "SequenceList", "1"),
    Setting("profile_attempts", None, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "integer", "3"),
    Setting("unlock_on_unplug", "UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "boolean", "true"),
    Setting("reset_retries", "ResetRetries", "OCPPCommCtrlr", "ResetRetries", "integer", "1"),
    Setting("connection_s", "ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", "integer", "120", least=1),
    Setting("stop_on_unplug", "StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect", "boolean", "true", _R),
    Setting("stop_on_invalid", "StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId", "boolean", "true"),
    Setting("invalid_wh", "MaxEnergyOnInvalidId", "TxCtrlr", "MaxEnergyOnInvalidId", "integer", "0"),
    Setting("start_point", None, "TxCtrlr", "TxStartPoint", "MemberList", "Authorized", _R),
    Setting("stop_point", None, "TxCtrlr", "TxStopPoint", "MemberList", "EVConnected,Authorized", _R),
    Setting("local_offline", "LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline", "boolean", "true"),
    Setting("local_first", "LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize", "boolean", "false"),
    Setting("remote_authorize", "AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart", "boolean", "false"),
    Setting("unknown_offline", "AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "boolean", "true"),
    Setting("cache", "AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled", "boolean", "true"),
    Setting("list", "LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled", "boolean", "true"),
    Setting("list_most", "LocalAuthListMaxLength", "LocalAuthListCtrlr", "Entries", "integer", "10000", _R),
    Setting("list_message", "SendLocalListMaxLength", "LocalAuthListCtrlr", "ItemsPerMessage", "integer", "1000", _R),
    Setting("list_bytes", None, "LocalAuthListCtrlr", "BytesPerMessage", "integer", "65536", _R),
    Setting("reserve", None, "ReservationCtrlr", "Enabled", "boolean", "true"),
    Setting("reserve_any", "ReserveConnectorZeroSupported", "ReservationCtrlr", "NonEvseSpecific", "boolean", "true", _R),
    Setting("smart", None, "SmartChargingCtrlr", "Enabled", "boolean", "true", _R),
    Setting("stack", "ChargeProfileMaxStackLevel", "SmartChargingCtrlr", "ProfileStackLevel", "integer", "20", _R),
    Setting("units", "ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr", "RateUnit", "MemberList", "Current,Power", _R),
    Setting("periods", "ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", "integer", "1024", _R),
    Setting("profiles", "MaxChargingProfilesInstalled", "SmartChargingCtrlr", "Entries", "integer", "64", _R),
    Setting("phase_switch", "ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr", "Phases3to1", "boolean", "false", _R),
    Setting("limit_change", None, "SmartChargingCtrlr", "LimitChangeSignificance", "decimal", "1"),
    Setting("password", "AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword", "string", "", _W, length=(16, 64)),
    Setting("security", "SecurityProfile", "SecurityCtrlr", "SecurityProfile", "integer", "1"),
    Setting("organisation", "CpoName", "SecurityCtrlr", "OrganizationName", "string", "Zerocity"),
    Setting("root_check", "AdditionalRootCertificateCheck", "SecurityCtrlr", "AdditionalRootCertificateCheck", "boolean", "false", _R),
    Setting("identity", None, "SecurityCtrlr", "Identity", "string", "", _R),
    Setting("store_most", "CertificateStoreMaxLength", "SecurityCtrlr", "CertificateEntries", "integer", "16", _R),
    Setting("sign_wait_s", "CertSigningWaitMinimum", "SecurityCtrlr", "CertSigningWaitMinimum", "integer", "60"),
    Setting("sign_repeats", "CertSigningRepeatTimes", "SecurityCtrlr", "CertSigningRepeatTimes", "integer", "2"),
    Setting("chain_bytes", "CertificateSignedMaxChainSize", "SecurityCtrlr", "MaxCertificateChainSize", "integer", "10000", _R),
    Setting("time_source", None, "ClockCtrlr", "TimeSource", "SequenceList", "Heartbeat,NTP"),
    Setting("zone", None, "ClockCtrlr", "TimeZone", "string", "Asia/Shanghai"),
    Setting("report_items", None, "DeviceDataCtrlr", "ItemsPerMessage", "integer", "50", _R),
    Setting("value_size", None, "DeviceDataCtrlr", "ValueSize", "integer", "2500", _R),
    Setting("monitoring", None, "MonitoringCtrlr", "Enabled", "boolean", "true"),
    Setting("monitoring_level", None, "MonitoringCtrlr", "ActiveMonitoringLevel", "integer", "9", _R),
    Setting("monitoring_base", None, "MonitoringCtrlr", "ActiveMonitoringBase", "OptionList", "All", _R),
    Setting("display_most", None, "DisplayMessageCtrlr", "DisplayMessages", "integer", "10", _R),
    Setting("display_formats", None, "DisplayMessageCtrlr", "SupportedFormats", "MemberList", "ASCII,UTF8", _R),
    Setting("display_priorities", None, "DisplayMessageCtrlr", "SupportedPriorities", "MemberList", "AlwaysFront,InFront,NormalCycle", _R),
    Setting("model", None, "ChargingStation", "Model", "string", "", _R),
    Setting("vendor", None, "ChargingStation", "VendorName", "string", "", _R),
    Setting("available", None, "ChargingStation", "Available", "boolean", "true", _R),
    Setting("connectors", "NumberOfConnectors", None, None, "integer", "1", _R),
    Setting("profiles_16", "SupportedFeatureProfiles", None, None, "MemberList", "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger", _R),
    Setting("keys_most", "GetConfigurationMaxKeys", None, None, "integer", "100", _R),
    Setting("rotation", "ConnectorPhaseRotation", None, None, "MemberList", "NotApplicable"),
    Setting("blink", "BlinkRepeat", None, None, "integer", "0"),
    Setting("light", "LightIntensity", None, None, "integer", "50"),
    Setting("status_s", "MinimumStatusDuration", None, None, "integer", "0"),
)  # fmt: skip

# 2.1 block S: only a swap cabinet has these (BatterySwapCtrlr, part 2 appendices).
SWAP_SETTINGS = (
    Setting("swap_available", None, "BatterySwapCtrlr", "Available", "boolean", "true", _R),
    Setting("swap_enabled", None, "BatterySwapCtrlr", "Enabled", "boolean", "true"),
    Setting("swap_order", None, "BatterySwapCtrlr", "SwapOrder", "OptionList", "In-Out"),
    Setting("swap_timeout_s", None, "BatterySwapCtrlr", "Timeout", "integer", "60", least=1),
    Setting("swap_ready_soc", None, "BatterySwapCtrlr", "MinSoc", "integer", "80"),
    Setting("swap_full_soc", None, "BatterySwapCtrlr", "MaxSoc", "integer", "100"),
    Setting("swap_token", None, "BatterySwapCtrlr", "IdToken", "string", "battery-swap"),
)  # fmt: skip

ALL = (*SETTINGS, *SWAP_SETTINGS)
BY_NAME = {one.name: one for one in ALL}
BY_KEY = {one.key: one for one in SETTINGS if one.key}
BY_VARIABLE = {(one.component, one.variable): one for one in ALL if one.component}
_OPTIONS = {"swap_order": ("In-Out", "Out-In")}


class Settings:
    """A station's own values over the table's defaults."""

    __slots__ = ("_values",)

    def __init__(self, **values: str) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """The value of a setting as text."""
        found = self._values.get(name)
        return BY_NAME[name].default if found is None else found

    def number(self, name: str) -> int:
        """The value of a number."""
        return int(self.text(name))

    def yes(self, name: str) -> bool:
        """The value of a yes or no."""
        return self.text(name) == "true"

    def members(self, name: str) -> tuple[str, ...]:
        """The value of a list."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def put(self, name: str, value: str) -> None:
        """Set a value without asking whether the CSMS may."""
        self._values[name] = value

    def ask(self, setting: Setting, value: str) -> str:
        """Set a value for the CSMS: Accepted, RebootRequired or Rejected."""
        if setting.access is Access.READ or not _fits(setting, value):
            return "Rejected"
        self._values[setting.name] = value.lower() if setting.kind == "boolean" else value
        return "RebootRequired" if setting.reboot else "Accepted"


def _fits(setting: Setting, value: str) -> bool:
    if setting.kind == "boolean":
        return value.lower() in ("true", "false")
    if setting.kind == "integer":
        # Nine digits: thirty years of seconds, and nothing that overflows a timer.
        whole = value.isascii() and value.isdigit() and len(value) <= 9
        return whole and int(value) >= setting.least
    if setting.kind == "decimal":
        return value.isascii() and value.replace(".", "", 1).isdigit()
    if setting.name in _OPTIONS:
        return value in _OPTIONS[setting.name]
    return setting.length[0] <= len(value) <= setting.length[1]
