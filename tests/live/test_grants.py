"""However late confirmations come, the sum of what sessions may draw stays within the room."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zerocity.live.grants import ANSWER_S, IDLE_S, LEASE_S, MOST_OUT, RENEW_S, Grants, Wish

Sent = tuple[str, float, int]


class Street:
    """Stations that obey each limit when it reaches them: late, in order, and some refuse."""

    def __init__(self, keys: list[str], default_kw: float, most_kw: float) -> None:
        self.power = dict.fromkeys(keys, default_kw)
        self.most_kw = most_kw
        self.mail: dict[str, deque[tuple[float, int]]] = {key: deque() for key in keys}

    def send(self, key: str, kw: float, number: int) -> None:
        self.mail[key].append((kw, number))

    def deliver(self, key: str) -> int | None:
        """The number of the limit that arrived, None where none was on the way."""
        if not self.mail[key]:
            return None
        kw, number = self.mail[key].popleft()
        self.power[key] = min(kw, self.most_kw)
        return number

    @property
    def total_kw(self) -> float:
        return sum(self.power.values())


class Told(list[Sent]):
    """Notes what is sent."""

    def send(self, key: str, kw: float, number: int) -> None:
        self.append((key, kw, number))

    def of(self, key: str) -> list[float]:
        return [kw for name, kw, _ in self if name == key]


@settings(max_examples=150, deadline=None)
@example(1368, 3)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_what_sessions_draw_never_exceeds_the_room(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    keys = [f"s{k}" for k in range(count)]
    most, default = 22.0, 1.5
    street, grants = Street(keys, default, most), Grants()
    room = 1.5 * count + 20.0
    late: list[tuple[int, str, int]] = []
    for second in range(60):
        wanted = rng.uniform(0.0, most, count) * (rng.random(count) > 0.3)
        wanted *= min(1.0, room / max(wanted.sum(), 1e-9))
        wishes = [Wish(k, float(w), most, default, bool(rng.random() > 0.5))
                  for k, w in zip(keys, wanted, strict=True)]  # fmt: skip
        grants.settle(wishes, room, float(second), street.send)
        assert street.total_kw <= room + 1e-6
        for key in keys:
            if rng.random() > 0.5:
                number = street.deliver(key)
                assert street.total_kw <= room + 1e-6
                if number is not None:
                    late.append((second + int(rng.integers(0, 5)), key, number))
        for due in [one for one in late if one[0] <= second]:
            late.remove(due)
            grants.confirmed(due[1], due[2], float(second))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.floats(0.0, 30.0))
def test_after_prompt_answers_a_smaller_room_holds_too(seed: int, count: int, room: float) -> None:
    rng = np.random.default_rng(seed)
    keys = [f"s{k}" for k in range(count)]
    street, grants = Street(keys, 1.5, 22.0), Grants()
    for second, now_kw in enumerate((1.5 * count + 30.0,) * 3 + (room,) * 4):
        wanted = rng.uniform(0.0, 22.0, count)
        wanted *= min(1.0, now_kw / wanted.sum())
        wishes = [Wish(k, float(w), 22.0, 1.5, False) for k, w in zip(keys, wanted, strict=True)]
        grants.settle(wishes, now_kw, float(second), street.send)
        for key in keys:
            while (number := street.deliver(key)) is not None:
                grants.confirmed(key, number, float(second))
    assert street.total_kw <= room + 1e-6


def test_with_prompt_answers_everyone_gets_what_was_decided() -> None:
    keys = ["a", "b", "c"]
    street, grants = Street(keys, 1.5, 22.0), Grants()
    wishes = [Wish("a", 10.0, 22.0, 1.5, True), Wish("b", 7.0, 22.0, 1.5, False),
              Wish("c", 0.0, 22.0, 1.5, False)]  # fmt: skip
    for second in range(4):
        grants.settle(wishes, 17.5, float(second), street.send)
        for key in keys:
            if (number := street.deliver(key)) is not None:
                grants.confirmed(key, number, float(second))
    assert street.power == {"a": 10.0, "b": 7.0, "c": 0.0}


def test_the_urgent_rise_first() -> None:
    grants, told = Grants(), Told()
    wishes = [Wish("a", 10.0, 22.0, 2.0, False), Wish("b", 10.0, 22.0, 2.0, True)]
    grants.settle(wishes, 12.0, 0.0, told.send)
    assert told.of("b") == [10.0]
    assert told.of("a") == [2.0]


def test_the_answer_to_an_older_limit_does_not_pass_for_that_to_a_newer_one() -> None:
    grants, told = Grants(), Told()
    for second, kw in enumerate((3.0, 1.0, 3.0)):
        grants.settle([Wish("a", kw, 22.0, 10.0, False)], 10.0, second * 2 * ANSWER_S, told.send)
    assert told.of("a") == [3.0, 1.0, 3.0]
    grants.confirmed("a", told[0][2], 50.0)
    assert grants.of["a"].waiting
    grants.confirmed("a", told[2][2], 51.0)
    grants.confirmed("a", told[1][2], 52.0)
    assert not grants.of["a"].waiting
    assert grants.of["a"].most_kw(22.0) == 3.0


def test_a_refusing_station_counts_in_full_until_it_takes_a_limit() -> None:
    grants, told = Grants(), Told()
    wishes = [Wish("a", 5.0, 22.0, 2.0, False), Wish("b", 8.0, 22.0, 2.0, False)]
    grants.settle(wishes, 20.0, 0.0, told.send)
    grants.refused("a", told[0][2])
    assert grants.of["a"].most_kw(22.0) == 22.0
    told.clear()
    grants.settle([wishes[0], Wish("b", 12.0, 22.0, 2.0, False)], 20.0, 1.0, told.send)
    assert told.of("b") in ([], [8.0])
    grants.insist("a", 2.0, 2.0, told.send)
    assert told.of("a") == []
    grants.insist("a", 2.0, ANSWER_S, told.send)
    assert told.of("a") == [2.0]
    grants.confirmed("a", told[-1][2], ANSWER_S + 1.0)
    assert grants.of["a"].most_kw(22.0) == 2.0


def test_an_older_refusal_does_not_count_when_a_later_limit_may_be_taken() -> None:
    grants, told = Grants(), Told()
    grants.settle([Wish("a", 5.0, 22.0, 2.0, False)], 20.0, 0.0, told.send)
    grants.settle([Wish("a", 1.0, 22.0, 2.0, False)], 20.0, 1.0, told.send)
    grants.refused("a", told[0][2])
    assert grants.of["a"].most_kw(22.0) == 5.0
    grants.confirmed("a", told[1][2], 2.0)
    assert grants.of["a"].most_kw(22.0) == 1.0


def test_answers_about_strangers_change_nothing() -> None:
    grants = Grants()
    grants.confirmed("nobody", 1, 0.0)
    grants.refused("nobody", 1)
    assert grants.of == {}


def test_a_station_that_never_answers_is_kept_in_little_memory() -> None:
    grants, told = Grants(), Told()
    for turn in range(200):
        grants.settle(
            [Wish("a", float(turn % 20), 22.0, 2.0, False)], 50.0, turn * ANSWER_S, told.send
        )
    assert len(told) > 100
    assert len(grants.of["a"].out) <= MOST_OUT
    assert grants.of["a"].most_kw(22.0) == 19.0


def test_an_unanswered_limit_is_sent_again_and_a_standing_one_renewed() -> None:
    grants, told = Grants(), Told()
    wish = [Wish("a", 5.0, 22.0, 2.0, False)]
    for second in (0.0, 1.0, ANSWER_S):
        grants.settle(wish, 20.0, second, told.send)
    assert told.of("a") == [5.0, 5.0]
    grants.confirmed("a", told[-1][2], ANSWER_S)
    for second in (ANSWER_S + 1.0, ANSWER_S + RENEW_S - 1.0, ANSWER_S + RENEW_S):
        grants.settle(wish, 20.0, second, told.send)
    assert told.of("a") == [5.0, 5.0, 5.0]


def test_a_small_change_is_worth_no_message_but_where_the_site_is_full() -> None:
    grants, told = Grants(), Told()
    grants.settle([Wish("a", 10.0, 22.0, 2.0, False)], 20.0, 0.0, told.send)
    grants.confirmed("a", 1, 0.0)
    grants.settle([Wish("a", 9.9, 22.0, 2.0, False)], 20.0, 1.0, told.send)
    assert told.of("a") == [10.0]
    grants.settle([Wish("a", 9.9, 22.0, 2.0, False)], 9.9, 2.0, told.send)
    assert told.of("a") == [10.0, 9.9]


def test_a_lost_station_keeps_its_lease_and_then_its_default() -> None:
    grants = Grants()
    grants.settle([Wish("a", 11.0, 22.0, 2.0, False)], 20.0, 0.0, lambda key, kw, number: None)
    assert grants.fallback_kw("a", 2.0, 22.0, LEASE_S - 1.0) == pytest.approx(11.0)
    assert grants.fallback_kw("a", 2.0, 22.0, LEASE_S + 1.0) == pytest.approx(2.0)
    assert grants.fallback_kw("unknown", 2.0, 22.0, 0.0) == pytest.approx(2.0)


def test_ended_sessions_are_forgotten() -> None:
    grants = Grants()
    for key in "abc":
        grants.begin(key, 2.0)
    grants.keep(iter("b"))
    assert list(grants.of) == ["b"]


def test_a_car_that_draws_nothing_stays_idle_through_renewals_until_it_draws() -> None:
    grants, told = Grants(), Told()

    def beat(second: float, kw: float, drawn: float, *, confirm: bool = True) -> bool:
        grants.drawn("a", drawn, second)
        grants.settle([Wish("a", kw, 22.0, 2.0, False)], 20.0, second, told.send)
        if confirm and grants.of["a"].waiting:
            grants.confirmed("a", told[-1][2], second)
        return grants.is_idle("a", second)

    assert not any(beat(second, 7.0, 0.0) for second in np.arange(0.0, IDLE_S, 2.0))
    second = IDLE_S + 2.0
    assert beat(second, 7.0, 0.0)
    # Less is enough for one that sleeps; neither this nor a renewal wakes it up.
    while second < 2.5 * RENEW_S:
        second += 2.0
        assert beat(second, 1.4, 0.0, confirm=int(second) % 4 == 0)
    assert len(told) >= 3
    # Neither does a price at which nobody charges.
    for kw in (0.0, 0.0, 1.4, 1.4):
        second += 2.0
        assert beat(second, kw, 0.0)
    assert not beat(second + 2.0, 1.4, 1.4)
