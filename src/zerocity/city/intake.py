"""Bytes of a city folder to documents of raw figures, with the user's changes applied."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from zerocity.city.documents import Document, decode, parse_csv, parse_json, parse_toml
from zerocity.city.problems import Problem, did_you_mean, listing, quote
from zerocity.city.reader import user_figure
from zerocity.city.schema import Field
from zerocity.city.tables import CSV_TABLES, FILES, PROVENANCE, SITE, CsvTable

Documents = dict[str, Document]


def parse_files(files: Mapping[str, bytes]) -> tuple[Documents, list[Problem]]:
    """Parse every file of the folder; a missing one is a problem, a stranger is ignored."""
    documents: Documents = {}
    problems: list[Problem] = []
    for name in FILES:
        if name not in files:
            way_out = did_you_mean(name, files, "zerocity init makes a folder that has it.")
            problems.append(Problem(name, "", "", "no such file", "the file", way_out))
            continue
        text, found = decode(name, files[name])
        problems += found
        if not found:
            documents[name], found = _parse(name, text)
            problems += found
            if found and not documents[name].data:
                del documents[name]
    return documents, problems


def _parse(name: str, text: str) -> tuple[Document, list[Problem]]:
    if name.endswith(".toml"):
        return parse_toml(name, text)
    if name.endswith(".geojson"):
        document, problems = parse_json(name, text)
        if not document.data:
            return document, problems
        document, found = _site_document(document)
        return document, problems + found
    table = CSV_TABLES[name]
    document, problems = parse_csv(name, text, table.key)
    data = {row: _raw_row(cells, table) for row, cells in document.data.items()}
    return Document(name, data, document.places), problems


def _raw_row(cells: Mapping[str, str], table: CsvTable) -> dict[str, Any]:
    """Turn the cells of a row into raw figures that share the row's source."""
    year = _parsed(cells.get("year", ""))
    shared = {"source": cells.get("source", ""), "year": year,
              "certainty": cells.get("certainty", ""), "note": cells.get("note", "")}  # fmt: skip
    raw: dict[str, Any] = {}
    for column, cell in cells.items():
        field = table.fields.get(column)
        if field is None:
            known = column in PROVENANCE or column in table.key.split("+")
            raw.update({} if known else {column: cell})
        elif field.kind == "text":
            raw[column] = cell
        elif cell or field.required:
            raw[column] = {"value": _parsed(cell), "unit": field.unit, **shared}
    return raw


def _parsed(cell: str) -> object:
    """Return the number in a cell, None when empty, else the text for the message to show."""
    if not cell:
        return None
    for kind in (int, float) if "_" not in cell else ():
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _site_document(document: Document) -> tuple[Document, list[Problem]]:
    """Turn a FeatureCollection into one entry per site under "sites", rules under "figures"."""
    features = document.data.get("features")
    if document.data.get("type") != "FeatureCollection" or not isinstance(features, list):
        way_out = 'Start the file with {"type": "FeatureCollection", "features": [...]}.'
        came = quote(document.data.get("type", "no type"))
        problem = Problem(document.file, "", "type", came, "a FeatureCollection", way_out)
        return Document(document.file, {}), [problem]
    problems: list[Problem] = []
    sites: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    for index, feature in enumerate(features):
        name, raw = _site(feature)
        place = f"feature {index + 1} ({name})" if name else f"feature {index + 1}"
        if not name or name in sites or "." in name or not name.isprintable():
            came = quote(f"{name} again" if name in sites else name or "no name")
            wanted = "a name of its own, without a full stop"
            problem = Problem(document.file, place, "name", came, wanted, "Rename the site.")
            problems.append(problem)
            name = f"{name}#{index + 1}"
        sites[name] = raw
        places["sites", name] = place
    data = {"sites": sites, "figures": document.data.get("figures", {})}
    return Document(document.file, data, places), problems


def _site(feature: object) -> tuple[str, dict[str, Any]]:
    """Return the name of a feature and its properties with the position among them."""
    if not isinstance(feature, Mapping):
        return "", {}
    properties, geometry = feature.get("properties"), feature.get("geometry")
    raw = dict(properties) if isinstance(properties, Mapping) else {}
    point = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    is_point = isinstance(geometry, Mapping) and geometry.get("type") == "Point"
    pair = list(point[:2]) if is_point and isinstance(point, list) else []
    raw["longitude"], raw["latitude"] = pair if len(pair) == 2 else (None, None)
    name = raw.pop("name", "")
    return name.strip() if isinstance(name, str) else "", raw


def override(documents: Documents, overrides: Mapping[str, str]) -> list[Problem]:
    """Change figures in place, "fleets.truck_swap.vehicles" = "1200"; return what failed.

    For sites the middle part is a site's name or a kind, which changes all sites of the kind.
    """
    problems: list[Problem] = []
    by_stem = {document.stem: document for document in documents.values()}
    for path, text in overrides.items():
        stem, *rest = path.split(".")
        if stem not in by_stem or not rest:
            way_out = did_you_mean(stem, by_stem, "List the figures with: zerocity sources.")
            wanted = f"a path that starts with one of {listing(by_stem)}"
            problems.append(Problem("--set", "", path, quote(stem), wanted, way_out))
        elif stem == "sites":
            problems += _override_sites(by_stem[stem], path, rest, _typed(text))
        else:
            problems += _override_table(by_stem[stem].data, path, rest, _typed(text))
    return problems


def _typed(text: str) -> object:
    """Read a value as TOML would: a number, true or false, a list of numbers, or text."""
    stripped = text.strip()
    if stripped in ("true", "false"):
        return stripped == "true"
    if stripped.startswith("[") and stripped.endswith("]"):
        return [_parsed(part.strip()) for part in stripped[1:-1].split(",")]
    with contextlib.suppress(ValueError):
        if "-" in stripped:
            return date.fromisoformat(stripped)
    parsed = _parsed(stripped)
    return "" if parsed is None else parsed


def _override_table(
    table: dict[str, Any], path: str, rest: list[str], value: object
) -> list[Problem]:
    for depth, part in enumerate(rest):
        if not isinstance(table, dict) or part not in table:
            known = table if isinstance(table, dict) else {}
            way_out = did_you_mean(part, known, "List the figures with: zerocity sources.")
            wanted = f"one of {listing(known)}"
            return [Problem("--set", "", path, quote(part), wanted, way_out)]
        if depth == len(rest) - 1:
            old = table[part]
            if isinstance(old, dict) and "value" not in old:
                way_out = f"Name one of its figures: {listing(old)}."
                return [Problem("--set", "", path, "a whole table", "one figure", way_out)]
            figure = isinstance(old, dict)
            table[part] = user_figure(old, value) if figure else value
        else:
            table = table[part]
    return []


def _override_sites(document: Document, path: str, rest: list[str], value: object) -> list[Problem]:
    sites = document.data["sites"]
    chosen = [name for name, raw in sites.items() if rest[0] in (name, raw.get("kind"))]
    known: Mapping[str, Field | None] = {**SITE, "longitude": None, "latitude": None}
    if not chosen or len(rest) != 2 or rest[1] not in known:
        names = {*sites, *(str(raw.get("kind")) for raw in sites.values())}
        wrong, among = (rest[0], names) if not chosen else (rest[-1], set(known))
        way_out = did_you_mean(wrong, among, "Write sites.<kind or name>.<field>.")
        return [Problem("--set", "", path, quote(wrong), f"one of {listing(among)}", way_out)]
    for name in chosen:
        sites[name][rest[1]] = value
    kinds = {str(sites[name].get("kind")) for name in chosen}
    changed = document.data.setdefault("changed", {})
    changed.update({f"{kind}.{rest[1]}": True for kind in kinds})
    return []
