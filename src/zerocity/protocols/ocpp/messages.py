"""Messages of OCPP 1.6, 2.0.1 and 2.1: names, the check of every payload, and types.

A payload is a plain dictionary with the names of the wire. `check` says whether it keeps the
official schema, and if not, which error code the edition prescribes.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec
import orjson

from zerocity.protocols.ocpp.actions import (
    CALLED_BY,
    SENT_BY,
    Kind,
    actions,
    message_names,
    schema_name,
)
from zerocity.protocols.ocpp.codes import CODE, Wrong
from zerocity.protocols.ocpp.schemas import validator
from zerocity.protocols.ocpp.structs import struct_of
from zerocity.protocols.ocpp.versions import SUBPROTOCOLS, Role, Version

__all__ = [
    "CALLED_BY",
    "SENT_BY",
    "SUBPROTOCOLS",
    "Kind",
    "MessageError",
    "Role",
    "Version",
    "Violation",
    "actions",
    "check",
    "may_be_empty",
    "message_names",
    "message_type",
    "read_message",
    "write_message",
]

LONGEST_DESCRIPTION = 255  # characters, OCPP 2.0.1 Part 4 clause 4.2.3

_WRONG_BY_KEYWORD = {
    "type": Wrong.TYPE,
    "required": Wrong.MISSING,
    "additionalProperties": Wrong.EXTRA,
    "minItems": Wrong.COUNT,
    "maxItems": Wrong.COUNT,
}
# The one pattern that is ever asserted.
_NO_MOMENT = "the value is not a date-time such as 2026-11-22T10:15:30Z, years 1000 to 8999"


class Violation(NamedTuple):
    """Why a message is refused: the code for CALLERROR, and a sentence without its values."""

    code: str
    description: str


class MessageError(ValueError):
    """A message that breaks its schema."""

    def __init__(self, violation: Violation) -> None:
        self.violation = violation
        super().__init__(f"{violation.code}: {violation.description}")


class _Validators(dict[tuple[Version, str, Kind], jsonschema_rs.Draft4Validator | None]):
    """Compiled on first use; None for what the edition does not have."""

    def __missing__(self, key: tuple[Version, str, Kind]) -> jsonschema_rs.Draft4Validator | None:
        version, action, kind = key
        # Names from the wire are kept only if they are real: the table stays bounded.
        if action not in actions(version):
            return None
        is_sent = any(action in SENT_BY[version, role] for role in Role)
        if is_sent != (kind == "send"):
            return None
        self[key] = found = validator(version, action, kind)
        return found


_VALIDATORS = _Validators()


def check(version: Version, action: str, kind: Kind, payload: Any) -> Violation | None:
    """None if the payload keeps the schema of this message, else what is wrong with it.

    An action that the edition does not have gives `NotImplemented`; one that it has, but not as
    this kind of message, `NotSupported`.
    """
    compiled = _VALIDATORS[version, action, kind]
    if compiled is None:
        wrong = Wrong.UNSUPPORTED if action in actions(version) else Wrong.UNKNOWN
        return Violation(CODE[version][wrong], f"{wrong.value}: {action[:60]} as {kind}")
    try:
        if compiled.is_valid(payload):
            return None
        compiled.validate(payload)
    except jsonschema_rs.ValidationError as error:
        # The first alone: finding all of them costs 1000 times as much in a hostile payload.
        return _violation(version, error)
    except ValueError as error:  # a value that no JSON text can carry, in a payload of our own
        return Violation(CODE[version][Wrong.STRUCTURE], str(error)[:LONGEST_DESCRIPTION])
    return Violation(CODE[version][Wrong.VALUE], "the payload breaks its schema")


@cache
def may_be_empty(version: Version, action: str, kind: Kind) -> bool:
    """Whether the empty payload keeps the schema of this message, of an action that exists."""
    return check(version, action, kind, {}) is None


def _violation(version: Version, error: jsonschema_rs.ValidationError) -> Violation:
    where = ".".join(str(step) for step in error.instance_path) or "payload"
    problem = _NO_MOMENT if error.kind.name == "pattern" else error.message
    return Violation(CODE[version][_wrong(error)], f"{where}: {problem}"[:LONGEST_DESCRIPTION])


def _wrong(error: jsonschema_rs.ValidationError) -> Wrong:
    if not error.instance_path and error.kind.name == "type":
        return Wrong.STRUCTURE
    return _WRONG_BY_KEYWORD.get(error.kind.name, Wrong.VALUE)


def message_type(version: Version, name: str) -> type[msgspec.Struct]:
    """The type of a message, such as `BatterySwapRequest`; made from its schema.

    Fields carry the names of the wire; what was left out is `msgspec.UNSET`. Raises KeyError for a
    name that `message_names` does not list.
    """
    action, kind = message_names(version)[name]
    return struct_of(version, name, schema_name(version, action, kind))


def read_message(version: Version, name: str, payload: bytes | str | dict[str, Any]) -> Any:
    """A message of type `message_type(version, name)` from its JSON text or its dictionary.

    Raises MessageError for what is no JSON or breaks the schema.
    """
    action, kind = message_names(version)[name]
    try:
        plain = payload if isinstance(payload, dict) else orjson.loads(payload)
    except ValueError as error:
        raise MessageError(Violation(CODE[version][Wrong.STRUCTURE], str(error))) from None
    violation = check(version, action, kind, plain)
    if violation is not None:
        raise MessageError(violation)
    return msgspec.convert(plain, message_type(version, name))


def write_message(version: Version, name: str, message: msgspec.Struct) -> dict[str, Any]:
    """The payload of a message, with the names of the wire.

    Raises MessageError for a message that breaks its schema.
    """
    action, kind = message_names(version)[name]
    plain: dict[str, Any] = msgspec.to_builtins(message)
    violation = check(version, action, kind, plain)
    if violation is not None:
        raise MessageError(violation)
    return plain
