"""A run's parks, read back from its series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zerocity.errors import RunStateError
from zerocity.reports.folding import Results
from zerocity.reports.page import Note, Picture, Table
from zerocity.reports.park_matching import park_matching
from zerocity.reports.park_series import park_meters, run_parks
from zerocity.reports.tables import RunTables, open_run

DAYS, OFFSET_MS = 2, 8 * 3_600_000
STEPS = DAYS * 96
PARK = {"sites": ["one", "two"], "green_import_share": 0.25, "other_energy_tce": 10.0,
        "other_carbon_t": 16.0, "annual_energy_tce": 0.0, "water_reused_share": 0.85}  # fmt: skip


def put(folder: Path, table: str, columns: dict[str, Any]) -> None:
    target = folder / "series" / table
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), target / "0.parquet")


def times(step: np.ndarray) -> pa.Array:
    first = np.datetime64("2026-01-01", "ms").astype("int64") - OFFSET_MS
    return pa.array(first + step * 900_000).cast(pa.timestamp("ms", "UTC"))


@pytest.fixture
def run(tmp_path: Path) -> RunTables:
    """Two sites of a park and one stranger, 2 days; the last site's numbers must not count."""
    summary = {"city": "x", "start": "2026-01-01", "days": DAYS, "parks": {"north": PARK}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    put(tmp_path, "sites", {"site": [0, 1, 2], "name": ["one", "two", "stranger"]})
    step, site = np.repeat(np.arange(STEPS), 3), np.tile(np.arange(3), STEPS)
    one = np.where(site < 2, 1.0, 100.0)
    put(tmp_path, "site_steps", {
        "time": times(step), "site": pa.array(site, pa.int16()), "import_kwh": 3.0 * one,
        "export_kwh": 0.0 * one, "pv_used_kwh": 2.0 * one, "load_kwh": 3.0 * one,
        "charging_kwh": 1.0 * one, "storage_charge_kwh": 1.0 * one,
        "storage_discharge_kwh": 0.0 * one})  # fmt: skip
    put(tmp_path, "city_steps", {"time": times(np.arange(STEPS)),
                                 "grid_kgco2_per_kwh": np.full(STEPS, 0.4)})  # fmt: skip
    return open_run(tmp_path)


def test_a_park_s_sites_are_summed(run: RunTables) -> None:
    specs = run_parks(run)
    meters = park_meters(run, specs)["north"]
    assert specs["north"].green_import_share == 0.25
    assert specs["north"].water_reused_share == 0.85
    assert specs["north"].solid_waste_used_share is None
    assert meters.step_h == 0.25
    assert meters.use_kwh.tolist() == [8.0] * STEPS
    assert meters.import_kwh.sum() == 6.0 * STEPS
    assert meters.grid_kgco2_per_kwh.tolist() == [0.4] * STEPS


def test_the_page_shows_scores_and_a_day(run: RunTables) -> None:
    picture, scores, day = park_matching(Results(run))
    assert isinstance(picture, Picture)
    assert isinstance(scores, Table)
    assert isinstance(day, Table)
    assert "north" in picture.caption
    assert scores.rows[0][1:3] == pytest.approx((0.5 + 0.25 * 0.75, 0.5))
    assert len(day.rows) == 24


def test_an_older_run_says_so(run: RunTables) -> None:
    run.summary["parks"] = {"north": {"carbon_t_per_tce": 1.0}}
    with pytest.raises(RunStateError, match="does not name its sites"):
        run_parks(run)
    [note] = park_matching(Results(run))
    assert isinstance(note, Note)
    assert note.empty


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("site_steps", "no series of its sites"),
        ("city_steps", "no series of the grid's factor"),
        ("sites", "no table of sites"),
    ],
)
def test_a_run_without_a_table_is_named(run: RunTables, table: str, says: str) -> None:
    (run.folder / "series" / table / "0.parquet").unlink()
    with pytest.raises(RunStateError, match=says):
        park_meters(run, run_parks(run))


def test_a_park_of_an_unknown_site_is_named(run: RunTables) -> None:
    run.summary["parks"]["north"]["sites"] = ["three"]
    with pytest.raises(RunStateError, match="'three', which is no site"):
        park_meters(run, run_parks(run))


def test_a_summary_with_a_bad_number_is_named(run: RunTables) -> None:
    run.summary["parks"]["north"]["green_import_share"] = 7
    with pytest.raises(RunStateError, match="green_import_share"):
        run_parks(run)


def test_a_hole_in_the_series_is_named(run: RunTables) -> None:
    put(run.folder, "city_steps", {"time": times(np.arange(1, STEPS)),
                                   "grid_kgco2_per_kwh": np.full(STEPS - 1, 0.4)})  # fmt: skip
    with pytest.raises(RunStateError, match="no grid factor at step 0"):
        park_meters(run, run_parks(run))
