"""Cases of parks refuse what makes no sense, and name it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from park_years import small_case, small_year

from zerocity.errors import InputError
from zerocity.parks.indicators import ParkSpec
from zerocity.parks.park_case import LEVER_SOURCES, Levers, ParkAssets, Target, with_values


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("use_kw", np.nan, "use_kw: got nan at step 3"),
        ("buy_cny_per_kwh", np.inf, "buy_cny_per_kwh: got inf at step 3"),
        ("use_kw", -1.0, "use_kw: got -1 at step 3"),
        ("sell_cny_per_kwh", 2.0, "at most the buying price"),
    ],
)
def test_a_year_with_a_bad_step_is_refused(name: str, value: float, says: str) -> None:
    year = small_year()
    series = getattr(year, name).copy()
    series[3] = value
    with pytest.raises(InputError, match=says):
        replace(year, **{name: series})


def test_a_year_of_broken_blocks_or_lengths_is_refused() -> None:
    year = small_year()
    with pytest.raises(InputError, match="whole blocks"):
        replace(year, block_steps=100)
    with pytest.raises(InputError, match="shape"):
        replace(year, use_kw=year.use_kw[:-1])


def test_the_year_s_energy_counts_each_step_as_often_as_it_comes() -> None:
    year = small_year()
    assert year.hours.sum() == pytest.approx(8760.0)
    assert year.use_kwh == pytest.approx(8760.0 * year.use_kw.mean())


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_assets_and_levers_are_finite(bad: float) -> None:
    with pytest.raises(InputError, match="import_limit_kw"):
        ParkAssets(import_limit_kw=bad, export_limit_kw=0.0)
    with pytest.raises(InputError, match="pv_cny_per_kwp_year"):
        Levers(pv_cny_per_kwp_year=bad)


@pytest.mark.parametrize("name", ["traced_most_share", "heat_most_share", "shiftable_share"])
def test_shares_stay_below_one(name: str) -> None:
    with pytest.raises(InputError, match=name):
        Levers(**{name: 1.5})
    with pytest.raises(InputError, match="store_hours"):
        Levers(store_hours=0.0)
    with pytest.raises(InputError, match="charge_efficiency"):
        ParkAssets(1.0, 1.0, charge_efficiency=0.0)


def test_targets_that_cross_are_refused() -> None:
    Target(0.2, 0.9, 0.9)
    with pytest.raises(InputError, match="cross"):
        Target(0.2, 0.7, 0.8)
    with pytest.raises(InputError, match="--limit"):
        Target(float("nan"))
    with pytest.raises(InputError, match="--limit"):
        Target(-0.1)
    with pytest.raises(InputError, match="--clean-share"):
        Target(None, 1.5)


def test_every_lever_has_a_source() -> None:
    assert set(LEVER_SOURCES) == {f.name for f in fields(Levers)}


def test_values_are_set_by_name() -> None:
    case = with_values(small_case(), {"pv_most_kwp": "5", "store_kwh": "7"})
    assert (case.levers.pv_most_kwp, case.assets.store_kwh) == (5.0, 7.0)
    with pytest.raises(InputError, match='Did you mean "pv_most_kwp"'):
        with_values(small_case(), {"pv_most_kw": "5"})
    with pytest.raises(InputError, match="a number"):
        with_values(small_case(), {"pv_most_kwp": "many"})
    with pytest.raises(InputError, match="pv_most_kwp"):
        with_values(small_case(), {"pv_most_kwp": "nan"})


def test_the_limit_follows_the_size() -> None:
    assert small_case().limit_t_per_tce == 0.2
    assert small_case(spec=ParkSpec("n", annual_energy_tce=2e6)).limit_t_per_tce == 0.3
