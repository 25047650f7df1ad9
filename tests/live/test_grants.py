"""However late confirmations come, the sum of what sessions may draw stays within the room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.live.grants import ANSWER_S, LEASE_S, RENEW_S, Grants, Wish


class Street:
    """Stations that obey each limit when it reaches them, late and in order."""

    def __init__(self, keys: list[str], default_kw: float, most_kw: float) -> None:
        self.power = dict.fromkeys(keys, default_kw)
        self.most_kw = most_kw
        self.mail: dict[str, list[float]] = {key: [] for key in keys}

    def send(self, key: str, kw: float) -> None:
        self.mail[key].append(kw)

    def deliver(self, key: str) -> float | None:
        if not self.mail[key]:
            return None
        kw = self.mail[key].pop(0)
        self.power[key] = min(kw, self.most_kw)
        return kw


@settings(max_examples=150)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_what_sessions_draw_never_exceeds_the_room(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    keys = [f"s{k}" for k in range(count)]
    most, default = 22.0, 1.5
    street, grants = Street(keys, default, most), Grants()
    room = 1.5 * count + 20.0
    late: list[tuple[int, str, float]] = []
    for second in range(60):
        wanted = rng.uniform(0.0, most, count) * (rng.random(count) > 0.3)
        wanted *= min(1.0, room / max(wanted.sum(), 1e-9))
        wishes = [Wish(k, float(w), most, default, bool(rng.random() > 0.5))
                  for k, w in zip(keys, wanted, strict=True)]  # fmt: skip
        grants.settle(wishes, room, float(second), street.send)
        assert sum(street.power.values()) <= room + 1e-6
        for key in keys:
            if rng.random() > 0.5:
                kw = street.deliver(key)
                assert sum(street.power.values()) <= room + 1e-6
                if kw is not None:
                    late.append((second + int(rng.integers(0, 5)), key, kw))
        for due in [one for one in late if one[0] <= second]:
            late.remove(due)
            grants.confirmed(due[1], due[2], float(second))


def test_with_prompt_answers_everyone_gets_what_was_decided() -> None:
    keys = ["a", "b", "c"]
    street, grants = Street(keys, 1.5, 22.0), Grants()
    wishes = [Wish("a", 10.0, 22.0, 1.5, True), Wish("b", 7.0, 22.0, 1.5, False),
              Wish("c", 0.0, 22.0, 1.5, False)]  # fmt: skip
    for second in range(4):
        grants.settle(wishes, 17.5, float(second), street.send)
        for key in keys:
            if (kw := street.deliver(key)) is not None:
                grants.confirmed(key, kw, float(second))
    assert street.power == {"a": 10.0, "b": 7.0, "c": 0.0}


def test_the_urgent_rise_first() -> None:
    grants, told = Grants(), {}
    wishes = [Wish("a", 10.0, 22.0, 2.0, False), Wish("b", 10.0, 22.0, 2.0, True)]
    grants.settle(wishes, 12.0, 0.0, told.__setitem__)
    assert told == {"b": 10.0, "a": 2.0}


def test_a_refusing_station_counts_in_full() -> None:
    grants, told = Grants(), {}
    wishes = [Wish("a", 5.0, 22.0, 2.0, False), Wish("b", 8.0, 22.0, 2.0, False)]
    grants.settle(wishes, 20.0, 0.0, told.__setitem__)
    grants.refused("a")
    told.clear()
    grants.settle([wishes[0], Wish("b", 12.0, 22.0, 2.0, False)], 20.0, 1.0, told.__setitem__)
    assert "b" not in told or told["b"] <= 8.0


def test_an_unanswered_limit_is_sent_again_and_a_standing_one_renewed() -> None:
    grants, sent = Grants(), []
    wish = [Wish("a", 5.0, 22.0, 2.0, False)]
    for second in (0.0, 1.0, ANSWER_S):
        grants.settle(wish, 20.0, second, lambda key, kw: sent.append(kw))
    assert sent == [5.0, 5.0]
    grants.confirmed("a", 5.0, ANSWER_S)
    for second in (ANSWER_S + 1.0, ANSWER_S + RENEW_S - 1.0, ANSWER_S + RENEW_S):
        grants.settle(wish, 20.0, second, lambda key, kw: sent.append(kw))
    assert sent == [5.0, 5.0, 5.0]


def test_a_lost_station_keeps_its_lease_and_then_its_default() -> None:
    grants = Grants()
    grants.settle([Wish("a", 11.0, 22.0, 2.0, False)], 20.0, 0.0, lambda key, kw: None)
    assert grants.fallback_kw("a", 2.0, 22.0, LEASE_S - 1.0) == pytest.approx(11.0)
    assert grants.fallback_kw("a", 2.0, 22.0, LEASE_S + 1.0) == pytest.approx(2.0)
    assert grants.fallback_kw("unknown", 2.0, 22.0, 0.0) == pytest.approx(2.0)
