"""Types of messages, made from the official schemas when first asked for.

Each object of a schema becomes a struct whose fields carry the names of the wire; a field that may
be left out is UNSET when it was, and null is no value at all. Objects that a schema leaves open
(`customData`) stay plain dictionaries, so nothing in them is lost. Types say less than the schemas
(no formats): `messages.read_message` checks both.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, cast

import msgspec

from zerocity.protocols.ocpp.schemas import narrowed, schema
from zerocity.protocols.ocpp.versions import Version

# Date-times that every reading of RFC 3339 takes: 29 February and leap seconds are left out.
SURE_MOMENT = (
    r"^[2-8][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\Z"
)
# What a strict type can say, and what says nothing of a value.
_KNOWN = frozenset(
    {"$ref", "type", "properties", "required", "additionalProperties", "items", "minItems",
     "maxItems", "maxLength", "enum", "minimum", "maximum", "format", "pattern", "definitions",
     "$schema", "$id", "id", "comment", "description", "title", "javaType", "default",
     "additionalItems", "tsEnumNames"}
)  # fmt: skip


class _OpenError(ValueError):
    """An object may hold what its schema does not name."""


class _Maker:
    """Makes the types of one schema; definitions are made once.

    ``strict``: what such a type takes keeps the schema; it does not take all that does.
    """

    def __init__(self, root: Mapping[str, Any], module: str, *, strict: bool = False) -> None:
        self._definitions: Mapping[str, Any] = root.get("definitions", {})
        self._module, self._strict = module, strict
        self._made: dict[str, Any] = {}

    def type_of(self, node: Mapping[str, Any], name: str) -> Any:
        """The type of a schema node; `name` is for structs that have no name of their own."""
        if self._strict:
            _refuse_more_than_types_say(node, name)
        if "$ref" in node:
            return self._defined(node["$ref"].removeprefix("#/definitions/"))
        match node.get("type"):
            case "object":
                return self._object(node, name)
            case "array":
                return self._list(node, f"{name}Item")
            case "string" if self._strict and "format" in node:
                return Annotated[str, msgspec.Meta(pattern=SURE_MOMENT)]
            case plain:
                return _SIMPLE[plain](node)

    def _list(self, node: Mapping[str, Any], name: str) -> Any:
        kind = self.type_of(node["items"], name)
        limits = msgspec.Meta(min_length=node.get("minItems"), max_length=node.get("maxItems"))
        return Annotated[list[kind], limits]  # type: ignore[valid-type]

    def _defined(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self.type_of(self._definitions[name], name)
        return self._made[name]

    def _object(self, node: Mapping[str, Any], name: str) -> Any:
        if node.get("additionalProperties", True) is not False:
            if self._strict:
                raise _OpenError(f"{name}: no type says what it may hold")
            return dict[str, Any]
        required = set(node.get("required", ()))
        properties = node.get("properties", {})
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for wire, inner in properties.items():
            try:
                kind = self.type_of(inner, f"{name}_{wire}")
            except _OpenError:
                if wire in required:
                    raise
                continue  # forbidden, so it is not taken
            if wire in required:
                fields.append((python_name(wire), kind))
            else:
                fields.append((python_name(wire), kind | msgspec.UnsetType, msgspec.UNSET))
        return msgspec.defstruct(
            name,
            fields,
            module=self._module,
            rename={python_name(wire): wire for wire in properties},
            kw_only=True,
            frozen=True,
            forbid_unknown_fields=True,
            gc=False,  # a tree has no circles
        )


def _refuse_more_than_types_say(node: Mapping[str, Any], name: str) -> None:
    kind = node.get("type")
    unsaid = node.keys() - _KNOWN
    if node.get("format", "date-time") != "date-time" or ("pattern" in node) > ("format" in node):
        unsaid |= {"format"}
    if "enum" in node and kind != "string":
        unsaid |= {"enum"}
    if any(node.get(bound, 0) != int(node.get(bound, 0)) for bound in ("minimum", "maximum")):
        unsaid |= {"minimum"}
    if unsaid:
        raise ValueError(f"{name}: no type says {', '.join(sorted(unsaid))}")


def python_name(wire: str) -> str:
    """The field of a struct for a name on the wire: the same, unless Python forbids it."""
    if keyword.iskeyword(wire) or not wire.isidentifier():
        return f"{wire if wire[:1].isalpha() else 'x' + wire}_"
    return wire


def _text(node: Mapping[str, Any]) -> Any:
    if "enum" in node:
        return Literal[tuple(node["enum"])]
    if "maxLength" in node:
        return Annotated[str, msgspec.Meta(max_length=node["maxLength"])]
    return str


def _bounded(kind: type, node: Mapping[str, Any]) -> Any:
    limits = msgspec.Meta(ge=kind(node["minimum"]), le=kind(node["maximum"]))
    return Annotated[kind, limits]


def _number(node: Mapping[str, Any]) -> Any:
    # Both, so that a number written without a fraction is written so again.
    return _bounded(int, node) | _bounded(float, node)


_SIMPLE: dict[Any, Callable[[Mapping[str, Any]], Any]] = {
    "string": _text,
    "integer": lambda node: _bounded(int, node),
    "number": _number,
    "boolean": lambda _: bool,
    None: lambda _: Any,
}


@cache
def struct_of(version: Version, name: str, file_name: str) -> type[msgspec.Struct]:
    """The struct `name` of a schema file; see `messages.message_type`."""
    root = narrowed(schema(version, file_name))
    module = f"{__name__}.v{version.value.replace('.', '')}"
    return cast("type[msgspec.Struct]", _Maker(root, module).type_of(root, name))


@cache
def strict_struct_of(version: Version, name: str, file_name: str) -> type[msgspec.Struct]:
    """A struct like `struct_of`'s, of which every value that it takes keeps the schema.

    It leaves some lawful ones: with `customData`, or with a moment on 29 February. Raises
    ValueError for a schema of which no type can say all.
    """
    root = narrowed(schema(version, file_name))
    module = f"{__name__}.strict_v{version.value.replace('.', '')}"
    return cast("type[msgspec.Struct]", _Maker(root, module, strict=True).type_of(root, name))
