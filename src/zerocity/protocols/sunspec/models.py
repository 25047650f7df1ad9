"""SunSpec models as registers: layouts read from the alliance's own definitions.

Values are numbers in the units of the definition (W, Wh, %, V) after their scale factor; None is
"not implemented" (SunSpec Information Model Specification, section 4: 0x8000 for signed 16 bit,
0xFFFF for unsigned, and so on).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# "SunS", the mark at the beginning of a map, and the places where a map may begin.
MARK = (0x5375, 0x6E53)
STARTS = (40000, 0, 50000)
END = 0xFFFF
COMMON, METER, MEASURE, CONTROL, CAPACITY = 1, 203, 701, 704, 713

_WIDTH = {
    "int16": ("h", -0x8000), "uint16": ("H", 0xFFFF), "acc16": ("H", 0), "enum16": ("H", 0xFFFF),
    "bitfield16": ("H", 0xFFFF), "sunssf": ("h", -0x8000), "pad": ("H", 0x8000),
    "count": ("H", 0xFFFF), "raw16": ("H", 0xFFFF),
    "int32": ("i", -0x80000000), "uint32": ("I", 0xFFFFFFFF), "acc32": ("I", 0),
    "bitfield32": ("I", 0xFFFFFFFF), "enum32": ("I", 0xFFFFFFFF),
    "int64": ("q", -(2**63)), "uint64": ("Q", 2**64 - 1), "acc64": ("Q", 0),
    "bitfield64": ("Q", 2**64 - 1),
}  # fmt: skip
# A counter that was never implemented is zero, and so is one that begins.
_COUNTERS = frozenset({"acc16", "acc32", "acc64"})


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a model: its first register, counted from the model's ID, and its kind."""

    name: str
    offset: int
    size: int
    kind: str
    scale: str | int | None


@dataclass(frozen=True)
class Layout:
    """The fixed part of a model; ``length`` registers follow ID and length."""

    model: int
    points: Mapping[str, Point]
    length: int

    def decoded(self, registers: Sequence[int]) -> dict[str, float | str | None]:
        """Every point of a block that begins at the model's ID; ValueError when it is too short."""
        if len(registers) < 2 + self.length:
            raise ValueError(f"model {self.model} has {len(registers)} registers")
        raw = struct.pack(f">{len(registers)}H", *registers)
        plain = {p.name: _read(p, raw) for p in self.points.values()}
        return {name: self._scaled(name, value, plain) for name, value in plain.items()}

    def encoded(
        self, values: Mapping[str, float | str | None], scales: Mapping[str, int]
    ) -> list[int]:
        """The model's registers with its ID and length; points not named are not implemented.

        scales : exponent of ten of each scale factor point. A value beyond what its registers hold
        is not implemented.
        """
        raw = bytearray(2 * (2 + self.length))
        for point in self.points.values():
            value: Any = values.get(point.name)
            if point.name == "ID":
                value = self.model
            elif point.name == "L":
                value = self.length
            elif point.kind == "sunssf":
                value = scales.get(point.name)
            elif isinstance(point.scale, str) and value is not None:
                value = value / 10.0 ** scales[point.scale] if point.scale in scales else None
            elif isinstance(point.scale, int) and value is not None:
                value = value / 10.0**point.scale
            _write(point, raw, value)
        return list(struct.unpack(f">{2 + self.length}H", raw))

    def _scaled(self, name: str, value: Any, plain: Mapping[str, Any]) -> float | str | None:
        point = self.points[name]
        if value is None or isinstance(value, str) or point.scale is None:
            found: float | str | None = value
            return found
        factor = point.scale if isinstance(point.scale, int) else plain.get(point.scale)
        # A point whose scale factor is missing says nothing (section 4.5).
        return None if factor is None or abs(factor) > 10 else float(value * 10.0**factor)


def _read(point: Point, raw: bytes) -> Any:
    at = 2 * point.offset
    if point.kind == "string":
        text = raw[at : at + 2 * point.size].split(b"\0")[0]
        return text.decode("latin-1")
    if point.kind not in _WIDTH:
        return None
    code, absent = _WIDTH[point.kind]
    (value,) = struct.unpack_from(f">{code}", raw, at)
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
        number = round(value)
    try:
        struct.pack_into(f">{code}", raw, at, number)
    except struct.error:
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


def _points(group: Mapping[str, Any], prefix: str, offset: int, points: dict[str, Point]) -> int:
    for one in group["points"]:
        size = int(one["size"])
        name = prefix + one["name"]
        points[name] = Point(name, offset, size, one["type"], one.get("sf"))
        offset += size
    return offset
