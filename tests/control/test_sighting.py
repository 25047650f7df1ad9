"""Caution: what is old, lost or capped never makes a decision bolder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.control.decide import decide, site_charging_kw
from zerocity.control.limits import limit
from zerocity.control.sighting import (
    FULL_RESERVE_S,
    METER_FRESH_S,
    MOST_RESERVE_SHARE,
    Sighting,
    blind_share,
    cautious,
    say,
)

SEEDS = st.integers(0, 10_000)
Make = Callable[..., Any]


def looked(picture: Make, seed: int, **changes: Any) -> tuple[Sighting, Any]:
    """A fresh look at a random picture in which everybody can be told everything."""
    snapshot, row = picture(seed)
    n, sites = snapshot.site.size, snapshot.load_kw.size
    seen = Sighting(
        snapshot=snapshot,
        key=np.arange(n),
        floor_kw=np.zeros(n),
        fallback_kw=np.full(n, 4.0),
        reachable=np.ones(n, bool),
        asked_kw=np.full(n, np.nan),
        meter_age_s=np.zeros(sites),
        cap_kw=np.full(sites, np.inf),
        reserve_kw=np.zeros(sites),
    )
    return replace(seen, **changes), row


@given(SEEDS)
def test_a_fresh_look_decides_as_the_twin_does(picture: Make, seed: int) -> None:
    seen, row = looked(picture, seed)
    live, twin = say(seen, row), limit(seen.snapshot, decide(seen.snapshot, row))
    np.testing.assert_allclose(live.battery_kw, twin.battery_kw, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(live.store_kw, twin.store_kw)
    np.testing.assert_array_equal(live.pv_used_kw, twin.pv_used_kw)


@given(SEEDS, st.floats(0, 1000), st.floats(0, 300), st.floats(0, 40))
def test_no_site_imports_more_than_caution_allows(
    picture: Make, seed: int, age_s: float, cap_kw: float, reserve_kw: float
) -> None:
    rng = np.random.default_rng(seed)
    seen, row = looked(picture, seed)
    seen = replace(
        seen,
        meter_age_s=np.full(3, age_s),
        cap_kw=np.full(3, cap_kw),
        reserve_kw=np.full(3, reserve_kw),
        reachable=rng.random(seen.key.size) > 0.3,
        asked_kw=np.where(rng.random(seen.key.size) > 0.5, 1000.0, np.nan),
        floor_kw=rng.uniform(0.0, 6.0, seen.key.size),
    )
    commands, allowed = say(seen, row), cautious(seen)
    charging = site_charging_kw(seen.snapshot, commands)
    net = allowed.load_kw + charging + commands.store_kw - commands.pv_used_kw
    unavoidable = allowed.load_kw - allowed.pv_kw
    most = np.maximum(allowed.import_limit_kw, unavoidable)
    assert (net <= most + 1e-6).all()
    assert (commands.battery_kw[~seen.reachable] == 0.0).all()


@given(SEEDS)
def test_a_cap_or_age_never_gives_a_site_more(picture: Make, seed: int) -> None:
    seen, _row = looked(picture, seed)
    free = cautious(seen)
    for worse in (
        replace(seen, cap_kw=np.full(3, 20.0)),
        replace(seen, meter_age_s=np.full(3, 120.0)),
        replace(seen, reserve_kw=np.full(3, 5.0)),
    ):
        less = cautious(worse)
        assert (less.import_limit_kw <= free.import_limit_kw).all()
        assert (less.pv_kw <= free.pv_kw).all()


def test_a_person_overrules_the_plan_but_not_the_connection(picture: Make) -> None:
    seen, row = looked(picture, 3)
    order = np.full(seen.key.size, np.nan)
    order[0] = 0.0
    assert say(replace(seen, asked_kw=order), row).battery_kw[0] == 0.0


def test_a_pause_is_better_than_less_than_the_least_a_car_takes(picture: Make) -> None:
    seen, row = looked(picture, 5)
    floor = np.full(seen.key.size, 4.2)
    power = say(replace(seen, floor_kw=floor), row).battery_kw
    wish = np.minimum(seen.snapshot.limit_kw, seen.snapshot.need_kwh / seen.snapshot.step_h)
    least = np.minimum(floor, wish)
    assert ((power == 0.0) | (power >= least * (1 - 1e-6))).all()


@pytest.mark.parametrize(
    ("age_s", "share"),
    [
        (0.0, 0.0),
        (METER_FRESH_S, 0.0),
        (METER_FRESH_S + FULL_RESERVE_S / 2, MOST_RESERVE_SHARE / 2),
        (METER_FRESH_S + FULL_RESERVE_S, MOST_RESERVE_SHARE),
        (np.inf, MOST_RESERVE_SHARE),
    ],
)
def test_the_reserve_grows_with_silence(age_s: float, share: float) -> None:
    assert blind_share(np.array([age_s]))[0] == pytest.approx(share)
