"""One end of a connection, fed by hand."""

from __future__ import annotations

import tracemalloc
from itertools import count
from typing import Any

import orjson
import pytest
from effort import least_s

from zerocity.protocols.ocpp.peer import (
    DISCONNECTED,
    MOST_REMEMBERED,
    PATIENCE_S,
    TIMEOUT,
    Answered,
    Asked,
    Broke,
    Peer,
    PeerClosedError,
    PeerFullError,
    Refused,
    Told,
)
from zerocity.protocols.ocpp.versions import Role, Version

V16, V201, V21 = Version
NOW = {"currentTime": "2026-11-22T10:15:30Z"}
AUTHORIZE = {"idTag": "A1"}
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}
STREAM = {"id": 1, "pending": 0, "basetime": "2026-11-22T10:15:30Z", "data": [{"t": 0, "v": "1"}]}


def peer(version: Version = V16, role: Role = Role.CSMS, **settings: Any) -> Peer:
    numbers = count(1)
    return Peer(version, role, next_id=lambda: f"n{next(numbers)}", **settings)


def sent(one: Peer) -> list[Any]:
    return [orjson.loads(frame) for frame in one.take()]


def call(action: str, payload: dict[str, Any], message_id: str = "a") -> bytes:
    return orjson.dumps([2, message_id, action, payload])


def test_a_lawful_call_is_asked_and_answered() -> None:
    office = peer()
    assert office.receive(call("Authorize", AUTHORIZE), 0.0) == [Asked("a", "Authorize", AUTHORIZE)]
    assert sent(office) == []
    office.answer("a", ACCEPTED)
    assert sent(office) == [[3, "a", ACCEPTED]]
    assert sent(office) == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: data.decode()])
def test_any_form_of_the_bytes_will_do(kind: Any) -> None:
    assert len(peer().receive(kind(call("Heartbeat", {})), 0.0)) == 1


def test_a_text_with_lone_surrogates_breaks_the_rules() -> None:
    (event,) = peer().receive("\ud800", 0.0)
    assert isinstance(event, Broke)


def test_an_asked_call_can_be_refused_in_the_words_of_the_edition() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    office.refuse("a", "OccurrenceConstraintViolation", "why")
    assert sent(office) == [[4, "a", "OccurenceConstraintViolation", "why", {}]]


def test_mistakes_of_ours_are_raised_and_change_nothing() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    with pytest.raises(ValueError, match="idTagInfo"):
        office.answer("a", {})
    with pytest.raises(ValueError, match="no error code"):
        office.refuse("a", "Oops")
    with pytest.raises(LookupError):
        office.answer("b", ACCEPTED)
    with pytest.raises(LookupError):
        office.refuse("b", "GenericError")
    office.answer("a", ACCEPTED)
    with pytest.raises(LookupError):
        office.answer("a", ACCEPTED)
    assert sent(office) == [[3, "a", ACCEPTED]]


# What is broken


@pytest.mark.parametrize(
    ("version", "frame", "answer"),
    [
        (V16, [2, "a", "Authorize", {}], [4, "a", "ProtocolError"]),
        (V201, [2, "a", "Authorize", {}], [4, "a", "OccurrenceConstraintViolation"]),
        (V16, [2, "a", "Nope", {}], [4, "a", "NotImplemented"]),
        (V16, [2, "a", "Reset", {"type": "Soft"}], [4, "a", "NotSupported"]),
        (V21, [2, "a", "NotifyPeriodicEventStream", STREAM], [4, "a", "NotSupported"]),
        (V16, [2, "a", "Heartbeat"], [4, "a", "FormationViolation"]),
        (V201, [2, "a", "Heartbeat"], [4, "a", "RpcFrameworkError"]),
        (V201, [2, "a", "Heartbeat", []], [4, "a", "ProtocolError"]),
        (V201, [2, "i" * 37, "Heartbeat", {}], [4, "-1", "RpcFrameworkError"]),
        (V21, "text", [4, "-1", "RpcFrameworkError"]),
        (V201, [6, "a", "NotifyPeriodicEventStream", {}], [4, "a", "MessageTypeNotSupported"]),
        (V21, [9, "a", "Heartbeat", {}], [4, "a", "MessageTypeNotSupported"]),
        # 1.6 has no word for these.
        (V16, [9, "a", "Heartbeat", {}], None),
        (V16, [2, "i" * 37, "Heartbeat", {}], None),
        (V16, "text", None),
        # Nobody answers an answer, an error or a message that wants no answer.
        (V201, [3, "a", {}], None),
        (V201, [3, "a"], None),
        (V201, [3, "a", []], None),
        (V201, [4, "a", "GenericError", "", {}], None),
        (V201, [4, "a", 1, "", {}], None),
        (V21, [5, "a", 1, "", {}], None),
        (V21, [6, "a", "NotifyPeriodicEventStream", {}], None),
        (V21, [6, "a", "NotifyPeriodicEventStream"], None),
        (V21, [6, "a", "Heartbeat", {}], None),
        (V21, [6, "a", "Nope", {}], None),
    ],
)
def test_broken_frames_are_told_where_the_edition_has_a_word_for_it(
    version: Version, frame: Any, answer: list[Any] | None
) -> None:
    office = peer(version)
    (event,) = office.receive(orjson.dumps(frame), 0.0)
    assert isinstance(event, Broke)
    assert [out[:3] for out in sent(office)] == ([answer] if answer else [])


def test_a_broken_call_can_be_mended_under_the_same_id() -> None:
    office = peer()
    office.receive(call("Authorize", {}), 0.0)
    assert office.receive(call("Authorize", AUTHORIZE), 0.0) == [Asked("a", "Authorize", AUTHORIZE)]


# Repeated calls


def test_a_call_repeated_while_open_is_asked_once() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    assert office.receive(call("Authorize", AUTHORIZE), 1.0) == []
    office.answer("a", ACCEPTED)
    assert sent(office) == [[3, "a", ACCEPTED]]


@pytest.mark.parametrize("refuse", [False, True])
def test_a_call_repeated_after_its_answer_gets_the_same_again(refuse: bool) -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    if refuse:
        office.refuse("a", "InternalError", "full")
    else:
        office.answer("a", ACCEPTED)
    first = sent(office)
    assert office.receive(call("Authorize", AUTHORIZE), 1.0) == []
    assert sent(office) == first


def test_an_open_id_used_for_something_else_is_a_breach() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    (event,) = office.receive(call("Authorize", {"idTag": "B2"}), 0.0)
    assert isinstance(event, Broke)
    office.answer("a", ACCEPTED)
    assert len(sent(office)) == 1


def test_an_answered_id_used_for_something_else_is_served() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    office.answer("a", ACCEPTED)
    other = {"idTag": "B2"}
    assert office.receive(call("Authorize", other), 0.0) == [Asked("a", "Authorize", other)]


def test_an_old_time_is_never_told_twice() -> None:
    office = peer()
    for _ in range(2):
        assert office.receive(call("Heartbeat", {}), 0.0) == [Asked("a", "Heartbeat", {})]
        office.answer("a", NOW)


def test_only_the_last_answers_are_kept() -> None:
    office = peer()
    for number in range(MOST_REMEMBERED + 1):
        office.receive(call("Authorize", AUTHORIZE, f"i{number}"), 0.0)
        office.answer(f"i{number}", ACCEPTED)
    assert office.receive(call("Authorize", AUTHORIZE, "i1"), 0.0) == []
    assert len(office.receive(call("Authorize", AUTHORIZE, "i0"), 0.0)) == 1


def test_a_flood_of_open_calls_is_bounded() -> None:
    office = peer(max_waiting=3)
    for number in range(3):
        office.receive(call("Authorize", AUTHORIZE, f"i{number}"), 0.0)
    (event,) = office.receive(call("Authorize", AUTHORIZE, "i3"), 0.0)
    assert isinstance(event, Broke)
    assert sent(office)[0][:3] == [4, "i3", "InternalError"]
    office.answer("i0", ACCEPTED)
    assert len(office.receive(call("Authorize", AUTHORIZE, "i3"), 0.0)) == 1


# Calls of ours


def test_calls_leave_one_at_a_time_and_in_order() -> None:
    office = peer()
    assert office.call("ClearCache", {}, 0.0, token="first") == "n1"
    assert office.call("GetLocalListVersion", {}, 0.0) == "n2"
    assert sent(office) == [[2, "n1", "ClearCache", {}]]
    answer = {"status": "Accepted"}
    assert office.receive(orjson.dumps([3, "n1", answer]), 1.0) == [
        Answered("first", "ClearCache", answer)
    ]
    assert sent(office) == [[2, "n2", "GetLocalListVersion", {}]]
    assert office.next_due() == 31.0
    assert office.receive(orjson.dumps([4, "n2", "NotSupported", "no", {}]), 2.0) == [
        Refused("n2", "GetLocalListVersion", "NotSupported", "no")
    ]
    assert office.next_due() is None


def test_a_call_without_an_answer_times_out_and_the_next_one_leaves() -> None:
    office = peer(call_timeout_s=5.0)
    office.call("ClearCache", {}, 10.0, token=1)
    office.call("ClearCache", {}, 10.0, token=2)
    sent(office)
    assert office.tick(14.9) == []
    (event,) = office.tick(15.0)
    assert (event.token, event.code) == (1, TIMEOUT)
    assert sent(office) == [[2, "n2", "ClearCache", {}]]
    assert office.next_due() == 20.0
    # The answer that comes too late belongs to nobody; a made-up one breaks the rules.
    assert office.receive(orjson.dumps([3, "n1", {"status": "Accepted"}]), 16.0) == []
    (event,) = office.receive(orjson.dumps([3, "n7", {"status": "Accepted"}]), 16.0)
    assert isinstance(event, Broke)
    assert office.next_due() == 20.0


def test_a_limit_overtakes_questions_and_waits_for_one_only_so_long() -> None:
    office = peer(V21)
    for _ in range(3):
        office.call("ClearCache", {}, 0.0)
    for number in (1, 2):
        office.call("ClearChargingProfile", {"chargingProfileId": number}, 10.0)
    assert [out[2] for out in sent(office)] == ["ClearCache"]
    assert office.next_due() == 10.0 + PATIENCE_S
    (event,) = office.tick(10.0 + PATIENCE_S)
    assert event.code == TIMEOUT
    left = [sent(office)]
    for moment in (16.0, 17.0, 18.0):
        (message,) = left[-1]
        status = {"status": "Accepted"}
        assert len(office.receive(orjson.dumps([3, message[1], status]), moment)) == 1
        left.append(sent(office))
    said = [out[2:] for outs in left for out in outs]
    assert said == [
        ["ClearChargingProfile", {"chargingProfileId": 1}],
        ["ClearChargingProfile", {"chargingProfileId": 2}],
        ["ClearCache", {}],
        ["ClearCache", {}],
    ]
    assert office.next_due() == 48.0


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("payload", [{}, {"status": "Maybe"}, []])
def test_an_answer_that_breaks_its_schema_refuses_the_call(version: Version, payload: Any) -> None:
    office = peer(version)
    office.call("ClearCache", {}, 0.0, token="t")
    sent(office)
    (event,) = office.receive(orjson.dumps([3, "n1", payload]), 1.0)
    assert isinstance(event, Refused)
    assert event.token == "t"
    told = sent(office)
    assert [out[:3] for out in told] == ([[5, "n1", event.code]] if version is V21 else [])


def test_a_broken_error_refuses_the_call_too() -> None:
    office = peer(V21)
    office.call("ClearCache", {}, 0.0, token="t")
    sent(office)
    (event,) = office.receive(orjson.dumps([4, "n1", None, "", {}]), 1.0)
    assert isinstance(event, Refused)
    assert sent(office) == []


def test_the_other_side_may_refuse_our_answer() -> None:
    office = peer(V21)
    frame = [5, "a", "FormatViolation", "what?", {}]
    assert office.receive(orjson.dumps(frame), 0.0) == [
        Broke("FormatViolation", "our answer a: what?")
    ]


@pytest.mark.parametrize(
    ("role", "action", "payload"),
    [
        (Role.CSMS, "Authorize", AUTHORIZE),
        (Role.STATION, "Reset", {"type": "Soft"}),
        (Role.CSMS, "Nope", {}),
        (Role.CSMS, "Reset", {}),
        (Role.CSMS, "Reset", {"type": "soft"}),
    ],
)
def test_we_call_only_what_is_ours_and_lawful(
    role: Role, action: str, payload: dict[str, Any]
) -> None:
    one = peer(V16, role)
    with pytest.raises(ValueError, match=action):
        one.call(action, payload, 0.0)
    assert one.take() == []


def test_the_queue_of_our_calls_is_bounded() -> None:
    office = peer(max_waiting=2)
    for _ in range(3):  # one on its way, two behind it
        office.call("ClearCache", {}, 0.0)
    with pytest.raises(PeerFullError):
        office.call("ClearCache", {}, 0.0)


def test_ids_are_unlike_each_other_and_short() -> None:
    office = Peer(V16, Role.CSMS)
    ids = {office.call("ClearCache", {}, 0.0) for _ in range(50)}
    assert len(ids) == 50
    assert max(len(one) for one in ids) <= 36


# Messages without an answer


def test_a_stream_is_told() -> None:
    station, office = peer(V21, Role.STATION), peer(V21)
    station.tell("NotifyPeriodicEventStream", STREAM)
    (frame,) = station.take()
    assert office.receive(frame, 0.0) == [Told("NotifyPeriodicEventStream", STREAM)]
    assert office.take() == []


@pytest.mark.parametrize(
    ("version", "role", "payload"),
    [(V21, Role.CSMS, STREAM), (V201, Role.STATION, STREAM), (V21, Role.STATION, {})],
)
def test_a_stream_is_for_lawful_stations_of_2_1(
    version: Version, role: Role, payload: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="NotifyPeriodicEventStream"):
        peer(version, role).tell("NotifyPeriodicEventStream", payload)


def test_a_station_is_told_nothing_by_streams() -> None:
    (event,) = peer(V21, Role.STATION).receive(
        orjson.dumps([6, "a", "NotifyPeriodicEventStream", STREAM]), 0.0
    )
    assert isinstance(event, Broke)


# The end


def test_every_call_ends_with_the_connection() -> None:
    office = peer()
    office.receive(call("Authorize", AUTHORIZE), 0.0)
    for token in (1, 2, 3):
        office.call("ClearCache", {}, 0.0, token=token)
    ends = office.close()
    assert [(one.token, one.code) for one in ends] == [(n, DISCONNECTED) for n in (1, 2, 3)]
    assert office.close() == []
    assert office.next_due() is None
    office.answer("a", ACCEPTED)
    office.refuse("a", "GenericError")
    assert len(office.take()) == 1
    with pytest.raises(PeerClosedError):
        office.call("ClearCache", {}, 0.0)


def test_a_message_costs_microseconds() -> None:
    office = peer()
    numbers = count()

    def hear() -> None:
        for _ in range(2000):
            for event in office.receive(call("Authorize", AUTHORIZE, f"i{next(numbers)}"), 0.0):
                office.answer(event.id, ACCEPTED)
            office.take()

    assert least_s(hear) < 2000 * 200e-6


def test_a_peer_stays_small() -> None:
    tracemalloc.start()
    try:
        offices = [peer() for _ in range(100)]
        for office in offices:
            for number in range(20):
                office.receive(call("Authorize", AUTHORIZE, f"{number:036d}"), 0.0)
                office.answer(f"{number:036d}", ACCEPTED)
                office.take()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / len(offices) < 6 * 1024
