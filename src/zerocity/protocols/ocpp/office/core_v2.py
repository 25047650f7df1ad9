"""OCPP 2.0.1 and 2.1 core: status, events, meter values outside transactions (part 2, G, J, N)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Unlawful
from zerocity.protocols.ocpp.office.meter_values import Told2, samples_v2, told
from zerocity.protocols.ocpp.office.rows import connector_row, message_row
from zerocity.protocols.ocpp.office.transactions import happened_at, show
from zerocity.storage.recorder import Row

STATUSES = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})
AVAILABILITY = "AvailabilityState"


def status_notification(context: Context, payload: Payload) -> Outcome:
    """StatusNotification of a connector (G01)."""
    at = happened_at(context, payload["timestamp"])
    rows = set_status(
        context, payload["evseId"], payload["connectorId"], payload["connectorStatus"], at
    )
    if rows is None:
        where = f"evseId {payload['evseId']}, connectorId {payload['connectorId']}"
        raise Unlawful("PropertyConstraintViolation", f"{where}: there is none")
    return Outcome({}, rows)


def set_status(
    context: Context, evse: int, connector: int, word: str, at: datetime
) -> list[Row] | None:
    """Take a connector's status; a late one changes nothing. None where there is no connector."""
    seat = context.registry.connector(context.station, evse, connector)
    if seat is None:
        return None
    # A station whose clock runs ahead must not bar its own later news.
    at = min(at, context.at)
    if seat.status_at is not None and at < seat.status_at:
        return []
    seat.status, seat.status_at = word.lower(), at
    if seat.status != "occupied":
        seat.power_kw, seat.power_at_s = 0.0, context.now_s
    context.registry.changed(context.station.site)
    return [connector_row(seat, at)]


def meter_values(context: Context, payload: Any) -> Outcome:
    """MeterValues outside a transaction: they show a plug's power and bill nobody (J01)."""
    said = told(payload, Told2)
    samples, evse = samples_v2(said.meterValue, []), said.evseId
    seats = [seat for seat in context.station.connectors.values() if seat.evse == evse]
    if evse > 0 and len(seats) == 1:
        show(context, seats[0], samples)
    return Outcome({}, [message_row(context, "MeterValues", payload)])


def availability(context: Context, event: Payload) -> list[Row] | None:
    """Take an event of NotifyEvent that tells a connector's availability, None for any other.

    OCPP 2.1 tells it so instead of by StatusNotification (G01, N07).
    """
    component, word = event["component"], event["actualValue"]
    if event["variable"]["name"] != AVAILABILITY or word not in STATUSES:
        return None
    place = component.get("evse")
    if component["name"] not in ("Connector", "EVSE") or place is None:
        return None
    at = happened_at(context, event["timestamp"])
    return set_status(context, place["id"], place.get("connectorId", 1), word, at)


def data_transfer(context: Context, payload: Payload) -> Outcome:
    """DataTransfer: no vendor's own messages are known here."""
    return Outcome({"status": "UnknownVendorId"})


_BOTH: dict[str, Handler] = {
    "StatusNotification": status_notification,
    "MeterValues": meter_values,
    "DataTransfer": data_transfer,
}
HANDLERS: dict[tuple[Version, str], Handler] = {
    (version, action): handler
    for version in (Version.V201, Version.V21)
    for action, handler in _BOTH.items()
}
