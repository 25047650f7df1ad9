"""The looks of a live journal and how long each held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zerocity.control.replay import PlanNote, StepNote

# A look holds until the next, but not longer than this: beyond it nobody was looking.
MOST_HOLD_S = 60.0
ROUNDING_S = 1e-3


@dataclass(frozen=True, slots=True)
class Moment:
    """A look: its number, its UTC seconds, how long it held [h], and the plan's number."""

    number: int
    at_s: float
    hours: float
    plan: int
    note: StepNote


def moments(notes: Iterable[PlanNote | StepNote]) -> Iterator[PlanNote | Moment]:
    """Give each step of a journal its time; the looks of one step share it evenly."""
    waiting: list[PlanNote | StepNote] = []
    count = plan = 0
    for note in notes:
        if isinstance(note, StepNote) and waiting and _begin_s(note) != _begin_s(_last(waiting)):
            for one in _timed(waiting, count, plan, _begin_s(note)):
                yield one
                count += isinstance(one, Moment)
                plan += isinstance(one, PlanNote)
            waiting = []
        if isinstance(note, PlanNote) and not waiting:
            plan += 1
            yield note
        else:
            waiting.append(note)
    if waiting:
        yield from _timed(waiting, count, plan, None)


def _last(waiting: list[PlanNote | StepNote]) -> StepNote:
    return next(note for note in waiting if isinstance(note, StepNote))


def _begin_s(note: StepNote) -> float:
    s = note.seen.snapshot
    return s.step * round(s.step_h * 3600.0, 6)


def _timed(
    waiting: list[PlanNote | StepNote], count: int, plan: int, next_s: float | None
) -> Iterator[PlanNote | Moment]:
    steps = [note for note in waiting if isinstance(note, StepNote)]
    begin, each_h = _begin_s(steps[0]), steps[0].seen.snapshot.step_h / len(steps)
    gap_s = 0.0 if next_s is None else next_s - begin - len(steps) * each_h * 3600.0
    held_s = min(gap_s, MOST_HOLD_S) if gap_s > ROUNDING_S else 0.0
    done = 0
    for note in waiting:
        if isinstance(note, PlanNote):
            plan += 1
            yield note
            continue
        extra_s = held_s if done == len(steps) - 1 else 0.0
        at_s = begin + done * each_h * 3600.0
        yield Moment(count + done, at_s, each_h + extra_s / 3600.0, plan - 1, note)
        done += 1
