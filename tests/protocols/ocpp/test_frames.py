"""Frames are read or refused cleanly, whatever the bytes."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import orjson
import pytest
from effort import least_s
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.codes import CODES
from zerocity.protocols.ocpp.frames import (
    CALL,
    CALLERROR,
    CALLRESULT,
    CALLRESULTERROR,
    DEEPEST,
    LONGEST_ID,
    SEND,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Frame,
    FrameError,
    Send,
    read_frame,
    write_frame,
)
from zerocity.protocols.ocpp.versions import Version

V16, V201, V21 = Version


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,"a","Heartbeat",{}]', Call("a", "Heartbeat", {})),
        (' [ 2 , "a" , "X" , {"b":[1]} ]\n', Call("a", "X", {"b": [1]})),
        ('[3,"a",{"b":null}]', CallResult("a", {"b": None})),
        ('[4,"a","GenericError","",{}]', CallError("a", "GenericError", "", {})),
        ('[5,"a","GenericError","x",{"y":1}]', CallResultError("a", "GenericError", "x", {"y": 1})),
        ('[6,"a","NotifyPeriodicEventStream",{}]', Send("a", "NotifyPeriodicEventStream", {})),
    ],
)
def test_each_message_type_is_read(text: str, frame: Frame) -> None:
    assert read_frame(text, V21) == frame
    assert read_frame(text.encode(), V21) == frame
    assert read_frame(write_frame(frame), V21) == frame


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize("kind", [CALLRESULTERROR, SEND, 0, 1, 7, -2, 2**70])
def test_message_types_that_an_edition_does_not_have(version: Version, kind: int) -> None:
    with pytest.raises(FrameError) as caught:
        read_frame(f'[{kind},"a","X",{{}},{{}}]', version)
    assert caught.value.message_id == "a"
    wanted = "NotSupported" if version is V16 else "MessageTypeNotSupported"
    assert caught.value.code == wanted


BROKEN = [
    "", " ", "x", "{}", "null", "2", '"a"', "[]", "[2]", '[2,"a","X",{}', "[2,",
    '[2,"a","X",{}]]', '[2,"a","X",{},]', '[2,"a","X",{"b":NaN}]', '[2,"a","X",{"b":Infinity}]',
    '[2,"a","X",{"b":-Infinity}]', '[2,"a","X",{"b":1e400}]', '[2,"a","X",{"b":"\\ud800"}]',
    '[2,"a","X",{"b":01}]', "[2,'a','X',{}]", '[2,"a","X",{b:1}]', '\ufeff[2,"a","X",{}]',
    '[2,"a","X",{}]\x00', '[2,"\x01","X",{}]', "[" * 100_000, '{"a":' * 100_000, "[" * 64,
    '[2,7,"X",{}]', '[2,null,"X",{}]', '[2,["a"],"X",{}]', '[2,"","X",{}]',
    f'[2,"{"i" * 37}","X",{{}}]',
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("version", list(Version))
def test_a_frame_without_a_readable_id_is_refused(text: str, version: Version) -> None:
    with pytest.raises(FrameError) as caught:
        read_frame(text, version)
    assert caught.value.message_id is None
    wanted = "FormationViolation" if version is V16 else "RpcFrameworkError"
    assert caught.value.code == wanted
    assert len(caught.value.description) <= 255


@pytest.mark.parametrize("data", [b'[2,"a","X",{"b":"\xff"}]', b"\x00\x01\x02", b"\xff\xfe[\x00"])
def test_bytes_that_are_no_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(data, V16)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ('[2,"a"]', "FormationViolation", "RpcFrameworkError"),
        ('[3,"a"]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a","X"]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a","X",{},{}]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a",7,{}]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a","",{}]', "FormationViolation", "RpcFrameworkError"),
        (f'[2,"a","{"X" * 61}",{{}}]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a","X",null]', "FormationViolation", "ProtocolError"),
        ('[2,"a","X",[]]', "FormationViolation", "ProtocolError"),
        ('[2,"a","X","{}"]', "FormationViolation", "ProtocolError"),
        ('[3,"a",[]]', "FormationViolation", "ProtocolError"),
        ('[3,"a",{},{}]', "FormationViolation", "RpcFrameworkError"),
        ('[4,"a","GenericError"]', "FormationViolation", "RpcFrameworkError"),
        ('[4,"a",5,"",{}]', "FormationViolation", "RpcFrameworkError"),
        ('[4,"a","GenericError",null,{}]', "FormationViolation", "RpcFrameworkError"),
        ('[4,"a","GenericError","",""]', "FormationViolation", "ProtocolError"),
        ('[2,"a","X",{"b":"\\u0000"}]', *["PropertyConstraintViolation"] * 2),
        ('[2,"a","X",{"b\\u0000":[1]}]', *["PropertyConstraintViolation"] * 2),
        ('[true,"a","X",{}]', "NotSupported", "MessageTypeNotSupported"),
        ('[2.0,"a","X",{}]', "NotSupported", "MessageTypeNotSupported"),
        ('["2","a","X",{}]', "NotSupported", "MessageTypeNotSupported"),
    ],
)
def test_a_frame_with_a_readable_id_is_refused_by_that_id(text: str, old: str, new: str) -> None:
    for version, code in ((V16, old), (V201, new), (V21, new)):
        with pytest.raises(FrameError) as caught:
            read_frame(text, version)
        assert caught.value.message_id == "a"
        assert caught.value.code == code
        assert code in CODES[version]


def test_a_backslash_before_u0000_is_no_nul() -> None:
    frame = read_frame('[2,"a","X",{"b":"\\\\u0000"}]', V16)
    assert isinstance(frame, Call)
    assert frame.payload == {"b": "\\u0000"}


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    return f'[2,"a","X",{{"b":{opening * levels}1{closing * levels}}}]'


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]")])
def test_nesting_ends_where_writers_still_follow(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    fits = (DEEPEST - 2) // levels
    read_frame(nested(fits, opening, closing), V21)
    with pytest.raises(FrameError, match="nested deeper"):
        read_frame(nested(fits + 1, opening, closing), V21)
    with pytest.raises(FrameError, match="nested deeper"):
        read_frame(nested(500 // levels, opening, closing), V21)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    frame = read_frame(f'[2,"a","X",{{"b":[{",".join(["[{}]"] * 3000)}]}}]', V21)
    assert isinstance(frame, Call)
    assert len(frame.payload["b"]) == 3000


def test_of_equal_names_the_later_value_counts() -> None:
    frame = read_frame('[2,"a","X",{"b":1,"b":2}]', V16)
    assert isinstance(frame, Call)
    assert frame.payload == {"b": 2}


def test_long_texts_of_errors_are_cut() -> None:
    frame = read_frame(f'[4,"a","{"C" * 99}","{"d" * 999}",{{}}]', V16)
    assert isinstance(frame, CallError)
    assert (len(frame.code), len(frame.description)) == (50, 255)
    assert len(orjson.loads(write_frame(CallError("a", "GenericError", "d" * 999, {})))[3]) == 255


@pytest.mark.parametrize("message_id", ["", "i" * (LONGEST_ID + 1)])
def test_an_id_that_no_edition_allows_is_not_written(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        write_frame(Call(message_id, "Heartbeat", {}))


@pytest.mark.parametrize("value", [object(), {1, 2}, {1: 2}, "\ud800", 2**70])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_frame(Call("a", "X", {"b": value}))


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "[" * n,
        lambda n: '[2,"a","X",{"b":' + "[" * (n // 2) + "]" * (n // 2) + "}]",
        lambda n: '[2,"a","X",{"b":[' + "[]," * (n // 3) + "[]]}]",
        lambda n: '[2,"a","X",{"b":"' + "\\u0000" * (n // 6) + '"}]',
        lambda n: '[2,"a","X",{"b":' + "9" * n + "}]",
        lambda n: '[2,"a","X",{' + ",".join(f'"{i}":{i}' for i in range(n // 14)) + "}]",
        lambda n: '[2,"' + "i" * n + '","X",{}]',
    ],
)
def test_64_kib_of_anything_cost_little_time_and_memory(make: Any) -> None:
    data = make(65_536).encode()

    def read() -> None:
        with suppress(FrameError):
            read_frame(data, V21)

    assert least_s(read) < 0.05
    tracemalloc.start()
    try:
        read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)  # fmt: skip


@given(st.lists(json_values, max_size=6).map(orjson.dumps) | st.binary(max_size=60))
def test_any_bytes_give_a_frame_or_an_error_of_the_edition(data: bytes) -> None:
    for version in Version:
        try:
            frame = read_frame(data, version)
        except FrameError as error:
            assert error.code in CODES[version]  # noqa: PT017 - either is lawful
        else:
            assert read_frame(write_frame(frame), version) == frame


@given(
    st.sampled_from([CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND]),
    st.text(min_size=1, max_size=36).filter(lambda text: "\0" not in text),
    st.dictionaries(st.text(max_size=5), json_values, max_size=3),
)
def test_what_is_written_is_read_back(kind: int, message_id: str, payload: dict[str, Any]) -> None:
    try:
        parts = {
            CALL: Call(message_id, "X", payload),
            CALLRESULT: CallResult(message_id, payload),
            CALLERROR: CallError(message_id, "GenericError", "d", payload),
            CALLRESULTERROR: CallResultError(message_id, "GenericError", "d", payload),
            SEND: Send(message_id, "X", payload),
        }
        written = write_frame(parts[kind])
    except ValueError:  # lone surrogates and the like
        return
    try:
        assert read_frame(written, V21) == parts[kind]
    except FrameError as error:
        assert "NUL" in error.description  # noqa: PT017 - the only thing that may be refused
