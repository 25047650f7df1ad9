"""Control by a rolling horizon: how much of perfect foresight's value each way of planning keeps.

A run is lived step by step. At each step a policy plans on the forecast it has then, does the first
step on what really comes, and goes on. What it paid is measured with the meters, and compared with
a store that stood idle and with perfect foresight under the same limits and the same two ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from zerocity.energy.outlooks import Foreseer, Outlook
from zerocity.energy.rolling_kernel import ENERGY, MEMORY, VALUE, Course, roll_range
from zerocity.energy.store_pieces import Rows
from zerocity.energy.stores import StoreDays, as_rows, check_stores, dispatch_stores, spread
from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SAME_SHARE = 0.05
"""First moves nearer than this share of what a step can move are one decision."""
DEAR_CNY_PER_KWH = 100.0
"""What a hard import limit costs inside a plan: a forecast may break it, and must still be planned
around."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a store is led.

    ``every`` : steps between plans. ``follow`` : settle each step at the plan's price of stored
    energy; otherwise hold the plan's power, whatever comes. ``scenarios`` : weigh the first move
    over the outlook's scenarios where they disagree; otherwise use the expected course alone.
    """

    name: str
    every: int = 1
    follow: bool = True
    scenarios: bool = False


DAY_AHEAD = Policy("day-ahead plan", every=96, follow=False)
ROLLING = Policy("rolling plan")
SCENARIOS = Policy("scenario plan", scenarios=True)


@dataclass(frozen=True, slots=True)
class Rolled:
    """A run as it was lived: (B, N) ``store_kw`` into the store, ``grid_kw`` import less export,
    ``energy_kwh`` at the end of each step; (B,) ``energy_cny`` paid for energy and wear (import
    above its limit included), ``demand_cny`` for the highest import of each period, ``weighed``
    steps at which the scenarios disagreed."""

    store_kw: FloatArray
    grid_kw: FloatArray
    energy_kwh: FloatArray
    energy_cny: FloatArray
    demand_cny: FloatArray
    weighed: FloatArray


def roll(
    truth: StoreDays,
    foreseer: Foreseer,
    policy: Policy = ROLLING,
    demand_cny_per_kw: FloatArray | None = None,
    period: IntArray | None = None,
    threads: int = 1,
) -> Rolled:
    """Live ``truth`` with ``policy``, all sites side by side.

    Parameters
    ----------
    truth : what really comes over the run, (B, N); bounds of the content hold throughout. A last
        step with low = high is a content to come back to.
    foreseer : forecasts of load and sun; prices, limits and bounds are known.
    demand_cny_per_kw : price of the highest import of each period, (B,); None for none.
    period : number of the billing period of each step, (N,), rising; None for one period.

    Raises InputError for unlawful input or a forecast that is missing.
    """
    check_stores(truth)
    sites, steps = truth.load_kw.shape
    demand = np.zeros(sites) if demand_cny_per_kw is None else demand_cny_per_kw
    number = np.zeros(steps, np.int64) if period is None else period
    if demand.shape != (sites,) or number.shape != (steps,):
        came = f"shapes {demand.shape} and {number.shape}"
        raise InputError("demand_cny_per_kw, period", came, f"({sites},) and ({steps},)")
    lived = _Lived(truth, policy, demand, number)
    for first in range(0, steps, lived.stretch):
        count = min(lived.stretch, steps - first)
        course = lived.course(_checked(foreseer(first, count), sites, count, policy), first)
        spread(sites, threads, partial(_live, lived.rows, course))
    return lived.result()


class _Lived:
    """A run while it is lived: the kernel's arrays, filled stretch by stretch."""

    def __init__(
        self, truth: StoreDays, policy: Policy, demand: FloatArray, period: IntArray
    ) -> None:
        self.truth, self.policy, self.demand, self.period = truth, policy, demand, period
        self.stretch = policy.every if policy.every > 1 else 96
        dear = np.minimum(truth.overload_cny_per_kwh, DEAR_CNY_PER_KWH)
        self.rows = as_rows(replace(truth, overload_cny_per_kwh=dear))
        names = ("store_kw", "grid_kw", "energy_kwh")
        self._done = {name: np.zeros(truth.load_kw.shape) for name in names}
        self._memory, self._used = _first_memory(truth), np.zeros(len(demand))
        self._begins = np.diff(period, prepend=period[0] - 1) != 0

    def course(self, seen: tuple[FloatArray, FloatArray], first: int) -> Course:
        """The next stretch, from step ``first`` on."""
        return Course(
            load_kw=seen[0],
            pv_kw=seen[1],
            import_kw=self.truth.import_limit_kw,
            export_kw=self.truth.export_limit_kw,
            demand=self.demand,
            new_period=self._begins[first : first + seen[0].shape[1]],
            first=first,
            every=self.policy.every,
            follow=self.policy.follow,
            same_kwh=SAME_SHARE * _movable_kwh(self.truth),
            final_value=self.truth.final_value_cny_per_kwh,
            memory=self._memory,
            **self._done,
            used=self._used,
        )

    def result(self) -> Rolled:
        """What was lived, and what it cost."""
        grid = self._done["grid_kw"]
        return Rolled(
            **self._done,
            energy_cny=paid_cny(self.truth, grid, self._done["store_kw"]),
            demand_cny=demand_paid(self.demand, grid, self.period),
            weighed=self._used,
        )


def _live(rows: Rows, course: Course, low: int, high: int) -> None:
    roll_range(rows, low, high, course)


def _checked(
    seen: Outlook, sites: int, count: int, policy: Policy
) -> tuple[FloatArray, FloatArray]:
    """The outlook as the kernel takes it; scenarios are left out where nobody asked for them."""
    first = 0 if policy.scenarios else -1
    kept = []
    for name in ("load_kw", "pv_kw"):
        values = getattr(seen, name)
        if values.ndim != 4 or values.shape[:2] != (sites, count) or 0 in values.shape:
            raise InputError(
                f"outlook {name}", f"shape {values.shape}", f"({sites}, {count}, M, H)"
            )
        if not np.isfinite(values).all():
            raise InputError(f"outlook {name}", "a gap", "a forecast for every step")
        kept.append(np.ascontiguousarray(values[:, :, first:], np.float64))
    return kept[0], np.maximum(kept[1], 0.0)


def _movable_kwh(truth: StoreDays) -> FloatArray:
    """Energy that each store can move in one step, (B,) [kWh]."""
    most = np.maximum(truth.charge_limit_kw, truth.discharge_limit_kw).max(axis=1)
    return np.asarray(truth.step_h * most)


def _first_memory(truth: StoreDays) -> FloatArray:
    """Content at the start; until a plan says better, stored energy is worth the mean price."""
    memory = np.zeros((len(truth.initial_kwh), MEMORY))
    memory[:, ENERGY] = truth.initial_kwh
    memory[:, VALUE] = truth.buy_cny_per_kwh.mean(axis=1) * truth.discharge_efficiency
    return memory


def paid_cny(truth: StoreDays, grid_kw: FloatArray, store_kw: FloatArray) -> FloatArray:
    """Energy, wear and overload of a run, (B,) [CNY]."""
    bought, sold = np.maximum(grid_kw, 0.0), np.maximum(-grid_kw, 0.0)
    money = truth.buy_cny_per_kwh * bought - truth.sell_cny_per_kwh * sold
    over = np.maximum(bought - truth.import_limit_kw, 0.0).sum(axis=1)
    price = np.where(np.isfinite(truth.overload_cny_per_kwh), truth.overload_cny_per_kwh, 0.0)
    worn = truth.wear_cny_per_kwh * np.abs(store_kw).sum(axis=1)
    return np.asarray(truth.step_h * (money.sum(axis=1) + worn + price * over))


def demand_paid(price: FloatArray, grid_kw: FloatArray, period: IntArray) -> FloatArray:
    """Price of the highest import of each period, summed, (B,) [CNY]."""
    peaks = [np.maximum(grid_kw[:, period == p].max(axis=1), 0.0) for p in np.unique(period)]
    return np.asarray(price * np.sum(peaks, axis=0))


@dataclass(frozen=True, slots=True)
class Worth:
    """What a policy was worth, per site, (B,) [CNY].

    ``paid_cny`` with the demand charge; ``idle_cny`` had the store stood still; ``perfect_cny``
    the least that perfect foresight could have paid with the same limits, the same ends and in no
    period a higher import.
    """

    paid_cny: FloatArray
    idle_cny: FloatArray
    perfect_cny: FloatArray

    @property
    def share(self) -> float:
        """Saving against standing idle, of all sites, as a share of perfect foresight's."""
        could = float(self.idle_cny.sum() - self.perfect_cny.sum())
        return float(self.idle_cny.sum() - self.paid_cny.sum()) / could if could > 1e-9 else 0.0


def judge(
    truth: StoreDays,
    lived: Rolled,
    demand_cny_per_kw: FloatArray | None = None,
    period: IntArray | None = None,
    threads: int = 1,
) -> Worth:
    """Compare a lived run with an idle store and with perfect foresight."""
    sites, steps = truth.load_kw.shape
    demand = np.zeros(sites) if demand_cny_per_kw is None else demand_cny_per_kw
    number = np.zeros(steps, np.int64) if period is None else period
    net = truth.load_kw - truth.pv_kw
    spare = np.where(truth.sell_cny_per_kwh > 0.0, truth.export_limit_kw, 0.0)
    idle_kw = np.maximum(net, -spare)
    best = dispatch_stores(_perfect(truth, lived, demand, number), threads=threads)
    if not best.feasible.all():
        site = int(np.argmin(best.feasible))
        raise InputError(f"site {site}", "a run outside the limits of truth", "one within them")
    idle = paid_cny(truth, idle_kw, np.zeros_like(net)) + demand_paid(demand, idle_kw, number)
    return Worth(lived.energy_cny + lived.demand_cny, idle, best.objective_cny + lived.demand_cny)


def _perfect(truth: StoreDays, lived: Rolled, demand: FloatArray, period: IntArray) -> StoreDays:
    """The run as one problem; limits that the lived run broke are widened to hold it."""
    low, high = (getattr(truth, name).copy() for name in ("low_kwh", "high_kwh"))
    low, high = np.minimum(low, lived.energy_kwh), np.maximum(high, lived.energy_kwh)
    low[:, -1] = high[:, -1] = lived.energy_kwh[:, -1]
    hard = ~np.isfinite(truth.overload_cny_per_kwh)[:, None]
    limit = np.where(hard, np.maximum(truth.import_limit_kw, lived.grid_kw), truth.import_limit_kw)
    for p in np.unique(period):
        here = period == p
        peak = np.maximum(lived.grid_kw[:, here].max(axis=1, keepdims=True), 0.0)
        limit[:, here] = np.where(demand[:, None] > 0.0, np.minimum(limit[:, here], peak),
                                  limit[:, here])  # fmt: skip
    return replace(
        truth, low_kwh=low, high_kwh=high, import_limit_kw=limit * (1.0 + 1e-9) + 1e-9,
        final_value_cny_per_kwh=np.zeros_like(truth.final_value_cny_per_kwh),
    )  # fmt: skip
