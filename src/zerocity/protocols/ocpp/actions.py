"""Every action of the three editions, by who starts it, and the name of each of its schemas.

Names are written out as they stand on the wire: no rule turns one spelling into another.
Source: OCPP 1.6 edition 2 clauses 4 and 5 and the security whitepaper edition 3; OCPP 2.0.1 and
2.1 Part 2, the clauses "Messages".
"""

from __future__ import annotations

from typing import Literal

from zerocity.protocols.ocpp.versions import Role, Version

Kind = Literal["request", "response", "send"]

_BOTH = frozenset({"DataTransfer"})

_STATION_16 = frozenset({
    "Authorize", "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
    "Heartbeat", "LogStatusNotification", "MeterValues", "SecurityEventNotification",
    "SignCertificate", "SignedFirmwareStatusNotification", "StartTransaction",
    "StatusNotification", "StopTransaction",
})  # fmt: skip
_CSMS_16 = frozenset({
    "CancelReservation", "CertificateSigned", "ChangeAvailability", "ChangeConfiguration",
    "ClearCache", "ClearChargingProfile", "DeleteCertificate", "ExtendedTriggerMessage",
    "GetCompositeSchedule", "GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds",
    "GetLocalListVersion", "GetLog", "InstallCertificate", "RemoteStartTransaction",
    "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList", "SetChargingProfile",
    "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector", "UpdateFirmware",
})  # fmt: skip
_STATION_201 = frozenset({
    "Authorize", "BootNotification", "ClearedChargingLimit", "FirmwareStatusNotification",
    "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification",
    "MeterValues", "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages",
    "NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport",
    "NotifyReport", "PublishFirmwareStatusNotification", "ReportChargingProfiles",
    "ReservationStatusUpdate", "SecurityEventNotification", "SignCertificate",
    "StatusNotification", "TransactionEvent",
})  # fmt: skip
_CSMS_201 = frozenset({
    "CancelReservation", "CertificateSigned", "ChangeAvailability", "ClearCache",
    "ClearChargingProfile", "ClearDisplayMessage", "ClearVariableMonitoring", "CostUpdated",
    "CustomerInformation", "DeleteCertificate", "GetBaseReport", "GetChargingProfiles",
    "GetCompositeSchedule", "GetDisplayMessages", "GetInstalledCertificateIds",
    "GetLocalListVersion", "GetLog", "GetMonitoringReport", "GetReport", "GetTransactionStatus",
    "GetVariables", "InstallCertificate", "PublishFirmware", "RequestStartTransaction",
    "RequestStopTransaction", "ReserveNow", "Reset", "SendLocalList", "SetChargingProfile",
    "SetDisplayMessage", "SetMonitoringBase", "SetMonitoringLevel", "SetNetworkProfile",
    "SetVariableMonitoring", "SetVariables", "TriggerMessage", "UnlockConnector",
    "UnpublishFirmware", "UpdateFirmware",
})  # fmt: skip
_STATION_21 = _STATION_201 | {
    "BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm",
    "NotifyDERStartStop", "NotifyPriorityCharging", "NotifySettlement",
    "OpenPeriodicEventStream", "PullDynamicScheduleUpdate", "ReportDERControl",
    "VatNumberValidation",
}  # fmt: skip
_CSMS_21 = _CSMS_201 | {
    "AFRRSignal", "AdjustPeriodicEventStream", "ChangeTransactionTariff", "ClearDERControl",
    "ClearTariffs", "GetDERControl", "GetPeriodicEventStream", "GetTariffs",
    "NotifyAllowedEnergyTransfer", "NotifyWebPaymentStarted", "RequestBatterySwap",
    "SetDERControl", "SetDefaultTariff", "UpdateDynamicSchedule", "UsePriorityCharging",
}  # fmt: skip

CALLED_BY: dict[tuple[Version, Role], frozenset[str]] = {
    (Version.V16, Role.STATION): _STATION_16 | _BOTH,
    (Version.V16, Role.CSMS): _CSMS_16 | _BOTH,
    (Version.V201, Role.STATION): _STATION_201 | _BOTH,
    (Version.V201, Role.CSMS): _CSMS_201 | _BOTH,
    (Version.V21, Role.STATION): _STATION_21 | _BOTH,
    (Version.V21, Role.CSMS): _CSMS_21 | _BOTH,
}
"""The actions that a side may start by a CALL."""

SENT_BY: dict[tuple[Version, Role], frozenset[str]] = {
    (version, role): frozenset() for version in Version for role in Role
} | {(Version.V21, Role.STATION): frozenset({"NotifyPeriodicEventStream"})}
"""The messages that a side may SEND without waiting for an answer (2.1 only)."""

_ALL = {
    version: frozenset().union(
        *(CALLED_BY[version, role] | SENT_BY[version, role] for role in Role)
    )
    for version in Version
}


def actions(version: Version) -> frozenset[str]:
    """Every action name of an edition, those of SEND included: 39, 64 and 91 names."""
    return _ALL[version]


def schema_name(version: Version, action: str, kind: Kind) -> str:
    """The name of the schema file of a message, without `.json`.

    The files of 1.6 name a request by its action alone; those of 2.x add `Request`, but for the
    one message that is sent without an answer.
    """
    if kind == "send":
        return action
    if kind == "response":
        return f"{action}Response"
    return action if version is Version.V16 else f"{action}Request"


def message_names(version: Version) -> dict[str, tuple[str, Kind]]:
    """Every message of an edition by name: its action and kind; 78, 128 and 181 of them.

    A name is the action with `Request` or `Response`; what is sent without an answer is named by
    its action alone.
    """
    return _NAMES[version]


def _names(version: Version) -> dict[str, tuple[str, Kind]]:
    sent = SENT_BY[version, Role.STATION] | SENT_BY[version, Role.CSMS]
    names: dict[str, tuple[str, Kind]] = {}
    for action in sorted(_ALL[version]):
        if action in sent:
            names[action] = (action, "send")
        else:
            names[f"{action}Request"] = (action, "request")
            names[f"{action}Response"] = (action, "response")
    return names


_NAMES = {version: _names(version) for version in Version}
