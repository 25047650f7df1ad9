"""One planning day of many sites, and the plan that answers it: plain arrays, checked once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SiteDays:
    """What each of S sites faces over T steps. Power is AC; S and T may be any positive number.

    Parameters
    ----------
    step_h : length of a step [h].
    load_kw : the site's own inflexible load, >= 0, (S, T) [kW].
    pv_kw : photovoltaic power available, >= 0, (S, T) [kW]. It may be curtailed.
    buy_cny_per_kwh, sell_cny_per_kwh : (S, T) [CNY/kWh]; sell must not exceed buy.
    import_limit_kw, export_limit_kw : grid connection, (S,) [kW]. Import may exceed its limit at
        a high penalty, so that an impossible day still has a plan; export never does.
    store_kwh : usable capacity of the stationary store, 0 where there is none, (S,) [kWh].
    store_charge_kw, store_discharge_kw : AC power limits, (S,) [kW].
    store_charge_efficiency, store_discharge_efficiency : in (0, 1], (S,).
    store_initial_kwh, store_final_kwh : content at the start, least content at the end, (S,) [kWh].
        A final content that cannot be reached is lowered to what can be.
    wear_cny_per_kwh : cost of one AC kWh cycled, charged half on the way in and half on the way
        out, (S,) [CNY/kWh].
    flex_min_kwh, flex_max_kwh : bounds of the cumulative flexible AC energy at the END of each
        step; nondecreasing, min <= max, (S, T) [kWh].
    flex_limit_kw : most flexible power, (S, T) [kW].
    demand_charge_cny_per_kw : price of each kW by which the day's highest import exceeds
        ``peak_so_far_kw``, (S,) [CNY/kW].
    peak_so_far_kw : highest import of the billing period before this day, (S,) [kW].
    """

    step_h: float
    load_kw: FloatArray
    pv_kw: FloatArray
    buy_cny_per_kwh: FloatArray
    sell_cny_per_kwh: FloatArray
    import_limit_kw: FloatArray
    export_limit_kw: FloatArray
    store_kwh: FloatArray
    store_charge_kw: FloatArray
    store_discharge_kw: FloatArray
    store_charge_efficiency: FloatArray
    store_discharge_efficiency: FloatArray
    store_initial_kwh: FloatArray
    store_final_kwh: FloatArray
    wear_cny_per_kwh: FloatArray
    flex_min_kwh: FloatArray
    flex_max_kwh: FloatArray
    flex_limit_kw: FloatArray
    demand_charge_cny_per_kw: FloatArray
    peak_so_far_kw: FloatArray

    @property
    def sites(self) -> int:
        """Number of sites S."""
        return int(self.load_kw.shape[0])

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return int(self.load_kw.shape[1])


@dataclass(frozen=True, slots=True)
class SitePlans:
    """The cheapest lawful day of each site.

    All powers are (S, T) [kW] and >= 0: ``import_kw`` (overload included), ``export_kw``,
    ``pv_used_kw``, ``charge_kw`` and ``discharge_kw`` of the store (AC side), ``flex_kw``.
    ``store_kwh`` is the content at the END of each step, (S, T) [kWh]. ``objective_cny`` is the
    money of the plan (S,) [CNY]: energy, wear and demand charge, without penalties.
    ``overload_kw`` (S, T) is import above the limit, ``shortfall_kwh`` (S,) flexible energy that
    was due and not planned.
    """

    import_kw: FloatArray
    export_kw: FloatArray
    pv_used_kw: FloatArray
    charge_kw: FloatArray
    discharge_kw: FloatArray
    store_kwh: FloatArray
    flex_kw: FloatArray
    objective_cny: FloatArray
    overload_kw: FloatArray
    shortfall_kwh: FloatArray


_ARRAYS = tuple(f.name for f in fields(SiteDays) if f.name != "step_h")
_SERIES = frozenset(
    {"load_kw", "pv_kw", "buy_cny_per_kwh", "sell_cny_per_kwh"}
    | {"flex_min_kwh", "flex_max_kwh", "flex_limit_kw"}
)
_SIGNED = frozenset({"buy_cny_per_kwh", "sell_cny_per_kwh"})


def check(days: SiteDays) -> None:
    """Raise InputError naming the array, the site and the step of the first unlawful value."""
    if not days.step_h > 0.0:
        raise InputError("step_h", str(days.step_h), "hours, more than 0")
    if days.load_kw.ndim != 2 or 0 in days.load_kw.shape:
        raise InputError("load_kw", f"shape {days.load_kw.shape}", "(sites, steps), none of them 0")
    for name in _ARRAYS:
        values = getattr(days, name)
        wanted = days.load_kw.shape if name in _SERIES else (days.sites,)
        if values.shape != wanted:
            raise InputError(name, f"shape {values.shape}", f"shape {wanted}")
        _refuse(name, values, ~np.isfinite(values), "a finite number")
        if name not in _SIGNED:
            _refuse(name, values, values < 0.0, "0 or more")
    for name in ("store_charge_efficiency", "store_discharge_efficiency"):
        values = getattr(days, name)
        _refuse(name, values, (values <= 0.0) | (values > 1.0), "above 0, at most 1")
    _check_pairs(days)


def _check_pairs(days: SiteDays) -> None:
    sell = days.sell_cny_per_kwh
    _refuse("sell_cny_per_kwh", sell, sell > days.buy_cny_per_kwh, "at most the buying price")
    for name in ("flex_min_kwh", "flex_max_kwh"):
        values = getattr(days, name)
        falls = np.diff(values, axis=1, prepend=0.0) < 0.0
        _refuse(name, values, falls, "a cumulative series that never falls")
    low = days.flex_min_kwh
    _refuse("flex_min_kwh", low, low > days.flex_max_kwh, "at most flex_max_kwh")


def _refuse(name: str, values: FloatArray, bad: npt.NDArray[np.bool_], wanted: str) -> None:
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"{name}, site {at[0]}" + (f", step {at[1]}" if len(at) > 1 else "")
        raise InputError(where, str(values[at]), wanted)


def pick(days: SiteDays, sites: npt.NDArray[np.intp] | slice) -> SiteDays:
    """Return the chosen sites only."""
    return SiteDays(days.step_h, **{name: getattr(days, name)[sites] for name in _ARRAYS})


def split(days: SiteDays, size: int) -> list[SiteDays]:
    """Cut ``days`` into blocks of ``size`` sites, in order; the last may be smaller."""
    if size < 1:
        raise InputError("size", str(size), "an integer of at least 1")
    return [pick(days, slice(at, at + size)) for at in range(0, days.sites, size)]


def join(plans: Iterable[SitePlans]) -> SitePlans:
    """Put blocks of plans behind each other again, in order."""
    blocks = list(plans)
    return SitePlans(
        **{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(SitePlans)}
    )


def idle(days: SiteDays) -> SitePlans:
    """Plans in which nothing flows."""
    per_site = {"objective_cny", "shortfall_kwh"}
    shapes = {
        f.name: (days.sites,) if f.name in per_site else days.load_kw.shape
        for f in fields(SitePlans)
    }
    return SitePlans(**{name: np.zeros(shape) for name, shape in shapes.items()})


def penalties(days: SiteDays) -> tuple[FloatArray, FloatArray]:
    """Penalties for a missing flexible kWh and for an overload kWh, each (S, 1) [CNY/kWh].

    Missing energy costs more than any price or peak could save, and an overload more than missing
    energy: the connection is the harder limit.
    """
    dearest = np.abs(days.buy_cny_per_kwh).max(axis=1, keepdims=True)
    missing = 10.0 * (1.0 + dearest) + 2.0 * days.demand_charge_cny_per_kw[:, None] / days.step_h
    return missing, 4.0 * missing


def store_start_kwh(days: SiteDays) -> FloatArray:
    """Content at the start, kept within the capacity, (S,) [kWh]."""
    return np.clip(days.store_initial_kwh, 0.0, days.store_kwh)


def store_goal_kwh(days: SiteDays) -> FloatArray:
    """Least content at the end, lowered to what full charging could reach, (S,) [kWh]."""
    gain = days.store_charge_kw * days.store_charge_efficiency * days.step_h * days.steps
    reach = np.minimum(days.store_kwh, store_start_kwh(days) + gain)
    # A hair of room: the bound is met exactly in real numbers but not always in doubles.
    return np.minimum(days.store_final_kwh, reach * (1.0 - 1e-12))
