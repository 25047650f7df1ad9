"""SunSpec models as registers: layouts read from the alliance's own definitions.

Values are numbers in the units of the definition (W, Wh, %, V) after their scale factor; None is
"not implemented" (SunSpec Device Information Model Specification 1.1, section 4: 0x8000 for signed
16 bit, 0xFFFF for unsigned, NaN for floats, and so on).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Values = Mapping[str, float | str | None]

# "SunS", the mark at the beginning of a map, and the places where a map may begin.
MARK = (0x5375, 0x6E53)
STARTS = (40000, 0, 50000)
END = 0xFFFF
COMMON = 1
# Largest exponent of a scale factor (the same specification, section 4.5).
MOST_EXPONENT = 10

# Kind -> how it is packed, and the number that says "not implemented".
_WIDTH = {
    "int16": ("h", -0x8000), "uint16": ("H", 0xFFFF), "acc16": ("H", 0), "enum16": ("H", 0xFFFF),
    "bitfield16": ("H", 0xFFFF), "sunssf": ("h", -0x8000), "pad": ("H", 0x8000),
    "count": ("H", 0xFFFF), "raw16": ("H", 0xFFFF),
    "int32": ("i", -0x80000000), "uint32": ("I", 0xFFFFFFFF), "acc32": ("I", 0),
    "bitfield32": ("I", 0xFFFFFFFF), "enum32": ("I", 0xFFFFFFFF),
    "int64": ("q", -(2**63)), "uint64": ("Q", 2**64 - 1), "acc64": ("Q", 0),
    "bitfield64": ("Q", 2**64 - 1), "float32": ("f", math.nan), "float64": ("d", math.nan),
}  # fmt: skip
# A counter that was never implemented is zero, and so is one that begins.
_COUNTERS = frozenset({"acc16", "acc32", "acc64"})
_FLOATS = frozenset({"float32", "float64"})


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a model: its first register, counted from the model's ID, and its kind."""

    name: str
    offset: int
    size: int
    kind: str
    scale: str | int | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some points of a model and their scale factors, in one run of registers.

    first : where the run begins, counted from the model's ID. count : its registers.
    """

    first: int
    count: int
    points: tuple[Point, ...]

    def decoded(self, registers: Sequence[int]) -> dict[str, float | str | None]:
        """The points by name; ValueError when the run is too short."""
        if len(registers) < self.count:
            raise ValueError(f"{len(registers)} registers came, {self.count} were asked for")
        raw = struct.pack(f">{len(registers)}H", *registers)
        plain = {p.name: _read(p, raw, self.first) for p in self.points}
        return {p.name: _scaled(p, plain[p.name], plain) for p in self.points}


@dataclass(frozen=True)
class Layout:
    """The fixed part of a model; ``length`` registers follow ID and length."""

    model: int
    points: Mapping[str, Point]
    length: int

    def part(self, names: Iterable[str]) -> Part:
        """The run of registers that holds these points and their scale factors."""
        wanted = {name: self.points[name] for name in names}
        for point in list(wanted.values()):
            if isinstance(point.scale, str):
                wanted[point.scale] = self.points[point.scale]
        found = tuple(sorted(wanted.values(), key=lambda p: p.offset))
        first = found[0].offset
        return Part(first, found[-1].offset + found[-1].size - first, found)

    def decoded(self, registers: Sequence[int]) -> dict[str, float | str | None]:
        """Every point of a block that begins at the model's ID; ValueError when it is too short."""
        return Part(0, 2 + self.length, tuple(self.points.values())).decoded(registers)

    def encoded(self, values: Values, scales: Mapping[str, int]) -> list[int]:
        """The model's registers with its ID and length; points not named are not implemented.

        scales : exponent of ten of each scale factor point. A value beyond what its registers hold
        is not implemented.
        """
        raw = bytearray(2 * (2 + self.length))
        given: dict[str, Any] = {**values, **scales, "ID": self.model, "L": self.length}
        for point in self.points.values():
            value = given.get(point.name)
            if not isinstance(value, str):
                value = _unscaled(point, value, scales)
            _write(point, raw, value)
        return list(struct.unpack(f">{2 + self.length}H", raw))

    def registers(self, name: str, value: float, scales: Values) -> list[int]:
        """The registers of one point that is to be written.

        scales : the device's own scale factors. ValueError when it has none for the point, or the
        value does not fit.
        """
        point = self.points[name]
        known = {k: int(v) for k, v in scales.items() if isinstance(v, int | float)}
        number = _unscaled(point, value, known)
        raw = bytearray(2 * point.size)
        at_start = Point(name, 0, point.size, point.kind, point.scale)
        _write(at_start, raw, number)
        if number is None or _read(at_start, bytes(raw), 0) is None:
            raise ValueError(f"{name} of model {self.model} cannot say {value:g}")
        return list(struct.unpack(f">{point.size}H", raw))


def _scaled(point: Point, value: Any, plain: Mapping[str, Any]) -> float | str | None:
    if value is None or isinstance(value, str) or point.scale is None:
        found: float | str | None = value
        return found
    factor = point.scale if isinstance(point.scale, int) else plain.get(point.scale)
    # A point whose scale factor is missing says nothing.
    if factor is None or abs(factor) > MOST_EXPONENT:
        return None
    return float(value * 10.0**factor)


def _unscaled(point: Point, value: Any, scales: Mapping[str, int]) -> float | None:
    if value is None or point.scale is None:
        found: float | None = value
        return found
    factor = point.scale if isinstance(point.scale, int) else scales.get(point.scale)
    if factor is None or abs(factor) > MOST_EXPONENT:
        return None
    return float(value) / 10.0**factor


def _read(point: Point, raw: bytes, first: int) -> Any:
    at = 2 * (point.offset - first)
    if point.kind == "string":
        text = raw[at : at + 2 * point.size].split(b"\0")[0]
        return text.decode("latin-1")
    if point.kind not in _WIDTH:
        return None
    code, absent = _WIDTH[point.kind]
    (value,) = struct.unpack_from(f">{code}", raw, at)
    if point.kind in _FLOATS:
        return value if math.isfinite(value) else None
    return None if value == absent and point.kind not in _COUNTERS else value


def _write(point: Point, raw: bytearray, value: Any) -> None:
    at = 2 * point.offset
    if point.kind == "string":
        text = str(value or "").encode("latin-1", "replace")[: 2 * point.size]
        raw[at : at + len(text)] = text
        return
    if point.kind not in _WIDTH:
        return
    code, absent = _WIDTH[point.kind]
    number = absent
    if value is not None and math.isfinite(value):
        number = value if point.kind in _FLOATS else round(value)
    try:
        struct.pack_into(f">{code}", raw, at, number)
    except (struct.error, OverflowError):
        struct.pack_into(f">{code}", raw, at, absent)


@cache
def layout(model: int) -> Layout:
    """The fixed part of a model; KeyError for one that the alliance has not published."""
    place = files("sunspec2") / "models" / "json" / f"model_{model}.json"
    try:
        group = json.loads(place.read_text(encoding="utf-8"))["group"]
    except FileNotFoundError as error:
        raise KeyError(f"there is no SunSpec model {model}") from error
    points: dict[str, Point] = {}
    offset = _points(group, "", 0, points)
    for inner in group.get("groups", []):
        if inner.get("count", 1) == 1:
            offset = _points(inner, f"{inner['name']}.", offset, points)
    return Layout(model, points, offset - 2)


@cache
def part(model: int, *names: str) -> Part:
    """The run of registers of a model that holds these points and their scale factors."""
    return layout(model).part(names)


def _points(group: Mapping[str, Any], prefix: str, offset: int, points: dict[str, Point]) -> int:
    for one in group["points"]:
        size = int(one["size"])
        name = prefix + one["name"]
        points[name] = Point(name, offset, size, one["type"], one.get("sf"))
        offset += size
    return offset
