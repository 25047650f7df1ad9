"""The exact kernel of one store against HiGHS and, with ``--peer``, against modelling tools.

    python benchmarks/stores.py                                   # kernel and HiGHS, same process
    python benchmarks/stores.py --peer                            # builds an environment of tools
    python benchmarks/stores.py --peer-python /path/to/python     # has cvxpy, linopy, oemof-solph,
    python benchmarks/stores.py --json                            #   pypsa and highspy

A site has load, sun that may be curtailed, a connection and a battery that ends where it began.
Times are CPU times of one thread, kernel and HiGHS in turns in one process, so a busy machine
shifts them less; the least of several is taken. HiGHS gets the program as NumPy arrays, runs its
simplex method, and its plan and prices are read into arrays. Compiling the kernel is not counted.

- year: 35,040 steps as one problem, model and answer included.
- days: 200 sites x 365 days of 96 steps. The kernel solves all 73,000. The HiGHS loop keeps one
  model and its last basis per site, and changes prices, bounds and loads from day to day; it is
  measured on a sample of consecutive days and EXTRAPOLATED to 73,000. The run-only ratio leaves out
  all but HiGHS's own run.
- demand: 31 days as one problem with a price on the month's highest import.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from store_lp import columns, least_cost, program, rows, solver
from zerocity.energy.stores import StoreDays, StorePlans, dispatch_stores, dispatch_with_demand

Array = npt.NDArray[np.float64]
SITES, DAYS, STEPS = 200, 365, 96
H, SELL = 0.25, 0.3
IMPORT_KW, EXPORT_KW, POWER_KW, CAPACITY_KWH, EFFICIENCY = 1600.0, 1000.0, 1000.0, 2000.0, 0.95
DEMAND_CNY_PER_KW = 38.0
PEERS = ("cvxpy", "linopy", "oemof-solph", "pypsa", "highspy")
GOALS = {"year": {"tou": 300, "spot": 300}, "days": {"tou": 100, "spot": 50}}


def made_year(site: int, prices: str, days: int = DAYS) -> tuple[Array, Array, Array]:
    """Load, sun [kW] and buying price [CNY/kWh] of a site, (days, 96)."""
    rng = np.random.default_rng((site, 5))
    t, shape = np.arange(STEPS) * H, (days, STEPS)
    load = 300 + 200 * np.sin((t - 8) / 12 * np.pi) + rng.uniform(0, 80, shape)
    bright = np.where((t > 6) & (t < 18), np.sin((t - 6) / 12 * np.pi), 0.0)
    sun = 1500 * bright * rng.uniform(0.3, 1.0, shape) * rng.uniform(0.4, 1.0, (days, 1))
    if prices == "spot":
        buy = 0.6 + 0.25 * np.sin((t - 14) / 12 * np.pi) + rng.normal(0, 0.12, shape)
        return load, sun, np.maximum(buy, SELL + 0.01)
    dear = ((t >= 18) & (t < 23)) | ((t >= 6) & (t < 8))
    tariff = np.where((t >= 10) & (t < 16), 0.32, np.where(dear, 1.18, 0.70))
    return load, sun, np.tile(tariff, (days, 1))


def as_problems(load: Array, sun: Array, buy: Array) -> StoreDays:
    """One problem per row, the battery half full at both ends."""
    one, wide = np.ones(len(load)), np.ones_like(load)
    low, high = 0.0 * wide, CAPACITY_KWH * wide
    low[:, -1] = high[:, -1] = CAPACITY_KWH / 2
    return StoreDays(
        step_h=H, load_kw=load, pv_kw=sun, buy_cny_per_kwh=buy, sell_cny_per_kwh=SELL * wide,
        import_limit_kw=IMPORT_KW * wide, export_limit_kw=EXPORT_KW * wide,
        charge_limit_kw=POWER_KW * wide, discharge_limit_kw=POWER_KW * wide,
        low_kwh=low, high_kwh=high, initial_kwh=CAPACITY_KWH / 2 * one,
        charge_efficiency=EFFICIENCY * one, discharge_efficiency=EFFICIENCY * one,
        self_discharge=0 * one, wear_cny_per_kwh=0 * one, final_value_cny_per_kwh=0 * one,
        overload_cny_per_kwh=np.inf * one,
    )  # fmt: skip


def spent(work: Callable[[], Any], repeats: int) -> float:
    """Least CPU time of ``work`` [s]; neighbours on the core cannot lower it."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def away(plan: StorePlans, wanted: Array) -> dict[str, float]:
    """Worst relative difference from HiGHS, and worst relative gap of the plans themselves."""
    size = np.maximum(1.0, np.abs(wanted))
    gap = np.abs(plan.gap_cny) / np.maximum(1.0, np.abs(plan.objective_cny))
    difference = np.abs(plan.objective_cny[: len(wanted)] - wanted) / size
    return {"worst_difference": float(difference.max()), "worst_gap": float(gap.max())}


def race_whole(days: StoreDays, charge: float, repeats: int) -> dict[str, float]:
    """One long problem: the kernel, and HiGHS with the model built from arrays."""
    price, floor = np.full(1, charge), np.zeros(1)
    found: list[float] = []

    def by_highs() -> None:
        highs = solver()
        highs.passModel(program(days, 0, charge))
        highs.run()
        found.append(least_cost(highs))
        read_answer(highs)

    plan = dispatch_with_demand(days, price, floor)
    ours = spent(lambda: dispatch_with_demand(days, price, floor), repeats)
    theirs = spent(by_highs, 2)
    ours = min(ours, spent(lambda: dispatch_with_demand(days, price, floor), repeats))
    return {"ratio": theirs / ours, "kernel_ms": 1e3 * ours, "highs_ms": 1e3 * theirs,
            **away(plan, np.array(found[-1:]))}  # fmt: skip


def year(prices: str, repeats: int) -> dict[str, float]:
    """35,040 steps as one problem."""
    load, sun, buy = (x.reshape(1, -1) for x in made_year(0, prices))
    return race_whole(as_problems(load, sun, buy), 0.0, repeats)


def month_with_demand(prices: str, repeats: int) -> dict[str, float]:
    """31 days as one problem, with a demand charge."""
    load, sun, buy = (x.reshape(1, -1) for x in made_year(0, prices, 31))
    return race_whole(as_problems(load, sun, buy), DEMAND_CNY_PER_KW, repeats)


def read_answer(highs: highspy.Highs) -> tuple[Array, Array]:
    """The plan and the prices, which the kernel gives too."""
    answer = highs.getSolution()
    return np.asarray(answer.col_value), np.asarray(answer.row_dual)


def warm_loop(days: StoreDays, count: int) -> tuple[Array, Array]:
    """Mean CPU time of the first ``count`` days but the cold first, and of their runs alone [s].

    Second, the cost of each day.
    """
    highs = solver()
    highs.passModel(program(days, 0))
    highs.run()
    costs, taken = [least_cost(highs)], np.zeros(2)
    every = np.arange(7 * STEPS, dtype=np.int32)
    for day in range(1, count):
        start = time.process_time()
        cost, lower, upper = columns(days, day)
        given = rows(days, day)
        highs.changeColsCost(len(every), every, cost)
        highs.changeColsBounds(len(every), every, lower, upper)
        highs.changeRowsBounds(len(given), every[: len(given)], given, given)
        ready = time.process_time()
        highs.run()
        done = time.process_time()
        costs.append(least_cost(highs))
        read_answer(highs)
        taken += (time.process_time() - start, done - ready)
    return taken / (count - 1), np.array(costs)


def many_days(prices: str, sample_sites: int, sample_days: int, repeats: int) -> dict[str, float]:
    """73,000 day problems; HiGHS on a sample, in turns with the kernel."""
    ours, measured, worst = 0.0, [], {"worst_difference": 0.0, "worst_gap": 0.0}
    sampled = set(np.linspace(0, SITES - 1, sample_sites).astype(int).tolist())
    for site in range(SITES):
        days = as_problems(*made_year(site, prices))
        plan, wanted = dispatch_stores(days), np.zeros(0)
        ours += spent(partial(dispatch_stores, days), repeats)
        if site in sampled:
            seconds, wanted = warm_loop(days, sample_days)
            measured.append(seconds)
        off = away(plan, wanted if len(wanted) else plan.objective_cny)
        worst = {key: max(worst[key], off[key]) for key in worst}
    count = SITES * DAYS
    theirs, run_only = np.mean(measured, axis=0) * count
    return {
        "ratio": theirs / ours,
        "ratio_run_only": run_only / ours,
        "kernel_s": ours,
        "highs_s_extrapolated": theirs,
        "highs_days_measured": float(sample_sites * (sample_days - 1)),
        "kernel_us_per_day": 1e6 * ours / count,
        "highs_us_per_day": 1e6 * theirs / count,
        **worst,
    }


def peer_python(given: str | None) -> tuple[str, str | None]:
    """An interpreter with the tools, and the folder to remove afterwards if it was made here."""
    if given:
        return given, None
    folder = tempfile.mkdtemp(prefix="store-peers-")
    python = str(Path(folder) / "bin" / "python")
    uv = shutil.which("uv")
    if uv:
        commands = [[uv, "venv", "-q", folder], [uv, "pip", "install", "-q", "-p", python, *PEERS]]
    else:
        commands = [[sys.executable, "-m", "venv", folder],
                    [python, "-m", "pip", "install", "-q", *PEERS]]  # fmt: skip
    for command in commands:
        subprocess.run(command, check=True)
    return python, folder


def peers(python: str, days: int, repeats: int) -> dict[str, dict[str, float]]:
    """The first time-of-use days of a site through the tools, cold HiGHS and the kernel."""
    load, sun, buy = made_year(0, "tou")
    problems = as_problems(load, sun, buy)
    plan = dispatch_stores(problems)
    ours = spent(lambda: dispatch_stores(problems), repeats) / DAYS
    numbers = {"step_h": H, "import_kw": IMPORT_KW, "export_kw": EXPORT_KW, "power_kw": POWER_KW,
               "capacity_kwh": CAPACITY_KWH, "initial_kwh": CAPACITY_KWH / 2,
               "efficiency": EFFICIENCY, "sell": SELL}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "problems.npz")
        np.savez(file, load_kw=load[:days], pv_kw=sun[:days], buy=buy[:days], **numbers)
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        script = str(Path(__file__).with_name("store_peers.py"))
        done = subprocess.run(
            [python, script, file], check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **alone},
        )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    cold = [race_whole(as_problems(load[k : k + 1], sun[k : k + 1], buy[k : k + 1]), 0.0, 1)
            for k in range(days)]  # fmt: skip
    found["HiGHS, cold"] = {"seconds": float(np.median([c["highs_ms"] for c in cold])) / 1e3}
    table = {}
    for name, row in found.items():
        wanted = np.array(row.get("objectives", plan.objective_cny[:days]))
        table[name] = {"ratio": row["seconds"] / ours, "ms_per_day": 1e3 * row["seconds"],
                       **away(plan, wanted)}  # fmt: skip
    return table


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of the kernel; least counts")
    parser.add_argument("--sample-sites", type=int, default=5)
    parser.add_argument("--sample-days", type=int, default=81, help="consecutive, per site")
    parser.add_argument("--peer", action="store_true", help="compare with modelling tools")
    parser.add_argument("--peer-python", help="interpreter that has " + ", ".join(PEERS))
    parser.add_argument("--peer-days", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result: dict[str, dict[str, dict[str, float]]] = {"year": {}, "days": {}, "demand": {}}
    for prices in ("tou", "spot"):
        result["year"][prices] = year(prices, args.repeats)
        result["days"][prices] = many_days(
            prices, args.sample_sites, args.sample_days, min(args.repeats, 3)
        )
        result["demand"][prices] = month_with_demand(prices, args.repeats)
    if args.peer or args.peer_python:
        python, made = peer_python(args.peer_python)
        try:
            result["peers"] = peers(python, args.peer_days, args.repeats)
        finally:
            if made:
                shutil.rmtree(made)
    print(json.dumps(result, indent=2) if args.json else as_text(result))


def as_text(result: dict[str, dict[str, dict[str, float]]]) -> str:
    """The result as lines for people."""
    lines = []
    for title, table in result.items():
        lines.append(title)
        for name, row in table.items():
            goal = GOALS.get(title, {}).get(name)
            wanted = f" (goal {goal})" if goal else ""
            cells = ", ".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in row.items())
            lines.append(f"  {name:12s} {cells}{wanted}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
