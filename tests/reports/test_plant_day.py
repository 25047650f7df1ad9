"""A day of a city or of a run as a portfolio; whatever does not fit is named."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zerocity.city.folder import init_city
from zerocity.errors import InputError, RunStateError
from zerocity.reports.plant_day import energy_rules, plant_day

FIRST, LATER = date(2026, 1, 1), date(2026, 1, 12)


def test_a_city_is_lived_for_one_day() -> None:
    day = plant_day("starter")
    assert day.day == FIRST
    assert len(day.portfolio.names) == 6
    assert day.portfolio.days.flex_max_kwh[:, -1].sum() > 0.0
    assert day.expected_cny_per_kwh.shape == (96,)
    assert "made weather" in day.origin


def test_a_run_gives_its_journalled_plan_or_its_meters(plant_run: Path) -> None:
    first = plant_day(str(plant_run))
    assert "journal" in first.origin
    later = plant_day(str(plant_run), LATER)
    assert "meters of 2026-01-12" in later.origin
    # At retail prices, whatever the run's own signals were.
    assert later.portfolio.days.buy_cny_per_kwh.max() < 1.0
    plans = later.portfolio.plan()
    assert np.isfinite(plans.objective_cny).all()


def test_peaks_are_held_at_least_at_the_months_own(plant_run: Path) -> None:
    days = plant_day(str(plant_run), LATER).portfolio.days
    assert (days.import_limit_kw >= np.minimum(days.peak_so_far_kw, days.import_limit_kw)).all()
    assert (days.peak_so_far_kw > 0.0).any()


def test_prices_of_a_file_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = "".join(f"{k},{0.1 + 0.003 * k:.3f}\n" for k in range(96))
    path.write_text("step,price_cny_per_kwh\n" + rows, encoding="utf-8")
    day = plant_day("starter", prices=path)
    assert day.expected_cny_per_kwh[95] == pytest.approx(0.385)
    assert day.price_origin == "prices.csv"


@pytest.mark.parametrize(
    ("row", "message"),
    [("5,nan", "line 7: got nan"), ("5,", "line 7"), ("5,0.9", "from 0.04 to 0.5"),
     ("6,0.2", "step 5")],
)  # fmt: skip
def test_a_price_that_is_missing_or_unlawful_is_named(
    tmp_path: Path, row: str, message: str
) -> None:
    path = tmp_path / "prices.csv"
    rows = "".join(f"{row}\n" if k == 5 else f"{k},0.2\n" for k in range(96))
    path.write_text("step,price_cny_per_kwh\n" + rows, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        plant_day("starter", prices=path)


def test_a_day_outside_the_run_and_a_file_that_is_not_there_are_refused(plant_run: Path) -> None:
    with pytest.raises(InputError, match="2026-01-01 to 2026-01-14"):
        plant_day(str(plant_run), date(2026, 3, 1))
    with pytest.raises(InputError, match=r"nothing\.csv"):
        plant_day("starter", prices=Path("nothing.csv"))


def test_a_run_without_its_city_or_its_journal_says_so(plant_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(plant_run, copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "manifest.json").write_text(
        json.dumps({**manifest, "city": "atlantis"}), encoding="utf-8"
    )
    with pytest.raises(InputError, match="atlantis"):
        plant_day(str(copy))
    files = {k: v for k, v in manifest["files"].items() if not k.startswith("journal")}
    shutil.rmtree(copy / "journal")
    (copy / "manifest.json").write_text(json.dumps({**manifest, "files": files}), encoding="utf-8")
    with pytest.raises(RunStateError, match="no journal"):
        plant_day(str(copy))


def test_a_city_without_a_market_sells_no_energy(tmp_path: Path) -> None:
    town = tmp_path / "town"
    init_city(town)
    text = (town / "vpp.toml").read_text(encoding="utf-8")
    (town / "vpp.toml").write_text(text[: text.index("[energy]")], encoding="utf-8")
    with pytest.raises(InputError, match="--prices"):
        plant_day(str(town))
    path = tmp_path / "prices.csv"
    rows = "".join(f"{k},0.2\n" for k in range(96))
    path.write_text("step,price_cny_per_kwh\n" + rows, encoding="utf-8")
    day = plant_day(str(town), prices=path)
    with pytest.raises(InputError, match=r"no table \[energy\]"):
        energy_rules(day.city)
