"""The table of a swap: its lawful ends, its faults, and packs that move once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.swapping.swap_session import (
    ENDED,
    MOST_MESSAGES,
    STEPS,
    Fault,
    Pack,
    State,
    Step,
    Swap,
    belongs,
    mermaid,
    move,
    open_swap,
    opening_words,
    report,
)

AT = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
USED, FULL = Pack(3, "P-USED", 0.12, 0.95), Pack(7, "P-FULL", 0.98, 0.97)


def new_swap() -> Swap:
    return open_swap("S1", 5, "T", AT, "ask")


def test_asked_accepted_in_out_is_done() -> None:
    swap = new_swap()
    assert move(swap, Step.ASK, AT)
    assert move(swap, Step.ACCEPTED, AT)
    assert report(swap, Step.BATTERY_IN, [USED], "m1", AT).moved == (USED,)
    assert not swap.ended
    end = AT + timedelta(minutes=2)
    assert report(swap, Step.BATTERY_OUT, [FULL], "m2", end).moved == (FULL,)
    assert (swap.state, swap.ended_at, swap.faults) == (State.DONE, end, ())


def test_out_before_in_is_lawful_too() -> None:
    swap = new_swap()
    report(swap, Step.BATTERY_OUT, [FULL], "m1", AT)
    report(swap, Step.BATTERY_IN, [USED], "m2", AT)
    assert swap.state is State.DONE
    assert (swap.packs_in, swap.packs_out) == ((USED,), (FULL,))


def test_a_report_may_overtake_the_answer_to_our_request() -> None:
    swap = new_swap()
    move(swap, Step.ASK, AT)
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    assert move(swap, Step.ACCEPTED, AT)
    assert (swap.state, swap.faults) == (State.PACK_IN, ())


def test_no_battery_ends_the_swap_and_later_reports_are_another_ones() -> None:
    swap = new_swap()
    move(swap, Step.ASK, AT)
    move(swap, Step.REJECTED, AT)
    assert swap.state is State.REFUSED
    assert not belongs(swap, Step.BATTERY_IN, [USED])


def test_a_timeout_keeps_what_came_in_and_moves_nothing_out() -> None:
    swap = new_swap()
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    assert report(swap, Step.OUT_TIMEOUT, [FULL], "m2", AT).moved == ()
    assert (swap.state, swap.faults) == (State.TIMED_OUT, (Fault.TIMEOUT,))
    assert (swap.packs_in, swap.packs_out) == ((USED,), ())
    assert belongs(swap, Step.BATTERY_OUT, [FULL])
    assert report(swap, Step.BATTERY_OUT, [FULL], "m3", AT).moved == (FULL,)
    assert swap.state is State.DONE


def test_a_second_report_under_a_new_id_moves_nothing_and_is_noted() -> None:
    swap = new_swap()
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    taken = report(swap, Step.BATTERY_IN, [USED], "m2", AT)
    assert (taken.moved, taken.resent, swap.faults) == ((), False, (Fault.DUPLICATE,))


def test_a_resend_under_the_same_id_is_not_even_noted() -> None:
    swap = new_swap()
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    assert report(swap, Step.BATTERY_IN, [USED], "m1", AT).resent
    assert (swap.packs_in, swap.faults) == ((USED,), ())


def test_packs_handed_over_one_by_one_all_count() -> None:
    swap, second = new_swap(), Pack(4, "P-2", 0.2, 0.9)
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    assert report(swap, Step.BATTERY_IN, [USED, second], "m2", AT).moved == (second,)
    assert swap.packs_in == (USED, second)


def test_an_id_used_again_after_the_end_is_another_swap() -> None:
    swap = new_swap()
    report(swap, Step.BATTERY_IN, [USED], "m1", AT)
    report(swap, Step.BATTERY_OUT, [FULL], "m2", AT)
    assert belongs(swap, Step.BATTERY_OUT, [FULL])
    assert not belongs(swap, Step.BATTERY_IN, [FULL])
    words = opening_words(Step.BATTERY_IN, [FULL])
    again = open_swap("S1", 5, "T", AT, words)
    assert again.id != swap.id
    assert again.id == open_swap("S1", 5, "T", AT + timedelta(1), words).id


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Step.BATTERY_IN, Step.BATTERY_OUT, Step.OUT_TIMEOUT]),
            st.lists(st.sampled_from([USED, FULL]), min_size=1, max_size=2, unique=True),
            st.integers(0, 30),
        ),
        max_size=40,
    )
)
def test_whatever_is_reported_a_pack_moves_at_most_once_each_way(
    told: list[tuple[Step, list[Pack], int]],
) -> None:
    swap = new_swap()
    moved: list[tuple[Step, str]] = []
    for step, packs, message in told:
        taken = report(swap, step, packs, str(message), AT)
        moved += [(step, pack.serial) for pack in taken.moved]
        assert len(swap.heard) <= MOST_MESSAGES
        assert (swap.ended_at is not None) == swap.ended
    assert len(moved) == len(set(moved))
    assert {s for e, s in moved if e is Step.BATTERY_IN} == {p.serial for p in swap.packs_in}


def test_every_state_is_reached_and_every_end_is_an_end() -> None:
    reached = {State.NEW} | set(STEPS.values())
    assert reached == set(State)
    open_states = {state for state, _ in STEPS}
    assert set(State) - open_states <= ENDED


@pytest.mark.parametrize("state", ["done", "refused", "timed_out"])
def test_the_diagram_shows_the_ends(state: str) -> None:
    assert f"{state} --> [*]" in mermaid()
