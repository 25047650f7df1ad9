"""What vehicles do today, and when they leave tomorrow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from zerocity.city.folder import load_city
from zerocity.city.scenario import City, River
from zerocity.measures.timeline import Timeline
from zerocity.twin.duties import Duties
from zerocity.twin.vehicles import Vehicles, new_vehicles


def a_day(city: City, day: int, start: date = date(2026, 1, 5)) -> tuple[Duties, Vehicles]:
    duties = Duties(city, Timeline(start, 400), 1)
    cars = new_vehicles(city.vehicles)
    duties.set_day(cars, day)
    return duties, cars


@pytest.mark.parametrize("day", [0, 5])
def test_distance_per_step_adds_up_to_the_day(city: City, day: int) -> None:
    duties, cars = a_day(city, day)
    km = (cars.end1 - cars.start1) * cars.km1 + (cars.end2 - cars.start2) * cars.km2
    for number, own in enumerate(duties.rows):
        drawn = duties._draw(number, day)
        np.testing.assert_allclose(km[own], drawn.km1 + drawn.km2, rtol=1e-12)
    assert km.sum() > 0.0


def test_tomorrows_departure_is_tomorrows(city: City) -> None:
    _, today = a_day(city, 0)
    _, tomorrow = a_day(city, 1)
    drives = tomorrow.end1 > tomorrow.start1
    np.testing.assert_array_equal(today.next_start[drives], tomorrow.start1[drives])
    assert (today.next_start[~drives] == 96).all()


def test_a_day_does_not_depend_on_the_days_before(city: City) -> None:
    duties, cars = a_day(city, 0)
    for day in (1, 2, 3):
        duties.set_day(cars, day)
    for mine, theirs in zip(cars, a_day(city, 3)[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(scope="module")
def river_town() -> City:
    big = load_city("lanzhou")
    boats = tuple(replace(f, vehicles=10) for f in big.fleets if f.kind == "boat")
    return replace(big, fleets=boats)


def test_boats_stay_at_the_pier_at_high_water(river_town: City) -> None:
    river = river_town.river
    assert river is not None
    flood = River(river.flow_m3_s * 100.0, river.flow_spread, river.stop_above_m3_s)
    dry = River(river.flow_m3_s * 0.01, river.flow_spread, river.stop_above_m3_s)
    july = 190
    duties, cars = a_day(replace(river_town, river=flood), july)
    assert duties.river_closed(july)
    assert not (cars.end1 > cars.start1).any()
    duties, cars = a_day(replace(river_town, river=dry), july)
    assert not duties.river_closed(july)
    assert (cars.end1 > cars.start1).any()


def test_boats_rest_out_of_season(river_town: City) -> None:
    summer = tuple(replace(f, season_first_day=120, season_last_day=270) for f in river_town.fleets)
    city = replace(river_town, fleets=summer, river=None)
    for day, month_drives in ((0, False), (185, True), (330, False)):
        duties, cars = a_day(city, day)
        assert bool((cars.end1 > cars.start1).any()) == month_drives
        assert not duties.river_closed(day), "a town without a river"


def test_consumption_rises_in_the_cold(city: City) -> None:
    duties, _ = a_day(city, 0)
    rates = duties.consumption(np.array([-15.0, 18.0]), np.array([850.0, 850.0]))
    assert rates.shape == (2, len(city.fleets))
    assert (rates[0] > rates[1]).all()


def test_more_packs_share_the_same_work(city: City) -> None:
    duties, _ = a_day(city, 0)
    few, many = (duties.cycles_per_year(np.array([n, n])) for n in (20.0, 40.0))
    np.testing.assert_allclose(few, 2.0 * many)
    assert (few > 0.0).all()
