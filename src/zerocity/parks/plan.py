"""The cheapest way for a park to reach the standard, and what the last tonne costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.parks.matching import Matching, ParkMeters, match
from zerocity.parks.park_case import KWH_PER_TCE, FloatArray, ParkCase, Target
from zerocity.parks.park_lp import FLOWS, SIZES, YEARLY, Program, Solver, mean_factor

SMALL = 1e-6
KEPT = 1e-3
"""A target missed by less than this, a kilogram or a kWh, is met."""
ADDED = {
    "pv_kwp": "pv",
    "store_kwh": "store",
    "direct_kw": "direct_kw",
    "traced_mwh": "traced",
    "certificates_mwh": "certificates",
    "heat_share": "heat",
}
"""What a plan adds: name for the reader, column of the program."""
Prices = dict[str, float]


@dataclass(frozen=True, slots=True)
class ParkPlan:
    """A year's plan of one park.

    Attributes
    ----------
    target : what was asked. ``levers`` : False for the park as it is.
    added : kWp, kWh, kW, MWh, MWh and a share by lever: ``pv_kwp``, ``store_kwh``, ``direct_kw``,
        ``traced_mwh``, ``certificates_mwh``, ``heat_share``.
    cost_cny : cost of the year by line; income is negative; ``total`` is their sum.
    objective_cny : total and penalties, what was minimised.
    carbon_t, energy_tce : of the year, storage losses left out of the energy; their ratio is
        ``carbon_t_per_tce``.
    clean_share : 1 - import without proof of origin / use; ``hourly_share`` : 1 - import / use.
    carbon_price_cny_per_t : what one tonne less would cost; 0 where the limit does not bind, the
        price at which the plan gave up where it is not met. ``clean_price_cny_per_mwh`` and
        ``hourly_price_cny_per_mwh`` likewise.
    gap_t, gap_clean_mwh, gap_hourly_mwh : what is missing, 0 for a target that is met.
    overload_h, overload_kw : hours above the connection's limit, and by how much at most.
    line_used_share, line_share_of_use : energy of the green line used on site, as a share of what
        it could give and of the use; nan without a line.
    matching : the plan's own hourly matching, weighted to the year.
    worst_imbalance_kw : largest difference of sources and uses in a step, for the sceptic.
    """

    target: Target
    levers: bool
    added: dict[str, float]
    cost_cny: dict[str, float]
    objective_cny: float
    carbon_t: float
    energy_tce: float
    carbon_t_per_tce: float
    clean_share: float
    hourly_share: float
    carbon_price_cny_per_t: float
    clean_price_cny_per_mwh: float
    hourly_price_cny_per_mwh: float
    gap_t: float
    gap_clean_mwh: float
    gap_hourly_mwh: float
    overload_h: float
    overload_kw: float
    line_used_share: float
    line_share_of_use: float
    matching: Matching
    worst_imbalance_kw: float

    @property
    def met(self) -> bool:
        """Whether nothing of the target is missing."""
        return max(self.gap_t, self.gap_clean_mwh, self.gap_hourly_mwh) <= 0.0


class Planner:
    """Plans of one park; each further target starts from the answer before."""

    def __init__(self, case: ParkCase) -> None:
        self.case = case
        self._solver = Solver(case)

    def as_it_is(self) -> ParkPlan:
        """The park with what it has, run at least cost, its contract kept."""
        return self._plan(Target(), levers=False)

    def plan(self, target: Target) -> ParkPlan:
        """The cheapest sizes and operation that reach the target, or come nearest to it."""
        return self._plan(target, levers=True)

    def _plan(self, target: Target, levers: bool) -> ParkPlan:
        columns, duals, optimum = self._solver.solve(target, levers)
        program = self._solver.program
        prices = {name: max(0.0, -float(duals[program.yearly(name)])) for name in YEARLY}
        return _read(target, levers, _Answer(self.case, program, columns), prices, optimum)


def plan_park(case: ParkCase, target: Target) -> ParkPlan:
    """One plan of one park; see `Planner` for several."""
    return Planner(case).plan(target)


class _Answer:
    """The columns of an optimum, by name."""

    def __init__(self, case: ParkCase, program: Program, columns: FloatArray) -> None:
        self.case, self.hours = case, case.year.hours
        self.flow = {name: columns[program.flow(name)] for name in FLOWS}
        # A solver may leave a bound of 0 by a hair.
        self.size = {name: max(0.0, float(columns[program.size(name)])) for name in SIZES}
        self.peaks_kw = float(columns[program.peaks].sum())
        self.taken = self.flow["import"] + self.flow["overload"]
        fixed = case.year.use_kw * (1.0 - case.waiting_share)
        self.use = fixed + self.flow["flex"] + self.size["heat"] * case.heat_kw
        self.import_mwh = float(self.hours @ self.taken) / 1000.0
        self.use_mwh = float(self.hours @ self.use) / 1000.0
        self.proven_mwh = self.size["traced"] + self.size["certificates"]

    def carbon_t(self) -> float:
        """Carbon of the year."""
        grid_kg = float(self.hours @ (self.taken * self.case.year.grid_kgco2_per_kwh))
        kept = 1.0 - self.size["heat"]
        saved = mean_factor(self.case) * self.proven_mwh
        return grid_kg / 1000.0 - saved + kept * self.case.spec.other_carbon_t

    def energy_tce(self) -> float:
        """Energy of the year."""
        kept = 1.0 - self.size["heat"]
        return self.use_mwh * 1000.0 / KWH_PER_TCE + kept * self.case.spec.other_energy_tce

    def worst_imbalance_kw(self) -> float:
        """Largest difference of sources and uses in a step."""
        f = self.flow
        sources = self.taken + f["sun"] + f["direct"] + f["discharge"]
        return float(np.abs(sources - self.use - f["charge"] - f["export"]).max())

    def cost_cny(self) -> dict[str, float]:
        """Cost of the year by line."""
        year, levers, assets = self.case.year, self.case.levers, self.case.assets
        size, flow = self.size, self.flow
        line = levers.direct_cny_per_kwh * float(self.hours @ year.direct_share)
        other = self.case.spec.other_energy_tce
        worn = float(self.hours @ (flow["charge"] + flow["discharge"]))
        cost = {
            "grid_energy": float(self.hours @ (self.taken * year.buy_cny_per_kwh)),
            "demand_charge": self.peaks_kw * assets.demand_charge_cny_per_kw_month,
            "export_income": -float(self.hours @ (flow["export"] * year.sell_cny_per_kwh)),
            "storage_wear": worn * assets.wear_cny_per_kwh,
            "fuel": (1.0 - size["heat"]) * other * levers.fuel_cny_per_tce,
            "panels": size["pv"] * levers.pv_cny_per_kwp_year,
            "storage": size["store"] * levers.store_cny_per_kwh_year,
            "green_line": size["direct_kw"] * line,
            "traced_supply": size["traced"] * levers.traced_cny_per_kwh * 1000.0,
            "certificates": size["certificates"] * levers.certificate_cny_per_kwh * 1000.0,
            "electric_heat": size["heat"] * other * levers.heat_cny_per_tce_year,
        }
        return {**cost, "total": sum(cost.values())}

    def matching(self) -> Matching:
        """Hourly matching of the year; steps count as often as they come."""
        flow, h = self.flow, self.hours

        def kwh(values: FloatArray) -> FloatArray:
            return np.maximum(values, 0.0) * h

        share = self.size["traced"] / self.import_mwh if self.import_mwh > SMALL else 0.0
        meters = ParkMeters(
            step_h=self.case.year.step_h,
            use_kwh=kwh(self.use),
            pv_kwh=kwh(flow["sun"]),
            direct_kwh=kwh(flow["direct"]),
            charge_kwh=kwh(flow["charge"]),
            discharge_kwh=kwh(flow["discharge"]),
            import_kwh=kwh(self.taken),
            export_kwh=kwh(flow["export"]),
            grid_kgco2_per_kwh=self.case.year.grid_kgco2_per_kwh,
        )
        return match(meters, min(max(share, 0.0), 1.0), self.size["certificates"] * 1000.0)


def _read(target: Target, levers: bool, got: _Answer, prices: Prices, optimum: float) -> ParkPlan:
    size, over, tce = got.size, got.flow["overload"], got.energy_tce()
    use = got.use_mwh if got.use_mwh > 0.0 else float("nan")
    line = float(got.hours @ got.flow["direct"]) / 1000.0
    could = float(got.hours @ got.case.year.direct_share) * size["direct_kw"] / 1000.0
    return ParkPlan(
        target=target,
        levers=levers,
        added={name: _whole(size[column]) for name, column in ADDED.items()},
        cost_cny=got.cost_cny(),
        objective_cny=optimum,
        carbon_t=got.carbon_t(),
        energy_tce=tce,
        carbon_t_per_tce=got.carbon_t() / tce if tce > 0.0 else float("nan"),
        clean_share=1.0 - (got.import_mwh - got.proven_mwh) / use,
        hourly_share=1.0 - got.import_mwh / use,
        carbon_price_cny_per_t=prices["carbon"],
        clean_price_cny_per_mwh=prices["clean"],
        hourly_price_cny_per_mwh=prices["hourly"],
        gap_t=_whole(size["gap"], KEPT),
        gap_clean_mwh=_whole(size["dirty"], KEPT),
        gap_hourly_mwh=_whole(size["unmatched"], KEPT),
        overload_h=float(got.hours[over > SMALL].sum()),
        overload_kw=_whole(float(over.max())),
        line_used_share=line / could if could > SMALL else float("nan"),
        line_share_of_use=line / use if could > SMALL else float("nan"),
        matching=got.matching(),
        worst_imbalance_kw=got.worst_imbalance_kw(),
    )


def _whole(value: float, least: float = SMALL) -> float:
    return value if value > least else 0.0
