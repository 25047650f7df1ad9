"""Messages on a station's display (OCPP 2.x O01-O06)."""

from __future__ import annotations

from typing import Any

import orjson

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.orders import V2, asked
from zerocity.storage.recorder import Row


def display_messages(context: Context, payload: Payload) -> Outcome:
    """NotifyDisplayMessages: what the display shows, in parts."""
    return Outcome({}, [_row(context, m["id"], m) for m in payload.get("messageInfo", [])])


def message_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetDisplayMessage."""
    message = asked(token).get("message")
    if message is None or payload["status"] != "Accepted":
        return []
    return [_row(context, message["id"], message)]


def message_cleared(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ClearDisplayMessage; one that is unknown there is gone as well."""
    number = asked(token).get("id")
    if number is None or payload["status"] == "Rejected":
        return []
    return [_row(context, number, None)]


def _row(context: Context, number: int, message: Any) -> Row:
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": "DisplayMessage",
            "variable": str(number),
            "evse": 0,
            "attribute": "Actual",
            "value": "" if message is None else orjson.dumps(message).decode(),
            "changed_at": context.at,
        },
    )


HANDLERS: dict[tuple[Version, str], Handler] = {
    (version, "NotifyDisplayMessages"): display_messages for version in V2
}
REPLIES: dict[str, Reply] = {
    "SetDisplayMessage": message_set,
    "ClearDisplayMessage": message_cleared,
}
