"""The JSON arrays that carry OCPP messages: reading, writing, and what makes one unreadable.

Source: OCPP-J 1.6 clause 4, OCPP 2.0.1 Part 4 clause 4, OCPP 2.1 Part 4 clause 4 for SEND and
CALLRESULTERROR. Of two equal names in one object the later value counts (RFC 8259 clause 4 leaves
it open); NaN, infinities, lone surrogates, NUL characters and deep nesting are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
import orjson

from zerocity.protocols.ocpp.codes import CODE, Wrong
from zerocity.protocols.ocpp.versions import Version

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6

LONGEST_ID = 36  # characters, OCPP-J 1.6 clause 4.1.4, OCPP 2.0.1 Part 4 clause 4.1.4
LONGEST_ACTION = 60  # an assumption: the longest action name has 33 characters
LONGEST_CODE = 50  # characters, OCPP 2.0.1 Part 4 clause 4.2.3
LONGEST_DESCRIPTION = 255  # characters, the same clause
DEEPEST = 64  # an assumption: the deepest official message has 7 levels
UNREADABLE_ID = "-1"  # OCPP 2.0.1 Part 4 clause 4.2.3: stands for an id that cannot be read


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request that waits for an answer.

    The payload is a dictionary; or a struct with the same names, which keeps its schema, where a
    lane read it.
    """

    id: str
    action: str
    payload: Any


class CallResult(msgspec.Struct, frozen=True, gc=False):
    """The answer to a call."""

    id: str
    payload: dict[str, Any]


class CallError(msgspec.Struct, frozen=True, gc=False):
    """The refusal of a call."""

    id: str
    code: str
    description: str
    details: dict[str, Any]


class CallResultError(msgspec.Struct, frozen=True, gc=False):
    """The refusal of an answer (2.1)."""

    id: str
    code: str
    description: str
    details: dict[str, Any]


class Send(msgspec.Struct, frozen=True, gc=False):
    """A message that nobody answers (2.1)."""

    id: str
    action: str
    payload: dict[str, Any]


Asking = TypeVar("Asking", Call, Send)
Frame = Call | CallResult | CallError | CallResultError | Send


class FrameError(ValueError):
    """Bytes that are no message.

    `message_id` is None where it could not be read, `kind` where the message type could not.
    """

    def __init__(
        self, code: str, message_id: str | None, description: str, kind: int | None = None
    ) -> None:
        self.code, self.message_id, self.kind = code, message_id, kind
        self.description = description[:LONGEST_DESCRIPTION]
        super().__init__(f"{code}: {self.description}")


def read_frame(data: bytes | str, version: Version) -> Frame:
    """Read one WebSocket message.

    Raises FrameError with the code that the edition prescribes. Time and memory grow with the
    length of `data` alone.
    """
    try:
        parts = orjson.loads(data)
    except ValueError as error:
        raise FrameError(CODE[version][Wrong.FRAME], None, f"no JSON: {error}") from None
    if _is_plain_call(data, parts):
        return Call(parts[1], parts[2], parts[3])
    if type(parts) is not list or len(parts) < 2:
        raise FrameError(CODE[version][Wrong.FRAME], None, "not an array of three or more")
    kind, message_id = parts[0], parts[1]
    if type(message_id) is not str or not 0 < len(message_id) <= LONGEST_ID:
        known = kind if type(kind) is int else None
        problem = f"the message id is not a text of 1 to {LONGEST_ID} characters"
        raise FrameError(CODE[version][Wrong.FRAME], None, problem, known)
    reader = _READERS[version].get(kind) if type(kind) is int else None
    if reader is None:
        problem = "the message type number is not supported"
        known = kind if type(kind) is int else None
        raise FrameError(CODE[version][Wrong.MESSAGE_TYPE], message_id, problem, known)
    _refuse_what_cannot_be_kept(data, parts, version)
    return reader(parts, version)


def payload_text(data: bytes, message_id: str, action: str) -> bytes | None:
    """The payload of a call as its bytes have it; None where they are spelt in another way.

    `data` must be the bytes of a lawful call with this id and action. What begins with just these
    words, unescaped and without blanks, holds them and nothing else before the payload.
    """
    head = f'[2,"{message_id}","{action}",'.encode()
    if data.startswith(head) and data.endswith(b"}]"):
        return data[len(head) : -1]
    return None


def _is_plain_call(data: bytes | str, parts: Any) -> bool:
    """What nearly every message is: a call without fault, whose bytes hold nothing unusual.

    Its reader below takes it just so.
    """
    return (
        type(parts) is list
        and len(parts) == 4
        and parts[0] == CALL
        and type(parts[0]) is int
        and type(parts[1]) is str
        and 0 < len(parts[1]) <= LONGEST_ID
        and type(parts[2]) is str
        and 0 < len(parts[2]) <= LONGEST_ACTION
        and type(parts[3]) is dict
        and type(data) is bytes
        and b"\\" not in data
        and (len(data) <= DEEPEST or data.count(b"{") + data.count(b"[") <= DEEPEST)
    )


def _refuse_what_cannot_be_kept(data: bytes | str, parts: list[Any], version: Version) -> None:
    """NUL characters, which databases refuse, and nesting that writers refuse."""
    raw = data.encode() if isinstance(data, str) else data
    if b"\\" in raw and b"\\u0000" in raw and _has_nul(parts):  # the first is found much faster
        raise FrameError(CODE[version][Wrong.VALUE], parts[1], "a NUL character", parts[0])
    # As many brackets as levels are needed, so most messages are done with after counting.
    if len(raw) > DEEPEST and raw.count(b"[") + raw.count(b"{") > DEEPEST and _is_deep(parts):
        problem = f"nested deeper than {DEEPEST} levels"
        raise FrameError(CODE[version][Wrong.STRUCTURE], parts[1], problem, parts[0])


def _inside(level: list[Any]) -> list[Any]:
    """Everything one level further in; of an object also the names."""
    found: list[Any] = []
    for one in level:
        if type(one) is dict:
            found.extend(one)
            found.extend(one.values())
        elif type(one) is list:
            found.extend(one)
    return found


def _has_nul(parts: list[Any]) -> bool:
    level: list[Any] = parts
    while level:
        if any(type(one) is str and "\0" in one for one in level):
            return True
        level = _inside(level)
    return False


def _is_deep(parts: list[Any]) -> bool:
    level: list[Any] = [parts]
    for _ in range(DEEPEST):
        level = [one for one in _inside(level) if type(one) is dict or type(one) is list]
        if not level:
            return False
    return True


def _fault(version: Version, parts: list[Any], wrong: Wrong, problem: str) -> FrameError:
    return FrameError(CODE[version][wrong], parts[1], problem, parts[0])


def _request(made: type[Asking], parts: list[Any], version: Version) -> Asking:
    if len(parts) != 4:
        raise _fault(version, parts, Wrong.FRAME, "not an array of four")
    _, message_id, action, payload = parts
    if type(action) is not str or not 0 < len(action) <= LONGEST_ACTION:
        raise _fault(version, parts, Wrong.FRAME, "the action is not a short text")
    if type(payload) is not dict:
        raise _fault(version, parts, Wrong.STRUCTURE, "the payload is not an object")
    return made(message_id, action, payload)


def _call(parts: list[Any], version: Version) -> Call:
    return _request(Call, parts, version)


def _send(parts: list[Any], version: Version) -> Send:
    return _request(Send, parts, version)


def _result(parts: list[Any], version: Version) -> CallResult:
    if len(parts) != 3:
        raise _fault(version, parts, Wrong.FRAME, "not an array of three")
    if type(parts[2]) is not dict:
        raise _fault(version, parts, Wrong.STRUCTURE, "the payload is not an object")
    return CallResult(parts[1], parts[2])


def _refusal(parts: list[Any], version: Version) -> tuple[str, str, str, dict[str, Any]]:
    """The parts of a CALLERROR; unknown codes are kept, over-long texts are cut."""
    if len(parts) != 5:
        raise _fault(version, parts, Wrong.FRAME, "not an array of five")
    _, message_id, code, description, details = parts
    if type(code) is not str or type(description) is not str:
        raise _fault(version, parts, Wrong.FRAME, "the code or the description is not a text")
    if type(details) is not dict:
        raise _fault(version, parts, Wrong.STRUCTURE, "the details are not an object")
    return message_id, code[:LONGEST_CODE], description[:LONGEST_DESCRIPTION], details


def _error(parts: list[Any], version: Version) -> CallError:
    return CallError(*_refusal(parts, version))


def _result_error(parts: list[Any], version: Version) -> CallResultError:
    return CallResultError(*_refusal(parts, version))


_OLD: dict[int, Callable[[list[Any], Version], Frame]] = {
    CALL: _call,
    CALLRESULT: _result,
    CALLERROR: _error,
}
_READERS: dict[Version, dict[int, Callable[[list[Any], Version], Frame]]] = {
    Version.V16: _OLD,
    Version.V201: _OLD,
    Version.V21: {**_OLD, CALLRESULTERROR: _result_error, SEND: _send},
}


def write_frame(frame: Frame) -> bytes:
    """The bytes of a frame, compact JSON in UTF-8.

    Raises ValueError for what no OCPP frame can carry: an id that is too long, or a payload that
    JSON cannot say.
    """
    if not 0 < len(frame.id) <= LONGEST_ID:
        raise ValueError(f"a message id has 1 to {LONGEST_ID} characters, not {len(frame.id)}")
    return _written(_parts(frame))


def write_result(message_id: str, payload: Mapping[str, Any]) -> bytes:
    """The bytes of a CALLRESULT to an id that was read; ValueError as `write_frame`."""
    return _written([CALLRESULT, message_id, payload])


def _written(parts: list[Any]) -> bytes:
    try:
        # A copy: what orjson gives keeps its 4 KiB buffer, and frames are kept for repeats.
        return bytes(memoryview(orjson.dumps(parts)))
    except TypeError as error:
        raise ValueError(f"a payload that JSON cannot say: {error}") from None


def _parts(frame: Frame) -> list[Any]:
    if isinstance(frame, CallResult):
        return [CALLRESULT, frame.id, frame.payload]
    if isinstance(frame, Call | Send):
        kind = CALL if isinstance(frame, Call) else SEND
        return [kind, frame.id, frame.action, frame.payload]
    kind = CALLERROR if isinstance(frame, CallError) else CALLRESULTERROR
    return [kind, frame.id, frame.code, frame.description[:LONGEST_DESCRIPTION], frame.details]
