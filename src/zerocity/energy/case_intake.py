"""Read single values and tables of a case file, and note every mistake and repair on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from zerocity.energy.case_fields import REQUIRED, Field, Fields
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, Bools
from zerocity.measures.wording import did_you_mean, quote

LARGEST = 1e9
SHOWN_STEPS = 3


class Intake:
    """Collects the mistakes and the repairs of one case; never raises on bad input."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.errors: list[InputError] = []
        self.notes: list[str] = []

    def error(self, where: str, came: str, wanted: str, way_out: str = "") -> None:
        """Note a mistake that leaves nothing to plan with."""
        self.errors.append(InputError(where, came, wanted, way_out))

    def note(self, where: str, sentence: str) -> None:
        """Note a value that is planned around."""
        self.notes.append(f"{where}: {sentence}")

    def table(self, path: str, raw: object, fields: Fields, more: tuple[str, ...] = ()) -> Any:
        """Read one table; a value that could not be read is None."""
        if not isinstance(raw, Mapping):
            self.error(path or "case", quote(raw), "a table of fields")
            return dict.fromkeys(fields)
        known = (*fields, *more)
        for key in raw:
            if key not in known:
                way_out = did_you_mean(str(key), known, "Remove it.")
                wanted = f"one of {', '.join(sorted(known))}"
                self.error(_join(path, str(key)), "an unknown field", wanted, way_out)
        return {key: self._field(path, key, raw, one) for key, one in fields.items()}

    def _field(self, path: str, key: str, raw: Mapping[str, Any], one: Field) -> Any:
        where, value = _join(path, key), raw.get(key, one.default)
        if key not in raw or (value is None and one.default is not REQUIRED):
            if one.default is REQUIRED:
                self.error(where, "nothing", _wanted(one, self.steps), f"Write {key} = ...")
                return None
            value = one.default
            if value is None or one.kind not in ("series", "number"):
                return value
        if one.kind in ("text", "flag"):
            return self._plain(where, value, one)
        if one.kind in ("series", "numbers"):
            return self.series(where, value, one)
        return self._number(where, value, one)

    def _plain(self, where: str, value: object, one: Field) -> object:
        if isinstance(value, bool if one.kind == "flag" else str):
            return value
        self.error(where, quote(value), _wanted(one, self.steps))
        return None

    def _number(self, where: str, value: object, one: Field) -> float | int | None:
        if value is None or isinstance(value, bool) or not isinstance(value, int | float):
            self.error(where, quote(value), _wanted(one, self.steps), "Write it without quotes.")
            return None
        value = _float(value)
        if one.kind == "integer":
            if not math.isfinite(value) or value != int(value):
                self.error(where, quote(value), "a whole number")
                return None
            value = int(value)
        if value != value and one.repair and not isinstance(one.default, str):
            self.note(where, "is not a number; planned as if it were not given")
            return one.default  # type: ignore[return-value]
        kept = self._sound(where, np.array([value], dtype=np.float64), one, single=True)
        if kept is None:
            return None
        return int(kept[0]) if one.kind == "integer" else float(kept[0])

    def series(self, where: str, value: object, one: Field) -> F64 | None:
        """Read one value a step, or one for all; a list of its own length for "numbers"."""
        if isinstance(value, int | float) and not isinstance(value, bool) and one.kind == "series":
            found = self._number(where, value, Field("number", one.unit, REQUIRED, one.low,
                                 one.high, one.repair, one.above, one.infinite))  # fmt: skip
            return None if found is None else np.broadcast_to(np.float64(found), (self.steps,))
        if not isinstance(value, list | tuple | np.ndarray):
            self.error(where, quote(value), _wanted(one, self.steps), "Write it without quotes.")
            return None
        for at, item in enumerate(value):
            if item is not None and (isinstance(item, bool) or not isinstance(item, int | float)):
                wanted = f"a number in {one.unit}" if one.unit else "a number"
                self.error(f"{where}[{at}]", quote(item), wanted)
                return None
        if one.kind == "series" and len(value) != self.steps:
            wanted = f"{self.steps} values, one a step"
            self.error(where, f"{len(value)} values", wanted, "One value alone holds for all.")
            return None
        if not len(value):
            self.error(where, "no values", "at least one")
            return None
        return self._sound(where, np.array([_float(item) for item in value]), one)

    def _sound(self, where: str, values: F64, one: Field, single: bool = False) -> F64 | None:
        """Repair gaps and values out of range where the field says so, else refuse them."""
        gap = np.isnan(values)
        if gap.any() and not self._fill(where, values, gap, one, single):
            return None
        huge = np.abs(values) > LARGEST
        if one.infinite:
            huge &= ~np.isposinf(values)
        if huge.any():
            self.error(_at(where, huge, single), quote(float(values[huge][0])), "a finite number")
            return None
        bad = (values < one.low) | (values > one.high)
        if one.above:
            bad |= values <= one.low
        if bad.any():
            worst = float(values[bad][np.argmax(np.abs(values[bad]))])
            if not one.repair:
                self.error(_at(where, bad, single), f"{worst:g}", _span(one), _unit_hint(one))
                return None
            np.clip(values, one.low, one.high, out=values)
            came = f"{worst:g}" if single else f"{worst:g} at {steps_text(bad)}"
            self.note(where, f"{came} cannot be true; planned with {_nearest(worst, one)}")
        return values

    def _fill(self, where: str, values: F64, gap: Bools, one: Field, single: bool) -> bool:
        if one.repair not in ("last", "zero") or single or gap.all():
            wanted = _wanted(one, self.steps)
            self.error(_at(where, gap, single), "nothing or NaN", wanted, "Give the real value.")
            return False
        if one.repair == "zero":
            values[gap] = 0.0
            self.note(where, f"no value at {steps_text(gap)}; planned with 0")
            return True
        last = np.maximum.accumulate(np.where(gap, -1, np.arange(values.size)))
        last[last < 0] = int(np.argmin(gap))
        values[:] = values[last]
        self.note(where, f"no value at {steps_text(gap)}; planned with the last one known")
        return True


def _float(value: float | None) -> float:
    """A number as a double, NaN for nothing; a whole number beyond all doubles as infinite."""
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf if value is not None and value > 0 else -math.inf


def steps_text(chosen: Bools) -> str:
    """Name the chosen steps: "step 4", "steps 4 to 7", "steps 1, 5 and 9", "12 steps from 3 on"."""
    at = np.flatnonzero(chosen)
    if at.size == 1:
        return f"step {at[0]}"
    if at[-1] - at[0] == at.size - 1:
        return f"steps {at[0]} to {at[-1]}"
    if at.size <= SHOWN_STEPS:
        return f"steps {', '.join(str(i) for i in at[:-1])} and {at[-1]}"
    return f"{at.size} steps between {at[0]} and {at[-1]}"


def _at(where: str, bad: Bools, single: bool) -> str:
    return where if single else f"{where}, {steps_text(bad)}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _nearest(worst: float, one: Field) -> str:
    return f"{min(max(worst, one.low), one.high):g}"


def _unit_hint(one: Field) -> str:
    return f"It is in {one.unit}." if one.unit else ""


def _span(one: Field) -> str:
    low = f"above {one.low:g}" if one.above else f"at least {one.low:g}"
    if math.isinf(one.high):
        return low
    return f"{low}, at most {one.high:g}" if one.above else f"{one.low:g} to {one.high:g}"


def _wanted(one: Field, steps: int) -> str:
    words = {"text": "text", "flag": "true or false", "integer": "a whole number"}
    if one.kind in words:
        return words[one.kind]
    unit = f" in {one.unit}" if one.unit else ""
    if one.kind == "series":
        return f"a number{unit}, or {steps} of them, one a step"
    return f"a list of numbers{unit}" if one.kind == "numbers" else f"a number{unit}"
