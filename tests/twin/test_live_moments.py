"""The looks of a journal share the time of their steps, and a gap is nobody's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from journals_made import START_S, made_journal

from zerocity.control.replay import PlanNote, StepNote
from zerocity.twin.live_moments import MOST_HOLD_S, Moment, moments


def looks(*steps: int) -> list[PlanNote | StepNote]:
    """A plan and looks of a minute's steps, counted from the start."""
    plan, *notes = made_journal(1, steps=1)
    found: list[PlanNote | StepNote] = [plan]
    for step in steps:
        note = notes[0]
        assert isinstance(note, StepNote)
        snapshot = replace(note.seen.snapshot, step=START_S // 60 + step)
        found.append(replace(note, seen=replace(note.seen, snapshot=snapshot)))
    return found


def timed(notes: list[PlanNote | StepNote]) -> list[tuple[float, float]]:
    """Start [s] and length [s] of each look."""
    found = [one for one in moments(notes) if isinstance(one, Moment)]
    assert [one.number for one in found] == list(range(len(found)))
    return [(one.at_s - START_S, one.hours * 3600.0) for one in found]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ((0, 1, 2), [(0, 60), (60, 60), (120, 60)]),
        ((0, 0, 0, 1), [(0, 20), (20, 20), (40, 20), (60, 60)]),
        ((0, 1, 1, 2), [(0, 60), (60, 30), (90, 30), (120, 60)]),
        ((0, 2, 3), [(0, 120), (120, 60), (180, 60)]),
        ((0, 0, 9), [(0, 30), (30, 30 + MOST_HOLD_S), (540, 60)]),
        ((5, 3), [(300, 60), (180, 60)]),
        ((), []),
    ],
)
def test_each_look_holds_until_the_next(
    steps: tuple[int, ...], wanted: list[tuple[float, float]]
) -> None:
    assert timed(looks(*steps)) == [pytest.approx(one) for one in wanted]


def test_a_plan_keeps_its_place_between_looks_and_counts() -> None:
    notes = looks(0, 0, 1, 1)
    notes.insert(2, notes[0])
    notes.insert(5, notes[0])
    found = list(moments(notes))
    assert [isinstance(one, PlanNote) for one in found] == [
        isinstance(note, PlanNote) for note in notes
    ]
    assert [one.plan for one in found if isinstance(one, Moment)] == [0, 1, 1, 2]
