"""What a station says in OCPP 1.6 (edition 2, section 4)."""

from __future__ import annotations

from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.meter import sample_v16
from zerocity.protocols.ocpp.station.parts import Car, Evse, Message, Payload, Transaction
from zerocity.protocols.ocpp.wire_words import clipped

# 1.6 knows 20 characters for a token.
_TOKEN = 20
_REASONS = {
    "EVDisconnected",
    "EmergencyStop",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
    "DeAuthorized",
}


class VoiceV16:
    """The words of 1.6; a connector's id is its EVSE's."""

    def __init__(self, core: StationCore) -> None:
        self.core = core

    def boot(self, reason: str) -> Message:
        """BootNotification; 1.6 has no word for the reason."""
        core = self.core
        return "BootNotification", {
            "chargePointVendor": clipped(core.make.vendor, 20),
            "chargePointModel": clipped(core.make.model, 20),
            "chargePointSerialNumber": clipped(core.id, 25),
            "firmwareVersion": clipped(core.firmware, 50),
            "meterType": "register",
        }

    def status(self, evse: int) -> Message:
        """StatusNotification of a connector, or of the whole station for 0."""
        core = self.core
        found = core.evses.get(evse)
        status = self._whole() if found is None else self.connector_status(found)
        error = "NoError"
        if status == "Faulted" and found is not None:
            error = found.faulted or "OtherError"
        return "StatusNotification", {
            "connectorId": evse,
            "errorCode": error,
            "status": status,
            "timestamp": core.stamp(),
        }

    def connector_status(self, evse: Evse) -> str:
        """One of the nine states of a connector (1.6 section 4.9)."""
        core = self.core
        if evse.faulted is not None:
            return "Faulted"
        if evse.transaction is not None:
            state = evse.transaction.charging_state
            return state if state in ("SuspendedEV", "SuspendedEVSE") else "Charging"
        if not usable(core, evse):
            return "Unavailable"
        if evse.car is not None:
            return "Finishing" if evse.finishing else "Preparing"
        if evse.remote is not None:
            return "Preparing"
        held = any(r.evse == evse.id for r in core.reservations.values())
        return "Reserved" if held else "Available"

    def _whole(self) -> str:
        return "Available" if self.core.operative else "Unavailable"

    def authorize(self, token: str) -> Message:
        """Authorize."""
        return "Authorize", {"idTag": clipped(token, _TOKEN)}

    def begin(self, transaction: Transaction, trigger: str) -> Message:
        """StartTransaction."""
        payload: Payload = {
            "connectorId": transaction.evse,
            "idTag": clipped(transaction.token or "", _TOKEN),
            "meterStart": round(transaction.meter_start_wh),
            "timestamp": self.core.stamp(),
        }
        if transaction.reservation is not None:
            payload["reservationId"] = transaction.reservation
        return "StartTransaction", payload

    def needs(self, transaction: Transaction, car: Car) -> None:
        """1.6 has no word for what a car needs."""
        return

    def meter(self, transaction: Transaction, context: str) -> Message:
        """MeterValues of a transaction; its number is filled in when the message leaves."""
        core = self.core
        values = sample_v16(core, core.evses[transaction.evse], context, "measurands")
        return "MeterValues", {
            "connectorId": transaction.evse,
            "transactionId": None,
            "meterValue": values,
        }

    def clock_meter(self, evse: Evse) -> Message:
        """MeterValues on the clock, of a connector."""
        values = sample_v16(self.core, evse, "Sample.Clock", "aligned_measurands")
        payload: Payload = {"connectorId": evse.id, "meterValue": values}
        if evse.transaction is not None and evse.transaction.number is not None:
            payload["transactionId"] = evse.transaction.number
        return "MeterValues", payload

    def change(self, transaction: Transaction, trigger: str) -> None:
        """1.6 tells a charging state by StatusNotification only."""
        return

    def end(self, transaction: Transaction, trigger: str, reason: str) -> Message:
        """StopTransaction."""
        core = self.core
        evse = core.evses[transaction.evse]
        payload: Payload = {
            "meterStop": round(evse.energy_wh),
            "timestamp": core.stamp(),
            "transactionId": None,
            "reason": reason if reason in _REASONS else "Other",
        }
        if transaction.token:
            payload["idTag"] = clipped(transaction.token, _TOKEN)
        if core.settings.members("end_measurands"):
            payload["transactionData"] = sample_v16(core, evse, "Transaction.End", "end_measurands")
        return "StopTransaction", payload

    def token_status(self, payload: Payload) -> str | None:
        """idTagInfo.status of an answer."""
        found = payload.get("idTagInfo")
        return None if found is None else str(found["status"])
