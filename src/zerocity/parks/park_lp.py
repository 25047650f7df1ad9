"""A park's year as one sparse linear program: built from whole arrays, solved by HiGHS.

Columns: eight flows a step, then the sizes and yearly amounts. Rows: five a step and a handful for
the year. Every limit that input could break has a priced slack, so an optimum always exists
(HiGHS: Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from zerocity.energy.highs import new_model, new_solver
from zerocity.errors import ZerocityError
from zerocity.parks.park_case import KWH_PER_TCE, FloatArray, ParkCase, Target

IntArray = npt.NDArray[np.int64]
Entry = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
"""Row in its block, column, value; the three are broadcast."""

FLOWS = ("import", "overload", "export", "sun", "direct", "charge", "discharge", "level", "flex")
"""Columns of T steps [kW]; ``level`` [kWh] is what the store holds at the end of a step."""
SIZES = ("pv", "store", "direct_kw", "traced", "certificates", "heat", "gap", "dirty", "unmatched")
"""Single columns: kWp, kWh, kW, MWh, MWh, share, and slacks [t, MWh, MWh]; peaks follow [kW]."""
YEARLY = ("carbon", "clean", "hourly")
"""The three rows of the target: [t], [MWh], [MWh]."""
EARLY = 1e-7


@dataclass(frozen=True, slots=True)
class Program:
    """A linear program: matrix by columns, costs, bounds, and where things stand in it."""

    matrix: sparse.csc_matrix
    cost: FloatArray
    low: FloatArray
    high: FloatArray
    row_low: FloatArray
    row_high: FloatArray
    steps: int
    months: IntArray

    def flow(self, name: str) -> slice:
        """Columns of a flow."""
        at = FLOWS.index(name) * self.steps
        return slice(at, at + self.steps)

    def size(self, name: str) -> int:
        """Column of a size."""
        return len(FLOWS) * self.steps + SIZES.index(name)

    @property
    def peaks(self) -> slice:
        """Columns of the months' peaks."""
        first = len(FLOWS) * self.steps + len(SIZES)
        return slice(first, first + self.months.size)

    def yearly(self, name: str) -> int:
        """Row of the year: a target, or what bounds the traced supply."""
        names = ("most_traced", "kept_traced", "most_certificates", "import", *YEARLY)
        return int(self.matrix.shape[0]) - len(names) + names.index(name)


class _Rows:
    """Collects blocks of rows as triplets."""

    def __init__(self) -> None:
        self.at, self.column, self.value = ([np.zeros(0)] for _ in range(3))
        self.low: list[FloatArray] = []
        self.high: list[FloatArray] = []
        self.count = 0

    def add(
        self,
        entries: Sequence[Entry],
        low: npt.ArrayLike,
        high: npt.ArrayLike,
        rows: int,
    ) -> None:
        """Add ``rows`` rows with entries (row in the block, column, value), each broadcast."""
        for parts in entries:
            row, column, value = np.broadcast_arrays(*(np.asarray(p, np.float64) for p in parts))
            self.at.append(row.ravel() + self.count)
            self.column.append(column.ravel())
            self.value.append(value.ravel())
        self.low.append(np.broadcast_to(np.asarray(low, np.float64), rows))
        self.high.append(np.broadcast_to(np.asarray(high, np.float64), rows))
        self.count += rows

    def matrix(self, columns: int) -> sparse.csc_matrix:
        """The matrix of all rows."""
        at, column = (np.concatenate(x).astype(np.int64) for x in (self.at, self.column))
        triplets = (np.concatenate(self.value), (at, column))
        found = sparse.csc_matrix(sparse.coo_matrix(triplets, (self.count, columns)))
        found.eliminate_zeros()
        return found


def build(case: ParkCase) -> Program:
    """The program of a park without a target; `aim` sets one."""
    steps, months = case.year.steps, np.unique(case.year.month)
    columns = len(FLOWS) * steps + len(SIZES) + months.size
    rows = _Rows()
    blank = sparse.csc_matrix((len(YEARLY), columns))
    none = np.zeros(0)
    names = Program(blank, none, none, none, none, none, steps, months)
    _step_rows(rows, names, case)
    _store_rows(rows, names, case)
    _day_rows(rows, names, case)
    _yearly_rows(rows, names, case)
    low, high = _bounds(names, case, columns)
    return Program(
        rows.matrix(columns), _costs(names, case, columns), low, high,
        np.concatenate(rows.low), np.concatenate(rows.high), steps, months,
    )  # fmt: skip


def _cols(names: Program, flow: str) -> FloatArray:
    return np.asarray(np.arange(names.steps, dtype=np.float64) + names.flow(flow).start)


def _step_rows(rows: _Rows, names: Program, case: ParkCase) -> None:
    """Balance, sun, green line, export of own sun alone, and the month's peak."""
    year, steps = case.year, names.steps
    at = np.arange(steps)
    signs = {"import": 1, "overload": 1, "sun": 1, "direct": 1, "discharge": 1,
             "export": -1, "charge": -1, "flex": -1}  # fmt: skip
    balance: list[Entry] = [(at, _cols(names, name), sign) for name, sign in signs.items()]
    balance.append((at, names.size("heat"), -case.heat_kw))
    fixed = year.use_kw * (1.0 - case.waiting_share)
    rows.add(balance, fixed, fixed, steps)
    sun = year.sun_kw_per_kwp
    rows.add([(at, _cols(names, "sun"), 1.0), (at, names.size("pv"), -sun)],
             -np.inf, sun * case.assets.pv_kwp, steps)  # fmt: skip
    rows.add([(at, _cols(names, "direct"), 1.0),
              (at, names.size("direct_kw"), -year.direct_share)], -np.inf, 0.0, steps)  # fmt: skip
    rows.add([(at, _cols(names, "export"), 1.0), (at, _cols(names, "sun"), -1.0)],
             -np.inf, 0.0, steps)  # fmt: skip
    peak = names.peaks.start + np.searchsorted(names.months, year.month)
    rows.add([(at, _cols(names, "import"), 1.0), (at, _cols(names, "overload"), 1.0),
              (at, peak, -1.0)], -np.inf, 0.0, steps)  # fmt: skip


def _store_rows(rows: _Rows, names: Program, case: ParkCase) -> None:
    """Content from step to step in a ring for each block, its room, and the inverter's power."""
    assets, h, steps = case.assets, case.year.step_h, names.steps
    at = np.arange(steps)
    block = at // case.year.block_steps * case.year.block_steps
    before = block + (at - block - 1) % case.year.block_steps
    level, charge, discharge = (_cols(names, n) for n in ("level", "charge", "discharge"))
    rows.add(
        [(at, level, 1.0), (at, level[before], -1.0), (at, charge, -h * assets.charge_efficiency),
         (at, discharge, h / assets.discharge_efficiency)],
        0.0, 0.0, steps,
    )  # fmt: skip
    store = names.size("store")
    rows.add([(at, level, 1.0), (at, store, -1.0)], -np.inf, assets.store_kwh, steps)
    rows.add(
        [(at, charge, 1.0), (at, discharge, 1.0), (at, store, -1.0 / case.levers.store_hours)],
        -np.inf, assets.store_kw, steps,
    )  # fmt: skip


def _day_rows(rows: _Rows, names: Program, case: ParkCase) -> None:
    """What can wait is used on its own day."""
    per_day = max(1, round(24.0 / case.year.step_h))
    if case.waiting_share <= 0.0:
        return
    at = np.arange(names.steps) // per_day
    wanted = case.waiting_share * np.bincount(at, case.year.use_kw)
    rows.add([(at, _cols(names, "flex"), 1.0)], wanted, wanted, wanted.size)


def _yearly_rows(rows: _Rows, names: Program, case: ParkCase) -> None:
    """Traced supply within the import, then the three rows of the target."""
    year, spec, levers = case.year, case.spec, case.levers
    mwh = year.hours / 1000.0
    both = np.concatenate([_cols(names, "import"), _cols(names, "overload")])
    taken = np.concatenate([mwh, mwh])
    carbon = np.concatenate([mwh * year.grid_kgco2_per_kwh] * 2)
    traced, certs = names.size("traced"), names.size("certificates")

    def one(entries: dict[int, float], import_value: FloatArray, low: float, high: float) -> None:
        single: list[Entry] = [(0, column, value) for column, value in entries.items()]
        rows.add([*single, (0, both, import_value)], low, high, 1)

    one({traced: 1.0}, -levers.traced_most_share * taken, -np.inf, 0.0)
    one({traced: 1.0}, -spec.green_import_share * taken, -np.inf, np.inf)
    one({certs: 1.0}, -levers.certificate_most_share * taken, -np.inf, 0.0)
    one({traced: 1.0, certs: 1.0}, -taken, -np.inf, 0.0)
    factor, heat = mean_factor(case), names.size("heat")
    saved = {traced: -factor, certs: -factor, names.size("gap"): -1.0, heat: -spec.other_carbon_t}
    one(saved, carbon, -np.inf, np.inf)
    proven = {traced: -1.0, certs: -1.0, names.size("dirty"): -1.0, heat: -1.0}
    one(proven, taken, -np.inf, np.inf)
    one({names.size("unmatched"): -1.0, heat: -1.0}, taken, -np.inf, np.inf)


def mean_factor(case: ParkCase) -> float:
    """Mean factor of the year's grid, what a traced MWh saves [t/MWh]."""
    hours = case.year.hours
    return float(hours @ case.year.grid_kgco2_per_kwh / hours.sum())


def _bounds(names: Program, case: ParkCase, columns: int) -> tuple[FloatArray, FloatArray]:
    levers, assets = case.levers, case.assets
    low, high = np.zeros(columns), np.full(columns, np.inf)
    high[names.flow("import")] = assets.import_limit_kw
    high[names.flow("export")] = assets.export_limit_kw
    # Work that waits may run at three times its mean power, so that it fits into eight hours.
    high[names.flow("flex")] = 3.0 * case.waiting_share * float(case.year.use_kw.max())
    most = {
        "pv": levers.pv_most_kwp,
        "store": levers.store_most_kwh,
        "direct_kw": levers.direct_most_kw,
        "heat": levers.heat_most_share if case.spec.other_energy_tce > 0.0 else 0.0,
    }
    for name, value in most.items():
        high[names.size(name)] = value
    return low, high


def _costs(names: Program, case: ParkCase, columns: int) -> FloatArray:
    year, levers, assets = case.year, case.levers, case.assets
    hours, cost = year.hours, np.zeros(columns)
    early = EARLY * np.arange(1, names.steps + 1) / names.steps
    cost[names.flow("import")] = hours * year.buy_cny_per_kwh
    cost[names.flow("overload")] = hours * (year.buy_cny_per_kwh + levers.overload_cny_per_kwh)
    cost[names.flow("export")] = hours * (EARLY - year.sell_cny_per_kwh)
    cost[names.flow("charge")] = hours * (assets.wear_cny_per_kwh + early)
    cost[names.flow("discharge")] = hours * assets.wear_cny_per_kwh
    cost[names.peaks] = assets.demand_charge_cny_per_kw_month
    # A green line is paid for what it could give, used or not.
    line = levers.direct_cny_per_kwh * float(hours @ year.direct_share)
    heat = case.spec.other_energy_tce * (levers.heat_cny_per_tce_year - levers.fuel_cny_per_tce)
    single: Mapping[str, float] = {
        "pv": levers.pv_cny_per_kwp_year,
        "store": levers.store_cny_per_kwh_year,
        "direct_kw": line,
        "traced": levers.traced_cny_per_kwh * 1000.0,
        "certificates": levers.certificate_cny_per_kwh * 1000.0,
        "heat": heat,
        "gap": levers.gap_cny_per_t,
        "dirty": levers.gap_cny_per_t,
        "unmatched": levers.gap_cny_per_t,
    }
    for name, value in single.items():
        cost[names.size(name)] = value
    return cost


def budgets(case: ParkCase, target: Target) -> dict[str, float]:
    """Right-hand sides of the target's rows for a year [t, MWh, MWh]; inf leaves a row free.

    The energy of the budget is that of use, losses of storage left out: a plan cannot earn a
    larger budget by wasting energy.
    """
    spec, use_mwh = case.spec, case.year.use_kwh / 1000.0
    found = dict.fromkeys(YEARLY, np.inf)
    if target.carbon_t_per_tce is not None:
        found["carbon"] = target.carbon_t_per_tce * case.energy_tce - spec.other_carbon_t
    if target.clean_share is not None:
        found["clean"] = (1.0 - target.clean_share) * use_mwh
    if target.hourly_share is not None:
        found["hourly"] = (1.0 - target.hourly_share) * use_mwh
    return found


def heat_credits(case: ParkCase, target: Target) -> dict[str, float]:
    """What making all heat electric adds to each budget, beside the carbon it saves."""
    heat_mwh = case.heat_kw * float(case.year.hours.sum()) / 1000.0
    tce = heat_mwh * 1000.0 / KWH_PER_TCE - case.spec.other_energy_tce
    return {
        "carbon": (target.carbon_t_per_tce or 0.0) * tce,
        "clean": (1.0 - (target.clean_share or 0.0)) * heat_mwh,
        "hourly": (1.0 - (target.hourly_share or 0.0)) * heat_mwh,
    }


class Solver:
    """One park's program in HiGHS; another target goes on from the basis of the last."""

    def __init__(self, case: ParkCase) -> None:
        self.case, self.program = case, build(case)
        self._highs = new_solver(1e-8, random_seed=1, solver="simplex")
        model = _model(self.program)
        # What the fuel costs today, so that the optimum is the whole bill.
        model.offset_ = case.spec.other_energy_tce * case.levers.fuel_cny_per_tce
        self._highs.passModel(model)

    def solve(self, target: Target, levers: bool = True) -> tuple[FloatArray, FloatArray, float]:
        """Columns, prices of the rows and the optimum; ``levers`` False keeps the park as it is.

        Raises ZerocityError when HiGHS finds no optimum, which lawful input cannot cause.
        """
        self._aim(target)
        self._open(levers)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._highs.clearSolver()
            self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            status = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise ZerocityError(f"park plan: HiGHS ended with '{status}', wanted an optimum")
        found = self._highs.getSolution()
        optimum = float(self._highs.getInfo().objective_function_value)
        return np.asarray(found.col_value), np.asarray(found.row_dual), optimum

    def _aim(self, target: Target) -> None:
        credit, right = heat_credits(self.case, target), budgets(self.case, target)
        heat = self.program.size("heat")
        for name, limit in right.items():
            row = self.program.yearly(name)
            self._bound(name, -np.inf, limit)
            saved = self.case.spec.other_carbon_t if name == "carbon" else 0.0
            self._highs.changeCoeff(row, heat, -saved - credit[name])

    def _open(self, levers: bool) -> None:
        for name in ("pv", "store", "direct_kw", "heat", "certificates"):
            at = self.program.size(name)
            self._highs.changeColBounds(at, 0.0, self.program.high[at] if levers else 0.0)
        # A park left as it is keeps the contract it has; a plan may end it.
        self._bound("most_traced", -np.inf, 0.0 if levers else np.inf)
        kept = np.inf if levers else 0.0
        self._bound("kept_traced", -kept, kept)

    def _bound(self, name: str, low: float, high: float) -> None:
        self._highs.changeRowBounds(self.program.yearly(name), low, high)


def _model(found: Program) -> highspy.HighsLp:
    a = found.matrix
    return new_model(
        found.cost,
        (found.low, found.high),
        (found.row_low, found.row_high),
        (a.indptr, a.indices, a.data),
    )
