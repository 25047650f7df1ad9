"""From bids to what every site does, and again when one fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.reports.plant_day import PlantDay, plant_day
from zerocity.reports.plant_market import (
    award_energy,
    bid_peak,
    bid_reserve,
    called_part,
    dispatch_energy,
    dispatch_peak,
    dispatch_reserve,
    failed_sites,
)


@pytest.fixture(scope="module")
def day() -> PlantDay:
    return plant_day("starter")


def test_the_award_is_the_plan_where_the_market_is_deep(day: PlantDay) -> None:
    award = award_energy(day)
    assert award.awarded_kw == pytest.approx(award.bids.planned_kw, abs=1e-6)
    assert award.moved_cny_per_kwh == 0.0
    assert award.cost_cny == pytest.approx(
        float((award.awarded_kw * award.price_cny_per_kwh).sum() / 4.0)
    )


def test_prices_that_are_not_the_markets_are_taken_as_they_are(day: PlantDay) -> None:
    other = replace(day, expected_cny_per_kwh=day.expected_cny_per_kwh[::-1].copy())
    award = award_energy(other)
    assert award.price_cny_per_kwh.tolist() == other.expected_cny_per_kwh.tolist()


def test_a_call_leaves_the_control_group_alone(day: PlantDay) -> None:
    assert called_part(day) is day
    held = replace(day, city=replace(day.city, vpp=replace(day.city.vpp, control_share=0.3)))
    part = called_part(held)
    away = set(day.portfolio.names) - set(part.portfolio.names)
    assert away
    assert len(part.portfolio.names) == part.portfolio.days.sites
    assert f"{len(away)} of {len(day.portfolio.names)} sites held back" in part.origin
    assert bid_peak(part).offered_kw <= bid_peak(day).offered_kw + 1e-9


def test_all_sites_keep_the_award_and_those_left_come_near(day: PlantDay) -> None:
    whole = dispatch_energy(day)
    assert np.abs(whole.deviation_kw).max() <= 1.0
    assert whole.again is None
    again = dispatch_energy(day, ["Town battery centre"])
    assert again.again is not None
    at = day.portfolio.names.index("Town battery centre")
    assert again.led_kw[at] == pytest.approx(again.base_kw[at])
    free = np.abs(whole.led_kw[at] - again.base_kw[at]).sum()
    assert np.abs(again.deviation_kw).sum() <= free + 1.0


def test_relief_is_called_and_shared_again(day: PlantDay) -> None:
    found = dispatch_peak(day, 300.0, ["Town processing base"])
    assert found.first.given_kwh == pytest.approx(600.0)
    assert found.again is not None
    assert found.again.given_kwh == pytest.approx(600.0)
    at = day.portfolio.names.index("Town processing base")
    assert not found.again.relief_kw[at].any()
    default = dispatch_peak(day)
    assert default.requested_kw == pytest.approx(bid_peak(day).offered_kw)


def test_reserve_is_shared_in_each_step(day: PlantDay) -> None:
    offer = bid_reserve(day)
    found = dispatch_reserve(day, 10.0)
    assert found.held_kw == pytest.approx(min(10.0, offer.offered_kw))
    assert (found.down_kw <= offer.down_kw + 1e-9).all()
    assert dispatch_reserve(day, 10.0, ["Town bus depot"]).shared_again


def test_what_is_too_small_or_no_number_or_nobody_is_refused(day: PlantDay) -> None:
    with pytest.raises(InputError, match="least size"):
        dispatch_reserve(day)
    with pytest.raises(InputError, match="--request"):
        dispatch_peak(day, float("nan"))
    with pytest.raises(InputError, match="Town bus depot"):
        failed_sites(day.portfolio, ["Town bus depo"])
    rules = day.city.energy_market
    assert rules is not None
    large = replace(day.city, energy_market=replace(rules, admission_kw=1e9))
    with pytest.raises(InputError, match="below the least size"):
        dispatch_energy(replace(day, city=large))
    with pytest.raises(InputError, match="frequency_reserve"):
        bid_reserve(replace(day, city=replace(day.city, frequency_reserve=None)))
