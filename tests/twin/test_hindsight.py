"""What a run says of its own plans, from the meters of the town."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from zerocity.books.audit import audit
from zerocity.twin.summary import summarise


def test_every_run_says_what_its_stores_lost(three_days: Any) -> None:
    twin = three_days.twin
    summary = summarise(twin, audit(twin.books))
    found = summary["foresight"]
    assert found["perfect_cny"] <= found["realised_cny"]
    assert found["lost_cny"] == pytest.approx(found["realised_cny"] - found["perfect_cny"])
    assert 0.0 <= found["gap"] < 1e-9
    assert [row["site"] for row in found["sites"]] == [
        str(name)
        for name, power in zip(twin.city.sites.name, twin.city.sites.storage_kw, strict=True)
        if power > 0.0
    ]
    assert all(row["lost_cny"] >= -1e-3 for row in found["sites"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_costs_are_those_of_the_written_rows(three_days: Any) -> None:
    """Energy bought and sold by the sites with a store, and their wear, straight from the rows."""
    twin = three_days.twin
    steps = twin.timeline.steps_per_day

    def by_site(name: str) -> Any:
        values = three_days.column("site_steps", name).reshape(3, len(twin.city.sites), steps)
        return np.moveaxis(values, 1, 0).reshape(len(twin.city.sites), -1)

    buy, sell = (three_days.column("city_steps", f"{n}_cny_per_kwh") for n in ("buy", "sell"))
    moved = by_site("storage_charge_kwh") + by_site("storage_discharge_kwh")
    paid = by_site("import_kwh") @ buy - by_site("export_kwh") @ sell
    own = twin.hindsight.sites
    wear = moved.sum(axis=1)[own] @ twin.hindsight.wear() / 2.0
    found = twin.hindsight.stores()
    expected = paid[own].sum() + wear
    assert found["realised_cny"] == pytest.approx(expected, rel=1e-6)


def test_packs_that_come_and_go_do_not_break_the_comparison(hard_times: Any) -> None:
    found = hard_times.twin.hindsight.stores()
    assert all(row["perfect_cny"] is not None for row in found["sites"])
    assert found["lost_cny"] >= 0.0


def test_forecasts_are_scored_against_yesterday(three_days: Any) -> None:
    found = three_days.twin.hindsight.forecasts()
    assert set(found) == {"load", "pv"}
    for score in found.values():
        assert score["mae_kw"] > 0.0
        assert score["skill"] == pytest.approx(1.0 - score["mae_kw"] / score["persistence_mae_kw"])


def test_a_single_day_has_no_yesterday_and_no_score(live: Any) -> None:
    twin = live(days=1).twin
    assert twin.hindsight.forecasts() == {}
    assert twin.hindsight.stores()["lost_cny"] >= 0.0
