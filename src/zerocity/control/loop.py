"""wait -> observe -> decide -> limits -> apply -> journal, the same in both worlds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zerocity.control.decide import decide
from zerocity.control.limits import limit
from zerocity.control.ports import Journal, LiveJournal, LiveWorld, PlanInForce, World
from zerocity.control.sighting import say
from zerocity.control.snapshot import PlanRow
from zerocity.energy.dispatch import SiteDays, SitePlans
from zerocity.measures.arrays import F64


def plan_row(pv_kw: F64, plans: SitePlans, step: int) -> PlanRow:
    """The plan of one step; ``pv_kw`` is the forecast the plan was made with, (sites, steps)."""
    return PlanRow(
        pv_kw=np.ascontiguousarray(pv_kw[:, step]),
        flex_kw=np.ascontiguousarray(plans.flex_kw[:, step]),
        store_kw=plans.charge_kw[:, step] - plans.discharge_kw[:, step],
    )


def run_day(world: World, days: SiteDays, plans: SitePlans, journal: Journal | None) -> None:
    """Run the loop over every step of one planned day."""
    if journal is not None:
        journal.plan(days, plans)
    for step in range(days.steps):
        world.wait(step)
        snapshot = world.observe(step)
        row = plan_row(days.pv_kw, plans, step)
        commands = limit(snapshot, decide(snapshot, row))
        world.apply(step, snapshot, commands)
        if journal is not None:
            journal.step(snapshot, row, commands)


async def run_live(
    world: LiveWorld,
    journal: LiveJournal,
    failed: Callable[[Exception], None] | None = None,
) -> None:
    """Run the loop in the wall clock's time until the world says that it ends.

    The plan may change between two steps; a new one is in the journal before the first step that
    follows it, so that the journal alone decides the day again. With ``failed`` a step that raises
    is told there and left out: what was ordered before stands until it runs out, and the next step
    tries anew. Without it the error goes up.
    """
    written = None
    while (step := await world.wait()) is not None:
        try:
            plan = world.plan()
            if plan is not written:
                journal.plan(plan.days, plan.plans)
                written = plan
            _live_step(world, journal, plan, step)
        except Exception as error:
            if failed is None:
                raise
            failed(error)


def _live_step(world: LiveWorld, journal: LiveJournal, plan: PlanInForce, step: int) -> None:
    column = plan.column(step)
    row = plan_row(plan.days.pv_kw, plan.plans, column)
    seen = world.observe(step)
    commands = say(seen, row)
    # Written before it is done: what was said can always be decided again.
    journal.step(column, seen, row, commands)
    world.apply(seen, commands)
