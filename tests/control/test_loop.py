"""wait, observe, decide, limits, apply, journal: in this order, with a world of three lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from days import made_days

from zerocity.control.decide import decide
from zerocity.control.limits import limit
from zerocity.control.loop import plan_row, run_day
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans, plan_sites

DAYS = made_days(sites=3, steps=4)
PLANS = plan_sites(DAYS)
Make = Callable[..., Any]


class Fake:
    """A world and a journal that note who asked what."""

    def __init__(self, picture: Make) -> None:
        self.said: list[tuple[Any, ...]] = []
        self._picture = picture

    def wait(self, step: int) -> None:
        self.said.append(("wait", step))

    def observe(self, step: int) -> Snapshot:
        self.said.append(("observe", step))
        seen: Snapshot = self._picture(step)[0]
        return seen

    def apply(self, step: int, snapshot: Snapshot, commands: Commands) -> None:
        self.said.append(("apply", step, snapshot, commands))

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        self.said.append(("plan", days, plans))

    def step(self, snapshot: Snapshot, row: PlanRow, commands: Commands) -> None:
        self.said.append(("step", snapshot, row, commands))


def test_the_order_of_a_day(picture: Make) -> None:
    fake = Fake(picture)
    run_day(fake, DAYS, PLANS, fake)
    each = ["wait", "observe", "apply", "step"]
    assert [call[0] for call in fake.said] == ["plan", *each * DAYS.steps]
    assert [call[1] for call in fake.said if call[0] == "wait"] == [0, 1, 2, 3]


def test_what_is_applied_and_noted_is_the_limited_decision(picture: Make) -> None:
    fake = Fake(picture)
    run_day(fake, DAYS, PLANS, fake)
    applied = [call for call in fake.said if call[0] == "apply"]
    noted = [call for call in fake.said if call[0] == "step"]
    for step, (mine, theirs) in enumerate(zip(applied, noted, strict=True)):
        snapshot = picture(step)[0]
        row = plan_row(DAYS.pv_kw, PLANS, step)
        wanted = limit(snapshot, decide(snapshot, row))
        assert mine[3] is theirs[3]
        assert mine[2] is theirs[1]
        for one in fields(Commands):
            np.testing.assert_array_equal(getattr(mine[3], one.name), getattr(wanted, one.name))


def test_a_day_runs_without_a_journal(picture: Make) -> None:
    fake = Fake(picture)
    run_day(fake, DAYS, PLANS, None)
    assert [call[0] for call in fake.said] == ["wait", "observe", "apply"] * DAYS.steps


def test_a_plan_row_is_the_column_of_the_plan() -> None:
    row = plan_row(DAYS.pv_kw, PLANS, 2)
    np.testing.assert_array_equal(row.pv_kw, DAYS.pv_kw[:, 2])
    np.testing.assert_array_equal(row.flex_kw, PLANS.flex_kw[:, 2])
    np.testing.assert_array_equal(row.store_kw, PLANS.charge_kw[:, 2] - PLANS.discharge_kw[:, 2])
