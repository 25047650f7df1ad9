"""What a day at the meter costs, counted by step and by site."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.city.scenario import City
from zerocity.measures.timeline import Timeline
from zerocity.twin.meters import Bills
from zerocity.twin.world import DayMeters, new_meters


@pytest.fixture
def bills(city: City, timeline: Timeline) -> Bills:
    rng = np.random.default_rng(1)
    return Bills(city, timeline, rng.uniform(0.3, 1.0, (3, 96)), rng.uniform(0.1, 0.3, (3, 96)))


def a_day(imported: float = 1.0) -> DayMeters:
    meters = new_meters(96, 6)
    rng = np.random.default_rng(2)
    meters.import_kwh[:] = imported * rng.uniform(0.0, 10.0, (96, 6))
    meters.export_kwh[:] = rng.uniform(0.0, 1.0, (96, 6))
    return meters


def test_both_ways_of_counting_agree(bills: Bills) -> None:
    ledger, purse = bills.of_day(0, a_day(), 7.0)
    assert ledger.keys() == purse.keys()
    for name in ledger:
        assert ledger[name] == pytest.approx(purse[name], rel=1e-12), name
    assert ledger["vpp"] == 7.0
    first, second = bills.carbon_of_day(0, a_day())
    assert first == pytest.approx(second, rel=1e-12)


def test_only_a_higher_peak_costs_more(bills: Bills, city: City) -> None:
    price = city.tariff.demand_charge_cny_per_kw_month
    assert (bills.peak_so_far_kw(0) == 0.0).all()
    first = bills.of_day(0, a_day(), 0.0)[0]["demand_charge"]
    assert first == pytest.approx(a_day().import_kwh.max(axis=0).sum() * 4.0 * price)
    assert bills.of_day(1, a_day(0.9), 0.0)[0]["demand_charge"] == 0.0
    more = bills.of_day(2, a_day(1.5), 0.0)[0]["demand_charge"]
    assert more == pytest.approx(0.5 * first)
    np.testing.assert_allclose(bills.peak_so_far_kw(2), a_day(1.5).import_kwh.max(axis=0) * 4.0)


def test_export_avoids_what_import_would_cause(bills: Bills) -> None:
    meters = a_day()
    avoided = bills.avoided_kg(0, meters)
    assert avoided == pytest.approx(meters.export_kwh.sum() * bills.factor(0))
