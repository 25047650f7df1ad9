"""The way of messages that come by the thousand: their bytes are read straight into their types.

Reading, checking and naming in one step costs a third of a dictionary and its check. What a lane
takes keeps the official schema; what it leaves goes the long way, which takes it or says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from zerocity.protocols.ocpp.actions import CALLED_BY, schema_name
from zerocity.protocols.ocpp.frames import CALL, LONGEST_ID, Call
from zerocity.protocols.ocpp.structs import strict_struct_of
from zerocity.protocols.ocpp.versions import Role, Version

Lanes = Mapping[str, msgspec.json.Decoder[Any]]

_MESSAGE_ID = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
_HEAD = msgspec.json.Decoder(tuple[Literal[CALL], _MESSAGE_ID, str, msgspec.Raw])  # type: ignore[valid-type]


@cache
def lanes(version: Version, names: frozenset[str]) -> Lanes:
    """The lanes of those of these actions that a station of the edition may call.

    Raises ValueError for one whose schema says more than types can.
    """
    return {
        name: msgspec.json.Decoder(
            strict_struct_of(version, f"{name}Request", schema_name(version, name, "request"))
        )
        for name in names & CALLED_BY[version, Role.STATION]
    }


def read_lane(data: bytes, open_lanes: Lanes) -> Call | None:
    """A call whose payload is a struct with the names of the wire; None if no lane takes it."""
    if b"\\" in data:  # an escape may hide what cannot be kept
        return None
    try:
        _, message_id, action, payload = _HEAD.decode(data)
        lane = open_lanes.get(action)
        return Call(message_id, action, lane.decode(payload)) if lane is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
