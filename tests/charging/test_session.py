"""The session's table: every step it names, and none besides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.session import TABLE, Event, State, step


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_row_and_can_end(state: State) -> None:
    assert step(state, Event.END) is State.ENDED


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.END])
def test_nothing_leaves_the_end(event: Event) -> None:
    assert step(State.ENDED, event) is None


def test_refused_session_may_not_charge_until_another_token_is_accepted() -> None:
    assert step(State.REFUSED, Event.CHARGE) is None
    assert step(State.REFUSED, Event.AUTHORISE) is State.READY
    assert step(State.READY, Event.CHARGE) is State.CHARGING


@pytest.mark.parametrize("state", [state for state in State if state is not State.ENDED])
def test_a_refusal_is_taken_in_every_open_state(state: State) -> None:
    assert step(state, Event.REFUSE) is State.REFUSED


def test_every_state_can_be_reached() -> None:
    reached, edge = {State.PLUGGED}, {State.PLUGGED}
    while edge:
        edge = {after for state in edge for after in TABLE[state].values()} - reached
        reached |= edge
    assert reached == set(State)


@given(events=st.lists(st.sampled_from(Event), max_size=20))
def test_charging_never_follows_a_refusal_directly(events: list[Event]) -> None:
    state = State.PLUGGED
    for event in events:
        after = step(state, event)
        assert not (state is State.REFUSED and after is State.CHARGING)
        state = after or state
