"""What modelling adds to the solve, one site with many assets: ``python benchmarks/site_model.py``.

Times are processor times of one thread, the median of several runs. "Solve" is HiGHS with ties
broken and the proof of the optimum. "Modelling" is all else that a plan takes: choosing the method,
laying the program down, reading the plan, its bill and its broken limits back. The raw way is the
same program as plain arrays, passed to HiGHS and run once. Peak memory is what a fresh Linux
process adds to its imports.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zerocity.energy import program_solve, site_plan
from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.program import Arrays, Program
from zerocity.energy.schedule import finish
from zerocity.energy.site_frame import Rules
from zerocity.energy.site_model import build

SIZES = ((96, 10), (96, 50), (96, 200), (8_760, 2), (35_040, 1))
"""Steps and sessions (or further stores, on long plans) beside the battery."""
RUNS = 21


def made_case(steps: int, more: int) -> Case:
    """A depot: battery, sun, time-of-use prices with noise, and vehicles at night and noon."""
    rng = np.random.default_rng(0)
    hour = np.arange(steps) / 4.0 % 24.0
    buy = np.where(hour < 8, 0.3, np.where(hour < 18, 0.7, 1.1)) + rng.normal(0.0, 0.02, steps)
    sun = np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None)
    store = {
        "capacity_kwh": 400.0, "charge_limit_kw": 200.0, "discharge_limit_kw": 200.0,
        "charge_efficiency": 0.95, "discharge_efficiency": 0.95, "initial_soc": 0.5,
        "final_soc": 0.5, "soc_min": 0.1, "soc_max": 0.95, "wear_cny_per_kwh": 0.05,
    }  # fmt: skip
    raw = {
        "step_minutes": 15,
        "load_kw": (100.0 + 30.0 * np.sin(hour)).tolist(),
        "pv_kw": (250.0 * sun).tolist(),
        "buy_cny_per_kwh": buy.tolist(),
        "sell_cny_per_kwh": 0.15,
        "import_limit_kw": 400.0 if steps == 96 else 800.0,
        "export_limit_kw": 200.0,
        "stores": [store],
    }
    if steps == 96:
        raw |= {"demand_charge_cny_per_kw": 1.2, "peak_so_far_kw": 150.0}
        raw["sessions"] = [made_session(rng, steps) for _ in range(more)]
    else:
        raw["stores"] = [store] * (more + 1)
    return read_case(raw)


def made_session(rng: np.random.Generator, steps: int) -> dict[str, float]:
    arrive = int(rng.integers(0, steps - 24))
    depart = int(min(steps, arrive + rng.integers(12, 48)))
    most = min(50.0, 11.0 * (depart - arrive) / 4.0 * 0.8)
    energy = float(rng.uniform(5.0, most))
    return {"arrive_step": arrive, "depart_step": depart, "energy_kwh": energy,
            "charge_limit_kw": 11.0}  # fmt: skip


def measure(case: Case) -> dict[str, float]:
    """Medians of one size [ms]."""
    rows = [one_run(case) for _ in range(1 if case.steps > 1000 else RUNS)]
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def one_run(case: Case) -> dict[str, float]:
    """A plan, and how much of it was HiGHS; then the same program raw."""
    solved = []

    def timed(program: Program, time_limit_s: float) -> program_solve.Solution:
        start = time.process_time()
        found = program_solve.solve(program, time_limit_s)
        solved.append(time.process_time() - start)
        return found

    site_plan.solve = timed
    start = time.process_time()
    site_plan.plan_case(case)
    whole = time.process_time() - start
    site_plan.solve = program_solve.solve
    arrays = build(case, Rules()).program.arrays()
    start = time.process_time()
    raw(arrays)
    plain = time.process_time() - start
    parts = {"modelling": whole - sum(solved), "solved": sum(solved), "whole": whole, "raw": plain}
    return {name: 1e3 * value for name, value in parts.items()}


def raw(arrays: Arrays) -> None:
    """The same program, passed whole and run once."""
    solver = program_solve._solver()
    program_solve._pass(solver, arrays, arrays.cost * program_solve.COST_SCALE)
    solver.run()


def peak_mb(steps: int, more: int, way: str, folder: str) -> float:
    """Peak memory of a fresh process that plans a case one way [MB]."""
    words = [sys.executable, __file__, way, str(steps), str(more), folder]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout)


def child(way: str, steps: int, more: int, folder: str) -> None:
    """Plan one way and print the memory that it took above the imports."""
    path = Path(folder) / "program.npz"
    names = Arrays.__slots__
    case = made_case(steps, more)
    raw(build(made_case(96, 1), Rules()).program.arrays())
    if way == "save":
        arrays = build(case, Rules()).program.arrays()
        np.savez(path, **{name: getattr(arrays, name) for name in names})
    Path("/proc/self/clear_refs").write_text("5")
    before = memory_mb("VmRSS")
    if way == "raw":
        with np.load(path) as saved:
            raw(Arrays(*(saved[name] for name in names)))
    if way == "ours":
        finish(case, site_plan.plan_by_program(case))
    print(memory_mb("VmHWM") - before)


def memory_mb(name: str) -> float:
    """A figure of this process as Linux tells it [MB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1024.0


def main() -> None:
    """Print one line for each size."""
    print("steps  assets  modelling    solve | modelling/solve |    raw | all/raw")
    for steps, more in SIZES:
        m = measure(made_case(steps, more))
        print(f"{steps:6d} {more + 1:6d} {m['modelling']:8.2f} ms {m['solved']:8.1f} ms | "
              f"{100 * m['modelling'] / m['solved']:13.1f} % | {m['raw']:.1f} ms | "
              f"{m['whole'] / m['raw']:6.2f}", flush=True)  # fmt: skip
    start = time.process_time()
    site_plan.plan_case(made_case(96, 50))
    print(f"battery and 50 sessions, 96 steps: {1e3 * (time.process_time() - start):.0f} ms in all")
    with tempfile.TemporaryDirectory() as folder:
        for steps, more in ((8_760, 2), (35_040, 1)):
            peak_mb(steps, more, "save", folder)
            ours, plain = (peak_mb(steps, more, way, folder) for way in ("ours", "raw"))
            print(f"{steps} steps, {more + 1} assets: peak {ours:.0f} MB, raw {plain:.0f} MB, "
                  f"ratio {ours / plain:.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
