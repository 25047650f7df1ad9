"""Coordination of a portfolio against one linear program: ``python benchmarks/coordination.py``.

Made-up fleets, one store a site, prices of three levels a day (the same for all: the hard case) or
spot prices, and a cap on the summed net import. The price decomposition and HiGHS (the same
problem, built by NumPy and passed whole) run in this process; times are processor times.

    --quick       smaller fleets, some seconds
    --skip-whole  only the decomposition
    --limit S     stop each run of HiGHS after S seconds (a lower bound of its time then)
    --only NAME   one case
    --json        figures for another program
"""

from __future__ import annotations

import argparse
import json
import time
from typing import NamedTuple

import highspy
import numpy as np
from scipy import sparse

from zerocity.energy.stores import StoreDays, dispatch_stores
from zerocity.vpp.coordination import coordinate, slack_price


class Case(NamedTuple):
    sites: int
    steps: int
    prices: str
    tight: float
    gap: float
    methods: tuple[str, ...]


CASES = {
    "day-tou": Case(1000, 96, "tou", 0.5, 1e-6, ("simplex", "ipm")),
    "day-tou-tight": Case(1000, 96, "tou", 0.2, 1e-6, ("simplex", "ipm")),
    "day-spot": Case(1000, 96, "spot", 0.5, 1e-6, ("simplex", "ipm")),
    "week-tou": Case(200, 672, "tou", 0.5, 1e-4, ("simplex",)),
    "week-tou-tight": Case(200, 672, "tou", 0.2, 1e-4, ("simplex",)),
    "large-tou": Case(10_000, 96, "tou", 0.5, 1e-5, ()),
    "large-tou-tight": Case(10_000, 96, "tou", 0.2, 1e-5, ()),
    "large-spot": Case(10_000, 96, "spot", 0.5, 1e-5, ()),
}
QUICK = {
    "day-tou": Case(100, 96, "tou", 0.5, 1e-6, ("simplex", "ipm")),
    "day-tou-tight": Case(100, 96, "tou", 0.2, 1e-6, ("simplex", "ipm")),
    "day-spot": Case(100, 96, "spot", 0.5, 1e-6, ("simplex", "ipm")),
    "week-tou": Case(20, 672, "tou", 0.5, 1e-4, ("simplex",)),
    "large-tou": Case(2000, 96, "tou", 0.5, 1e-5, ()),
}


def prices(kind: str, hour: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Buying and selling prices [CNY/kWh]."""
    if kind == "tou":
        dear = ((hour >= 6) & (hour < 8)) | ((hour >= 18) & (hour < 23))
        buy = np.where((hour >= 10) & (hour < 16), 0.32, np.where(dear, 1.18, 0.70))
        return buy, np.full(len(hour), 0.30)
    wave = 0.45 + 0.25 * np.sin((hour - 14) / 24 * 4 * np.pi)
    buy = np.clip(wave + 0.06 * rng.normal(size=len(hour)), 0.05, 1.5)
    return buy, 0.8 * buy


def made_fleet(case: Case, seed: int = 0) -> tuple[StoreDays, np.ndarray]:
    """Sites, and a cap between the mean load without sun and the peak of the sites left alone."""
    rng = np.random.default_rng(seed)
    sites, steps, h = case.sites, case.steps, 0.25
    hour = (np.arange(steps) * h) % 24
    size = np.exp(rng.normal(5.0, 0.7, (sites, 1)))

    def hump(peak: float, width: float) -> np.ndarray:
        return np.exp(-(((hour - peak) / width) ** 2))

    office = 0.35 + 0.5 * hump(13, 4.5)
    home = 0.25 + 0.25 * hump(8, 1.5) + 0.6 * hump(20, 2.5)
    shapes = np.stack([office, home, 0.55 + 0.1 * np.sin(hour / 24 * 2 * np.pi)])
    load = size * shapes[rng.integers(0, 3, sites)] * rng.uniform(0.85, 1.15, (sites, steps))
    sky = np.repeat(rng.uniform(0.3, 1.0, (sites, -(-steps // 96))), 96, axis=1)[:, :steps]
    sun = np.clip(np.sin((hour - 6.3) / 11.5 * np.pi), 0, None)
    pv = size * rng.choice([0.0, 0.3, 0.8, 1.2], (sites, 1)) * sun * sky
    buy, sell = prices(case.prices, hour, rng)
    capacity = size * rng.uniform(0.8, 3.0, (sites, 1))
    power = np.tile(capacity * rng.uniform(0.25, 0.5, (sites, 1)), steps)
    low, high = np.tile(0.1 * capacity, steps), np.tile(0.95 * capacity, steps)
    low[:, -1] = high[:, -1] = 0.5 * capacity[:, 0]
    efficiency = rng.uniform(0.92, 0.97, sites)
    days = StoreDays(
        step_h=h,
        load_kw=load,
        pv_kw=pv,
        buy_cny_per_kwh=np.tile(buy, (sites, 1)),
        sell_cny_per_kwh=np.tile(sell, (sites, 1)),
        import_limit_kw=np.tile(1.6 * size, steps),
        export_limit_kw=np.tile(size, steps),
        charge_limit_kw=power,
        discharge_limit_kw=power,
        low_kwh=low,
        high_kwh=high,
        initial_kwh=0.5 * capacity[:, 0],
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
        self_discharge=np.zeros(sites),
        wear_cny_per_kwh=np.full(sites, 0.03),
        final_value_cny_per_kwh=np.zeros(sites),
        overload_cny_per_kwh=np.full(sites, np.inf),
    )
    alone = dispatch_stores(days, "level")
    peak = (alone.import_kw - alone.export_kw).sum(axis=0).max()
    mean = np.maximum(load - pv, 0.0).sum(axis=0).mean()
    return days, np.full(steps, mean + case.tight * (peak - mean))


def whole_program(days: StoreDays, cap_kw: np.ndarray) -> highspy.HighsLp:
    """All sites in one program, six columns and two rows a site and step."""
    sites, steps = days.load_kw.shape
    n, h = sites * steps, days.step_h
    row, first = np.arange(n), np.arange(n) % steps == 0
    later = row[~first]
    step = np.arange(steps)
    into = np.repeat(h * days.charge_efficiency, steps)
    out = np.repeat(h / days.discharge_efficiency, steps)
    # Blocks of columns: import, export, sun, charge, discharge, energy, slack of the cap.
    entries = [
        (row, row, 1.0), (row, n + row, -1.0), (row, 2 * n + row, 1.0),
        (row, 3 * n + row, -1.0), (row, 4 * n + row, 1.0),
        (n + row, 5 * n + row, 1.0), (n + later, 5 * n + later - 1, -1.0),
        (n + row, 3 * n + row, -into), (n + row, 4 * n + row, out),
        (2 * n + row % steps, row, 1.0), (2 * n + row % steps, n + row, -1.0),
        (2 * n + step, 6 * n + step, -1.0),
    ]  # fmt: skip
    value = np.concatenate([np.broadcast_to(v, r.shape) for r, _, v in entries])
    at = np.concatenate([r for r, _, _ in entries]), np.concatenate([c for _, c, _ in entries])
    matrix = sparse.csc_matrix((value, at), shape=(2 * n + steps, 6 * n + steps))
    wear = np.repeat(h * days.wear_cny_per_kwh, steps)
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    priced = (
        h * days.buy_cny_per_kwh.ravel(), -h * days.sell_cny_per_kwh.ravel(), np.zeros(n),
        wear, wear, np.zeros(n), np.full(steps, h * slack_price(days)),
    )  # fmt: skip
    program.col_cost_ = np.concatenate(priced)
    program.col_lower_ = np.concatenate([np.zeros(5 * n), days.low_kwh.ravel(), np.zeros(steps)])
    limits = (
        days.import_limit_kw, days.export_limit_kw, days.pv_kw,
        days.charge_limit_kw, days.discharge_limit_kw, days.high_kwh,
    )  # fmt: skip
    program.col_upper_ = np.concatenate([*(x.ravel() for x in limits), np.full(steps, np.inf)])
    start = np.where(first, np.repeat(days.initial_kwh, steps), 0.0)
    fixed = np.concatenate([days.load_kw.ravel(), start])
    program.row_lower_ = np.concatenate([fixed, np.full(steps, -np.inf)])
    program.row_upper_ = np.concatenate([fixed, cap_kw])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    return program


def solve_whole(program: highspy.HighsLp, method: str, limit_s: float) -> dict[str, object]:
    """One run of HiGHS on one core."""
    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False), ("threads", 1), ("solver", method), ("time_limit", limit_s)
    ):  # fmt: skip
        solver.setOptionValue(option, value)
    start = time.process_time()
    solver.passModel(program)
    solver.run()
    spent = time.process_time() - start
    found = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    value = solver.getInfo().objective_function_value
    return {"cpu_s": spent, "objective_cny": value if found else None}


def measure(case: Case, methods: tuple[str, ...], limit_s: float) -> dict[str, object]:
    """Figures of one case."""
    days, cap = made_fleet(case)
    start = time.process_time()
    done = coordinate(days, cap, gap=case.gap, seed=1)
    spent = time.process_time() - start
    figures: dict[str, object] = {
        "sites": case.sites, "steps": case.steps, "prices": case.prices, "goal": case.gap,
        "cpu_s": spent, "gap": done.gap, "calls": done.history[-1].calls, "rounds": done.rounds,
        "objective_cny": done.objective_cny,
        "priced_steps": int((done.price_cny_per_kwh > 0).sum()),
        "broken": len(done.broken),
    }  # fmt: skip
    for method in methods:
        figures[method] = solve_whole(whole_program(days, cap), method, limit_s)
    return figures


def report(name: str, figures: dict[str, object], methods: tuple[str, ...]) -> None:
    """Print a case."""
    print(
        f"{name:16s} {figures['sites']:6d} x {figures['steps']:3d}  {figures['cpu_s']:7.2f} s  "
        f"gap {figures['gap']:.1e}  calls {figures['calls']:4d}  rounds {figures['rounds']:3d}  "
        f"priced steps {figures['priced_steps']:3d}",
        flush=True,
    )
    for method in methods:
        run = figures[method]
        ratio = run["cpu_s"] / figures["cpu_s"]
        value = run["objective_cny"]
        off = "stopped at the limit" if value is None else (
            f"objective {(figures['objective_cny'] - value) / abs(value):+.1e}"
        )  # fmt: skip
        print(
            f"    HiGHS {method:8s} {run['cpu_s']:8.1f} s = {ratio:6.1f} times  {off}", flush=True
        )


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--skip-whole", action="store_true")
    parser.add_argument("--limit", type=float, default=1e4)
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cases = QUICK if asked.quick else CASES
    made = made_fleet(QUICK["day-tou"])
    coordinate(made[0], made[1], gap=1e-3)
    table = {}
    for name, case in cases.items():
        if asked.only in (None, name):
            methods = () if asked.skip_whole else case.methods
            table[name] = measure(case, methods, asked.limit)
            if not asked.json:
                report(name, table[name], methods)
    if asked.json:
        print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
