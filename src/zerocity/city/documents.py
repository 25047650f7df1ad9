"""Bytes of a city file to plain data, with the line of every key.

No reader here raises on bad input: each returns what it could read and the problems it met.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zerocity.city.problems import Problem, quote

LARGEST_BYTES = 16 * 1024 * 1024
MOST_ROWS = 200_000
DEEPEST = 40

Path = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """One parsed file. ``places`` maps the path of a key to the words that locate it."""

    file: str
    data: dict[str, Any]
    places: Mapping[Path, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """File name without its ending, the first part of its figures' paths."""
        return self.file.rsplit("/", 1)[-1].split(".", 1)[0]

    def place(self, path: Path) -> str:
        """Return where the key is written, or its nearest parent; empty when unknown."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[:-1]
        return ""


def decode(file: str, data: bytes) -> tuple[str, list[Problem]]:
    """Return the text of UTF-8 bytes; a UTF-8 byte-order mark is dropped."""
    if len(data) > LARGEST_BYTES:
        problem = Problem(
            file, "", "", f"{len(data):,} bytes", f"at most {LARGEST_BYTES:,} bytes",
            "Split the city, or remove what does not belong here.",
        )  # fmt: skip
        return "", [problem]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in data:
        way_out = 'Save the file as UTF-8 (in most editors: "Save with encoding").'
        return "", [Problem(file, "", "", "UTF-16 or binary bytes", "UTF-8 text", way_out)]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        came = f"byte 0x{data[error.start]:02x} that is not UTF-8"
        way_out = "Save the file as UTF-8."
        return "", [Problem(file, f"line {line}", "", came, "UTF-8 text", way_out)]


_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:\"[^\"]+\"|[\w-]+)(?:\s*\.\s*(?:\"[^\"]+\"|[\w-]+))*)\s*=")


def _parts(text: str) -> Path:
    return tuple(part.strip().strip('"') for part in text.split("."))


def _toml_places(text: str) -> dict[Path, str]:
    """Find the line of each key and table header by scanning the text."""
    places: dict[Path, str] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _parts(header[1])
            places.setdefault(table, f"line {number}")
        elif key:
            places.setdefault((*table, *_parts(key[1])), f"line {number}")
    return places


def parse_toml(file: str, text: str) -> tuple[Document, list[Problem]]:
    """Parse TOML; a syntax error becomes one problem with its line."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        message = str(error) or "unreadable text"
        found = re.search(r"\(at line (\d+)", message)
        end = len(text.splitlines())
        place = (
            f"line {found[1]}" if found else f"line {end}" if "end of document" in message else ""
        )
        came = message.split(" (at ")[0]
        way_out = 'Look for a missing quote, comma or "=" on this line; figures stay on one line.'
        return Document(file, {}), [Problem(file, place, "", came, "valid TOML", way_out)]
    return Document(file, data, _toml_places(text)), []


def parse_json(file: str, text: str) -> tuple[Document, list[Problem]]:
    """Parse JSON whose root is an object; NaN and Infinity are refused later, by field."""
    way_out = "Check commas, quotes and brackets here, e.g. with a GeoJSON editor."
    double: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        double.extend(
            sorted({key for key in keys if keys.count(key) > 1})
            if len(set(keys)) < len(keys)
            else []
        )
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        return Document(file, {}), [Problem(file, place, "", error.msg, "valid JSON", way_out)]
    except (RecursionError, ValueError):
        return Document(file, {}), [Problem(file, "", "", "nesting or number too large",
                                            "valid JSON", way_out)]  # fmt: skip
    if not isinstance(data, dict):
        came = type(data).__name__
        return Document(file, {}), [Problem(file, "line 1", "", came, "a JSON object", way_out)]
    problems = [
        Problem(file, "", key, "the key twice in one object", "each key once", "Remove one.")
        for key in double
    ]
    return Document(file, data), problems


def parse_csv(file: str, text: str, key: str) -> tuple[Document, list[Problem]]:
    """Parse a CSV table into one dict of cells per row, named by the column(s) ``key``.

    Lines that start with # above the header are comments.
    """
    problems: list[Problem] = []
    rows: dict[str, dict[str, str]] = {}
    places: dict[Path, str] = {}
    try:
        reader = csv.reader(io.StringIO(_without_head(text), newline=""))
        header = [name.strip() for name in next((row for row in reader if row), [])]
        problems += _header_problems(file, header, key)
        for cells in [] if problems else reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"row {len(rows) + 1}, line {reader.line_num}"
            name = _row_name(header, cells, key)
            problems += _row_problems(file, place, header, cells, name, rows)
            rows[name] = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            places[(name,)] = place
            if len(rows) > MOST_ROWS:
                break
    except csv.Error as error:
        problems.append(
            Problem(file, "", "", str(error), "a CSV table", "Quote cells with commas.")
        )
    return Document(file, rows, places), problems


def _without_head(text: str) -> str:
    """Blank the comment lines above the header; the lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if not line.startswith("#") and line.strip():
            break
        lines[index] = "\n"
    return "".join(lines)


def _row_name(header: list[str], cells: list[str], key: str) -> str:
    parts = [cells[header.index(part)].strip() for part in key.split("+")
             if header.index(part) < len(cells)]  # fmt: skip
    return " ".join(parts)


def _header_problems(file: str, header: list[str], key: str) -> list[Problem]:
    way_out = "Write the column names in the first line, separated by commas."
    missing = [part for part in key.split("+") if part not in header]
    problems = [
        Problem(file, "line 1", part, "no such column", f'a column "{part}"', way_out)
        for part in missing
    ]
    double = sorted({name for name in header if header.count(name) > 1})
    problems += [
        Problem(file, "line 1", name, "the column twice", "each column once", "Remove one of them.")
        for name in double
    ]
    return problems


def _row_problems(
    file: str,
    place: str,
    header: list[str],
    cells: list[str],
    name: str,
    rows: Mapping[str, object],
) -> list[Problem]:
    problems = []
    if len(cells) != len(header):
        way_out = "Put quotes around a cell that holds a comma."
        came, wanted = f"{len(cells)} cells", f"{len(header)} cells"
        problems.append(Problem(file, place, "", came, wanted, way_out))
    if name in rows:
        way_out = "Rename or remove one of the rows."
        problems.append(Problem(file, place, "", f"{quote(name)} again", "unique rows", way_out))
    return problems
