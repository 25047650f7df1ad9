"""The decision of a step: follow the day plan, but never let a driver down, and waste no sun."""

from __future__ import annotations

import numpy as np
from numba import njit

from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.sharing import share
from zerocity.measures.arrays import F64, I64, Bools

# A battery is urgent when waiting one more step could make it leave short; one step of reserve.
RESERVE_STEPS = 1.0


def decide(snapshot: Snapshot, plan: PlanRow, floor_kw: F64 | None = None) -> Commands:
    """Return the commands for one step; pure, the same for the same arguments to the bit.

    Urgent batteries charge at once. What the plan holds beyond that, and sun beyond the forecast,
    is shared among the others. The store follows the plan.

    floor_kw : least power at which each battery charges at all, (n,) [kW]; it gets that or nothing.
    """
    s = snapshot
    wanted, urgent = np.empty(s.need_kwh.size), np.empty(s.need_kwh.size, np.bool_)
    due = np.zeros(s.load_kw.size)
    wishes(
        s.site, s.need_kwh, s.limit_kw, s.steps_needed, s.steps_left, s.step_h, wanted, urgent, due
    )
    surplus = np.maximum(s.pv_kw - plan.pv_kw, 0.0)
    budget = np.maximum(plan.flex_kw + surplus, due)
    battery_kw = share(budget, s.site, wanted, urgent, floor_kw)
    store_kw = np.clip(plan.store_kw, -s.store_discharge_limit_kw, s.store_charge_limit_kw)
    return Commands(battery_kw=battery_kw, store_kw=store_kw, pv_used_kw=s.pv_kw)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def wishes(
    site: I64,
    need_kwh: F64,
    limit_kw: F64,
    steps_needed: F64,
    steps_left: I64,
    step_h: float,
    wanted_kw: F64,
    urgent: Bools,
    due_kw: F64,
) -> None:
    """Write what each battery wants and whether it is urgent, (n,), and add up each site's dues.

    ``due_kw`` (sites,) begins at zero. All in one walk: this is the longest list of a step.
    """
    for k in range(need_kwh.size):
        wanted_kw[k] = min(limit_kw[k], need_kwh[k] / step_h)
        urgent[k] = steps_needed[k] + RESERVE_STEPS >= steps_left[k]
        if urgent[k]:
            due_kw[site[k]] += wanted_kw[k]


def is_urgent(snapshot: Snapshot) -> Bools:
    """Which batteries must charge now at full power to leave full, shape (n,)."""
    urgent: Bools = snapshot.steps_needed + RESERVE_STEPS >= snapshot.steps_left
    return urgent


def site_charging_kw(snapshot: Snapshot, commands: Commands) -> F64:
    """Charging power of each site under ``commands``, shape (sites,) [kW]."""
    return np.bincount(
        snapshot.site, weights=commands.battery_kw, minlength=snapshot.load_kw.size
    ).astype(np.float64)
