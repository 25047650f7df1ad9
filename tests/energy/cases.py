"""Made-up cases for the tests of one site's plan, and a plain program to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case


def made_raw(seed: int, stores: int = 1, sessions: int = 3, steps: int = 16) -> dict[str, Any]:
    """A random case as a case file holds it; limits may or may not be such that all can be kept."""
    rng = np.random.default_rng(seed)
    tied = rng.random() < 0.5
    buy = rng.choice([0.3, 0.7, 1.1], steps) if tied else rng.uniform(0.1, 1.2, steps)
    return {
        "step_minutes": float(rng.choice([15, 30, 60])),
        "load_kw": rng.uniform(0, 30, steps).tolist(),
        "pv_kw": (rng.uniform(0, 60, steps) * (rng.random(steps) < 0.6)).tolist(),
        "buy_cny_per_kwh": buy.tolist(),
        "sell_cny_per_kwh": (buy * rng.uniform(0, 1)).tolist(),
        "import_limit_kw": float(rng.uniform(25, 90)),
        "export_limit_kw": float(rng.choice([0, 10, 40])),
        "demand_charge_cny_per_kw": float(rng.choice([0, 0.5, 3])),
        "peak_so_far_kw": float(rng.uniform(0, 20)),
        "carbon_kg_per_kwh": rng.uniform(0.2, 0.9, steps).tolist(),
        "stores": [made_store(rng, f"store {i}") for i in range(stores)],
        "sessions": [made_session(rng, f"car {i}", steps) for i in range(sessions)],
    }


def made_store(rng: np.random.Generator, name: str) -> dict[str, Any]:
    store: dict[str, Any] = {
        "name": name,
        "capacity_kwh": float(rng.uniform(5, 100)),
        "charge_limit_kw": float(rng.uniform(2, 40)),
        "discharge_limit_kw": float(rng.uniform(0, 40)),
        "charge_efficiency": float(rng.choice([1.0, 0.95, 0.8])),
        "discharge_efficiency": float(rng.choice([1.0, 0.95])),
        "self_discharge_per_step": float(rng.choice([0.0, 0.001])),
        "initial_soc": float(rng.uniform(0.1, 0.9)),
        "soc_min": 0.1,
        "soc_max": 0.9,
        "wear_cny_per_kwh": float(rng.choice([0.0, 0.05])),
    }
    end = rng.integers(3)
    if end == 0:
        store["final_soc"] = float(rng.uniform(0.1, 0.9))
    elif end == 1:
        store["final_value_cny_per_kwh"] = float(rng.uniform(0, 1))
    return store


def made_session(rng: np.random.Generator, name: str, steps: int) -> dict[str, Any]:
    arrive = int(rng.integers(0, steps - 1))
    depart = int(rng.integers(arrive + 1, steps + 1))
    power = float(rng.uniform(2, 20))
    return {
        "name": name,
        "arrive_step": arrive,
        "depart_step": depart,
        "initial_kwh": 5.0,
        "capacity_kwh": 60.0,
        "energy_kwh": float(rng.uniform(0, min(50.0, 0.2 * power * (depart - arrive)))),
        "charge_limit_kw": power,
        "discharge_limit_kw": float(rng.choice([0.0, 0.0, 10.0])),
        "charge_efficiency": float(rng.choice([1.0, 0.9])),
        "priority": float(rng.integers(2)),
        "discharge_price_cny_per_kwh": float(rng.choice([0.0, 0.1])),
    }


def made_case(seed: int, **changes: Any) -> Case:
    sizes = {key: changes.pop(key) for key in ("stores", "sessions", "steps") if
             isinstance(changes.get(key), int)}  # fmt: skip
    return read_case({**made_raw(seed, **sizes), **changes})


seeds = st.integers(0, 10**6)


# The usual 1e-7 is seen in the eighth digit of an optimum.
EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def plain_optimum_cny(case: Case) -> tuple[float | None, float]:  # noqa: C901, PLR0912 - plain on purpose
    """The least money of a case with all limits hard, by a program written one number at a time.

    With it, how exact it is, relative: to 1e-9, but to 1e-6 where it took columns of 0 or 1. None
    where no plan keeps all limits. Knows stores, sessions, demand charge and carbon; not
    shiftable loads or heat.
    """
    names: dict[tuple[str, int, int], int] = {}
    cost: list[float] = []
    bounds: list[tuple[float, float | None]] = []

    def add(kind: str, who: int, at: int, price: float, low: float, high: float) -> None:
        names[kind, who, at] = len(cost)
        cost.append(price)
        bounds.append((low, None if np.isinf(high) else high))

    h = case.step_h
    equal: list[tuple[dict[int, float], float]] = []
    below: list[tuple[dict[int, float], float]] = []
    add("peak", 0, 0, case.demand_charge_cny_per_kw, case.peak_so_far_kw, np.inf)
    for t in range(case.steps):
        carbon = case.carbon_kg_per_kwh[t] * case.carbon_price_cny_per_t / 1000.0
        add("import", 0, t, h * (case.buy_cny_per_kwh[t] + carbon), 0.0, case.import_limit_kw[t])
        add("export", 0, t, -h * case.sell_cny_per_kwh[t], 0.0, case.export_limit_kw[t])
        add("sun", 0, t, 0.0, 0.0, case.pv_kw[t])
        for i, s in enumerate(case.stores):
            wear = h * s.wear_cny_per_kwh
            add("charge", i, t, wear, 0.0, s.charge_limit_kw[t])
            add("discharge", i, t, wear, 0.0, s.discharge_limit_kw[t])
            low, high = s.soc_min[t] * s.capacity_kwh, s.soc_max[t] * s.capacity_kwh
            worth = 0.0
            if t == case.steps - 1:
                worth = -s.final_value_cny_per_kwh
                if s.final_soc is not None:
                    low = high = s.final_soc * s.capacity_kwh
            add("energy", i, t, worth, low, high)
        for j, e in enumerate(case.sessions):
            there = e.arrive_step <= t < e.depart_step
            add("take", j, t, 0.0, 0.0, e.charge_limit_kw[t] if there else 0.0)
            paid = h * e.discharge_price_cny_per_kwh
            add("give", j, t, paid, 0.0, e.discharge_limit_kw[t] if there else 0.0)
            goal = e.initial_kwh + e.energy_kwh
            done = t >= e.depart_step - 1
            add("held", j, t, 0.0, goal if done else 0.0, goal if done else e.capacity_kwh)
    for t in range(case.steps):
        row = {names["import", 0, t]: 1.0, names["export", 0, t]: -1.0, names["sun", 0, t]: 1.0}
        for i, s in enumerate(case.stores):
            row[names["charge", i, t]], row[names["discharge", i, t]] = -1.0, 1.0
            change = {
                names["energy", i, t]: 1.0,
                names["charge", i, t]: -h * s.charge_efficiency,
                names["discharge", i, t]: h / s.discharge_efficiency,
            }
            kept, before = 1.0 - s.self_discharge_per_step, s.initial_soc * s.capacity_kwh
            if t:
                change[names["energy", i, t - 1]] = -kept
            equal.append((change, 0.0 if t else kept * before))
        for j, e in enumerate(case.sessions):
            row[names["take", j, t]], row[names["give", j, t]] = -1.0, 1.0
            change = {
                names["held", j, t]: 1.0,
                names["take", j, t]: -h * e.charge_efficiency,
                names["give", j, t]: h / e.discharge_efficiency,
            }
            if t:
                change[names["held", j, t - 1]] = -1.0
            equal.append((change, 0.0 if t else e.initial_kwh))
        equal.append((row, float(case.load_kw[t])))
        below.append(({names["import", 0, t]: 1.0, names["peak", 0, 0]: -1.0}, 0.0))
    if np.isfinite(case.carbon_budget_kg):
        used = {names["import", 0, t]: h * case.carbon_kg_per_kwh[t] for t in range(case.steps)}
        below.append((used, case.carbon_budget_kg))
    paid = case.demand_charge_cny_per_kw * case.peak_so_far_kw
    found = _least(cost, bounds, below, equal)
    if found is None:
        return None, 1e-9
    pairs = _pairs(case, names)
    if all(min(found.x[a], found.x[b]) <= 1e-6 for a, b in pairs):
        return float(found.fun) - paid, 1e-9
    # Burning energy in a store would pay: each step must go one way, by a column that is 0 or 1.
    for number, (a, b) in enumerate(pairs):
        add("way", number, 0, 0.0, 0.0, 1.0)
        way = names["way", number, 0]
        below.append(({a: 1.0, way: -float(bounds[a][1] or 0.0)}, 0.0))
        below.append(({b: 1.0, way: float(bounds[b][1] or 0.0)}, float(bounds[b][1] or 0.0)))
    found = _least(cost, bounds, below, equal, whole=len(pairs))
    assert found is not None
    return float(found.fun) - paid, 1e-6


def _pairs(case: Case, names: dict[tuple[str, int, int], int]) -> list[tuple[int, int]]:
    """Columns of power into and out of a store or vehicle, at each step."""
    return [
        (names[inward, who, t], names[outward, who, t])
        for inward, outward, count in (
            ("charge", "discharge", len(case.stores)),
            ("take", "give", len(case.sessions)),
        )
        for who in range(count)
        for t in range(case.steps)
    ]


def _least(
    cost: list[float], bounds: list[Any], below: list[Any], equal: list[Any], whole: int = 0
) -> Any:
    """The solved program, its last ``whole`` columns integer; None where there is no solution."""
    found = linprog(
        cost,
        *_dense(below, len(cost)),
        *_dense(equal, len(cost)),
        bounds=bounds,
        method="highs",
        integrality=[0] * (len(cost) - whole) + [1] * whole if whole else None,
        options=EXACT | ({"mip_rel_gap": 1e-12} if whole else {}),
    )
    if found.status == 2:
        return None
    assert found.status == 0, found.message
    return found


def _dense(rows: list[tuple[dict[int, float], float]], width: int) -> tuple[Any, Any]:
    matrix = np.zeros((len(rows), width))
    for at, (row, _) in enumerate(rows):
        for column, value in row.items():
            matrix[at, column] = value
    return matrix, np.array([side for _, side in rows])


def wild_raw(seed: int) -> dict[str, Any]:
    """A random case in which anything goes: negative prices, selling above buying, limits that
    cross or cannot be kept, shiftable loads, heat, a carbon budget."""
    rng = np.random.default_rng((seed, 1))
    steps = int(rng.integers(2, 20))
    raw = made_raw(seed, int(rng.integers(0, 3)), int(rng.integers(0, 5)), max(steps, 4))
    steps = len(raw["load_kw"])
    if rng.random() < 0.5:
        raw["buy_cny_per_kwh"] = rng.uniform(-0.5, 1.0, steps).tolist()
    if rng.random() < 0.3:
        raw["sell_cny_per_kwh"] = rng.uniform(-0.5, 1.0, steps).tolist()
    raw["import_limit_kw"] = float(rng.choice([0.0, 5.0, 20.0, 100.0]))
    for store in raw["stores"]:
        if rng.random() < 0.5:
            store["soc_min"] = rng.uniform(0, 1, steps).tolist()
            store["soc_max"] = rng.uniform(0, 1, steps).tolist()
        store["initial_soc"] = float(rng.uniform(0, 1))
    for session in raw["sessions"]:
        session["energy_kwh"] = float(rng.uniform(0, 80))
        session["depart_step"] = int(rng.integers(0, steps + 3))
    if rng.random() < 0.4:
        profile = rng.uniform(0, 20, int(rng.integers(1, steps + 2))).tolist()
        raw["processes"] = [
            {"name": "press", "profile_kw": profile},
            {"name": "mill", "energy_kwh": 10.0, "power_min_kw": 3.0, "power_max_kw": 8.0,
             "earliest_step": int(rng.integers(0, steps))},
        ]  # fmt: skip
    if rng.random() < 0.4:
        raw["heat"] = {
            "demand_kw": rng.uniform(0, 30, steps).tolist(),
            "cop": {"temperature_c": [-10, 10], "cop": [2.0, 4.0]},
            "temperature_c": rng.uniform(-15, 15, steps).tolist(),
            "power_limit_kw": 8.0,
            "capacity_kwh": float(rng.choice([0.0, 30.0])),
            "initial_kwh": 10.0,
            "loss_per_step": 0.01,
        }
    if rng.random() < 0.3:
        raw["carbon_budget_kg"] = float(rng.uniform(0, 50))
        raw["carbon_price_cny_per_t"] = float(rng.choice([0.0, 100.0]))
    return raw
