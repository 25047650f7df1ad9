"""A terminal's parameters: what the platform asks for and sets, as typed items.

Source: GB/T 32960.3-2016 tables B.11 to B.13, GB/T 32960.3-2025 tables B.7 to B.9. The length of a
domain name stands in the item before it (04 before 05, 0D before 0E). Parameters that the standard
leaves to others (11 and up) have no length that it tells; they are refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.fields import Edition, Field, Gap
from zerocity.protocols.gbt32960.frames import HEAD, FrameFault
from zerocity.protocols.gbt32960.messages import Clock, Settings

_FIRST_ITEM = 7
"""Bytes of time and count before the first item."""
_TEXT = {0x07: ("hardware_version", 5), 0x08: ("firmware_version", 5)}
_NAMES = {0x05: ("platform_domain", 0x04), 0x0E: ("public_domain", 0x0D)}
_COMMON = {
    0x01: Field("storage_period_ms", 2, most=60_000),
    0x04: Field("platform_domain_length", 1, gaps=False),
    0x06: Field("platform_port", 2, most=65_531),
    0x09: Field("heartbeat_s", 1, most=240),
    0x0A: Field("terminal_timeout_s", 2, most=600),
    0x0B: Field("platform_timeout_s", 2, most=600),
    0x0C: Field("login_pause_min", 1, most=240),
    0x0D: Field("public_domain_length", 1, gaps=False),
    0x0F: Field("public_port", 2, most=65_531),
    0x10: Field("sampled", 1, most=2),
}
NUMBERS = {
    Edition.Y2016: {
        **_COMMON,
        0x02: Field("report_period_s", 2, most=600),
        0x03: Field("alarm_period_ms", 2, most=60_000),
    },
    Edition.Y2025: {
        **_COMMON,
        0x02: Field("report_period_s", 1, most=30),
        0x03: Field("alarm_period_s", 1, most=1),
    },
}
"""By edition and id: the parameters that are numbers."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its id, its name with the unit, and its value."""

    id: int
    name: str
    value: int | str | Gap


def read_parameters(settings: Settings, edition: Edition) -> tuple[Parameter, ...]:
    """The items of a set command or of the answer to a query; raises `FrameFault`."""
    found: list[Parameter] = []
    lengths: dict[int, int] = {}
    data, at = settings.items, 0
    for _ in range(settings.count if settings.count < 254 else 0):
        if at >= len(data):
            raise FrameFault("block-length", _place(at), "fewer parameters than announced")
        item, size, name = data[at], *_size(data[at], edition, lengths, at)
        raw = data[at + 1 : at + 1 + size]
        if len(raw) < size:
            raise FrameFault("block-length", _place(at), f"{name} of {size} bytes, {len(raw)} left")
        value = _value(item, raw, edition)
        if isinstance(value, int):
            lengths[item] = value
        found.append(Parameter(item, name, value))
        at += 1 + size
    if at < len(data):
        raise FrameFault("trailing", _place(at), f"{len(data) - at} bytes behind the parameters")
    return tuple(found)


def write_parameters(
    clock: Clock, parameters: Sequence[tuple[int, int | str | Gap]], edition: Edition
) -> Settings:
    """The message that sets (or answers) parameters: pairs of id and value.

    A domain name brings its own length; leave 04 and 0D out. Raises `InputError`.
    """
    items, count = b"", 0
    for item, value in parameters:
        if item in _NAMES:
            text = str(value).encode("ascii", "replace")
            if len(text) > 255:
                raise InputError(_NAMES[item][0], f"{len(text)} characters", "at most 255")
            items += bytes((_NAMES[item][1], len(text), item)) + text
            count += 2
            continue
        items += bytes((item,)) + _bytes(item, value, edition)
        count += 1
    if count > 252:
        raise InputError("parameters", f"{count}", "at most 252")
    return Settings(clock, count, items)


def _place(at: int) -> int:
    return HEAD + _FIRST_ITEM + at


def _size(item: int, edition: Edition, lengths: dict[int, int], at: int) -> tuple[int, str]:
    if item in NUMBERS[edition]:
        known = NUMBERS[edition][item]
        return known.size, known.name
    if item in _TEXT:
        name, size = _TEXT[item]
        return size, name
    if item in _NAMES:
        name, length = _NAMES[item]
        if length in lengths:
            return lengths[length], name
        raise FrameFault("parameter", _place(at), f"{name} without its length ({length:02X})")
    raise FrameFault("parameter", _place(at), f"{item:02X}, whose length the standard leaves open")


def _value(item: int, raw: bytes, edition: Edition) -> int | str | Gap:
    if item in NUMBERS[edition]:
        value = NUMBERS[edition][item].value(int.from_bytes(raw, "big"))
        return value if isinstance(value, Gap) else int(value)
    return raw.decode("latin-1").rstrip("\0 ")


def _bytes(item: int, value: int | str | Gap, edition: Edition) -> bytes:
    if item in NUMBERS[edition] and not isinstance(value, str):
        known = NUMBERS[edition][item]
        return known.raw(value).to_bytes(known.size, "big")
    if item in _TEXT and isinstance(value, str):
        name, size = _TEXT[item]
        text = value.encode("latin-1", "replace")
        if len(text) > size:
            raise InputError(name, f"{len(text)} characters", f"at most {size}")
        return text.ljust(size, b"\0")
    raise InputError(f"parameter {item:02X}", repr(value), "a known parameter and its kind")
