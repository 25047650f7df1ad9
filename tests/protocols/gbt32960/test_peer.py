"""The table of the conversation and the terminal's side, without a socket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from vehicle_world import NOW, car, framed, login, report

from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Encryption, Response, read_frame
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.messages import Answer, Clock, Login
from zerocity.protocols.gbt32960.peer import (
    LAST_SERIAL,
    SAID_BY_ANSWER,
    SAID_BY_COMMAND,
    STEPS,
    TIMINGS,
    Conversation,
    Said,
    Serials,
    State,
    Timing,
    answer_to,
    beijing_bytes,
    command_frame,
    utc_of,
)
from zerocity.protocols.gbt32960.terminal import WINDOW, Terminal

OK = Response.OK


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.STRANGER}
    for _ in State:
        reached |= {after for before in reached for after in STEPS[before].values()}
    assert reached == set(State) == set(STEPS)
    assert all(set(steps.values()) - {before} for before, steps in STEPS.items())


def test_only_life_signs_are_lawful_at_any_time() -> None:
    always = set.intersection(*(set(steps) for steps in STEPS.values()))
    assert always == {Said.LIFE_SIGN}
    answers = {said for pair in SAID_BY_ANSWER.values() for said in pair}
    assert set(SAID_BY_COMMAND.values()) | answers == set(Said)


def test_what_is_not_in_the_table_changes_nothing() -> None:
    talk = Conversation()
    fault = talk.ask(report(car()))
    assert fault is not None
    assert (fault.rule, fault.came) == ("order", "report while stranger")
    assert not talk.answered(Command.LOGIN, OK)
    assert talk.state is State.STRANGER


def test_one_vehicle_and_one_edition_a_link() -> None:
    talk = Conversation()
    assert talk.ask(login(car(0))) is None
    assert talk.answered(Command.LOGIN, OK)
    faults = [talk.ask(one) for one in (report(car(1)), report(car(0, Edition.Y2025)))]
    assert [fault and fault.rule for fault in faults] == ["vin", "edition"]
    assert talk.ask(report(car(0))) is None
    fault = talk.ask(framed(car(0), 0x83, b""))
    assert fault is not None
    assert fault.rule == "command"


def test_commands_of_2025_are_unknown_in_2016() -> None:
    fault = Conversation().ask(framed(car(), Command.ACTIVATION, b""))
    assert fault is not None
    assert fault.rule == "command"
    assert Conversation().ask(framed(car(0, Edition.Y2025), Command.ACTIVATION, b"")) is None


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)))
def test_beijing_time_there_and_back(at: datetime) -> None:
    whole = at.replace(tzinfo=UTC, microsecond=0)
    assert utc_of(beijing_bytes(whole)) == whole


@given(st.binary(min_size=6, max_size=6))
def test_six_bytes_are_a_time_or_none(data: bytes) -> None:
    at = utc_of(data)
    assert at is None or beijing_bytes(at)[1:] == data[1:]


def test_an_answer_keeps_the_time_and_nothing_else() -> None:
    answer = answer_to(report(car(), 7), OK)
    assert read(answer)[1] == Answer(Clock(26, 5, 1, 16, 0, 7))
    assert len(answer) == 31
    closed = framed(car(), Command.REALTIME, bytes(range(32)), Encryption.AES)
    assert read_frame(answer_to(closed, OK)).data == b""
    # Codes that came with 2025 are the general error in 2016.
    assert answer_to(report(car()), Response.STRUCTURE)[3] == Response.ERROR
    new = answer_to(report(car(0, Edition.Y2025)), Response.STRUCTURE)
    assert new[3] == Response.STRUCTURE
    assert answer_to(report(car()), Response.VIN_DUPLICATE)[3] == Response.VIN_DUPLICATE


def test_serials_count_a_beijing_day() -> None:
    serials, evening = Serials(), datetime(2026, 5, 1, 15, 59, tzinfo=UTC)
    assert [serials.following(evening) for _ in range(3)] == [1, 2, 3]
    assert serials.following(evening + timedelta(minutes=1)) == 1
    for _ in range(LAST_SERIAL - 1):
        last = serials.following(evening + timedelta(hours=1))
    assert (last, serials.following(evening + timedelta(hours=1))) == (LAST_SERIAL, 1)


class Line:
    """A terminal whose frames a test takes and answers by hand."""

    def __init__(self, timing: Timing | None = None, **more: object) -> None:
        self.car = car()
        self.terminal = Terminal(
            self.car.vin, Edition.Y2016, self.car.login_unit, timing=timing, **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self.now_s = 0.0

    def tick(self, seconds: float = 0.0) -> bool:
        self.now_s += seconds
        return self.terminal.tick(NOW + timedelta(seconds=self.now_s), self.now_s)

    def taken(self) -> list[bytes]:
        self.tick()
        return self.terminal.take()

    def open(self) -> None:
        self.terminal.connected(NOW, self.now_s)
        for frame in self.terminal.take():
            self.terminal.receive(answer_to(frame, OK), self.now_s)

    def read(self, second: float) -> None:
        self.terminal.report(report(self.car, second)[24:-1], NOW + timedelta(seconds=second))

    def answer(self, frames: list[bytes], response: int = OK) -> None:
        for frame in frames:
            self.terminal.receive(answer_to(frame, response), self.now_s)


def test_a_terminal_says_who_it_is_first() -> None:
    line = Line()
    line.read(1)
    line.terminal.connected(NOW, 0.0)
    (frame,) = line.taken()
    asked = read(frame)[1]
    assert isinstance(asked, Login)
    assert (asked.serial, asked.iccid) == (1, line.car.iccid)
    line.answer([frame])
    (resent,) = line.taken()
    assert resent[2] == Command.RESEND
    line.read(2)
    (live,) = line.taken()
    assert live[2] == Command.REALTIME
    line.answer([live, resent])
    assert line.terminal.waiting == 0
    assert line.terminal.counts.acknowledged == 2


def test_what_was_under_way_when_a_link_broke_is_resent() -> None:
    line = Line()
    line.open()
    for second in range(4):
        line.read(second)
    sent = line.taken()
    line.answer(sent[:1])
    line.terminal.lost(line.now_s)
    line.open()
    again = line.taken()
    assert [frame[2] for frame in again] == [Command.RESEND] * 3
    assert [frame[24:-1] for frame in again] == [frame[24:-1] for frame in sent[1:]]
    line.answer(again)
    # An answer that comes late changes nothing.
    line.answer(again)
    assert line.terminal.counts.acknowledged == 4
    assert line.terminal.waiting == 0


def test_an_error_is_tried_again_three_times() -> None:
    line = Line(replace(TIMINGS[Edition.Y2016], heartbeat_s=1e9))
    line.open()
    line.read(0)
    for attempt in range(4):
        frames = line.taken()
        assert len(frames) == 1
        assert (frames[0][2] == Command.RESEND) == (attempt > 0)
        line.answer(frames, Response.ERROR)
        assert not line.taken()
        line.now_s += 61.0
    assert not line.taken()
    assert line.terminal.counts.refused == 1
    assert line.terminal.waiting == 0


def test_an_overdue_answer_gives_the_link_up() -> None:
    line = Line()
    line.open()
    line.read(0)
    line.taken()
    assert line.tick(29.0)
    assert not line.tick(2.0)
    silent = Line()
    silent.terminal.connected(NOW, 0.0)
    assert not silent.tick(31.0)


def test_logins_pause_as_the_standard_says() -> None:
    for edition, retry_s in ((Edition.Y2016, 60.0), (Edition.Y2025, 180.0)):
        one = car(0, edition)
        terminal, now_s = Terminal(one.vin, edition, one.login_unit), 0.0
        waits = []
        for _ in range(4):
            terminal.connected(NOW, now_s)
            terminal.lost(now_s)
            waits.append(terminal.next_login_s - now_s)
            now_s = terminal.next_login_s
        assert waits == [retry_s, retry_s, 1800.0, retry_s]


def test_a_refused_login_leaves_the_link() -> None:
    line = Line()
    line.terminal.connected(NOW, 0.0)
    line.answer(line.taken(), Response.VIN_DUPLICATE)
    assert line.terminal.has_left
    assert not line.tick()
    line.terminal.lost(0.0)
    assert line.terminal.next_login_s == 60.0
    assert line.terminal.counts.links_lost == 0


def test_the_buffer_is_bounded_and_old_reports_expire() -> None:
    line = Line(most_kept=100)
    for second in range(150):
        line.read(second)
    assert line.terminal.waiting == 100
    assert line.terminal.counts.dropped == 50
    line.now_s = 3 * 86_400.0 + 100
    line.open()
    sent: list[bytes] = []
    while frames := line.taken():
        assert len(frames) <= WINDOW
        sent += frames
        line.answer(frames)
    # Three days back are left of the last hundred: seconds 100 to 149.
    assert len(sent) == line.terminal.counts.acknowledged == 50
    assert line.terminal.counts.expired == 50


def test_a_platform_that_answers_errors_only() -> None:
    line = Line(answers=False)
    line.open()
    line.read(0)
    assert len(line.taken()) == 1
    assert line.terminal.waiting == 0
    assert line.tick(100.0)


def test_a_terminal_lives_on_by_heartbeats_and_ignores_nonsense() -> None:
    line = Line()
    line.open()
    line.now_s = 61.0
    (beat,) = line.taken()
    assert beat[2] == Command.HEARTBEAT
    query = command_frame(Edition.Y2016, Command.QUERY, line.terminal.vin, bytes(7))
    line.terminal.receive(query, line.now_s)
    (answer,) = line.terminal.take()
    assert (answer[2], answer[3]) == (Command.QUERY, Response.ERROR)
    line.answer([query, framed(line.car, Command.LOGOUT, b"")])
    assert line.terminal.logged_in


def test_leaving_carries_the_serial_of_the_login() -> None:
    line = Line()
    line.open()
    line.terminal.lost(0.0)
    line.open()
    line.terminal.leave(NOW, 0.0)
    (frame,) = line.terminal.take()
    assert frame[2] == Command.LOGOUT
    assert frame[30:32] == b"\0\2"
    line.answer([frame])
    assert line.terminal.has_left


@given(st.lists(st.sampled_from("rraallo"), max_size=60))
def test_no_order_of_faults_loses_a_report(events: list[str]) -> None:
    """Read, answer all, lose the link, open it: in any order, then a good link at the end."""
    line, taken, under_way = Line(), [], list[bytes]()
    is_open = False
    for second, event in enumerate(events):
        if event == "r":
            line.read(second)
        elif event == "a" and is_open:
            under_way += line.taken()
            taken += [frame[24:-1] for frame in under_way]
            line.answer(under_way)
            under_way = []
        elif event == "l" and is_open:
            under_way, is_open = [], False
            line.terminal.lost(line.now_s)
        elif event == "o" and not is_open:
            line.open()
            is_open = True
    if not is_open:
        line.open()
    while frames := line.taken():
        taken += [frame[24:-1] for frame in frames]
        line.answer(frames)
    counts = line.terminal.counts
    assert counts.acknowledged == counts.read == len(set(taken))
    assert line.terminal.waiting == 0
    assert len(taken) == counts.read
