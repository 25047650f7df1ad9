"""What the stores' money could have been: the value lost against perfect foresight.

Given the load, the charging and the sun as they came, the cheapest lawful use of every store over
the whole period is one problem of the exact kernel. It starts and ends with the content that was
really there and imports no more than the highest import that each month really had, so that it
never pays a higher demand charge. The difference to what was really paid is the value lost: what
better forecasts and plans could gain at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from zerocity.energy.stores import StoreDays, dispatch_stores
from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]

GRAIN_SHARE, GRAIN_KW = 1e-6, 1e-3
"""How finely metered power is known: what single precision leaves open must not make the metered
day itself break its own limits."""


@dataclass(frozen=True, slots=True)
class Metered:
    """What the meters of B sites with a store said over N steps. Power is AC.

    Parameters
    ----------
    step_h : length of a step [h].
    demand_kw : load and charging, (B, N) [kW]; pv_kw : sun available, (B, N) [kW].
    grid_kw : import less export, (B, N) [kW]; store_kw : into the store less out of it, (B, N).
    buy_cny_per_kwh, sell_cny_per_kwh : (N,).
    low_kwh, high_kwh : bounds of the stored energy at the end of each step, (B, N) [kWh].
    charge_limit_kw, discharge_limit_kw : of the store, (B, N) [kW].
    export_limit_kw, initial_kwh : (B,) [kW], [kWh].
    wear_cny_per_kwh : price of each AC kWh charged and of each discharged, (B,).
    charge_efficiency, discharge_efficiency : of every store, in (0, 1].
    period : number of the billing month that each step belongs to, (N,).

    Bounds and limits that the metered power itself broke are widened to hold it.
    """

    step_h: float
    demand_kw: FloatArray
    pv_kw: FloatArray
    grid_kw: FloatArray
    store_kw: FloatArray
    buy_cny_per_kwh: FloatArray
    sell_cny_per_kwh: FloatArray
    low_kwh: FloatArray
    high_kwh: FloatArray
    charge_limit_kw: FloatArray
    discharge_limit_kw: FloatArray
    export_limit_kw: FloatArray
    initial_kwh: FloatArray
    wear_cny_per_kwh: FloatArray
    charge_efficiency: float
    discharge_efficiency: float
    period: npt.NDArray[np.int64]

    @property
    def sites(self) -> int:
        """Number of sites B."""
        return int(self.demand_kw.shape[0])


_BY_SITE = tuple(
    f.name
    for f in fields(Metered)
    if f.name
    not in {
        "step_h", "buy_cny_per_kwh", "sell_cny_per_kwh", "charge_efficiency",
        "discharge_efficiency", "period",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Foresight:
    """Energy and wear of each site over the period, (B,) [CNY]; the demand charge is left out.

    ``realised_cny`` as metered; ``perfect_cny`` with every store led by perfect foresight;
    ``idle_cny`` with the stores switched off; ``gap_cny`` by how much ``perfect_cny`` may be above
    the true optimum at most; ``feasible`` (B,) False where the meters contradict each other (then
    the three costs say nothing about the store).
    """

    realised_cny: FloatArray
    perfect_cny: FloatArray
    idle_cny: FloatArray
    gap_cny: FloatArray
    feasible: npt.NDArray[np.bool_]

    @property
    def lost_cny(self) -> FloatArray:
        """What perfect foresight would have saved, (B,) [CNY]."""
        return self.realised_cny - self.perfect_cny


def foresight(metered: Metered, threads: int = 1) -> Foresight:
    """Compare each site's metered cost with the least cost in hindsight.

    Cost is about linear in B * N. Raises InputError where shapes differ or a value is missing.
    """
    check_metered(metered)
    plans = dispatch_stores(hindsight_problem(metered), threads=threads)
    return Foresight(
        realised_cny=_paid(metered, metered.grid_kw, metered.store_kw),
        perfect_cny=plans.objective_cny,
        idle_cny=_paid(metered, _idle_grid_kw(metered), np.zeros_like(metered.store_kw)),
        gap_cny=plans.objective_cny - plans.bound_cny,
        feasible=np.asarray(plans.feasible),
    )


def joined(blocks: Sequence[Foresight]) -> Foresight:
    """Blocks of sites behind each other, in order."""
    return Foresight(
        **{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Foresight)}
    )


def check_metered(metered: Metered) -> None:
    """Raise InputError naming array and place of the first value that is missing or misshapen."""
    wide, steps = metered.demand_kw.shape, metered.demand_kw.shape[-1:]
    if len(wide) != 2 or 0 in wide:
        raise InputError("demand_kw", f"shape {wide}", "(sites, steps), none of them 0")
    per_site = {"export_limit_kw", "initial_kwh", "wear_cny_per_kwh"}
    for name in (*_BY_SITE, "buy_cny_per_kwh", "sell_cny_per_kwh", "period"):
        values = getattr(metered, name)
        wanted = (wide[:1] if name in per_site else wide) if name in _BY_SITE else steps
        if values.shape != wanted:
            raise InputError(name, f"shape {values.shape}", f"shape {wanted}")
        bad = np.isnan(values)
        if bad.any():
            at = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
            raise InputError(f"{name} at ({at})", "nan", "a number")


def stored_path(metered: Metered) -> FloatArray:
    """Energy in the store at the end of each step as the meters imply, (B, N) [kWh]."""
    into = np.maximum(metered.store_kw, 0.0) * metered.charge_efficiency
    out = np.maximum(-metered.store_kw, 0.0) / metered.discharge_efficiency
    return np.asarray(metered.initial_kwh[:, None] + metered.step_h * np.cumsum(into - out, axis=1))


def hindsight_problem(m: Metered) -> StoreDays:
    """The problem that perfect foresight would have solved."""
    path = stored_path(m)
    low, high = np.minimum(m.low_kwh, path), np.maximum(m.high_kwh, path)
    low[:, -1] = high[:, -1] = path[:, -1]
    shape = m.demand_kw.shape
    export = np.maximum(m.export_limit_kw[:, None], -m.grid_kw) + GRAIN_KW
    zero = np.zeros(shape[0])
    return StoreDays(
        step_h=m.step_h,
        load_kw=m.demand_kw,
        pv_kw=m.pv_kw,
        buy_cny_per_kwh=np.broadcast_to(m.buy_cny_per_kwh, shape),
        sell_cny_per_kwh=np.broadcast_to(m.sell_cny_per_kwh, shape),
        import_limit_kw=peaks_kw(m) * (1.0 + GRAIN_SHARE) + GRAIN_KW,
        export_limit_kw=export,
        charge_limit_kw=np.maximum(m.charge_limit_kw, m.store_kw),
        discharge_limit_kw=np.maximum(m.discharge_limit_kw, -m.store_kw),
        low_kwh=low,
        high_kwh=high,
        initial_kwh=m.initial_kwh,
        charge_efficiency=np.full(shape[0], m.charge_efficiency),
        discharge_efficiency=np.full(shape[0], m.discharge_efficiency),
        self_discharge=zero,
        wear_cny_per_kwh=m.wear_cny_per_kwh,
        final_value_cny_per_kwh=zero,
        overload_cny_per_kwh=np.full(shape[0], np.inf),
    )


def peaks_kw(m: Metered) -> FloatArray:
    """The highest import of each step's billing month, (B, N) [kW]."""
    peaks = np.zeros((m.sites, int(m.period.max()) + 1))
    for period in np.unique(m.period):
        peaks[:, period] = np.maximum(m.grid_kw[:, m.period == period].max(axis=1), 0.0)
    return np.asarray(peaks[:, m.period])


def _idle_grid_kw(m: Metered) -> FloatArray:
    """Import less export without a store; sun that earns nothing is curtailed."""
    net = m.demand_kw - m.pv_kw
    spare = np.where(m.sell_cny_per_kwh > 0.0, m.export_limit_kw[:, None], 0.0)
    return np.maximum(net, -spare)


def _paid(m: Metered, grid_kw: FloatArray, store_kw: FloatArray) -> FloatArray:
    bought = np.maximum(grid_kw, 0.0) @ m.buy_cny_per_kwh
    sold = np.maximum(-grid_kw, 0.0) @ m.sell_cny_per_kwh
    return np.asarray(
        m.step_h * (bought - sold + m.wear_cny_per_kwh * np.abs(store_kw).sum(axis=1))
    )


def worth(found: Foresight) -> dict[str, float]:
    """Sums over the sites that can be compared, for a summary.

    ``lost_share`` is the loss as a share of what was paid; ``captured_share`` what the stores
    saved against standing idle, as a share of what they could have saved (0 where nothing could).
    ``gap`` bounds the relative error of ``perfect_cny``.
    """
    ok = found.feasible
    paid, best = float(found.realised_cny[ok].sum()), float(found.perfect_cny[ok].sum())
    idle, gap = float(found.idle_cny[ok].sum()), float(found.gap_cny[ok].sum())
    return {
        "realised_cny": paid,
        "perfect_cny": best,
        "lost_cny": paid - best,
        "lost_share": (paid - best) / abs(paid) if paid else 0.0,
        "idle_cny": idle,
        "captured_share": (idle - paid) / (idle - best) if idle - best > 1e-9 else 0.0,
        "gap": max(gap, 0.0) / max(abs(best), 1.0),
    }
