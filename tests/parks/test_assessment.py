"""Gaps and evidence against the notice."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zerocity.parks.assessment import ParkResult, assess, limit_t_per_tce
from zerocity.parks.indicators import ParkSpec, indicators


def result(spec: ParkSpec, taken: float, made: float) -> ParkResult:
    flat = np.ones(24 * 365)
    found = indicators(
        spec,
        import_kwh=flat * taken,
        export_kwh=flat * 0.0,
        generation_kwh=flat * made,
        load_kwh=flat * (taken + made),
        grid_kgco2_per_kwh=0.5,
    )
    return assess(spec, found)


@pytest.mark.parametrize(
    ("tce", "limit"), [(2e5, 0.2), (999_999.0, 0.2), (1e6, 0.3), (5e6, 0.3), (10.0, 0.2)]
)
def test_limit_by_size(tce: float, limit: float) -> None:
    assert limit_t_per_tce(tce) == limit


def test_a_grid_park_misses_and_the_gap_closes_it() -> None:
    spec = ParkSpec("north")
    park = result(spec, 1000.0, 0.0)
    assert not park.meets_core
    assert not park.in_scope
    assert park.gap_t_per_tce == pytest.approx(0.5 / 0.1229 - 0.2)
    replaced = park.gap_clean_mwh * 1000.0 / 8760.0
    closed = result(spec, 1000.0 - replaced, replaced)
    assert closed.indicators.carbon_t_per_tce == pytest.approx(0.2)


def test_a_clean_large_park_meets_it() -> None:
    park = result(ParkSpec("north", annual_energy_tce=2e6), 10.0, 990.0)
    assert park.limit_t_per_tce == 0.3
    assert park.in_scope
    assert park.meets_core
    assert park.meets_clean_share
    assert park.gap_carbon_t == 0.0


def test_evidence_names_what_is_missing_and_summary_is_plain() -> None:
    park = result(ParkSpec("north", green_import_share=0.5, other_energy_tce=3.0), 10.0, 0.0)
    standings = {item.claim: item.standing for item in park.evidence}
    assert standings["traced green supply"] == "assumed"
    assert "missing" in standings.values()
    assert json.loads(json.dumps(park.summary()))["meets_core"] is False


def test_a_stated_share_is_evidence_and_goes_with_the_run() -> None:
    park = result(ParkSpec("north", water_reused_share=0.85), 10.0, 0.0)
    stated = [item for item in park.evidence if item.standing == "stated"]
    assert [item.claim for item in stated] == ["industrial water used again (at least 80 %)"]
    assert stated[0].basis == "85%, stated by the city"
    assert park.summary()["water_reused_share"] == 0.85
    assert "solid_waste_used_share" not in park.summary()


def test_an_idle_park_meets_nothing() -> None:
    park = result(ParkSpec("north"), 0.0, 0.0)
    assert not park.meets_core
    assert park.gap_carbon_t == 0.0
    assert "carbon_t_per_tce" not in park.summary()
