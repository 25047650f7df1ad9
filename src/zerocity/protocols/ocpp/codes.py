"""The error codes of CALLERROR, by edition and by what is wrong.

Source: OCPP-J 1.6 clause 4.2.3, with its misspelt names kept (errata sheet, clauses 5.1 and 5.2);
OCPP 2.0.1 and 2.1 Part 4 clause 4.3. Where the text lets two codes stand, the one whose sentence
names the case is taken: a missing field is an "incomplete" payload in 1.6, and a violated
occurrence in 2.x.
"""

from __future__ import annotations

from enum import Enum

from zerocity.protocols.ocpp.versions import Version


class Wrong(Enum):
    """What can be wrong with a message."""

    FRAME = "the frame is no call, result or error of this edition"
    MESSAGE_TYPE = "the message type number is not supported"
    UNKNOWN = "the action is not known"
    UNSUPPORTED = "the action is known, but not served here"
    STRUCTURE = "the payload is not an object"
    EXTRA = "a field that the action does not have"
    MISSING = "a required field is missing"
    COUNT = "too few or too many entries"
    TYPE = "a field has the wrong type"
    VALUE = "a field has a value that is not allowed"
    INTERNAL = "our own fault"


_SHARED = {
    Wrong.UNKNOWN: "NotImplemented",
    Wrong.UNSUPPORTED: "NotSupported",
    Wrong.TYPE: "TypeConstraintViolation",
    Wrong.VALUE: "PropertyConstraintViolation",
    Wrong.INTERNAL: "InternalError",
}
_FIRST = {
    **_SHARED,
    Wrong.FRAME: "FormationViolation",
    Wrong.MESSAGE_TYPE: "NotSupported",
    Wrong.STRUCTURE: "FormationViolation",
    Wrong.EXTRA: "FormationViolation",
    Wrong.MISSING: "ProtocolError",
    Wrong.COUNT: "OccurenceConstraintViolation",
}
_SECOND = {
    **_SHARED,
    Wrong.FRAME: "RpcFrameworkError",
    Wrong.MESSAGE_TYPE: "MessageTypeNotSupported",
    Wrong.STRUCTURE: "ProtocolError",
    Wrong.EXTRA: "FormatViolation",
    Wrong.MISSING: "OccurrenceConstraintViolation",
    Wrong.COUNT: "OccurrenceConstraintViolation",
}
CODE: dict[Version, dict[Wrong, str]] = {
    Version.V16: _FIRST,
    Version.V201: _SECOND,
    Version.V21: _SECOND,
}

_NAMED_BY_NO_CASE_HERE = {"SecurityError", "GenericError", "ProtocolError"}
CODES: dict[Version, frozenset[str]] = {
    version: frozenset(codes.values()) | _NAMED_BY_NO_CASE_HERE for version, codes in CODE.items()
}
"""Every code that an edition defines."""

_SPELT = {
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}
_SPELT |= {new: old for old, new in _SPELT.items()}


def code_in(version: Version, code: str) -> str:
    """The code as this edition spells it; raises ValueError for one that it does not define."""
    for spelling in (code, _SPELT.get(code, code)):
        if spelling in CODES[version]:
            return spelling
    raise ValueError(f"OCPP {version} defines no error code {code}")
