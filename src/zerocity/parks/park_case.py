"""What a park's plan is made from: a year of its energy, what stands there, what could be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.measures.wording import did_you_mean, quote
from zerocity.parks.assessment import limit_t_per_tce
from zerocity.parks.indicators import KGCE_PER_KWH, ParkSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

KWH_PER_TCE = 1000.0 / KGCE_PER_KWH
"""One tonne of coal equivalent as electricity at its equivalent value [kWh/tce]."""
HOURS_PER_YEAR = 8760.0
LEAST_WAITING = 1e-6
"""Share of the use that must be able to wait to be planned: less drowns in a solver's tolerance."""


@dataclass(frozen=True, slots=True)
class ParkYear:
    """A park's year, whole or as blocks that stand for it; series are (steps,).

    Attributes
    ----------
    step_h : length of a step [h]; ``block_steps`` : steps of a block. A store ends each block as
        it began it, so a block stands alone.
    weight : how often each step comes in the year [-]; weight * step_h adds up to the year's hours.
    month : calendar month 1-12 of each step, for the demand charge.
    use_kw : use of electricity, store left out; ``sun_kw_per_kwp`` : yield of panels.
    direct_share : output of a green line's plant as a share of its power, 0-1.
    buy_cny_per_kwh, sell_cny_per_kwh : prices; ``grid_kgco2_per_kwh`` : the grid's factor.
    """

    step_h: float
    block_steps: int
    weight: FloatArray
    month: IntArray
    use_kw: FloatArray
    sun_kw_per_kwp: FloatArray
    direct_share: FloatArray
    buy_cny_per_kwh: FloatArray
    sell_cny_per_kwh: FloatArray
    grid_kgco2_per_kwh: FloatArray

    def __post_init__(self) -> None:
        steps = self.use_kw.size
        for one in fields(self):
            values = getattr(self, one.name)
            if not isinstance(values, np.ndarray):
                continue
            where = f"park year: {one.name}"
            if values.shape != (steps,) or not steps:
                raise InputError(where, f"shape {values.shape}", f"shape (steps,), here ({steps},)")
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                raise InputError(where, f"{values[bad[0]]} at step {bad[0]}", "finite numbers")
            if one.name not in _SIGNED and (values < 0.0).any():
                came = f"{values.min():g} at step {int(values.argmin())}"
                raise InputError(where, came, "numbers of at least 0")
        if self.step_h <= 0.0 or self.block_steps < 1 or steps % self.block_steps:
            came = f"{steps} steps in blocks of {self.block_steps}"
            raise InputError("park year", came, "whole blocks of steps longer than 0 h")
        bad = np.flatnonzero(self.sell_cny_per_kwh > self.buy_cny_per_kwh)
        if bad.size:
            came = f"{self.sell_cny_per_kwh[bad[0]]:g} at step {bad[0]}"
            wanted = f"at most the buying price of {self.buy_cny_per_kwh[bad[0]]:g}"
            raise InputError("park year: sell_cny_per_kwh", came, wanted)

    @property
    def steps(self) -> int:
        """Steps of the series."""
        return int(self.use_kw.size)

    @property
    def hours(self) -> FloatArray:
        """Hours of the year that each step stands for, (steps,)."""
        return self.weight * self.step_h

    @property
    def use_kwh(self) -> float:
        """Use of the year [kWh]."""
        return float(self.hours @ self.use_kw)


_SIGNED = ("buy_cny_per_kwh", "sell_cny_per_kwh")


@dataclass(frozen=True, slots=True)
class ParkAssets:
    """What a park has: panels [kWp], a store [kWh, kW AC], its connection [kW] and its contract."""

    import_limit_kw: float
    export_limit_kw: float
    pv_kwp: float = 0.0
    store_kwh: float = 0.0
    store_kw: float = 0.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    wear_cny_per_kwh: float = 0.05
    demand_charge_cny_per_kw_month: float = 0.0

    def __post_init__(self) -> None:
        _check_numbers("park", self)
        for name in ("charge_efficiency", "discharge_efficiency"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"park: {name}", str(getattr(self, name)), "above 0, at most 1")


@dataclass(frozen=True, slots=True)
class Levers:
    """What a park could add and what it costs in a year; all of it assumed unless you set it.

    ``*_most_*`` is the largest addition; 0 closes a lever. See `LEVER_SOURCES`.
    """

    pv_cny_per_kwp_year: float = 275.0
    pv_most_kwp: float = 0.0
    store_cny_per_kwh_year: float = 125.0
    store_most_kwh: float = 0.0
    store_hours: float = 2.0
    direct_cny_per_kwh: float = 0.39
    direct_most_kw: float = 0.0
    traced_cny_per_kwh: float = 0.02
    traced_most_share: float = 0.0
    certificate_cny_per_kwh: float = 0.006
    certificate_most_share: float = 0.0
    heat_most_share: float = 0.0
    heat_kwh_per_kwh: float = 1.8
    heat_cny_per_tce_year: float = 350.0
    fuel_cny_per_tce: float = 2400.0
    boiler_efficiency: float = 0.9
    shiftable_share: float = 0.0
    overload_cny_per_kwh: float = 10.0
    gap_cny_per_t: float = 20_000.0

    def __post_init__(self) -> None:
        _check_numbers("levers", self)
        for name in ("traced_most_share", "certificate_most_share", "heat_most_share",
                     "shiftable_share", "boiler_efficiency"):  # fmt: skip
            if getattr(self, name) > 1.0:
                raise InputError(
                    f"levers: {name}", f"{getattr(self, name):g}", "a share from 0 to 1"
                )
        for name in ("store_hours", "heat_kwh_per_kwh", "boiler_efficiency", "gap_cny_per_t",
                     "overload_cny_per_kwh"):  # fmt: skip
            if getattr(self, name) <= 0.0:
                raise InputError(f"levers: {name}", f"{getattr(self, name):g}", "more than 0")


LEVER_SOURCES = {
    "pv_cny_per_kwp_year": "assumption: 3,000 CNY/kWp over 25 years at 6 % and 40 a year to run",
    "pv_most_kwp": "assumption: as much again as the park has",
    "store_cny_per_kwh_year": "assumption: 900 CNY/kWh over 12 years at 6 % and 18 a year to run",
    "store_most_kwh": "assumption: four times the mean daily use",
    "store_hours": "assumption: usual power of a cabinet",
    "direct_cny_per_kwh": "assumption: wind and sun 0.22, network and fees 0.17; paid as produced",
    "direct_most_kw": "assumption: twice the mean use",
    "traced_cny_per_kwh": "assumption: what green power costs above other power of the grid",
    "traced_most_share": "assumption: all of it; how far the notice counts it was not read",
    "certificate_cny_per_kwh": "assumption: a few CNY per MWh, the range of 2024-2025",
    "certificate_most_share": "assumption: certificates do not count; whether they do was not read",
    "heat_most_share": "assumption: heat below 150 degC, which heat pumps reach",
    "heat_kwh_per_kwh": "assumption: heat out for electricity in, heat pumps and boilers together",
    "heat_cny_per_tce_year": "assumption: heat pumps and electric boilers, over 15 years",
    "fuel_cny_per_tce": "assumption: industrial gas at about 3 CNY/m3",
    "boiler_efficiency": "assumption: gas boiler",
    "shiftable_share": "assumption: no process is known to wait",
    "overload_cny_per_kwh": "penalty above the connection's limit; no one is paid it",
    "gap_cny_per_t": "most that a tonne, or a MWh, may cost before a plan gives up on it",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a plan must reach; None leaves an indicator free.

    ``carbon_t_per_tce`` : the core indicator. ``clean_share`` : clean part of the electricity,
    0-1, over the year. ``hourly_share`` : the same hour by hour, traced supply left out.
    """

    carbon_t_per_tce: float | None = None
    clean_share: float | None = None
    hourly_share: float | None = None

    def __post_init__(self) -> None:
        limit = self.carbon_t_per_tce
        if limit is not None and not (np.isfinite(limit) and limit >= 0.0):
            raise InputError("--limit", str(limit), "a finite number of at least 0 tCO2/tce")
        for name in ("clean_share", "hourly_share"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                option = "--" + name.replace("_", "-")
                raise InputError(option, str(value), "a share from 0 to 1")
        if None not in (self.clean_share, self.hourly_share) and (
            float(self.hourly_share or 0.0) > float(self.clean_share or 0.0)
        ):
            raise InputError(
                "--hourly-share",
                f"{self.hourly_share:g} above --clean-share {self.clean_share:g}",
                "limits that do not cross",
                "What is clean by the hour is clean over the year: raise --clean-share.",
            )


@dataclass(frozen=True, slots=True)
class ParkCase:
    """A park to plan: its year, its assets, its other energy and the levers it may pull."""

    spec: ParkSpec
    year: ParkYear
    assets: ParkAssets
    levers: Levers = field(default_factory=Levers)

    @property
    def energy_tce(self) -> float:
        """Energy of the year, storage losses left out [tce]."""
        return self.year.use_kwh / KWH_PER_TCE + self.spec.other_energy_tce

    @property
    def limit_t_per_tce(self) -> float:
        """The notice's limit at the park's size."""
        return limit_t_per_tce(self.spec.annual_energy_tce or self.energy_tce)

    @property
    def waiting_share(self) -> float:
        """Share of each day's use that may wait; 0 below `LEAST_WAITING`."""
        share = self.levers.shiftable_share
        return share if share >= LEAST_WAITING else 0.0

    @property
    def heat_kw(self) -> float:
        """Mean power that would take the place of all other energy [kW]."""
        heat = self.spec.other_energy_tce * KWH_PER_TCE * self.levers.boiler_efficiency
        return heat / self.levers.heat_kwh_per_kwh / HOURS_PER_YEAR


def _check_numbers(where: str, values: Levers | ParkAssets) -> None:
    for one in fields(values):
        value = getattr(values, one.name)
        if not (np.isfinite(value) and value >= 0.0):
            raise InputError(f"{where}: {one.name}", str(value), "a finite number of at least 0")


def with_values(case: ParkCase, values: Mapping[str, str]) -> ParkCase:
    """The same case with levers and assets changed by name, {"pv_most_kwp": "20000"}.

    Raises InputError for a name that neither has or a value that is no number in range.
    """
    levers, assets = {f.name for f in fields(Levers)}, {f.name for f in fields(ParkAssets)}
    changes: dict[str, float] = {}
    for name, text in values.items():
        if name not in levers | assets:
            known = sorted(levers | assets)
            way_out = did_you_mean(name, known, "See: zerocity park plan CITY PARK --json")
            raise InputError("--set", quote(name), "the name of a lever or asset", way_out)
        try:
            changes[name] = float(text)
        except ValueError:
            raise InputError(f"--set {name}", quote(text), "a number") from None
    return replace(
        case,
        levers=replace(case.levers, **{n: v for n, v in changes.items() if n in levers}),
        assets=replace(case.assets, **{n: v for n, v in changes.items() if n in assets}),
    )
