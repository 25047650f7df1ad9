"""Lawful and spoilt payloads of any OCPP message, made from its schema and a generator.

And the judge: the `jsonschema` package on the schema as published, with date-times checked.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from random import Random
from typing import Any

import jsonschema

from zerocity.protocols.ocpp.actions import message_names, schema_name
from zerocity.protocols.ocpp.schemas import schema
from zerocity.protocols.ocpp.versions import Version

EVERY_MESSAGE = [(version, name) for version in Version for name in message_names(version)]

LETTERS = 'abcXYZ 0189-_.:/é漢🔋\n"\\'
MOMENTS = [
    "2026-11-22T10:15:30Z",
    "2026-11-22T10:15:30.123Z",
    "1970-01-01T00:00:00+00:00",
    "2024-02-29T23:59:59.999999-08:00",
    "8999-12-31T23:59:59Z",
]


def schema_of(version: Version, name: str) -> dict[str, Any]:
    """The published schema of a message."""
    action, kind = message_names(version)[name]
    return schema(version, schema_name(version, action, kind))


# Lawful payloads


def specimen(version: Version, name: str, rng: Random, fullness: float = 0.5) -> dict[str, Any]:
    """A payload that keeps the schema; optional fields appear with probability `fullness`."""
    root = schema_of(version, name)
    made: dict[str, Any] = _make(root, root, rng, fullness)
    return made


def _make(node: dict[str, Any], root: dict[str, Any], rng: Random, fullness: float) -> Any:
    if "$ref" in node:
        target = root["definitions"][node["$ref"].removeprefix("#/definitions/")]
        return _make(target, root, rng, fullness)
    match node.get("type"):
        case "object":
            return _make_object(node, root, rng, fullness)
        case "array":
            least = node.get("minItems", 0)
            count = rng.randint(least, max(least, min(node.get("maxItems", 9), least + 2)))
            return [_make(node["items"], root, rng, fullness) for _ in range(count)]
        case plain:
            return _SIMPLE[plain](node, rng)


def _make_object(
    node: dict[str, Any], root: dict[str, Any], rng: Random, fullness: float
) -> dict[str, Any]:
    required = node.get("required", ())
    made = {
        name: _make(inner, root, rng, fullness * 0.8)
        for name, inner in node.get("properties", {}).items()
        if name in required or rng.random() < fullness
    }
    if node.get("additionalProperties", True) is not False and rng.random() < 0.5:
        made["vendorField"] = rng.choice([1, "x", None, {"deep": [1.5]}])
    return made


def _make_text(node: dict[str, Any], rng: Random) -> str:
    if "enum" in node:
        chosen: str = rng.choice(node["enum"])
        return chosen
    if node.get("format") == "date-time":
        return rng.choice(MOMENTS)
    if node.get("format") == "uri":
        return rng.choice(["ftp://example.org/log", "https://example.org/a?b=c#d", "urn:a:b"])
    longest = node.get("maxLength", 40)
    length = rng.choice([0, 1, min(longest, 12), longest if longest < 300 else 20])
    return "".join(rng.choice(LETTERS) for _ in range(length))


def _make_number(node: dict[str, Any], rng: Random) -> float | int:
    low, high = node.get("minimum", -1e6), node.get("maximum", 1e6)
    if "multipleOf" in node:
        return round(rng.randint(0, 9999) / 10, 1)
    return rng.choice([low, high, rng.uniform(low, high), round(rng.uniform(low, high), 1)])


def _make_integer(node: dict[str, Any], rng: Random) -> int:
    low, high = int(node.get("minimum", -(2**31))), int(node.get("maximum", 2**31 - 1))
    return rng.choice([low, high, rng.randint(low, high)])


def _make_boolean(node: dict[str, Any], rng: Random) -> bool:
    return rng.random() < 0.5


def _make_anything(node: dict[str, Any], rng: Random) -> Any:
    return rng.choice(["", 7, -0.5, None, True, ["a", {"b": []}], {"c": {"d": 1}}])


_SIMPLE: dict[Any, Callable[[dict[str, Any], Random], Any]] = {
    "string": _make_text,
    "integer": _make_integer,
    "number": _make_number,
    "boolean": _make_boolean,
    None: _make_anything,
}

# Spoilt payloads

ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.0, 0.5, 1e300, 2**31, 2**53, 2**63, 2**64 - 1, -(2**63), "",
    "x", "x" * 21, "x" * 5001, "é" * 37, "Accepted", "accepted", "2026-11-22T10:15:30", [], {},
    [None], [[]], {"a": 1}, {"vendorId": "v"}, {"vendorId": 1}, "2016-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22t10:15:30z", "NaN", "\x00",
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    if isinstance(value, dict):
        for key in list(value):
            yield value, key
            yield from places(value[key])
    elif isinstance(value, list):
        for at in range(len(value)):
            yield value, at
            yield from places(value[at])


def spoil(payload: dict[str, Any], rng: Random, changes: int = 1) -> dict[str, Any]:
    """A copy with so many changes; it may still be lawful."""
    spoilt = copy.deepcopy(payload)
    for _ in range(changes):
        found = list(places(spoilt))
        if not found or rng.random() < 0.1:
            name = rng.choice(["extra", "customData", "transactionId", "status", ""])
            spoilt[name] = rng.choice(ODD_VALUES)
            continue
        box, key = rng.choice(found)
        rng.choice([_put_odd, _leave_out, _bend, _repeat])(box, key, rng)
    return spoilt


def _put_odd(box: Any, key: Any, rng: Random) -> None:
    box[key] = copy.deepcopy(rng.choice(ODD_VALUES))


def _leave_out(box: Any, key: Any, rng: Random) -> None:
    del box[key]


def _bend(box: Any, key: Any, rng: Random) -> None:
    """Change a value a little, so that it meets the edge of its rule."""
    value = box[key]
    if isinstance(value, str):
        box[key] = rng.choice([value + "x", value[:-1], value.upper(), value * 40, value + " "])
    elif isinstance(value, bool) or value is None:
        box[key] = rng.choice(["true", 1, not value])
    elif isinstance(value, int | float):
        box[key] = rng.choice([value + 1, value - 1, -value, value + 0.05, value * 1e9, str(value)])
    elif isinstance(value, list):
        box[key] = rng.choice([value[:1], value * 300, value[0] if value else None])
    elif isinstance(value, dict):
        box[key] = rng.choice([[value], {**value, "extra": 1}, list(value)])


def _repeat(box: Any, key: Any, rng: Random) -> None:
    if isinstance(box, list):
        box.append(copy.deepcopy(box[key]))
    else:
        box[rng.choice([str(key).lower(), f"{key}_", "vendorId"])] = copy.deepcopy(box[key])


# The judge

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_JUDGE_FORMATS = jsonschema.FormatChecker(formats=())


@_JUDGE_FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    """RFC 3339, written apart from the code under test."""
    if not isinstance(value, str):
        return True
    if _RFC3339.fullmatch(value) is None:
        return False
    year, month, day = (int(part) for part in value[:10].split("-"))
    try:
        datetime(year or 4, month, day, tzinfo=UTC) + timedelta(0)
    except ValueError:
        return False
    return True


@cache
def judge(version: Version, name: str) -> Any:
    """The independent validator of a message, of the draft that its schema declares.

    Numbers are decimals, as `multipleOf: 0.1` has no meaning in binary fractions.
    """
    source = json.loads(json.dumps(schema_of(version, name)), parse_float=Decimal)
    return jsonschema.validators.validator_for(source)(source, format_checker=_JUDGE_FORMATS)


def judged(version: Version, name: str, text: bytes) -> bool:
    """Whether the judge accepts this JSON text; False for what is no JSON."""
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    try:
        return bool(judge(version, name).is_valid(value))
    except InvalidOperation:  # a number too great to tell what it is a multiple of
        return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
