"""The starter town from folder to run folder: whole, repeatable and in balance."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from zerocity.app import runs as app
from zerocity.app.replays import replay
from zerocity.app.runs import RunRequest, report_again, run_city
from zerocity.city.folder import load_city
from zerocity.errors import AuditError, InputError, RunStateError, ZerocityError
from zerocity.reports.recount import recount
from zerocity.storage.runs import require_finished
from zerocity.storage.tables import SCHEMAS

WEEK = RunRequest("starter", days=7, seed=3, processes=1)
KEYS = {
    "runtime": {"wall_s", "battery_steps_per_s", "peak_memory_mb", "split_s"},
    "batteries": {
        "total", "by_stage", "by_fleet", "mean_soh", "retired", "second_life", "recycled",
    },
    "energy_mwh": {
        "grid_import", "grid_export", "pv", "pv_curtailed", "load", "traction", "losses",
        "stored_change",
    },
    "carbon_t": {"grid", "embodied", "avoided"},
    "vpp": {"events", "delivered_mwh", "baseline_mwh"},
}  # fmt: skip
FLEET_KEYS = {
    "vehicles", "km", "kwh", "kwh_per_km", "trips_served", "trips_missed", "swaps", "charges",
}  # fmt: skip


def series(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of series."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "series").rglob("*.parquet"))
    }


def table(folder: Path, name: str) -> dict[str, np.ndarray[Any, Any]]:
    data = ds.dataset(sorted((folder / "series" / name).glob("*.parquet"))).to_table()
    return {c: data[c].to_numpy() for c in data.column_names}


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("app") / "week"
    out, summary = run_city(replace(WEEK, out=folder))
    assert out == folder
    return folder, summary


def test_the_summary_has_what_was_promised(week: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = week
    written = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(summary)) == written
    assert summary["city"] == "starter"
    assert summary["start"] == "2026-01-01"
    assert (summary["days"], summary["seed"]) == (7, 3)
    for name, keys in KEYS.items():
        assert keys <= summary[name].keys(), name
    assert summary["fleets"].keys() == {"town_bus", "taxi"}
    for fleet in summary["fleets"].values():
        assert fleet.keys() >= FLEET_KEYS
    for metal in summary["materials_kg"].values():
        assert metal.keys() >= {"in_service", "collected", "recovered", "lost"}
    for book in summary["audit"].values():
        assert book["relative"] <= 1e-9
        assert "residual" in book
    assert summary["cost_cny"]["total"] != 0.0
    assert "town_park" in summary["parks"]
    for one in summary["assumptions"]:
        assert one.keys() >= {"path", "value", "unit", "source", "note", "weight"}
    weights = [one["weight"] for one in summary["assumptions"]]
    assert weights == sorted(weights, reverse=True)


def test_the_split_says_where_the_seconds_went(week: tuple[Path, dict[str, Any]]) -> None:
    runtime = week[1]["runtime"]
    split = runtime["split_s"]
    assert list(split) == ["populate", "open", "plan", "write", "steps", "age", "night", "judge"]
    assert all(spent >= 0.0 for spent in split.values())
    assert sum(split.values()) <= runtime["wall_s"] + 0.01 * len(split)


def test_energy_of_the_summary_adds_up(week: tuple[Path, dict[str, Any]]) -> None:
    e = week[1]["energy_mwh"]
    came = e["grid_import"] + e["pv"] - e["pv_curtailed"] + e["delivered_in_new_packs"]
    went = e["grid_export"] + e["load"] + e["traction"] + e["losses"] + e["left_in_old_packs"]
    assert came == pytest.approx(went + e["stored_change"], rel=1e-12)
    assert 0.0 < e["losses"] < 0.3 * (e["charging"] + e["storage_charge"])


def test_the_city_is_plausible(week: tuple[Path, dict[str, Any]]) -> None:
    batteries, fleets = week[1]["batteries"], week[1]["fleets"]
    assert batteries["total"] >= load_city("starter").packs
    assert sum(batteries["by_stage"].values()) == batteries["total"]
    assert 0.7 < batteries["mean_soh"] <= 1.0
    bus = fleets["town_bus"]
    assert 0.8 < bus["kwh_per_km"] < 3.0
    assert bus["kwh"] == pytest.approx(bus["km"] * bus["kwh_per_km"])
    assert bus["trips_missed"] < 0.05 * bus["trips_served"]
    assert fleets["taxi"]["swaps"] > 50
    assert fleets["taxi"]["charges"] == 0


def test_the_audit_and_the_replay_pass(week: tuple[Path, dict[str, Any]]) -> None:
    assert recount(week[0]).passed
    found = replay(week[0] / "journal" / "2026-01-01.npz")
    assert found.same
    assert found.steps == 96
    assert found.commands > 96 * 12


def test_every_table_is_as_its_schema_says(week: tuple[Path, dict[str, Any]]) -> None:
    for name, schema in SCHEMAS.items():
        for path in (week[0] / "series" / name).glob("*.parquet"):
            assert pq.read_schema(path).equals(schema), name
    rows = {name: table(week[0], name) for name in ("site_steps", "battery_days", "fleet_days")}
    assert rows["site_steps"]["time"].size == 7 * 96 * 6
    assert rows["battery_days"]["day"].size >= 7 * load_city("starter").packs
    assert rows["fleet_days"]["day"].size == 7 * 2
    assert not list(week[0].rglob("*.part"))


def test_health_never_rises(week: tuple[Path, dict[str, Any]]) -> None:
    days = table(week[0], "battery_days")
    order = np.lexsort((days["day"], days["battery"]))
    battery, soh = days["battery"][order], days["soh"][order]
    same = battery[1:] == battery[:-1]
    assert (np.diff(soh)[same] <= 0.0).all()
    assert (np.diff(soh)[same] < 0.0).any()
    assert ((soh > 0.5) & (soh <= 1.0)).all()
    assert ((days["soc"] >= 0.0) & (days["soc"] <= 1.0)).all()


def test_meters_and_sessions_are_sound(week: tuple[Path, dict[str, Any]]) -> None:
    steps, sites = table(week[0], "site_steps"), table(week[0], "sites")
    limit = dict(zip(sites["site"].tolist(), sites["grid_limit_kw"].tolist(), strict=True))
    most = np.array([limit[s] for s in steps["site"].tolist()]) * 0.25
    assert (steps["import_kwh"] <= np.maximum(most, steps["load_kwh"]) + 1e-6).all()
    assert (steps["pv_used_kwh"] <= steps["pv_kwh"]).all()
    sessions = table(week[0], "sessions")
    assert (sessions["start"] <= sessions["end"]).all()
    assert (sessions["energy_kwh"] > 0.0).mean() > 0.95
    fleets = table(week[0], "fleet_days")
    assert (sessions["kind"] == 1).sum() == fleets["swaps"].sum()


def test_the_manifest_says_what_was_run(week: tuple[Path, dict[str, Any]]) -> None:
    manifest = require_finished(week[0])
    assert manifest["city"] == "starter"
    assert (manifest["seed"], manifest["days"]) == (3, 7)
    assert manifest["overrides"] == {}
    assert manifest["carbon_method"] == "cut_off"
    assert "fleets.toml" in manifest["inputs"]
    listed = {name: one["sha256"] for name, one in manifest["files"].items()}
    assert series(week[0]).items() <= listed.items()
    assert "report/index.html" in listed


@pytest.mark.parametrize("processes", [1, 2])
def test_the_same_seed_gives_the_same_bytes(
    week: tuple[Path, dict[str, Any]], tmp_path: Path, processes: int
) -> None:
    out, summary = run_city(replace(WEEK, out=tmp_path / "again", processes=processes))
    assert series(out) == series(week[0])
    assert {**summary, "runtime": 0} == {**week[1], "runtime": 0}


def test_another_seed_gives_another_week(week: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = run_city(replace(WEEK, out=tmp_path / "other", seed=4, days=2))
    mine, theirs = table(out, "city_steps"), table(week[0], "city_steps")
    assert not np.array_equal(mine["temperature_c"], theirs["temperature_c"][: 2 * 96])


def test_the_past_does_not_depend_on_how_long_the_run_is(
    week: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, _ = run_city(replace(WEEK, out=tmp_path / "short", days=2))
    mine, theirs = table(out, "fleet_days"), table(week[0], "fleet_days")
    np.testing.assert_array_equal(mine["km"], theirs["km"][:4])


@pytest.mark.parametrize(
    ("start", "days", "months"),
    [
        (date(2026, 1, 30), 5, ["2026-01", "2026-02"]),
        (date(2028, 2, 28), 3, ["2028-02", "2028-03"]),
        (date(2026, 12, 31), 2, ["2026-12", "2027-01"]),
    ],
)
def test_months_leap_days_and_years_pass(
    tmp_path: Path, start: date, days: int, months: list[str]
) -> None:
    request = RunRequest("starter", tmp_path / "run", start=start, days=days, processes=1)
    out, _ = run_city(request)
    for name in ("site_steps", "battery_days", "city_steps", "fleet_days"):
        found = [path.stem for path in sorted((out / "series" / name).iterdir())]
        assert found == months, name
    present = sorted(set(table(out, "fleet_days")["day"].tolist()))
    assert present == [start + timedelta(days=d) for d in range(days)]
    assert recount(out).passed
    times = np.sort(table(out, "city_steps")["time"])
    assert set(np.diff(times).astype("timedelta64[m]").astype(int)) == {15}


def test_a_changed_figure_changes_the_result_and_is_noted(tmp_path: Path) -> None:
    request = RunRequest(
        "starter", tmp_path / "run", days=1, processes=1,
        overrides={"fleets.taxi.vehicles": "10"},
    )  # fmt: skip
    out, summary = run_city(request)
    assert summary["fleets"]["taxi"]["vehicles"] == 10
    assert require_finished(out)["overrides"] == {"fleets.taxi.vehicles": "10"}


def test_chosen_days_are_kept_for_replay(tmp_path: Path) -> None:
    days = (date(2026, 1, 2), date(2026, 1, 3))
    out, _ = run_city(RunRequest("starter", tmp_path / "run", days=3, journal_dates=days,
                                 processes=1))  # fmt: skip
    names = sorted(path.name for path in (out / "journal").iterdir())
    assert names == ["2026-01-02.npz", "2026-01-03.npz"]
    assert replay(out / "journal" / names[1]).same


def test_progress_is_told_day_by_day(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    request = RunRequest("starter", tmp_path / "run", days=2, processes=1)
    run_city(request, lambda done, total, what: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2), (2, 2)]


def test_spot_prices_are_followed(tmp_path: Path) -> None:
    prices = ["step,price_cny_per_kwh", *(f"{k},{0.1 + (k % 96) / 500:.3f}" for k in range(96))]
    (tmp_path / "spot.csv").write_text("\n".join(prices))
    request = RunRequest("starter", tmp_path / "run", days=1, processes=1,
                         spot=tmp_path / "spot.csv")  # fmt: skip
    out, _ = run_city(request)
    buy = table(out, "city_steps")["buy_cny_per_kwh"]
    np.testing.assert_allclose(np.diff(buy), 1 / 500, atol=1e-3)
    assert require_finished(out)["spot"] == "spot.csv"
    assert recount(out).passed


def test_bad_input_leaves_a_finished_run_alone(
    week: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    before = series(week[0])
    late = replace(WEEK, out=week[0], replace=True, journal_dates=(date(2030, 1, 1),))
    with pytest.raises(InputError, match=r"--journal.*2030-01-01"):
        run_city(late)
    with pytest.raises(InputError, match="EPW weather file"):
        run_city(replace(WEEK, out=week[0], replace=True, epw=tmp_path / "no.epw"))
    with pytest.raises(RunStateError, match="--replace"):
        run_city(replace(WEEK, out=week[0]))
    assert series(week[0]) == before
    assert require_finished(week[0])


def test_books_out_of_balance_fail_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = app.audit

    def robbed(books: Any) -> Any:
        books.post(0, "energy_kwh", "packs", "nowhere", 5.0)
        return real(books)

    monkeypatch.setattr(app, "audit", robbed)
    with pytest.raises(AuditError, match=r"energy_kwh, account packs"):
        run_city(RunRequest("starter", tmp_path / "run", days=1, processes=1))
    with pytest.raises(RunStateError, match="no finished run"):
        require_finished(tmp_path / "run")


def test_a_full_disk_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = [0]
    real = pq.ParquetWriter.write_table

    def full(self: Any, *args: Any, **more: Any) -> None:
        count[0] += 1
        if count[0] > 8:
            raise OSError(28, "No space left on device")
        real(self, *args, **more)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(RunStateError, match=r"No space left.*Free some space"):
        run_city(RunRequest("starter", tmp_path / "run", days=3, processes=1))
    assert not (tmp_path / "run" / "manifest.json").exists()
    monkeypatch.undo()
    run_city(RunRequest("starter", tmp_path / "run", days=1, processes=1))


def test_the_page_is_written_again(week: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    page = (week[0] / "report" / "index.html").read_bytes()
    assert report_again(week[0], tmp_path / "page.html").read_bytes() == page
    with pytest.raises(RunStateError, match="no such run folder"):
        report_again(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"start": date(2100, 1, 1)}, "2040"),
        (
            {"start": date(2020, 1, 1), "overrides": {"fleets.taxi.mean_age_years": "14"}},
            "mean_age",
        ),
        ({"overrides": {"carbon.start": "x"}}, "--set"),
    ],
)
def test_what_is_refused_leaves_the_finished_run(
    tmp_path: Path, changes: dict[str, Any], names: str
) -> None:
    out = tmp_path / "run"
    run_city(RunRequest("starter", out, days=1, processes=1))
    before = series(out)
    with pytest.raises(ZerocityError, match=names):
        run_city(RunRequest("starter", out, days=1, processes=1, replace=True, **changes))
    assert series(out) == before
    assert require_finished(out)


def test_slow_bays_swap_less(tmp_path: Path) -> None:
    counts = []
    for minutes in ("5", "60", "600"):
        slow = {"sites.taxi_swap.swap_minutes": minutes}
        request = RunRequest("starter", tmp_path / minutes, days=2, processes=1, overrides=slow)
        _, summary = run_city(request)
        counts.append(sum(fleet["swaps"] for fleet in summary["fleets"].values()))
    assert counts[0] >= counts[1] > counts[2]
    # One bay, two days of 24 hours, one swap in ten hours, and the one that waits at the start.
    assert counts[2] <= 2 * 24 / 10 + 1


def test_a_file_that_no_one_wrote_fails_the_audit(
    week: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(week[0], copy)
    sessions = sorted((copy / "series" / "sessions").glob("*.parquet"))[0]
    shutil.copy(sessions, sessions.with_name("2099-01.parquet"))
    assert not recount(copy).passed
