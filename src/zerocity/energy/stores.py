"""The exact dispatch of one store behind one meter, for many problems at once.

Load, sun that may be curtailed, a connection with limits and prices, and one store: a battery, the
stock of a swap station, or all charging sessions of a site between their earliest and latest
cumulative energy. No solver is called; the method is in `store_kernel`, and
in `store_lanes` for eight problems abreast.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from zerocity.energy.store_batch import solve_range
from zerocity.energy.store_kernel import EARLY, LATE, LEVEL
from zerocity.energy.store_pieces import Rows
from zerocity.energy.store_solve import ANSWERED, Answers
from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
Tie = Literal["early", "late", "level"]
TIES = {"early": EARLY, "late": LATE, "level": LEVEL}


@dataclass(frozen=True, slots=True)
class StoreDays:
    """B problems of T steps, each one store behind one meter. Power is AC.

    Parameters
    ----------
    step_h : length of a step [h].
    load_kw : the site's own load, (B, T) [kW]; negative is generation that cannot be curtailed.
    pv_kw : power that may be used or curtailed, >= 0, (B, T) [kW].
    buy_cny_per_kwh, sell_cny_per_kwh : (B, T); sell must not exceed buy; both may be negative.
    import_limit_kw, export_limit_kw : >= 0, inf for none, (B, T) [kW].
    charge_limit_kw, discharge_limit_kw : >= 0, (B, T) [kW].
    low_kwh, high_kwh : bounds of the stored energy at the END of each step, (B, T) [kWh]. A fixed
        end is low = high in the last step. Sessions are a store of efficiency 1 that cannot give,
        whose bounds are the latest and the earliest cumulative energy.
    initial_kwh : stored energy at the start, (B,) [kWh].
    charge_efficiency, discharge_efficiency : in (0, 1], (B,).
    self_discharge : share of the stored energy lost in each step, in [0, 1), (B,).
    wear_cny_per_kwh : >= 0, price of each AC kWh charged and of each AC kWh discharged, (B,).
    final_value_cny_per_kwh : worth of a kWh left at the end, (B,).
    overload_cny_per_kwh : price, on top of buying, of import above its limit; inf makes the limit
        hard, (B,).
    """

    step_h: float
    load_kw: FloatArray
    pv_kw: FloatArray
    buy_cny_per_kwh: FloatArray
    sell_cny_per_kwh: FloatArray
    import_limit_kw: FloatArray
    export_limit_kw: FloatArray
    charge_limit_kw: FloatArray
    discharge_limit_kw: FloatArray
    low_kwh: FloatArray
    high_kwh: FloatArray
    initial_kwh: FloatArray
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    self_discharge: FloatArray
    wear_cny_per_kwh: FloatArray
    final_value_cny_per_kwh: FloatArray
    overload_cny_per_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class StorePlans:
    """The cheapest plan of each problem, with its proof.

    (B, T): ``charge_kw``, ``discharge_kw``, ``import_kw`` (overload included), ``export_kw``,
    ``pv_used_kw``, ``overload_kw`` [kW]; ``energy_kwh`` at the END of each step;
    ``stored_price_cny_per_kwh``, what one more stored kWh is worth in each step.
    (B,): ``objective_cny``, the cost with overload and without the worth of the final energy;
    ``bound_cny``, a proven lower bound of it (the Lagrangian dual); ``feasible``; ``broken_step``,
    the first step whose bounds cannot be met, or -1. An infeasible problem has nan costs and zeros.
    """

    charge_kw: FloatArray
    discharge_kw: FloatArray
    import_kw: FloatArray
    export_kw: FloatArray
    pv_used_kw: FloatArray
    overload_kw: FloatArray
    energy_kwh: FloatArray
    stored_price_cny_per_kwh: FloatArray
    objective_cny: FloatArray
    bound_cny: FloatArray
    broken_step: npt.NDArray[np.int64]

    @property
    def feasible(self) -> npt.NDArray[np.bool_]:
        """Which problems have a plan, (B,)."""
        return self.broken_step < 0

    @property
    def gap_cny(self) -> FloatArray:
        """How far each plan may be from the optimum at most, (B,) [CNY]."""
        return self.objective_cny - self.bound_cny


_PER_PROBLEM = frozenset(
    {"initial_kwh", "charge_efficiency", "discharge_efficiency", "self_discharge"}
    | {"wear_cny_per_kwh", "final_value_cny_per_kwh", "overload_cny_per_kwh"}
)
_ARRAYS = tuple(f.name for f in fields(StoreDays) if f.name != "step_h")
_MAY_BE_INFINITE = frozenset({"import_limit_kw", "export_limit_kw", "overload_cny_per_kwh"})
_MAY_BE_NEGATIVE = frozenset(
    {"load_kw", "buy_cny_per_kwh", "sell_cny_per_kwh", "low_kwh", "high_kwh", "initial_kwh"}
    | {"final_value_cny_per_kwh"}
)


def check_stores(days: StoreDays) -> None:
    """Raise InputError naming the array, the problem and the step of the first unlawful value."""
    if not 0.0 < days.step_h < np.inf:
        raise InputError("step_h", str(days.step_h), "hours, more than 0")
    if days.load_kw.ndim != 2 or 0 in days.load_kw.shape:
        raise InputError("load_kw", f"shape {days.load_kw.shape}", "(problems, steps), none 0")
    for name in _ARRAYS:
        values = getattr(days, name)
        wanted = days.load_kw.shape[:1] if name in _PER_PROBLEM else days.load_kw.shape
        if values.shape != wanted:
            raise InputError(name, f"shape {values.shape}", f"shape {wanted}")
        if _lawful(name, values):
            continue
        bad = np.isnan(values) if name in _MAY_BE_INFINITE else ~np.isfinite(values)
        _refuse(name, values, bad, "a number")
        _refuse(name, values, values < 0.0, "0 or more")
    for name in ("charge_efficiency", "discharge_efficiency"):
        values = getattr(days, name)
        _refuse(name, values, (values <= 0.0) | (values > 1.0), "above 0, at most 1")
    _refuse("self_discharge", days.self_discharge, days.self_discharge >= 1.0, "below 1")
    sell = days.sell_cny_per_kwh
    _refuse("sell_cny_per_kwh", sell, sell > days.buy_cny_per_kwh, "at most the buying price")


def _lawful(name: str, values: FloatArray) -> bool:
    """Whether all is well, from the extremes alone, which also are nan if any value is."""
    least, most = float(values.min()), float(values.max())
    above = -np.inf < least if name in _MAY_BE_NEGATIVE else least >= 0.0
    return above and (most < np.inf or (name in _MAY_BE_INFINITE and not np.isnan(most)))


def _refuse(name: str, values: FloatArray, bad: npt.NDArray[np.bool_], wanted: str) -> None:
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"{name}, problem {at[0]}" + (f", step {at[1]}" if len(at) > 1 else "")
        raise InputError(where, str(values[at]), wanted)


def dispatch_stores(days: StoreDays, tie: Tie = "early", threads: int = 1) -> StorePlans:
    """Plan every problem at least cost, exactly.

    Parameters
    ----------
    tie : which of equally cheap plans: the store full as ``early`` or as ``late`` as can be, or
        moved as evenly as the bounds allow (``level``). Equal input gives equal bits.
    threads : problems are shared out to so many threads; the answer does not depend on it.

    Charging and discharging at once is planned only where the linear program would (negative
    prices, or energy that must be got rid of). Cost is about linear in T; 96 steps take some
    microseconds. Raises InputError for unlawful input; bounds that cannot be met do not raise.
    """
    zero = np.zeros(len(days.initial_kwh))
    return dispatch_with_demand(days, zero, zero, tie, threads)


def dispatch_with_demand(
    days: StoreDays,
    demand_charge_cny_per_kw: FloatArray,
    peak_so_far_kw: FloatArray,
    tie: Tie = "early",
    threads: int = 1,
) -> StorePlans:
    """Plan as `dispatch_stores`, with a price on the highest import.

    Parameters
    ----------
    demand_charge_cny_per_kw : price of each kW by which the highest import (overload included)
        exceeds ``peak_so_far_kw``, >= 0, (B,).
    peak_so_far_kw : highest import of the billing period before, >= 0, (B,) [kW].

    The cost is convex in the peak; it is searched by its tangents, some 5 to 15 plans. Objective
    and bound contain the charge.
    """
    check_stores(days)
    for name, values in (
        ("demand_charge_cny_per_kw", demand_charge_cny_per_kw),
        ("peak_so_far_kw", peak_so_far_kw),
    ):
        if values.shape != days.initial_kwh.shape:
            raise InputError(name, f"shape {values.shape}", f"shape {days.initial_kwh.shape}")
        _refuse(name, values, ~np.isfinite(values) | (values < 0.0), "0 or more")
    if tie not in TIES:
        raise InputError("tie", tie, " or ".join(TIES))
    return dispatch_lawful(days, demand_charge_cny_per_kw, peak_so_far_kw, tie, threads)


def dispatch_lawful(
    days: StoreDays,
    demand_charge_cny_per_kw: FloatArray,
    peak_so_far_kw: FloatArray,
    tie: Tie,
    threads: int = 1,
) -> StorePlans:
    """Plan as `dispatch_with_demand`, for problems made of what has been checked already."""
    rows, answers = as_rows(days), _blank(days.load_kw.shape)
    demand, peak = _plain(demand_charge_cny_per_kw), _plain(peak_so_far_kw)

    def work(lo: int, hi: int) -> None:
        solve_range(rows, lo, hi, TIES[tie], demand, peak, answers)

    spread(len(days.initial_kwh), threads, work)
    return as_plans(answers)


def spread(count: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Run ``work(lo, hi)`` over slices of ``count`` problems on so many threads."""
    pieces = max(1, min(threads * 4, count)) if threads > 1 else 1
    edges = np.linspace(0, count, pieces + 1).astype(int).tolist()
    if pieces == 1:
        work(0, count)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, edges[k], edges[k + 1]) for k in range(pieces)]:
            done.result()


def as_rows(days: StoreDays) -> Rows:
    """The kernel's view of the problems."""
    return Rows(
        load_kw=_plain(days.load_kw),
        pv_kw=_plain(days.pv_kw),
        buy=_plain(days.buy_cny_per_kwh),
        sell=_plain(days.sell_cny_per_kwh),
        import_kw=_plain(days.import_limit_kw),
        export_kw=_plain(days.export_limit_kw),
        charge_kw=_plain(days.charge_limit_kw),
        discharge_kw=_plain(days.discharge_limit_kw),
        low_kwh=_plain(days.low_kwh),
        high_kwh=_plain(days.high_kwh),
        initial_kwh=_plain(days.initial_kwh),
        charge_efficiency=_plain(days.charge_efficiency),
        discharge_efficiency=_plain(days.discharge_efficiency),
        keep=_plain(1.0 - days.self_discharge),
        wear=_plain(days.wear_cny_per_kwh),
        final_value=_plain(days.final_value_cny_per_kwh),
        overload=_plain(days.overload_cny_per_kwh),
        step_h=float(days.step_h),
    )


def _plain(values: FloatArray) -> FloatArray:
    """The one kind of array that kernels are compiled for; each other kind takes 10 s more."""
    return np.require(values, np.float64, ("C_CONTIGUOUS", "WRITEABLE"))


def _blank(shape: tuple[int, ...]) -> Answers:
    narrow = np.empty((2, shape[0]))
    broken = np.empty(shape[0], np.int64)
    return Answers(np.empty((ANSWERED, *shape)), narrow[0], narrow[1], broken)


def as_plans(a: Answers) -> StorePlans:
    """The kernel's answers under their public names."""
    w = a.wide
    return StorePlans(
        w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], a.objective, a.bound, a.broken
    )  # fmt: skip
