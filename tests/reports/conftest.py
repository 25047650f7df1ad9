"""A small made run folder with every table of a run."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zerocity.app.runs import RunRequest, run_city

START, DAYS, SITES, PACKS = date(2025, 1, 6), 14, 3, 20
STEPS = DAYS * 96
HOSTILE = "</script><script>alert(1)</script><b onload=x>&\u2028"


def put(folder: Path, table: str, columns: dict[str, Any], part: int = 0) -> None:
    """Write one part of one table."""
    target = folder / "series" / table
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), target / f"{part}.parquet")


def times(values_ms: np.ndarray) -> pa.Array:
    return pa.array(values_ms.astype("int64")).cast(pa.timestamp("ms", "UTC"))


def made_summary() -> dict[str, Any]:
    return {
        "city": "Testtown " + HOSTILE,
        "start": str(START),
        "days": DAYS,
        "seed": 3,
        "runtime": {"wall_s": 1.5},
        "batteries": {"total": PACKS, "mean_soh": 0.9, "retired": 2, "recycled": 1},
        "fleets": {
            "bus": {"vehicles": 10, "km": 1000.0, "kwh": 1100.0, "kwh_per_km": 1.1,
                    "trips_served": 98, "trips_missed": 2, "swaps": 0, "charges": 30},
            "taxi": {"vehicles": 10, "km": 500.0},
        },
        "energy_mwh": {"grid_import": 100.0, "pv": 50.0, "pv_curtailed": 1.0},
        "cost_cny": {"energy": 500.0, "export_income": -20.0, "total": 480.0},
        "carbon_t": {"grid": 50.0, "avoided": 5.0},
        "vpp": {"events": 1, "delivered_mwh": 0.2},
        "forecast": {"load": {"mae_kw": 2.0, "bias_kw": 0.1, "persistence_mae_kw": 4.0,
                              "skill": 0.5}},
        "foresight": {
            "realised_cny": 300.0, "perfect_cny": 270.0, "lost_cny": 30.0, "lost_share": 0.1,
            "idle_cny": 400.0, "captured_share": 100.0 / 130.0, "gap": 1e-16,
            "sites": [
                {"site": HOSTILE, "realised_cny": 200.0, "perfect_cny": 190.0, "lost_cny": 10.0,
                 "idle_cny": 250.0},
                {"site": "same", "realised_cny": 100.0, "perfect_cny": 80.0, "lost_cny": 20.0,
                 "idle_cny": 150.0},
                {"site": "odd", "realised_cny": 5.0, "perfect_cny": None, "lost_cny": None,
                 "idle_cny": 5.0},
            ],
        },
        "materials_kg": {"lithium": {"in_service": 9.0, "collected": 2.0, "recovered": 1.8,
                                     "lost": 0.2}},
        "parks": {HOSTILE: {"carbon_t_per_tce": 1.0, "limit_t_per_tce": 0.2, "days": 14.0,
                            "evidence": [{"claim": "c", "basis": "b", "standing": "missing"}]}},
        "audit": {"energy_kwh": {"residual": 1e-9, "relative": 1e-14}},
        "assumptions": [
            {"path": "light", "value": 1, "unit": "", "source": "", "note": "", "weight": 0},
            {"path": "heavy", "value": HOSTILE, "unit": "kW", "source": "s", "note": "n",
             "weight": 3},
        ],
    }  # fmt: skip


def site_steps(folder: Path) -> None:
    """Site s imports (s + 1) kWh in each step, but 50 kWh once at site 0."""
    start_ms = (START - date(1970, 1, 1)).days * 86_400_000 - 8 * 3_600_000
    step = np.repeat(np.arange(STEPS), SITES)
    site = np.tile(np.arange(SITES), STEPS)
    taken = site + 1.0
    taken[(site == 0) & (step == 100)] = 50.0
    energy = {c: pa.array(taken * k, pa.float32()) for c, k in (
        ("import_kwh", 1.0), ("export_kwh", 0.0), ("pv_kwh", 0.6), ("pv_used_kwh", 0.5),
        ("load_kwh", 0.7), ("charging_kwh", 0.8), ("storage_charge_kwh", 0.1),
        ("storage_discharge_kwh", 0.1), ("planned_import_kwh", 0.9))}  # fmt: skip
    table = {"time": times(start_ms + step * 900_000), "site": pa.array(site, pa.int16()), **energy}
    put(folder, "site_steps", table)
    put(folder, "city_steps", {"time": times(start_ms + np.arange(STEPS) * 900_000)})
    begin = start_ms + np.array([0, 8, 8, 30]) * 3_600_000
    put(folder, "sessions", {
        "start": times(begin), "site": pa.array([0, 0, 1, 2], pa.int16()),
        "fleet": pa.array([0, 1, 1, 0], pa.int8()), "kind": pa.array([0, 1, 1, 0], pa.int8()),
        "energy_kwh": [10.0, 2.0, 3.0, 20.0]})  # fmt: skip


def daily_tables(folder: Path) -> None:
    days = [START + timedelta(days=d) for d in range(DAYS)]
    soh = 0.9 - 0.01 * np.repeat(np.arange(DAYS), PACKS) / DAYS
    put(
        folder,
        "battery_days",
        {
            "day": pa.array(np.repeat(np.array(days), PACKS)),
            "battery": pa.array(np.tile(np.arange(PACKS), DAYS), pa.int32()),
            "stage": pa.array(np.ones(PACKS * DAYS), pa.int8()),
            "soh": pa.array(soh, pa.float32()),
        },
    )
    put(folder, "fleet_days", {"day": days, "fleet": ["bus"] * DAYS, "km": [100.0] * DAYS,
                               "kwh": [110.0] * DAYS})  # fmt: skip
    put(folder, "vpp_events", {
        "day": [days[10]], "start_h": [19.0], "end_h": [21.0], "requested_kwh": [300.0],
        "baseline_kwh": [900.0], "metered_kwh": [700.0], "delivered_kwh": [200.0],
        "payment_cny": [30.0]})  # fmt: skip
    moves = [("batteries", "in_service", "repair", 3.0), ("batteries", "repair", "in_service", 1.0),
             ("material_kg:lithium", "plant", "recovered", 1.8)]  # fmt: skip
    names = ("book", "from_account", "to_account", "amount")
    for part, day in enumerate(days[:2]):
        columns = dict(zip(names, map(list, zip(*moves, strict=True)), strict=True))
        put(folder, "ledger", {"day": [day] * len(moves), **columns}, part)
    put(folder, "stocks", {"day": [-1, DAYS - 1], "book": ["batteries"] * 2,
                           "account": ["in_service"] * 2, "amount": [20.0, 16.0]})  # fmt: skip


def full_run(folder: Path) -> Path:
    """Write the whole run below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(made_summary()), encoding="utf-8")
    put(folder, "sites", {
        "site": pa.array(range(SITES), pa.int16()), "name": [HOSTILE, "same", "same"],
        "kind": ["integrated_station", "integrated_station", HOSTILE],
        "district": ["d"] * SITES, "longitude": [103.7, 103.8, 103.9],
        "latitude": [36.0, 36.1, 36.05], "grid_limit_kw": [100.0, 100.0, 100.0],
        "pv_kwp": [5.0] * SITES, "plugs": [4] * SITES})  # fmt: skip
    put(folder, "batteries", {"battery": pa.array(range(PACKS), pa.int32()),
                              "fleet": ["bus"] * 10 + ["taxi"] * 10})  # fmt: skip
    site_steps(folder)
    daily_tables(folder)
    return folder


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two weeks."""
    return full_run(tmp_path_factory.mktemp("reports") / "run")


@pytest.fixture(scope="session")
def plant_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of the starter town whose virtual power plant had an event."""
    folder = tmp_path_factory.mktemp("plant") / "run"
    changes = {"vpp.admission_kw": "10", "vpp.trigger_share": "0.6", "vpp.baseline_days": "5"}
    run_city(RunRequest("starter", folder, days=14, processes=1, overrides=changes))
    return folder
