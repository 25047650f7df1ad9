"""The live loop: who is asked in which order, and that its journal alone decides the day again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from days import made_days
from hypothesis import given, settings
from hypothesis import strategies as st
from live_cities import changed, made_sighting

from zerocity.control.loop import run_live
from zerocity.control.ports import PlanInForce
from zerocity.control.replay import PlanNote, StepNote, replay_live
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Commands, PlanRow
from zerocity.energy.dispatch import SiteDays, SitePlans, plan_sites

DAYS = [made_days(sites=3, steps=4, seed=seed) for seed in range(2)]
PLANS = [plan_sites(days) for days in DAYS]
Note = PlanNote | StepNote


class City:
    """A live world of some steps that changes its plan half way, and notes who asked what."""

    def __init__(self, steps: int) -> None:
        self.said: list[str] = []
        self.notes: list[Note] = []
        self.applied: list[Commands] = []
        self._steps: Iterator[int] = iter(range(steps))
        self._plans = [PlanInForce(d, p, 0, 2) for d, p in zip(DAYS, PLANS, strict=True)]
        self._change = steps // 2
        self._now = 0

    async def wait(self) -> int | None:
        self.said.append("wait")
        self._now = next(self._steps, -1)
        return None if self._now < 0 else self._now

    def plan(self) -> PlanInForce:
        return self._plans[self._now >= self._change]

    def observe(self, step: int) -> Sighting:
        self.said.append("observe")
        return made_sighting(step)[0]

    def apply(self, seen: Sighting, commands: Commands) -> None:
        self.said.append("apply")
        self.applied.append(commands)

    # The journal

    class Book:
        def __init__(self, city: City) -> None:
            self._city = city

        def plan(self, days: SiteDays, plans: SitePlans) -> None:
            self._city.said.append("plan")
            self._city.notes.append(PlanNote(days, plans))

        def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None:
            self._city.said.append("step")
            self._city.notes.append(StepNote(column, seen, row, commands))


def run(steps: int) -> City:
    city = City(steps)
    asyncio.run(run_live(city, City.Book(city)))
    return city


def test_a_step_is_written_before_it_is_done_and_a_plan_before_its_first_step() -> None:
    each = ["wait", "observe", "step", "apply"]
    wanted = ["wait", "plan", *each[1:], *each, "wait", "plan", *each[1:], *each, "wait"]
    assert run(4).said == wanted


def test_a_step_that_fails_is_told_and_the_next_one_is_taken() -> None:
    class Ill(City):
        def observe(self, step: int) -> Sighting:
            if step == 1:
                raise ZeroDivisionError("a bug")
            return super().observe(step)

    city, told = Ill(4), list[Exception]()
    asyncio.run(run_live(city, City.Book(city), told.append))
    assert [str(error) for error in told] == ["a bug"]
    assert len(city.applied) == 3
    again = replay_live(city.notes, plan_sites)
    assert again.same
    assert again.steps == 3
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_live(Ill(4), City.Book(city)))


def test_the_columns_follow_the_steps() -> None:
    notes = run(8).notes
    assert [n.column for n in notes if isinstance(n, StepNote)] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_journal_decides_the_day_again_to_the_bit() -> None:
    city = run(6)
    found = replay_live(city.notes, plan_sites)
    assert found.same
    assert found.steps == 6
    assert found.commands == sum(c.battery_kw.size + 6 for c in city.applied)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5), st.integers(0, 5))
def test_the_last_bit_of_one_command_is_found(step: int, which: int) -> None:
    notes = list(run(6).notes)
    places = [k for k, note in enumerate(notes) if isinstance(note, StepNote)]
    note: Any = notes[places[step]]
    notes[places[step]] = replace(note, commands=changed(note.commands, which))
    found = replay_live(notes, plan_sites)
    assert not found.same
    assert found.differences[0].startswith(f"step {step}: battery_kw[{which}] is ")


@pytest.mark.parametrize("part", ["seen", "row"])
def test_another_picture_or_plan_is_found(part: str) -> None:
    notes = list(run(2).notes)
    note: Any = notes[1]
    if part == "seen":
        other = replace(note, seen=replace(note.seen, cap_kw=np.zeros(3)))
    else:
        other = replace(note, row=replace(note.row, flex_kw=note.row.flex_kw + 1.0))
    found = replay_live([notes[0], other, *notes[2:]], plan_sites)
    assert not found.same
    assert found.differences[0].startswith("step 0")


def test_a_plan_that_was_made_otherwise_is_found() -> None:
    notes = list(run(4).notes)
    first: Any = notes[0]
    notes[0] = replace(first, plans=replace(PLANS[0], flex_kw=PLANS[0].flex_kw + 1.0))
    found = replay_live(notes, plan_sites)
    assert "plan before step 0: flex_kw" in found.differences[0]


def test_a_step_without_its_plan_and_a_column_beyond_it_are_found() -> None:
    notes = list(run(2).notes)
    assert "before the first plan" in replay_live(notes[1:], plan_sites).differences[0]
    for column in (-1, 4):
        step: Any = replace(notes[1], column=column)  # type: ignore[arg-type]
        found = replay_live([notes[0], step], plan_sites)
        assert f"column {column} of 4" in found.differences[0]


def test_a_journal_of_nothing_has_no_steps() -> None:
    assert replay_live([], plan_sites).steps == 0
