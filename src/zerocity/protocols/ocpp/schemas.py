"""The official message schemas, read as they are published and compiled once.

The Open Charge Alliance publishes them under CC BY-ND 4.0; the PyPI package `ocpp` brings them
verbatim. What is added in memory before compiling only narrows what passes, and keeps every value
that passes readable by a database and by Python's clock:

* an integer is written without a fraction (OCPP 2.0.1 Part 2, "Primitive datatypes"), as JSON
  Schema draft 4 has it; draft 6, which the files of 2.x declare, would let 1.0 pass. The files use
  no other keyword whose meaning differs between the two drafts;
* numbers stay within ±(2^53 - 1), which every JSON implementation exchanges exactly (RFC 8259
  clause 6);
* a date-time is RFC 3339 with upper-case `T` and `Z`, in the years 1000 to 8999, without a leap
  second.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from zerocity.protocols.ocpp.actions import Kind, schema_name
from zerocity.protocols.ocpp.versions import Version

_FOLDER = {Version.V16: "v16", Version.V201: "v201", Version.V21: "v21"}

LARGEST_NUMBER = 2**53 - 1
MOMENT = (
    r"^[1-8][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})$"
)
# Stands in error texts where the value would: values may be secrets or personal.
_MASK = "the value"


@cache
def schema(version: Version, name: str) -> dict[str, Any]:
    """The published schema of a file name such as `BatterySwapRequest`; do not change it.

    Raises FileNotFoundError for a name that the edition does not have.
    """
    folder = resources.files("ocpp") / _FOLDER[version] / "schemas"
    # Some files start with a byte order mark.
    text = (folder / f"{name}.json").read_text(encoding="utf-8-sig")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def narrowed(node: Any) -> Any:
    """A copy of a schema with the bounds named at the head of this file."""
    if isinstance(node, list):
        return [narrowed(one) for one in node]
    if not isinstance(node, dict):
        return node
    copy = {key: narrowed(value) for key, value in node.items()}
    if node.get("type") in ("integer", "number"):
        copy.setdefault("minimum", -LARGEST_NUMBER)
        copy.setdefault("maximum", LARGEST_NUMBER)
    if node.get("type") == "string" and node.get("format") == "date-time":
        copy["pattern"] = MOMENT
    return copy


@cache
def validator(version: Version, action: str, kind: Kind) -> jsonschema_rs.Draft4Validator:
    """The compiled schema of a message; formats are asserted."""
    source = narrowed(schema(version, schema_name(version, action, kind)))
    for key in ("$schema", "$id", "id"):
        source.pop(key, None)
    return jsonschema_rs.Draft4Validator(source, validate_formats=True, mask=_MASK)
