"""What the planner is told at midnight is lawful and near what can happen."""

from __future__ import annotations

from typing import Any

import numpy as np

from zerocity.city.scenario import City
from zerocity.energy.dispatch import plan_sites
from zerocity.energy.site_days import SiteDays, check
from zerocity.measures.timeline import Timeline
from zerocity.twin.dayplan import FINAL_SHARE, DayPlanner, Outlook, outlook
from zerocity.twin.population import Population


def problem(city: City, timeline: Timeline, people: Population) -> SiteDays:
    wide = (len(city.sites), 96)
    view = Outlook(np.full(wide, 5.0), np.full(wide, 20.0), np.full(96, 0.6), np.full(96, 0.2))
    zero = np.zeros(len(city.sites))
    return DayPlanner(city, timeline, people).problem(0, True, view, zero, zero + 0.1)


def test_a_midnight_problem_is_lawful_and_has_a_plan(
    city: City, timeline: Timeline, people: Population
) -> None:
    found = problem(city, timeline, people)
    check(found)
    plans = plan_sites(found)
    assert (plans.overload_kw == 0.0).all()
    assert (plans.shortfall_kwh < 1e-6).all()


def test_the_store_is_what_stands_there(city: City, timeline: Timeline, people: Population) -> None:
    found = problem(city, timeline, people)
    stored = np.bincount(
        people.packs.place[people.packs.stage == 3],
        people.packs.energy_kwh[people.packs.stage == 3],
        len(city.sites),
    )
    np.testing.assert_allclose(found.store_initial_kwh, stored)
    assert (found.store_final_kwh <= FINAL_SHARE * found.store_kwh + 1e-9).all()
    assert (found.store_charge_kw <= city.sites.storage_kw).all()


def test_packs_on_plugs_are_known_energy(
    city: City, timeline: Timeline, people: Population
) -> None:
    site = int(np.argmax(city.sites.swap_slots))
    full = problem(city, timeline, people).flex_max_kwh[site, -1]
    plugged = people.packs.plug_kw > 0.0
    people.packs.energy_kwh[plugged] -= 10.0
    more = problem(city, timeline, people).flex_max_kwh[site, -1]
    assert more > full
    people.packs.plug_kw[:] = 0.0
    assert problem(city, timeline, people).flex_max_kwh.max() == 0.0


def test_a_forecast_is_seeded_by_its_day() -> None:
    load, pv, price = np.full((2, 96), 10.0), np.full((2, 96), 5.0), np.ones(96)
    first, again, other = (outlook(load, pv, price, price, 1, day, 0.25) for day in (4, 4, 5))
    np.testing.assert_array_equal(first.pv_kw, again.pv_kw)
    assert not np.array_equal(first.load_kw, other.load_kw)
    assert (first.pv_kw >= 0.0).all()


def test_a_run_plans_about_what_it_then_imports(three_days: Any) -> None:
    planned = three_days.column("site_steps", "planned_import_kwh").astype(float)
    real = three_days.column("site_steps", "import_kwh")
    assert abs(planned.sum() - real.sum()) < 0.15 * real.sum()
