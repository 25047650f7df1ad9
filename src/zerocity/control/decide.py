"""The decision of a step: follow the day plan, but never let a driver down, and waste no sun."""

from __future__ import annotations

import numpy as np

from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.sharing import share
from zerocity.measures.arrays import F64, Bools

# A battery is urgent when waiting one more step could make it leave short; one step of reserve.
RESERVE_STEPS = 1.0


def decide(snapshot: Snapshot, plan: PlanRow) -> Commands:
    """Return the commands for one step; pure, the same for the same arguments to the bit.

    Urgent batteries charge at once. What the plan holds beyond that, and sun beyond the forecast,
    is shared among the others. The store follows the plan.
    """
    wanted = np.minimum(snapshot.limit_kw, snapshot.need_kwh / snapshot.step_h)
    urgent = is_urgent(snapshot)
    due = np.bincount(
        snapshot.site, weights=np.where(urgent, wanted, 0.0), minlength=snapshot.load_kw.size
    )
    surplus = np.maximum(snapshot.pv_kw - plan.pv_kw, 0.0)
    budget = np.maximum(plan.flex_kw + surplus, due)
    battery_kw = share(budget, snapshot.site, wanted, urgent)
    store_kw = np.clip(
        plan.store_kw, -snapshot.store_discharge_limit_kw, snapshot.store_charge_limit_kw
    )
    return Commands(battery_kw=battery_kw, store_kw=store_kw, pv_used_kw=snapshot.pv_kw)


def is_urgent(snapshot: Snapshot) -> Bools:
    """Which batteries must charge now at full power to leave full, shape (n,)."""
    urgent: Bools = snapshot.steps_needed + RESERVE_STEPS >= snapshot.steps_left
    return urgent


def site_charging_kw(snapshot: Snapshot, commands: Commands) -> F64:
    """Charging power of each site under ``commands``, shape (sites,) [kW]."""
    return np.bincount(
        snapshot.site, weights=commands.battery_kw, minlength=snapshot.load_kw.size
    ).astype(np.float64)
