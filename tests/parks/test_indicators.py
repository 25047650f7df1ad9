"""Indicators with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError
from zerocity.parks.indicators import ParkIndicators, ParkSpec, indicators

HOURS = 48
FACTOR = 0.5


def found(
    spec: ParkSpec | None = None, taken: float = 60.0, made: float = 40.0, sent: float = 0.0
) -> ParkIndicators:
    flat = np.ones(HOURS)
    return indicators(
        spec or ParkSpec("north"),
        import_kwh=flat * taken,
        export_kwh=flat * sent,
        generation_kwh=flat * made,
        load_kwh=flat * (taken + made - sent),
        grid_kgco2_per_kwh=FACTOR,
    )


def test_a_flat_park_by_hand() -> None:
    park = found()
    assert park.days == 2.0
    assert park.clean_annual == pytest.approx(0.4)
    assert park.clean_matched == pytest.approx(0.4)
    assert park.self_consumption == 1.0
    assert park.energy_tce == pytest.approx(4800 * 0.1229 / 1000)
    assert park.carbon_t == pytest.approx(60 * HOURS * FACTOR / 1000)
    assert park.carbon_t_per_tce == pytest.approx(0.6 * FACTOR / 0.1229)
    assert park.carbon_kg_per_kwh == pytest.approx(0.3)


def test_green_import_lowers_carbon_but_not_the_location_figure() -> None:
    park = found(ParkSpec("north", green_import_share=1.0))
    assert park.carbon_t == 0.0
    assert park.clean_annual == pytest.approx(1.0)
    assert park.carbon_location_t == pytest.approx(60 * HOURS * FACTOR / 1000)


def test_matching_by_step_is_stricter_than_by_year() -> None:
    day = np.arange(HOURS) % 24 < 12
    park = indicators(
        ParkSpec("north"),
        import_kwh=np.where(day, 0.0, 10.0),
        export_kwh=np.where(day, 10.0, 0.0),
        generation_kwh=np.where(day, 20.0, 0.0),
        load_kwh=np.full(HOURS, 10.0),
        grid_kgco2_per_kwh=FACTOR,
    )
    assert park.clean_matched == pytest.approx(0.5)
    assert park.self_consumption == pytest.approx(0.5)


def test_other_energy_is_scaled_to_the_period() -> None:
    park = found(ParkSpec("north", other_energy_tce=365.0, other_carbon_t=730.0))
    assert park.energy_tce == pytest.approx(4800 * 0.1229 / 1000 + 2.0)
    assert park.carbon_t == pytest.approx(60 * HOURS * FACTOR / 1000 + 4.0)


def test_an_idle_park_has_no_ratio() -> None:
    assert np.isnan(found(taken=0.0, made=0.0).carbon_t_per_tce)


meters = arrays(np.float64, 24, elements=st.floats(0.0, 1e5))


@given(meters, meters)
def test_shares_stay_between_0_and_1(taken: np.ndarray, made: np.ndarray) -> None:
    park = indicators(
        ParkSpec("north"),
        import_kwh=taken,
        export_kwh=np.zeros(24),
        generation_kwh=made,
        load_kwh=taken + made,
        grid_kgco2_per_kwh=FACTOR,
    )
    if park.consumed_kwh > 0.0:
        assert 0.0 <= park.clean_matched <= 1.0
        assert 0.0 <= park.clean_annual <= 1.0
        assert park.carbon_t >= 0.0


@pytest.mark.parametrize("bad", [np.array([-1.0, 0.0]), np.array([np.nan, 0.0]), np.ones(3)])
def test_bad_meters_are_named(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="load_kwh"):
        indicators(
            ParkSpec("north"),
            import_kwh=np.ones(2),
            export_kwh=np.ones(2),
            generation_kwh=np.ones(2),
            load_kwh=bad,
            grid_kgco2_per_kwh=FACTOR,
        )


@pytest.mark.parametrize("field", ["other_energy_tce", "other_carbon_t", "annual_energy_tce"])
def test_bad_specs_are_named(field: str) -> None:
    with pytest.raises(InputError, match=field):
        ParkSpec("north", **{field: -1.0})
    with pytest.raises(InputError, match="green_import_share"):
        ParkSpec("north", green_import_share=1.1)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="water_reused_share"):
            ParkSpec("north", water_reused_share=share)
