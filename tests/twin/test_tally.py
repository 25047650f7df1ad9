"""Totals of a run are the sums of its days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zerocity.twin.tally import FLEET_SUMS, Tally


def test_energy_is_the_sum_of_the_rows(three_days: Any) -> None:
    mwh = three_days.twin.tally.energy_summary()
    for name, column in (
        ("grid_import", "import_kwh"), ("grid_export", "export_kwh"), ("pv", "pv_kwh"),
        ("load", "load_kwh"), ("charging", "charging_kwh"),
    ):  # fmt: skip
        assert mwh[name] * 1000.0 == pytest.approx(three_days.column("site_steps", column).sum())
    assert mwh["pv_curtailed"] >= 0.0


def test_fleets_are_the_sum_of_their_days(three_days: Any) -> None:
    fleets = three_days.twin.tally.fleet_summary()
    names = three_days.column("fleet_days", "fleet")
    for fleet, row in fleets.items():
        for key in FLEET_SUMS:
            total = three_days.column("fleet_days", key)[names == fleet].sum()
            assert row[key] == pytest.approx(total), key
        assert row["kwh_per_km"] == pytest.approx(row["kwh"] / row["km"])


def test_parks_are_metered_by_the_hour(three_days: Any) -> None:
    tally = three_days.twin.tally
    hours = np.concatenate(tally.park_meters["town_park"], axis=1)
    assert hours.shape == (4, 3 * 24)
    park = three_days.twin.city.sites.of_kind("park")[0]
    mine = three_days.column("site_steps", "site") == park
    assert hours[0].sum() == pytest.approx(
        three_days.column("site_steps", "import_kwh")[mine].sum()
    )


def test_a_fleet_that_never_drove_has_no_division_by_zero(three_days: Any) -> None:
    twin = three_days.twin
    fresh = Tally(twin.city, twin.people)
    assert all(row["kwh_per_km"] == 0.0 for row in fresh.fleet_summary().values())


def test_a_day_without_its_journal_is_a_mistake_of_ours(three_days: Any) -> None:
    twin = three_days.twin
    with pytest.raises(LookupError, match="day 2"):
        Tally(twin.city, twin.people).journal(2)
