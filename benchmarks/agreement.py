"""Random one-store problems through the exact kernel and through HiGHS: status and value.

    python benchmarks/agreement.py                      # 12,000 problems
    python benchmarks/agreement.py --problems 2000 --seed 7
    python benchmarks/agreement.py --json

The problems have ties (rounded figures, three tariff steps), degenerate and moving bounds, ends
that cannot be reached, negative prices, self-discharge, sessions, wear, priced ends, soft import
limits and demand charges. HiGHS solves with tolerances of 1e-9. An objective agrees when it differs
by at most 1e-9 of max(1, its size). Exit code 1 if one problem disagrees.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from store_lp import least_cost, program, solver
from zerocity.energy.stores import StoreDays, StorePlans, Tie, dispatch_with_demand

Array = npt.NDArray[np.float64]
AGREE = 1e-9
LIMITS = 1e-8
"""A plan may pass a limit or miss a balance by so many kW or kWh."""
BATCH = 8
STEPS = (1, 2, 3, 6, 12, 24, 48)
TIES: tuple[Tie, ...] = ("early", "late", "level")


def rough(rng: np.random.Generator, values: Array) -> Array:
    """Half of the time rounded, so that values meet."""
    return np.round(values, int(rng.integers(0, 4))) if rng.random() < 0.5 else values


def made_prices(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Buying and selling: tariff steps or spot, one price or a spread, often negative."""
    buy = rough(rng, rng.uniform(0.1, 1.5, shape))
    if rng.random() < 0.5:
        buy = rng.choice([0.3, 0.7, 1.2], shape)
    sell = buy - rough(rng, rng.choice([0.0, 0.1, 0.3], shape) * rng.random(shape))
    if rng.random() < 0.4:
        sell = np.minimum(np.full(shape, 0.2), buy)
    if rng.random() < 0.5:
        buy = buy - rng.choice([0.0, 0.0, 1.0], shape)
        sell = np.minimum(sell, buy) - rng.choice([0.0, 0.3], shape)
    return buy, np.minimum(sell, buy)


def made_bounds(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Array, Array, bool]:
    """Least and greatest content, and whether they are sessions (a store that cannot give)."""
    size = rng.uniform(1.0, 40.0, (shape[0], 1))
    low, high = np.zeros(shape), np.tile(size, shape[1])
    if rng.random() < 0.5:
        low = rough(rng, rng.uniform(0.0, 0.3, shape) * size)
        high = np.maximum(low, rough(rng, rng.uniform(0.5, 1.0, shape) * size))
    sessions = rng.random() < 0.2
    if sessions:
        high = np.cumsum(rng.uniform(0.0, 2.0, shape), axis=1)
        low = np.maximum.accumulate(np.maximum(high - rng.uniform(0, 8, (shape[0], 1)), 0), axis=1)
    if rng.random() < 0.4:
        low[:, -1] = high[:, -1] = rng.uniform(0.0, 1.0, shape[0]) * high[:, -1]
    return low, high, sessions


def made_problems(rng: np.random.Generator, count: int, steps: int) -> StoreDays:
    """``count`` random problems of ``steps`` steps."""
    shape = (count, steps)
    buy, sell = made_prices(rng, shape)
    low, high, sessions = made_bounds(rng, shape)
    lossless = sessions and rng.random() < 0.5
    discharge = np.zeros(shape) if sessions else rough(rng, rng.uniform(0.0, 8.0, shape))
    efficiency = [1.0] if lossless else [1.0, 0.95, 0.9]
    return StoreDays(
        step_h=float(rng.choice([0.25, 0.5, 1.0])),
        load_kw=rough(rng, rng.uniform(-1.0 if rng.random() < 0.2 else 0.0, 10.0, shape)),
        pv_kw=rough(rng, np.maximum(rng.normal(0.0, 8.0, shape), 0.0)),
        buy_cny_per_kwh=buy,
        sell_cny_per_kwh=sell,
        import_limit_kw=rough(rng, rng.uniform(6.0, 20.0, shape)),
        export_limit_kw=rough(rng, rng.choice([0.0, 3.0, 10.0, np.inf], shape)),
        charge_limit_kw=rough(rng, rng.uniform(0.0, 8.0, shape)),
        discharge_limit_kw=discharge,
        low_kwh=low,
        high_kwh=high,
        initial_kwh=rng.uniform(0.0, 1.0, count) * np.minimum(high[:, -1], high[:, 0] + 1.0),
        charge_efficiency=rng.choice(efficiency, count),
        discharge_efficiency=rng.choice(efficiency, count),
        self_discharge=rng.choice([0.0, 0.0, 0.01, 0.0005], count),
        wear_cny_per_kwh=rng.choice([0.0, 0.05, 0.1], count),
        final_value_cny_per_kwh=rng.choice([0.0, 0.3, 1.0], count),
        overload_cny_per_kwh=rng.choice([np.inf, 20.0], count),
    )


def worst_breach(days: StoreDays, plan: StorePlans, b: int) -> float:
    """By how much plan ``b`` passes a limit or misses a balance at most [kW or kWh]."""
    before = np.concatenate([days.initial_kwh[b : b + 1], plan.energy_kwh[b, :-1]])
    gained = plan.charge_kw[b] * days.charge_efficiency[b]
    gained = days.step_h * (gained - plan.discharge_kw[b] / days.discharge_efficiency[b])
    store = plan.energy_kwh[b] - (1.0 - days.self_discharge[b]) * before - gained
    meter = plan.import_kw[b] - plan.export_kw[b] + plan.pv_used_kw[b] - days.load_kw[b]
    meter = meter - plan.charge_kw[b] + plan.discharge_kw[b]
    powers = ("charge_kw", "discharge_kw", "import_kw", "export_kw", "pv_used_kw", "overload_kw")
    over = [-getattr(plan, name)[b] for name in powers]
    over += [abs(store), abs(meter), days.low_kwh[b] - plan.energy_kwh[b]]
    over += [plan.energy_kwh[b] - days.high_kwh[b], plan.export_kw[b] - days.export_limit_kw[b]]
    over += [plan.import_kw[b] - plan.overload_kw[b] - days.import_limit_kw[b]]
    over += [plan.charge_kw[b] - days.charge_limit_kw[b], plan.pv_used_kw[b] - days.pv_kw[b]]
    over += [plan.discharge_kw[b] - days.discharge_limit_kw[b]]
    return float(max(values.max() for values in over))


@dataclass
class Tally:
    """What was found so far."""

    problems: int = 0
    feasible: int = 0
    infeasible: int = 0
    negative_prices: int = 0
    demand_charges: int = 0
    soft_limits: int = 0
    wrong_status: int = 0
    wrong_value: int = 0
    broken_plans: int = 0
    worst_difference: float = 0.0
    worst_gap: float = 0.0
    worst_breach: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """Problems that disagree."""
        return self.wrong_status + self.wrong_value + self.broken_plans

    def add(self, name: str, days: StoreDays, plan: StorePlans, b: int, wanted: float) -> None:
        """Compare problem ``b`` with the solver's ``wanted`` objective, inf if infeasible."""
        self.problems += 1
        self.negative_prices += bool(days.sell_cny_per_kwh[b].min() < 0.0)
        self.soft_limits += bool(np.isfinite(days.overload_cny_per_kwh[b]))
        if bool(plan.feasible[b]) != bool(np.isfinite(wanted)):
            self.wrong_status += 1
            self.examples.append(f"{name}: kernel {plan.objective_cny[b]}, HiGHS {wanted}")
        elif not np.isfinite(wanted):
            self.infeasible += 1
        else:
            self.feasible += 1
            size = max(1.0, abs(wanted))
            difference = abs(float(plan.objective_cny[b]) - wanted) / size
            gap, breach = abs(float(plan.gap_cny[b])) / size, worst_breach(days, plan, b)
            self.worst_difference = max(self.worst_difference, difference)
            self.worst_gap, self.worst_breach = (
                max(self.worst_gap, gap),
                max(self.worst_breach, breach),
            )
            if difference > AGREE or gap > AGREE:
                self.wrong_value += 1
                self.examples.append(f"{name}: off by {difference:.1e}, gap {gap:.1e}")
            if breach > LIMITS:
                self.broken_plans += 1
                self.examples.append(f"{name}: passes a limit by {breach:.1e}")


def compare(seed: int, batch: int, tally: Tally) -> None:
    """Make one batch, solve it both ways, and count."""
    rng = np.random.default_rng((seed, batch))
    days = made_problems(rng, BATCH, int(rng.choice(STEPS)))
    charge, floor = np.zeros(BATCH), np.zeros(BATCH)
    if rng.random() < 0.3:
        charge = rng.choice([0.0, 0.5, 3.0, 30.0], BATCH)
        floor = rng.uniform(0.0, 10.0, BATCH) * rng.choice([0.0, 1.0], BATCH)
    plan = dispatch_with_demand(days, charge, floor, TIES[batch % 3])
    highs = solver(
        primal_feasibility_tolerance=AGREE, dual_feasibility_tolerance=AGREE, presolve="off"
    )
    for b in range(BATCH):
        highs.passModel(program(days, b, charge[b], floor[b]))
        highs.run()
        tally.demand_charges += bool(charge[b] > 0.0)
        tally.add(
            f"seed {seed}, batch {batch}, problem {b}", days, plan, b,
            least_cost(highs) - charge[b] * floor[b],
        )  # fmt: skip


def main() -> int:
    """Compare, and print counts and worst cases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--problems", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    tally, batches = Tally(), -(-args.problems // BATCH)
    for batch in range(batches):
        compare(args.seed, batch, tally)
        if sys.stderr.isatty() and batch % 25 == 0:
            print(f"\r{tally.problems} problems, {tally.wrong} wrong ", end="", file=sys.stderr)
    found = {k: v for k, v in vars(tally).items() if k != "examples"}
    if args.json:
        print(json.dumps(found | {"seed": args.seed, "examples": tally.examples[:20]}, indent=2))
    else:
        print("\n".join(f"{key.replace('_', ' '):18s} {value:.6g}" for key, value in found.items()))
        print("\n".join(tally.examples[:20]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
