"""Read the tables of a city folder against their fields and note every mistake on the way."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from zerocity.city.documents import Document, Path
from zerocity.city.figures import CERTAINTIES, USER_SOURCE, Figure, Value
from zerocity.city.problems import Problem, did_you_mean, listing, quote
from zerocity.city.schema import Field, Fields

FIGURE_KEYS = ("value", "unit", "source", "year", "certainty", "note", "weight")
LARGEST = 1e15
FIRST_YEAR, LAST_YEAR = 1900, 2200
DEFAULT_SOURCE = "default of the model"
_TEXT_KINDS = {"text": str, "flag": bool, "date": date}
_HOURS = re.compile(r"^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$")


class Reader:
    """Collects the figures and the problems of one folder; never raises on bad input."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.problems: list[Problem] = []

    def problem(
        self, doc: Document, path: Path, came: str, wanted: str, way_out: str, field: str = ""
    ) -> None:
        """Note a mistake at ``path`` of a document."""
        name = field or ".".join(path)
        self.problems.append(Problem(doc.file, doc.place(path), name, came, wanted, way_out))

    def table(self, doc: Document, path: Path, raw: object, fields: Fields) -> dict[str, Any]:
        """Read one table; the result lacks every key that could not be read."""
        if not isinstance(raw, Mapping):
            way_out = f"Write it as a table, [{'.'.join(path)}]."
            self.problem(doc, path, quote(raw), "a table of keys", way_out)
            return {}
        for key in raw:
            if key not in fields:
                self._unknown(doc, path, str(key), fields)
        values: dict[str, Any] = {}
        for key, field in fields.items():
            if field.kind == "section":
                continue
            if key in raw:
                self._one(doc, (*path, key), raw[key], field, values)
            elif field.required:
                way_out = _missing_way_out(field)
                self.problem(doc, (*path, key), "nothing", _wanted(field), way_out)
            else:
                self._default(doc, (*path, key), field)
        return values

    def _unknown(self, doc: Document, path: Path, key: str, fields: Fields) -> None:
        way_out = did_you_mean(key, fields, "Remove it.")
        wanted = f"one of {listing(fields)}"
        self.problem(doc, (*path, key), "an unknown key", wanted, way_out)

    def _default(self, doc: Document, path: Path, field: Field) -> None:
        numeric = field.kind in ("number", "integer") and field.default is not None
        if numeric and math.isfinite(field.default):
            name = ".".join((doc.stem, *path))
            note = "not given by the city"
            self.figures.append(
                Figure(name, field.default, field.unit, DEFAULT_SOURCE, 0, "assumed", note)
            )

    def _one(
        self, doc: Document, path: Path, raw: object, field: Field, values: dict[str, Any]
    ) -> None:
        if field.kind in ("text", "flag", "date", "texts"):
            value = self._plain(doc, path, raw, field)
        elif field.kind == "table":
            value = self._free_table(doc, path, raw, field)
        else:
            value = self.figure(doc, path, raw, field)
        if value is not None:
            values[field.key] = value

    def _plain(self, doc: Document, path: Path, raw: object, field: Field) -> object:
        if field.kind == "texts":
            fine = isinstance(raw, list) and all(
                isinstance(item, str) and _sound(item) for item in raw
            )
            if fine and isinstance(raw, list):
                return tuple(raw)
        elif isinstance(raw, _TEXT_KINDS[field.kind]) and _sound(raw):
            if field.choices and raw not in field.choices:
                way_out = did_you_mean(str(raw), field.choices, "Choose one of these.")
                self.problem(doc, path, quote(raw), f"one of {listing(field.choices)}", way_out)
                return None
            return raw
        self.problem(doc, path, quote(raw), _wanted(field), _missing_way_out(field))
        return None

    def _free_table(self, doc: Document, path: Path, raw: object, field: Field) -> object:
        if not isinstance(raw, Mapping):
            self.problem(doc, path, quote(raw), "a table of figures", _missing_way_out(field))
            return None
        each = Field("", "number", field.unit, field.low, field.high)
        found = {str(key): self.figure(doc, (*path, str(key)), raw[key], each) for key in raw}
        return {key: value for key, value in found.items() if value is not None}

    def figure(self, doc: Document, path: Path, raw: object, field: Field) -> Value | None:
        """Read one figure with its unit, source, year and certainty; None when unusable."""
        if not isinstance(raw, Mapping):
            self.problem(doc, path, quote(raw), _wanted(field), _missing_way_out(field))
            return None
        before = len(self.problems)
        for key in raw:
            if key not in FIGURE_KEYS:
                way_out = did_you_mean(str(key), FIGURE_KEYS, "Remove it.")
                wanted = f"one of {listing(FIGURE_KEYS)}"
                self.problem(doc, (*path, str(key)), "an unknown key", wanted, way_out)
        value = self._value(doc, path, raw.get("value"), field)
        self._unit(doc, path, raw, field)
        source, year, certainty = self.provenance(doc, path, raw)
        note, weight = raw.get("note", ""), raw.get("weight", 0)
        if not isinstance(note, str):
            self.problem(doc, (*path, "note"), quote(note), "text", "Put it in quotes.")
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 3:
            way_out = "0: the results hardly depend on it, 3: strongly."
            self.problem(doc, (*path, "weight"), quote(weight), "0, 1, 2 or 3", way_out)
        if value is None or len(self.problems) > before:
            return value
        name = ".".join((doc.stem, *path))
        self.figures.append(
            Figure(name, value, field.unit, source, year, certainty, str(note), int(weight))
        )
        return value

    def _unit(self, doc: Document, path: Path, raw: Mapping[str, Any], field: Field) -> None:
        if field.kind == "hours":
            return
        unit = raw.get("unit")
        if unit != field.unit and raw.get("source") != USER_SOURCE:
            came = quote(unit) if unit is not None else "no unit"
            way_out = f'Convert the value and write unit = "{field.unit}".'
            self.problem(doc, (*path, "unit"), came, f'"{field.unit}"', way_out)

    def provenance(self, doc: Document, path: Path, raw: Mapping[str, Any]) -> tuple[str, int, str]:
        """Check source, year and certainty of a figure or row; return them."""
        source, year, certainty = (raw.get(key) for key in ("source", "year", "certainty"))
        if not isinstance(source, str) or not source.strip():
            way_out = 'Name the document, or "assumption" and why.'
            came = "nothing" if source in (None, "") else quote(source)
            self.problem(doc, (*path, "source"), came, "where the figure comes from", way_out)
        if type(year) is not int or not FIRST_YEAR <= year <= LAST_YEAR:
            came = "nothing" if year is None else quote(year)
            wanted = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
            way_out = "Give the year that the figure describes."
            self.problem(doc, (*path, "year"), came, wanted, way_out)
        if certainty not in CERTAINTIES:
            came = "nothing" if certainty is None else quote(certainty)
            way_out = did_you_mean(str(certainty), CERTAINTIES, '"assumed" when in doubt.')
            self.problem(doc, (*path, "certainty"), came, listing(CERTAINTIES), way_out)
        return str(source), year if isinstance(year, int) else 0, str(certainty)

    def _value(self, doc: Document, path: Path, raw: object, field: Field) -> Value | None:
        if field.kind in ("numbers", "integers"):
            return self._numbers(doc, path, raw, field)
        if field.kind == "hours":
            return self._hours_text(doc, path, raw)
        return self.number(doc, path, raw, field)

    def _numbers(self, doc: Document, path: Path, raw: object, field: Field) -> Value | None:
        wanted = f"a list of {field.length} numbers" if field.length else "a list of numbers"
        if not isinstance(raw, list) or (field.length and len(raw) != field.length):
            came = f"{len(raw)} values" if isinstance(raw, list) else quote(raw)
            self.problem(doc, path, came, wanted, "Write value = [1, 2, 3].")
            return None
        each = Field("", field.kind[:-1], field.unit, field.low, field.high)
        found = [self.number(doc, path, item, each) for item in raw]
        return (
            None
            if any(item is None for item in found)
            else tuple(item for item in found if item is not None)
        )

    def _hours_text(self, doc: Document, path: Path, raw: object) -> Value | None:
        parts = raw.split(",") if isinstance(raw, str) else []
        if parts and all(_HOURS.match(part) for part in parts):
            return str(raw)
        wanted = 'hours like "06:00-08:00, 18:00-23:00"'
        self.problem(doc, path, quote(raw), wanted, "Use 24-hour times; 24:00 ends the day.")
        return None

    def number(self, doc: Document, path: Path, raw: object, field: Field) -> float | int | None:
        """Check one number: a finite one, whole where it must be, in its range."""
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            came = "nothing" if raw is None else quote(raw)
            way_out = "Give a value without quotes." if raw is not None else _missing_way_out(field)
            self.problem(doc, path, came, _wanted(field), way_out)
            return None
        if abs(raw) > LARGEST or raw != raw:
            way_out = "Give the real value."
            self.problem(doc, path, quote(raw), "a finite number of sensible size", way_out)
            return None
        if field.kind == "integer" and raw != int(raw):
            self.problem(doc, path, f"{raw:g}", "a whole number", "Round it.")
            return None
        if not field.low <= raw <= field.high:
            way_out = f"Correct the value; it is in {field.unit}."
            self.problem(doc, path, f"{raw:g}", _span(field), way_out)
            return None
        return int(raw) if field.kind == "integer" else float(raw)


def _sound(raw: object) -> bool:
    """Refuse control characters in texts, and dates with a time or out of any use."""
    if isinstance(raw, date):
        return type(raw) is date and FIRST_YEAR <= raw.year <= LAST_YEAR
    return not isinstance(raw, str) or raw.isprintable()


def hours_of(text: str) -> tuple[tuple[float, float], ...]:
    """Turn "06:00-08:00, 18:00-23:00" into ((6.0, 8.0), (18.0, 23.0)) [h]."""
    found = [_HOURS.match(part) for part in text.split(",")]
    return tuple(
        (int(one[1]) + int(one[2]) / 60.0, int(one[3]) + int(one[4]) / 60.0) for one in found if one
    )


def user_figure(old: object, value: object) -> dict[str, Any]:
    """Return the raw figure with the value that the user set, marked as such."""
    kept = (
        {key: old[key] for key in ("unit", "weight") if key in old}
        if isinstance(old, Mapping)
        else {}
    )
    year = old.get("year", 2000) if isinstance(old, Mapping) else 2000
    return {**kept, "value": value, "source": USER_SOURCE, "year": year, "certainty": "assumed",
            "note": "changed for this run"}  # fmt: skip


def _span(field: Field) -> str:
    if math.isinf(field.high):
        return f"at least {field.low:g}"
    if math.isinf(field.low):
        return f"at most {field.high:g}"
    return f"{field.low:g} to {field.high:g}"


def _wanted(field: Field) -> str:
    words = {
        "text": "text", "texts": "a list of names", "flag": "true or false",
        "date": "a date like 2026-01-01", "hours": "hours", "table": "a table of figures",
    }  # fmt: skip
    if field.choices:
        return f"one of {listing(field.choices)}"
    return words.get(field.kind, f"a figure in {field.unit}")


def _missing_way_out(field: Field) -> str:
    if field.kind in ("text", "texts", "flag", "date"):
        sample = {"text": '"..."', "texts": '["..."]', "flag": "true", "date": "2026-01-01"}
        return f"Write {field.key} = {sample[field.kind]}."
    return (
        f'Write {field.key or "it"} = {{ value = ..., unit = "{field.unit}", source = "...", '
        'year = 2025, certainty = "assumed" }.'
    )
