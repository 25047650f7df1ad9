"""What a simulated swap cabinet deals in, and how it speaks: packs, faults, its voice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zerocity.protocols.ocpp.station.parts import Car, Message, Payload, Transaction
from zerocity.protocols.ocpp.station.v2 import VoiceV2

TOKEN_TYPE = "Central"


class SwapFault(StrEnum):
    """What can go wrong at a swap, to be provoked."""

    TIMEOUT = "the offered packs are not taken"
    UNREGISTERED = "a pack that nobody knows comes in"
    DUPLICATE = "BatteryIn is told twice, with a new message id"
    UNAUTHORISED = "nobody asked whether the token may swap"
    RESEND = "BatteryIn is sent twice under the same message id"


@dataclass(slots=True)
class Pack:
    """A pack outside a slot: soc and soh 0 to 1, capacity [kWh]."""

    serial: str
    soc: float
    soh: float = 0.95
    capacity_kwh: float = 50.0
    produced: str | None = None


class SwapVoice(VoiceV2):
    """A cabinet tells its slots by NotifyEvent, and charges on a token of its own."""

    def status(self, evse: int) -> Message | None:
        """NotifyEvent with the slot's AvailabilityState."""
        found = self.core.evses.get(evse)
        if found is None:
            return None
        self.events = getattr(self, "events", 0) + 1
        event: Payload = {
            "eventId": self.events,
            "timestamp": self.core.stamp(),
            "trigger": "Delta",
            "actualValue": self.connector_status(found),
            "component": {"name": "Connector", "evse": {"id": evse, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
            "eventNotificationType": "HardWiredNotification",
        }
        return "NotifyEvent", {
            "generatedAt": self.core.stamp(),
            "seqNo": 0,
            "eventData": [event],
        }

    def needs(self, transaction: Transaction, car: Car) -> None:
        """A pack in a slot has no car that could say what it needs."""
        return

    def token(self, token: str) -> Payload:
        """Riders and the cabinet are known by tokens of the centre."""
        return {"idToken": token, "type": TOKEN_TYPE}
