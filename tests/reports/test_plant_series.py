"""Series of a run by day, step and site."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zerocity.errors import InputError, RunStateError
from zerocity.reports.plant_series import (
    city_series,
    net_kw_by_site,
    run_day,
    site_names,
    site_series,
)
from zerocity.reports.tables import open_run


def test_some_days_are_a_part_of_all(plant_run: Path) -> None:
    run = open_run(plant_run)
    whole = site_series(run, ("load_kwh", "import_kwh"))
    part = site_series(run, ("load_kwh",), range(3, 5))
    assert whole["load_kwh"].shape == (14, 96, len(site_names(run)))
    assert (whole["load_kwh"][3:5] == part["load_kwh"]).all()
    assert (net_kw_by_site(run, range(2, 3)) <= whole["import_kwh"][2:3] * 4.0 + 1e-9).all()


def test_the_weather_is_by_day(plant_run: Path) -> None:
    run = open_run(plant_run)
    found = city_series(run, "temperature_c")
    assert found.shape == (14, 96)
    # The afternoon is warmer than the night.
    assert found[:, 56].mean() > found[:, 20].mean()
    with pytest.raises(RunStateError, match="lacks"):
        city_series(run, "moon")


def test_days_and_gaps_are_checked(plant_run: Path) -> None:
    run = open_run(plant_run)
    assert run_day(run, date(2026, 1, 14)) == 13
    with pytest.raises(InputError, match="--day"):
        run_day(run, date(2025, 12, 31))
    with pytest.raises(RunStateError, match="gaps"):
        site_series(run, ("load_kwh",), range(13, 15))
    with pytest.raises(RunStateError, match="lacks moon"):
        site_series(run, ("moon",), range(1))
    assert np.isfinite(net_kw_by_site(run)).all()
