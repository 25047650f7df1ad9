"""Priority charging, allowed energy transfer, and the reserve signal of OCPP 2.1 (K22, Q, P)."""

from __future__ import annotations

from zerocity.protocols.ocpp.office.charging_needs import session_named, set_priority
from zerocity.protocols.ocpp.office.handling import Context, Payload, Reply
from zerocity.protocols.ocpp.office.orders import asked
from zerocity.storage.recorder import Row


def priority_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of UsePriorityCharging: only what the station accepted changes the order."""
    request = asked(token)
    session = session_named(context, request.get("transactionId", ""))
    if session is not None and payload["status"] == "Accepted":
        set_priority(context.registry, session, request["activate"])
        context.registry.changed(context.station.site)
    return []


def transfer_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of NotifyAllowedEnergyTransfer: whether the vehicle may be discharged (Q02)."""
    request = asked(token)
    session = session_named(context, request.get("transactionId", ""))
    if session is None or payload["status"] != "Accepted":
        return []
    if not any("BPT" in mode for mode in request["allowedEnergyTransfer"]):
        context.station.file.v2x.pop(session.evse, None)
        context.registry.changed(context.station.site)
    return []


REPLIES: dict[str, Reply] = {
    "UsePriorityCharging": priority_answered,
    "NotifyAllowedEnergyTransfer": transfer_answered,
}
