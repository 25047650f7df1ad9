from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.fleets.duty import KINDS, MAX_SPEED_RATIO, DayDuty, day_duty, in_season
from zerocity.fleets.vehicle import REFERENCE_BOATS, REFERENCE_VEHICLES
from zerocity.measures.seeds import stream

FIELDS = ("start1", "end1", "start2", "end2", "km1", "km2")


def draw(spec: Any, seed: int = 1, *, workday: bool = True, **more: Any) -> DayDuty:
    given = {"day_of_year": 100, "steps_per_day": 96} | more
    return day_duty(spec, stream(seed, "duty", spec.name), workday=workday, **given)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "tram"),
        ("refuel", "hydrogen"),
        ("vehicle", REFERENCE_BOATS["water_bus"]),
        ("packs_per_vehicle", 4),
        ("vehicles", -1),
        ("active_workday", 1.1),
        ("km_spread", -0.1),
        ("reserve_soc", 0.99),
        ("leg1_end_h", 6.0),
        ("leg2_start_h", 11.0),
        ("leg2_end_h", 13.0),
        ("km_workday", 400.0),
        ("km_restday", float("nan")),
        ("season_last_day", 367),
        ("end_of_life_soh", 1.5),
        ("trip_km", 0.0),
    ],
)
def test_wrong_field_is_named(make_spec: Any, field: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"fleets\.bus\.{field}: got"):
        make_spec("bus", **{field: value})


def test_boat_must_beat_the_current(make_spec: Any) -> None:
    with pytest.raises(InputError, match=r"fleets\.boat\.current_kmh"):
        make_spec("boat", current_kmh=18.0)
    with pytest.raises(InputError, match=r"fleets\.boat\.vehicle: got RoadVehicle"):
        make_spec("boat", vehicle=REFERENCE_VEHICLES["taxi"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10_000),
    workday=st.booleans(),
    day=st.integers(1, 366),
    steps=st.sampled_from([24, 48, 96, 288, 1440]),
    spread=st.floats(0.0, 6.0),
    km_spread=st.floats(0.0, 1.5),
    single=st.booleans(),
)
def test_laws_of_a_day(
    make_spec: Any,
    kind: str,
    seed: int,
    workday: bool,
    day: int,
    steps: int,
    spread: float,
    km_spread: float,
    single: bool,
) -> None:
    legs = {"leg2_start_h": 20.0, "leg2_end_h": 20.0, "leg1_end_h": 20.0} if single else {}
    spec = make_spec(kind, vehicles=60, start_spread_h=spread, km_spread=km_spread, **legs)
    duty = draw(spec, seed, workday=workday, day_of_year=day, steps_per_day=steps)
    order = np.stack([duty.start1, duty.end1, duty.start2, duty.end2])
    assert order.dtype == np.int16
    assert np.all(np.diff(order, axis=0) >= 0)
    assert order.min() >= 0
    assert order.max() <= steps
    length1, length2 = duty.end1 - duty.start1, duty.end2 - duty.start2
    most_km = MAX_SPEED_RATIO * spec.speed_kmh * 24.0 / steps
    for km, length in ((duty.km1, length1), (duty.km2, length2)):
        assert np.all(km >= 0)
        assert np.all((km > 0) == (length > 0))
        assert np.all(km <= most_km * length * (1 + 1e-9))
    if single:
        assert not np.any(length2)


def test_same_seed_same_day(make_spec: Any) -> None:
    spec = make_spec("truck")
    first, again, other = draw(spec, 7), draw(spec, 7), draw(spec, 8)
    for field in FIELDS:
        assert np.array_equal(getattr(first, field), getattr(again, field))
    assert not np.array_equal(first.km1, other.km1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workday", [True, False])
def test_means_converge_to_the_spec(make_spec: Any, kind: str, workday: bool) -> None:
    spec = make_spec(kind, vehicles=40_000)
    duty = draw(spec, workday=workday)
    km = duty.km1 + duty.km2
    active = km > 0
    wanted = spec.active_workday if workday else spec.active_restday
    mean_km = spec.km_workday if workday else spec.km_restday
    assert active.mean() == pytest.approx(wanted, abs=0.01)
    assert km[active].mean() == pytest.approx(mean_km, rel=0.01)


def test_legs_keep_their_hours_on_average(make_spec: Any) -> None:
    spec = make_spec("car", vehicles=20_000)
    duty = draw(spec)
    on = duty.km1 > 0
    hours = np.array([getattr(duty, f)[on].mean() / 4.0 for f in FIELDS[:4]])
    assert hours == pytest.approx([6.0, 12.0, 14.0, 20.0], abs=0.2)
    assert duty.start1[on].std() / 4.0 == pytest.approx(0.7, abs=0.05)


def test_a_long_day_makes_longer_legs_not_faster_driving(make_spec: Any) -> None:
    spec = make_spec("bus", vehicles=5000, km_workday=320.0, km_spread=0.3)
    duty = draw(spec)
    on = duty.km1 > 0
    steps = (duty.end1 - duty.start1 + duty.end2 - duty.start2)[on]
    assert steps.min() == 48
    assert steps.max() > 60
    assert (duty.km1 + duty.km2)[on].mean() == pytest.approx(320.0, rel=0.02)


def test_season_and_suspension(make_spec: Any) -> None:
    boat = make_spec("boat", season_first_day=102, season_last_day=300)
    assert draw(boat, day_of_year=102).km1.sum() > 0
    assert draw(boat, day_of_year=101).km1.sum() == 0
    assert draw(boat, day_of_year=301).end2.sum() == 0
    assert draw(boat, day_of_year=200, service_factor=0.0).km1.sum() == 0
    winter = make_spec("bus", season_first_day=330, season_last_day=60)
    assert [in_season(winter, d) for d in (1, 60, 61, 329, 330, 366)] == [1, 1, 0, 0, 1, 1]


def test_short_drive_takes_at_least_a_step(make_spec: Any) -> None:
    spec = make_spec(
        "car", km_workday=1.0, km_restday=1.0, leg1_start_h=8.0, leg1_end_h=8.05, leg2_end_h=14.05
    )
    duty = draw(spec)
    on = duty.km1 > 0
    assert on.any()
    assert np.all((duty.end1 - duty.start1)[on] == 1)
    assert np.all((duty.end2 - duty.start2)[on] == 1)


def test_a_day_needs_steps(make_spec: Any) -> None:
    with pytest.raises(InputError, match="steps_per_day: got 0"):
        draw(make_spec("bus"), steps_per_day=0)


def test_empty_fleet(make_spec: Any) -> None:
    assert draw(make_spec("bus", vehicles=0)).km1.shape == (0,)


def whole_arrays(spec: Any, seed: int, steps_per_day: int, day_of_year: int) -> list[np.ndarray]:
    """A workday as array arithmetic: what the kernel does vehicle by vehicle."""
    rng, n = stream(seed, "duty", spec.name), spec.vehicles
    share = spec.active_workday if in_season(spec, day_of_year) else 0.0
    active = rng.random(n) < share
    sigma = spec.km_spread
    wanted = spec.km_workday * np.exp(sigma * rng.standard_normal(n) - 0.5 * sigma**2)
    active &= wanted > 0
    per_hour = steps_per_day / 24.0
    shift = rng.standard_normal((2, n)) * spec.start_spread_h * per_hour
    two = spec.leg2_end_h > spec.leg2_start_h
    hours = spec.leg1_end_h - spec.leg1_start_h, spec.leg2_end_h - spec.leg2_start_h
    steps1 = min(max(round(hours[0] * per_hour), 1), steps_per_day - int(two))
    steps2 = min(max(round(hours[1] * per_hour), 1), steps_per_day - steps1) * int(two)
    last1 = steps_per_day - steps1 - steps2
    start1 = np.clip(np.rint(spec.leg1_start_h * per_hour + shift[0]), 0, last1).astype(int)
    end1 = start1 + steps1
    wish2 = np.rint(spec.leg2_start_h * per_hour + shift[1]) if two else end1
    start2 = np.clip(wish2, end1, steps_per_day - steps2).astype(int)
    end2 = start2 + steps2
    step_km = MAX_SPEED_RATIO * spec.speed_kmh * 24.0 / steps_per_day
    needed = np.minimum(np.ceil(wanted / step_km), steps_per_day).astype(int)
    short = np.maximum(needed - steps1 - steps2, 0)
    later = np.minimum(short, steps_per_day - end2)
    earlier = np.minimum(short - later, start1)
    between = np.minimum(short - later - earlier, start2 - end1) if two else later
    end1 = end1 + between
    legs = [start1 - earlier, end1, start2 if two else end1, end2 + later if two else end1]
    legs = [np.where(active, leg, 0) for leg in legs]
    driven = legs[1] - legs[0] + legs[3] - legs[2]
    km = np.where(active, np.minimum(wanted, step_km * driven), 0.0)
    km1 = km * (legs[1] - legs[0]) / np.maximum(driven, 1)
    return [*legs, km1, np.where(legs[3] > legs[2], km - km1, 0.0)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10_000),
    steps=st.sampled_from([24, 48, 96, 288]),
    spread=st.sampled_from([0.0, 0.3, 1.5]),
    day=st.sampled_from([1, 100, 250]),
)
def test_a_day_is_that_of_the_array_arithmetic(
    make_spec: Any, kind: str, seed: int, steps: int, spread: float, day: int
) -> None:
    spec = make_spec(kind, km_spread=spread)
    found = draw(spec, seed, steps_per_day=steps, day_of_year=day)
    for name, wanted in zip(FIELDS, whole_arrays(spec, seed, steps, day), strict=True):
        np.testing.assert_array_equal(getattr(found, name), wanted)
