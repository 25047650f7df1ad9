"""Messages as plain values for JSON: names spelled out, times in UTC, bytes in hex.

A reading that is marked as abnormal or invalid stands there as that word, not as a number.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from zerocity.protocols.gbt32960.blocks import Alarm, Private, Unknown
from zerocity.protocols.gbt32960.fields import Edition, Gap, alarm_names, gear_name
from zerocity.protocols.gbt32960.frames import Command, Frame, Response, mask_vin
from zerocity.protocols.gbt32960.messages import Activation, Clock, Message, Report

SECRET = frozenset({"password", "key"})
"""Fields whose content is never shown."""
_DIGITS = 6
"""Places behind the point: the wire's finest step is a millionth of a degree."""


def plain_frame(frame: Frame, message: Message, *, show_vin: bool = False) -> dict[str, Any]:
    """A frame and what it says; the VIN masked unless ``show_vin``."""
    commands, responses = list(Command), list(Response)
    known = frame.command in commands
    return {
        "edition": frame.edition.value,
        "command": Command(frame.command).name.lower() if known else f"{frame.command:02X}",
        "response": Response(frame.response).name.lower()
        if frame.response in responses
        else f"{frame.response:02X}",
        "vin": _vin(frame.vin, show_vin),
        "message": type(message).__name__,
        **_fields(message, frame.edition, show_vin),
    }


def _vin(vin: str, show: bool) -> str:
    return vin if show else mask_vin(vin)


def _fields(record: Any, edition: Edition, show_vin: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name == "clock":
            found["at"] = _plain(value, edition, show_vin)
        elif field.name in SECRET:
            found[field.name] = "hidden"
        elif field.name == "vin" and isinstance(record, Activation):
            found["vin"] = _vin(value, show_vin)
        elif field.name == "blocks" and isinstance(record, Report):
            found["blocks"] = [_block(block, edition, show_vin) for block in value]
        elif value is not None:
            found[field.name] = _plain(value, edition, show_vin)
    return found


def _block(block: Any, edition: Edition, show_vin: bool) -> dict[str, Any]:
    found = {"block": type(block).__name__.lower(), **_fields(block, edition, show_vin)}
    if isinstance(block, Alarm):
        found["names"] = list(alarm_names(block.bits, edition))
    elif isinstance(block, (Private, Unknown)):
        found["kind"] = f"{block.kind:02X}"
    elif "gear" in found:
        found["gear_name"] = gear_name(found["gear"])
    return found


def _plain(value: Any, edition: Edition, show_vin: bool) -> Any:
    if isinstance(value, Clock):
        at = value.utc()
        value = at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else f"no time: {tuple(value)}"
    elif isinstance(value, Gap):
        value = value.value
    elif isinstance(value, bytes):
        value = value.hex()
    elif isinstance(value, float):
        value = round(value, _DIGITS)
    elif isinstance(value, tuple):
        value = [_plain(each, edition, show_vin) for each in value]
    elif is_dataclass(value):
        value = _fields(value, edition, show_vin)
    return value
