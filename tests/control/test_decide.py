"""Follow the plan, let no driver down, waste no sun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.control.decide import decide, is_urgent, site_charging_kw
from zerocity.control.snapshot import PlanRow

SEEDS = st.integers(0, 10_000)
Make = Callable[..., Any]


def bits(value: object) -> list[bytes]:
    return [np.asarray(getattr(value, one.name)).tobytes() for one in fields(value)]  # type: ignore[arg-type]


@given(SEEDS)
def test_the_same_picture_gives_the_same_bits_and_stays_as_it_was(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    before = bits(snapshot) + bits(row)
    first, second = decide(snapshot, row), decide(*picture(seed))
    assert bits(first) == bits(second)
    assert bits(snapshot) + bits(row) == before


@given(SEEDS)
def test_no_battery_gets_more_than_it_takes_or_needs(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    power = decide(snapshot, row).battery_kw
    assert (power >= 0.0).all()
    assert (power <= snapshot.limit_kw).all()
    assert (power * snapshot.step_h <= snapshot.need_kwh * (1 + 1e-12)).all()


@given(SEEDS)
def test_urgent_batteries_get_all_they_can_take(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    urgent = is_urgent(snapshot)
    wanted = np.minimum(snapshot.limit_kw, snapshot.need_kwh / snapshot.step_h)
    np.testing.assert_allclose(decide(snapshot, row).battery_kw[urgent], wanted[urgent], rtol=1e-9)


@given(SEEDS)
def test_charging_is_the_plan_the_surplus_or_what_is_due(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    wanted = np.minimum(snapshot.limit_kw, snapshot.need_kwh / snapshot.step_h)
    sites = snapshot.load_kw.size
    all_wanted = np.bincount(snapshot.site, wanted, sites)
    due = np.bincount(snapshot.site, wanted * is_urgent(snapshot), sites)
    planned = row.flex_kw + np.maximum(snapshot.pv_kw - row.pv_kw, 0.0)
    expected = np.minimum(np.maximum(planned, due), all_wanted)
    charging = site_charging_kw(snapshot, decide(snapshot, row))
    np.testing.assert_allclose(charging, expected, rtol=1e-9, atol=1e-9)


@given(SEEDS)
def test_the_store_follows_the_plan_within_its_limits(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    store = decide(snapshot, row).store_kw
    low, high = -snapshot.store_discharge_limit_kw, snapshot.store_charge_limit_kw
    assert (store >= low).all()
    assert (store <= high).all()
    free = (row.store_kw >= low) & (row.store_kw <= high)
    np.testing.assert_array_equal(store[free], row.store_kw[free])


def test_a_battery_is_urgent_one_step_before_it_must_charge(picture: Make) -> None:
    left, needed = np.array([3, 4, 5, 6]), np.full(4, 4.0)
    snapshot, _ = picture(0, batteries=4, steps_needed=needed, steps_left=left)
    assert is_urgent(snapshot).tolist() == [True, True, True, False]


def test_sun_beyond_the_forecast_charges_what_wants_it(picture: Make) -> None:
    snapshot, _ = picture(0, sites=1, batteries=2, steps_left=np.array([90, 90]))
    snapshot = replace(
        snapshot,
        pv_kw=np.array([12.0]),
        need_kwh=np.full(2, 40.0),
        limit_kw=np.full(2, 50.0),
        steps_needed=np.full(2, 4.0),
    )
    row = PlanRow(pv_kw=np.array([2.0]), flex_kw=np.zeros(1), store_kw=np.zeros(1))
    np.testing.assert_allclose(decide(snapshot, row).battery_kw, [5.0, 5.0])


def test_an_empty_city_has_nothing_to_decide(picture: Make) -> None:
    snapshot, row = picture(0, batteries=0)
    assert decide(snapshot, row).battery_kw.shape == (0,)
    assert site_charging_kw(snapshot, decide(snapshot, row)).tolist() == [0.0, 0.0, 0.0]
