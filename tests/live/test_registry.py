"""The registry: who stands where, who is busy, and that nothing grows without bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zerocity.charging.session import State
from zerocity.live import registry as live
from zerocity.live.registry import LiveStation, Registry
from zerocity.live.sessions import LiveSession
from zerocity.live.tokens import Token, Verdict

AT = datetime(2026, 5, 1, tzinfo=UTC)


def session(name: str, *, token: str | None = "T", minutes: int = 0) -> LiveSession:
    return LiveSession(
        name, "A", 1, 1, token, AT + timedelta(minutes=minutes), 0.0, start_key=f"k{name}"
    )


@pytest.fixture
def city() -> Registry:
    made = Registry()
    station = made.add_station(LiveStation("A", "site"))
    found = made.connector(station, 1, 1)
    assert found is not None
    found.max_kw = 40.0
    made.add_token(Token("T"))
    return made


def test_session_takes_its_seat_and_leaves_it(city: Registry) -> None:
    one = session("1")
    city.open(one)
    seat = city.stations["A"].connectors[1, 1]
    assert seat.session is one
    assert one.limit_kw == 40.0
    city.close(one)
    assert seat.session is None
    assert city.find("A", "1") is one
    assert city.find("B", "1") is None


def test_newest_session_has_the_seat(city: Registry) -> None:
    new, old = session("2", minutes=5), session("1")
    city.open(new)
    city.open(old)
    seat = city.stations["A"].connectors[1, 1]
    assert seat.session is new
    city.close(old)
    assert seat.session is new


def test_token_is_busy_while_its_session_is_open(city: Registry) -> None:
    one = session("1")
    city.open(one)
    assert city.open_elsewhere("t", "2")
    assert not city.open_elsewhere("T", "1")
    city.close(one)
    assert not city.open_elsewhere("T", None)
    assert not city.busy


def test_card_of_many_is_never_busy(city: Registry) -> None:
    city.add_token(Token("T", many=True))
    city.open(session("1"))
    assert not city.open_elsewhere("T", None)


def test_refused_session_keeps_no_token_busy(city: Registry) -> None:
    refused = session("1")
    refused.state = State.REFUSED
    city.open(refused)
    assert not city.open_elsewhere("T", None)


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (-1, 1), (10_000, 1), (1, 10**9)])
def test_plugs_that_cannot_be(city: Registry, place: tuple[int, int]) -> None:
    assert city.connector(city.stations["A"], *place) is None


def test_numbers_never_repeat(city: Registry) -> None:
    assert [city.next_number() for _ in range(3)] == [1, 2, 3]


def test_ended_sessions_are_forgotten_step_by_step(
    city: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_ENDED", 2)
    monkeypatch.setattr(live, "MOST_FORGOTTEN", 2)
    for n in range(6):
        one = session(str(n))
        city.open(one)
        one.cost_cny = float(n)
        city.close(one)
    assert list(city.ended) == ["4", "5"]
    assert {name: kept.cost for name, kept in city.forgotten.items()} == {"2": 2.0, "3": 3.0}
    assert set(city.starts.values()) == {"2", "3", "4", "5"}


def test_verdict_and_tariff_of_a_site(city: Registry) -> None:
    assert city.verdict("t", AT) is Verdict.ACCEPTED
    assert city.verdict("x", AT) is Verdict.UNKNOWN
    assert city.token(None) is None
    assert city.tariff("anywhere") is city.default_tariff
