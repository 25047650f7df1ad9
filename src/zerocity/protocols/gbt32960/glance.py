"""One look at a report while it passes: is it whole, and what does it say of the moment?

The gateway must know before it acknowledges that a report can be read to its end, and it needs the
charge, the place and the alarms at once. This walks the blocks without making any object of them;
`messages` reads everything, `columns` reads many. Sizes are those of the tables named there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from zerocity.live.vehicles import NAN, Report
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import HEAD, FrameFault
from zerocity.protocols.gbt32960.peer import TIME_BYTES, utc_of

_VEHICLE = struct.Struct(">BBxHIHHB")
_PLACE = struct.Struct(">II")
_WORD = struct.Struct(">H")
_NO_BYTE, _NO_WORD, _NO_LONG = 0xFE, 0xFFFE, 0xFFFF_FFFE
CHARGING = {1: "parked", 2: "driving", 3: "none", 4: "full"}
_CURRENT_ZERO = {Edition.Y2016: 1000.0, Edition.Y2025: 3000.0}
_UNFIXED, _SOUTH, _WEST = 1, 2, 4

utc_of_cached = lru_cache(8192)(utc_of)


class Signed(NamedTuple):
    """A signature as it stands in a report, and the bytes that it covers."""

    signed: bytes
    algorithm: int
    r: bytes
    s: bytes


@dataclass(slots=True)
class Glance:
    """What one look tells: the report, alarm levels by bit (2025), the signature (2025)."""

    report: Report
    levels: dict[int, int] | None = None
    signed: Signed | None = None


class _Ends(Exception):  # noqa: N818 - a way out of a walk, not an error
    """The rest of the unit is of a kind whose length the standard does not tell."""


def glance(unit: bytes, edition: Edition) -> Glance:
    """Look at the data unit of a report.

    Raises
    ------
    FrameFault : no time, or a block that ends beyond the unit; the offset counts from the frame's
        first byte (the unit begins at 24).
    """
    at = utc_of_cached(unit[:TIME_BYTES]) if len(unit) >= TIME_BYTES else None
    if at is None:
        raise FrameFault("time", HEAD, unit[:TIME_BYTES].hex() or "nothing")
    found = Glance(Report(at))
    walks, place, end = _WALKS[edition], TIME_BYTES, len(unit)
    try:
        while place < end:
            walk = walks[unit[place]]
            after = walk(unit, place + 1, found) if callable(walk) else place + 1 + walk
            if after > end:
                raise _too_long(unit[place], place, after, end)
            place = after
    except (IndexError, struct.error):
        raise _too_long(unit[place], place, end + 1, end) from None
    except _Ends:
        pass
    return found


def _too_long(kind: int, place: int, after: int, end: int) -> FrameFault:
    more = after - end
    came = f"type {kind:02X} needs at least {more} more bytes than the unit has"
    return FrameFault("block", HEAD + place, came)


def _known(raw: int, limit: int, scale: float, add: float = 0.0) -> float:
    return raw * scale + add if raw < limit else NAN


def _vehicle(size: int, zero_a: float) -> _Walk:
    def walk(unit: bytes, at: int, found: Glance) -> int:
        _, charging, speed, odometer, voltage, current, soc = _VEHICLE.unpack_from(unit, at)
        report = found.report
        report.charging = CHARGING.get(charging, "")
        report.speed_kmh = _known(speed, _NO_WORD, 0.1)
        report.odometer_km = _known(odometer, _NO_LONG, 0.1)
        report.voltage_v = _known(voltage, _NO_WORD, 0.1)
        # Makers send the current out of the battery as positive; ours is positive into it.
        report.current_a = _known(current, _NO_WORD, -0.1, zero_a)
        report.soc = _known(soc, _NO_BYTE, 0.01)
        return at + size

    return walk


def _position(before: int) -> _Walk:
    def walk(unit: bytes, at: int, found: Glance) -> int:
        flags = unit[at]
        east, north = _PLACE.unpack_from(unit, at + before)
        if not flags & _UNFIXED:
            found.report.longitude = east * (-1e-6 if flags & _WEST else 1e-6)
            found.report.latitude = north * (-1e-6 if flags & _SOUTH else 1e-6)
        return at + before + _PLACE.size

    return walk


def _alarm_2016(unit: bytes, at: int, found: Glance) -> int:
    report = found.report
    report.alarm_level = level if (level := unit[at]) < _NO_BYTE else -1
    report.alarm_bits = int.from_bytes(unit[at + 1 : at + 5], "big")
    at += 5
    for _ in range(4):
        count = unit[at]
        at += 1 + (4 * count if count < _NO_BYTE else 0)
    return at


def _alarm_2025(unit: bytes, at: int, found: Glance) -> int:
    at = _alarm_2016(unit, at, found)
    count = unit[at] if unit[at] < _NO_BYTE else 0
    pairs = unit[at + 1 : at + 1 + 2 * count]
    found.levels = dict(zip(pairs[::2], pairs[1::2], strict=False))
    return at + 1 + 2 * count


def _many(size: int, codes: int) -> _Walk:
    """A count of one byte, none from ``codes`` up, then as many of ``size`` bytes."""

    def walk(unit: bytes, at: int, _found: Glance) -> int:
        count = unit[at]
        return at + 1 + (size * count if count < codes else 0)

    return walk


def _packs(head: int, count_at: int, wide: bool, each: int) -> _Walk:
    """Packs with ``head`` bytes each, in which a count says how many ``each`` bytes follow."""

    def walk(unit: bytes, at: int, _found: Glance) -> int:
        packs = unit[at]
        at += 1
        for _ in range(packs if packs < _NO_BYTE else 0):
            if wide:
                count = _WORD.unpack_from(unit, at + count_at)[0]
                count = count if count < _NO_WORD else 0
            else:
                count = unit[at + count_at]
            at += head + each * count
        return at

    return walk


def _counted(at_word: int, fixed: int, each: int) -> _Walk:
    """``fixed`` bytes, in which a word says how many ``each`` bytes there are besides."""

    def walk(unit: bytes, at: int, _found: Glance) -> int:
        count = _WORD.unpack_from(unit, at + at_word)[0]
        return int(at + fixed + each * (count if count < _NO_WORD else 0))

    return walk


def _private(unit: bytes, at: int, _found: Glance) -> int:
    return int(at + 2 + _WORD.unpack_from(unit, at)[0])


def _capacitor(unit: bytes, at: int, _found: Glance) -> int:
    cells = _WORD.unpack_from(unit, at + 5)[0]
    at += 7 + 2 * (cells if cells < _NO_WORD else 0)
    probes = _WORD.unpack_from(unit, at)[0]
    return int(at + 2 + (probes if probes < _NO_WORD else 0))


def _signature(unit: bytes, at: int, found: Glance) -> int:
    start, algorithm = at - 1, unit[at]
    r_size = _WORD.unpack_from(unit, at + 1)[0]
    s_at = at + 3 + r_size
    after = s_at + 2 + _WORD.unpack_from(unit, s_at)[0]
    if after < len(unit):
        came = f"{len(unit) - after} bytes behind the signature"
        raise FrameFault("trailing", HEAD + after, came)
    found.signed = Signed(unit[:start], algorithm, unit[at + 3 : s_at], unit[s_at + 2 : after])
    return int(after)


def _unknown(_unit: bytes, _at: int, _found: Glance) -> int:
    raise _Ends


_Walk = Callable[[bytes, int, Glance], int]


def _walks(known: dict[int, int | _Walk]) -> list[int | _Walk]:
    private: dict[int, int | _Walk] = dict.fromkeys(range(0x80, 0xFF), _private)
    return [{**private, **known}.get(kind, _unknown) for kind in range(256)]


_WALKS: dict[Edition, list[int | _Walk]] = {
    Edition.Y2016: _walks(
        {
            0x01: _vehicle(20, _CURRENT_ZERO[Edition.Y2016]),
            # The number of motors has no codes in 2016: FE is 254 of them.
            0x02: _many(12, 0x100),
            0x03: _counted(6, 18, 1),
            0x04: 5,
            0x05: _position(1),
            0x06: 14,
            0x07: _alarm_2016,
            0x08: _packs(10, 9, False, 2),
            0x09: _packs(3, 1, True, 1),
        }
    ),
    Edition.Y2025: _walks(
        {
            0x01: _vehicle(18, _CURRENT_ZERO[Edition.Y2025]),
            0x02: _many(10, _NO_BYTE),
            0x03: 12,
            0x04: 2,
            0x05: _position(2),
            0x06: _alarm_2025,
            0x07: _packs(7, 5, True, 2),
            0x08: _packs(3, 1, True, 1),
            0x30: _packs(12, 10, True, 1),
            0x31: _capacitor,
            0x32: 18,
            0xFF: _signature,
        }
    ),
}


def moment(unit: bytes) -> datetime | None:
    """The time at the head of a data unit, UTC; None where there is none."""
    return utc_of_cached(unit[:TIME_BYTES]) if len(unit) >= TIME_BYTES else None
