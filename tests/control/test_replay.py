"""A journal decided again: the same to the bit, and every changed value is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from days import made_days

from zerocity.control.loop import run_day
from zerocity.control.replay import Replayed, replay_day
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans, plan_sites

DAYS = made_days(sites=3, steps=4)
PLANS = plan_sites(DAYS)
Steps = list[tuple[Snapshot, PlanRow, Commands]]


@pytest.fixture(scope="module")
def steps(picture: Callable[..., Any]) -> Steps:
    noted: Steps = []

    class Made:
        def wait(self, step: int) -> None: ...

        def observe(self, step: int) -> Snapshot:
            seen: Snapshot = picture(step)[0]
            return seen

        def apply(self, step: int, snapshot: Snapshot, commands: Commands) -> None: ...

        def plan(self, days: SiteDays, plans: SitePlans) -> None: ...

        def step(self, snapshot: Snapshot, row: PlanRow, commands: Commands) -> None:
            noted.append((snapshot, row, commands))

    run_day(Made(), DAYS, PLANS, Made())
    return noted


def again(steps: Steps, plans: SitePlans = PLANS) -> Replayed:
    return replay_day(DAYS, plans, steps, plan_sites)


def test_an_honest_journal_comes_out_the_same(steps: Steps) -> None:
    found = again(steps)
    assert found.same
    assert found.steps == 4
    assert found.commands == 4 * (20 + 3 + 3)


@pytest.mark.parametrize(
    ("part", "name"),
    [(0, "limit_kw"), (0, "load_kw"), (0, "pv_kw")]
    + [(1, one.name) for one in fields(PlanRow)]
    + [(2, one.name) for one in fields(Commands)],
)
def test_a_changed_picture_plan_or_command_is_found(steps: Steps, part: int, name: str) -> None:
    row: list[Any] = list(steps[1])
    row[part] = replace(row[part], **{name: getattr(row[part], name) * 0.5 + 1.0})
    found = again([steps[0], (row[0], row[1], row[2]), *steps[2:]])
    assert not found.same
    assert "step 1" in found.differences[0]
    if part > 0:
        assert name in " ".join(found.differences)


@pytest.mark.parametrize(("times", "words"), [(0, "has 0 of the 4"), (2, "more than the 4")])
def test_steps_that_are_missing_or_too_many_are_found(steps: Steps, times: int, words: str) -> None:
    assert words in again(steps * times).differences[0]


def test_the_last_bit_of_one_command_is_found(steps: Steps) -> None:
    snapshot, row, commands = steps[3]
    power = commands.battery_kw.copy()
    power[7] = np.nextafter(power[7], np.inf)
    found = again([*steps[:3], (snapshot, row, replace(commands, battery_kw=power))])
    assert not found.same
    assert found.differences[0].startswith("step 3: battery_kw[7] is ")


def test_a_changed_plan_and_another_shape_are_found(steps: Steps) -> None:
    flex = PLANS.flex_kw.copy()
    flex[1, 2] += 1.0
    assert "plan: flex_kw[1, 2]" in again(steps, replace(PLANS, flex_kw=flex)).differences[0]
    cut = replace(steps[0][2], store_kw=steps[0][2].store_kw[:2])
    found = again([(steps[0][0], steps[0][1], cut), *steps[1:]])
    assert "store_kw has shape (3,), the journal (2,)" in found.differences[0]


def test_only_the_first_ten_differences_are_told(steps: Steps) -> None:
    broken = [
        (s, replace(r, flex_kw=r.flex_kw + 1, store_kw=r.store_kw + 1, pv_kw=r.pv_kw + 1), c)
        for s, r, c in steps
    ]
    assert len(again(broken).differences) == 10
