"""The two tables of a peer, whole."""

from __future__ import annotations

from itertools import product

from zerocity.protocols.ocpp.steps import OUR_STEPS, THEIR_STEPS, Came, Do, Ours, Step, Theirs


def test_our_direction_waits_for_one_call_at_a_time() -> None:
    assert {step for state, step in OUR_STEPS if state is Ours.IDLE} == {Step.SENT}
    assert (Ours.WAITING, Step.SENT) not in OUR_STEPS


def test_every_end_of_our_call_frees_the_direction() -> None:
    ends = {step: end for (state, step), end in OUR_STEPS.items() if state is Ours.WAITING}
    assert ends == dict.fromkeys(set(Step) - {Step.SENT}, Ours.IDLE)


def test_their_direction_knows_what_to_do_with_every_call() -> None:
    possible = set(product(Theirs, Came)) - {(Theirs.NEW, Came.SAME)}
    assert set(THEIR_STEPS) == possible


def test_a_repeated_call_is_never_asked_again() -> None:
    repeated = {do for (_, came), do in THEIR_STEPS.items() if came is Came.SAME}
    assert repeated == {Do.KEEP_SILENT, Do.REPEAT}
