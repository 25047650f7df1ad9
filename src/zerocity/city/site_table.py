"""Site features to the arrays of `Sites`, and the figures that stand for each kind of site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zerocity.city.documents import Document
from zerocity.city.figures import USER_SOURCE, Figure
from zerocity.city.places import Sites
from zerocity.city.problems import did_you_mean, listing, quote
from zerocity.city.reader import Reader
from zerocity.city.schema import Field, field
from zerocity.city.tables import SITE

POSITION = {key: field(key, "number") for key in ("longitude", "latitude")}
NUMERIC = tuple(key for key, one in SITE.items() if one.kind in ("number", "integer"))


def read_sites(reader: Reader, document: Document) -> Sites | None:
    """Read all features; None when a value of any site is unusable."""
    raw_sites = document.data.get("sites", {})
    before = len(reader.problems)
    rows = [_row(reader, document, name, raw) for name, raw in raw_sites.items()]
    _figures(reader, document, rows)
    if not rows:
        way_out = "Add a feature for each site."
        reader.problem(document, (), "no site", "at least one feature", way_out, "features")
    if len(reader.problems) > before:
        return None
    return _arrays(rows)


def _row(reader: Reader, document: Document, name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Check one feature; a missing optional property takes its default."""
    path = ("sites", name)
    values: dict[str, Any] = {"name": name}
    for key in raw:
        if key not in SITE and key not in POSITION:
            way_out = did_you_mean(key, SITE, "Remove it.")
            wanted = f"one of {listing(SITE)}"
            reader.problem(document, path, "an unknown property", wanted, way_out, key)
    for key, one in {**POSITION, **SITE}.items():
        if key not in raw and not one.required:
            values[key] = one.default
            continue
        value = _value(reader, document, name, raw.get(key), one)
        if value is not None:
            values[key] = value
    if not values.get("slot_kw"):
        values["slot_kw"] = values.get("plug_kw", 0.0)
    return values


def _value(reader: Reader, document: Document, name: str, raw: object, one: Field) -> Any:
    path = ("sites", name)
    if one.kind in ("number", "integer"):
        count = len(reader.problems)
        value = reader.number(document, path, raw, one)
        _name_field(reader, count, one.key)
        return value
    wanted = {"text": str, "flag": bool}[one.kind]
    sound = not isinstance(raw, str) or raw.isprintable()
    if isinstance(raw, wanted) and sound and (not one.choices or raw in one.choices):
        return raw
    came = "nothing" if raw is None else quote(raw)
    among = (
        f"one of {listing(one.choices)}"
        if one.choices
        else {"text": "text"}.get(one.kind, "true or false")
    )
    way_out = did_you_mean(str(raw), one.choices, "Correct the property.")
    reader.problem(document, path, came, among, way_out, one.key)
    return None


def _name_field(reader: Reader, count: int, key: str) -> None:
    """Let the problems since ``count`` name the property instead of the site."""
    for index in range(count, len(reader.problems)):
        old = reader.problems[index]
        reader.problems[index] = type(old)(
            old.file, old.place, key, old.came, old.wanted, old.way_out
        )


def _figures(reader: Reader, document: Document, rows: list[dict[str, Any]]) -> None:
    """Note one figure per kind and property, with the source given for how sites were sized."""
    rules = document.data.get("figures")
    rules = rules if isinstance(rules, Mapping) else {}
    sources = {str(key): _rule(reader, document, str(key), raw) for key, raw in rules.items()}
    changed = document.data.get("changed", {})
    for kind in dict.fromkeys(str(row.get("kind")) for row in rows):
        for key in NUMERIC:
            values = [row.get(key, 0) for row in rows if row.get("kind") == kind]
            if not any(values):
                continue
            name = f"{kind}.{key}"
            figure = sources.get(name) or sources.get(key)
            if name in changed:
                figure = Figure("", 0, "", USER_SOURCE, 0, "assumed", "changed for this run")
            if figure is None and not (name in rules or key in rules):
                _no_rule(reader, document, name, key)
            elif figure is not None:
                reader.figures.append(_site_figure(name, key, values, figure))


def _rule(reader: Reader, document: Document, key: str, raw: object) -> Figure | None:
    """Check the source of one sizing rule; None when it is unusable."""
    before = len(reader.problems)
    path = ("figures", key)
    kind, _, name = key.rpartition(".")
    if name not in NUMERIC and key != "position":
        way_out = did_you_mean(name, NUMERIC, "Use <property> or <kind>.<property>.")
        reader.problem(document, path, quote(key), f"one of {listing(NUMERIC)}", way_out)
    if not isinstance(raw, Mapping):
        way_out = 'Write {"source": "...", "year": 2025, "certainty": "assumed"}.'
        reader.problem(document, path, quote(raw), "an object", way_out)
        return None
    source, year, certainty = reader.provenance(document, path, raw)
    note, weight = raw.get("note", ""), raw.get("weight", 0)
    if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= 3:
        way_out = "0: the results hardly depend on it, 3: strongly."
        reader.problem(document, (*path, "weight"), quote(weight), "0, 1, 2 or 3", way_out)
    if len(reader.problems) > before:
        return None
    return Figure(kind, 0, "", source, year, certainty, str(note), int(weight))


def _no_rule(reader: Reader, document: Document, name: str, key: str) -> None:
    way_out = f'Add "{key}" or "{name}" to the "figures" member of the collection.'
    wanted = "the source of this property"
    reader.problem(document, ("figures", name), "nothing", wanted, way_out)


def _site_figure(name: str, key: str, values: list[Any], rule: Figure) -> Figure:
    numbers = [value for value in values if isinstance(value, (int, float))]
    mean = float(np.mean(numbers))
    note = f"mean of {len(values)} sites" + (f"; {rule.note}" if rule.note else "")
    return Figure(f"sites.{name}", round(mean, 6), SITE[key].unit, rule.source, rule.year,
                  rule.certainty, note, rule.weight)  # fmt: skip


def _arrays(rows: list[dict[str, Any]]) -> Sites:
    kinds = {**POSITION, **SITE}
    columns: dict[str, Any] = {"name": tuple(row["name"] for row in rows)}
    for key, one in kinds.items():
        values = [row[key] for row in rows]
        dtype = {"number": np.float64, "integer": np.int64, "flag": np.bool_}.get(one.kind)
        columns[key] = tuple(values) if dtype is None else np.array(values, dtype=dtype)
    return Sites(**columns)
