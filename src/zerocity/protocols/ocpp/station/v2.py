"""What a station says in OCPP 2.0.1 and 2.1 (part 2, blocks B, C, E, G and J)."""

from __future__ import annotations

from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.meter import sample_v2
from zerocity.protocols.ocpp.station.parts import Car, Evse, Message, Payload, Transaction
from zerocity.protocols.ocpp.wire_words import clipped, stamp

# What ends a transaction, in the words of 1.6 and of 2.x.
_REASONS = {"SoftReset": "ImmediateReset", "HardReset": "ImmediateReset", "UnlockCommand": "Other"}


class VoiceV2:
    """The words of 2.x: every step of a transaction is a TransactionEvent."""

    def __init__(self, core: StationCore) -> None:
        self.core = core

    def boot(self, reason: str) -> Message:
        """BootNotification."""
        core = self.core
        return "BootNotification", {
            "reason": reason,
            "chargingStation": {
                "vendorName": clipped(core.make.vendor, 50),
                "model": clipped(core.make.model, 20),
                "serialNumber": clipped(core.id, 25),
                "firmwareVersion": clipped(core.firmware, 50),
            },
        }

    def status(self, evse: int) -> Message | None:
        """StatusNotification of an EVSE's connector; 2.x has none for the whole station."""
        found = self.core.evses.get(evse)
        if found is None:
            return None
        return "StatusNotification", {
            "timestamp": self.core.stamp(),
            "connectorStatus": self.connector_status(found),
            "evseId": evse,
            "connectorId": 1,
        }

    def connector_status(self, evse: Evse) -> str:
        """Available, Occupied, Reserved, Unavailable or Faulted (G01)."""
        core = self.core
        if evse.faulted is not None:
            return "Faulted"
        if evse.car is not None:
            return "Occupied"
        if not usable(core, evse):
            return "Unavailable"
        held = any(r.evse == evse.id for r in core.reservations.values())
        return "Reserved" if held else "Available"

    def token(self, token: str) -> Payload:
        """An IdToken of the station's usual type."""
        return {"idToken": token, "type": self.core.make.token_type}

    def authorize(self, token: str) -> Message:
        """Authorize."""
        return "Authorize", {"idToken": self.token(token)}

    def begin(self, transaction: Transaction, trigger: str) -> Message:
        """TransactionEvent Started, with the register at its begin."""
        payload = self._event("Started", transaction, trigger)
        payload["transactionInfo"]["chargingState"] = transaction.charging_state
        payload["meterValue"] = self._sample(transaction, "Transaction.Begin", "end_measurands")
        if transaction.token is not None:
            payload["idToken"] = self.token(transaction.token)
        if transaction.remote_start is not None:
            payload["transactionInfo"]["remoteStartId"] = transaction.remote_start
        if transaction.reservation is not None:
            payload["reservationId"] = transaction.reservation
        return "TransactionEvent", payload

    def needs(self, transaction: Transaction, car: Car) -> Message | None:
        """NotifyEVChargingNeeds (K15): energy, departure and the car's bounds; whole numbers."""
        core = self.core
        watts = min(car.limit_kw, core.evses[transaction.evse].max_kw) * 1000.0
        volts = core.make.voltage_v if core.make.is_dc else core.make.supply.voltage_v
        bounds: Payload = {"evMaxVoltage": int(volts)}
        if car.need_kwh is not None:
            bounds["energyAmount"] = round(car.need_kwh * 1000.0)
        if core.make.is_dc:
            bounds |= {
                "evMaxCurrent": int(watts / volts),
                "evMaxPower": int(watts),
                "stateOfCharge": int(car.soc * 100.0),
                "evEnergyCapacity": round(car.capacity_kwh * 1000.0),
            }
            needs: Payload = {"requestedEnergyTransfer": "DC", "dcChargingParameters": bounds}
        else:
            phases = core.make.supply.phases
            bounds |= {"evMinCurrent": 6, "evMaxCurrent": int(watts / volts / phases)}
            bounds.setdefault("energyAmount", round((1.0 - car.soc) * car.capacity_kwh * 1000.0))
            transfer = "AC_three_phase" if phases == 3 else "AC_single_phase"
            needs = {"requestedEnergyTransfer": transfer, "acChargingParameters": bounds}
        if car.depart_at is not None:
            needs["departureTime"] = stamp(car.depart_at)
        return "NotifyEVChargingNeeds", {"evseId": transaction.evse, "chargingNeeds": needs}

    def meter(self, transaction: Transaction, context: str) -> Message:
        """TransactionEvent Updated with meter values."""
        trigger = {"Trigger": "Trigger", "Sample.Clock": "MeterValueClock"}.get(
            context, "MeterValuePeriodic"
        )
        payload = self._event("Updated", transaction, trigger)
        payload["transactionInfo"]["chargingState"] = transaction.charging_state
        payload["meterValue"] = self._sample(transaction, context, "measurands")
        return "TransactionEvent", payload

    def clock_meter(self, evse: Evse) -> Message:
        """MeterValues on the clock, of an EVSE (J01)."""
        values = sample_v2(self.core, evse, "Sample.Clock", "aligned_measurands")
        return "MeterValues", {"evseId": evse.id, "meterValue": values}

    def change(self, transaction: Transaction, trigger: str) -> Message:
        """TransactionEvent Updated without meter values."""
        payload = self._event("Updated", transaction, trigger)
        payload["transactionInfo"]["chargingState"] = transaction.charging_state
        return "TransactionEvent", payload

    def authorized(self, transaction: Transaction, token: str) -> Message:
        """TransactionEvent Updated: a token takes over a transaction that already runs."""
        payload = self._event("Updated", transaction, "Authorized")
        payload["idToken"] = self.token(token)
        return "TransactionEvent", payload

    def end(self, transaction: Transaction, trigger: str, reason: str) -> Message:
        """TransactionEvent Ended, with the register at its end."""
        payload = self._event("Ended", transaction, trigger)
        info = payload["transactionInfo"]
        info["stoppedReason"] = _REASONS.get(reason, reason)
        info["chargingState"] = transaction.charging_state
        info["timeSpentCharging"] = int(transaction.charging_s)
        payload["meterValue"] = self._sample(transaction, "Transaction.End", "end_measurands")
        if transaction.token is not None and reason in ("Local", "Remote"):
            payload["idToken"] = self.token(transaction.token)
        return "TransactionEvent", payload

    def token_status(self, payload: Payload) -> str | None:
        """idTokenInfo.status of an answer."""
        found = payload.get("idTokenInfo")
        return None if found is None else str(found["status"])

    def _event(self, kind: str, transaction: Transaction, trigger: str) -> Payload:
        core = self.core
        payload: Payload = {
            "eventType": kind,
            "timestamp": core.stamp(),
            "triggerReason": trigger,
            "seqNo": transaction.seq_no,
            "transactionInfo": {"transactionId": transaction.id},
            "evse": {"id": transaction.evse, "connectorId": 1},
        }
        transaction.seq_no += 1
        if not core.online:
            payload["offline"] = True
        return payload

    def _sample(self, transaction: Transaction, context: str, setting: str) -> list[Payload]:
        return sample_v2(self.core, self.core.evses[transaction.evse], context, setting)
