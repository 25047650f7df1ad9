"""Readings: the newest good one counts, a bad one is refused, and each grows old."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.live.readings import Readings, SiteReading

POWERS = ("net_kw", "charging_kw", "pv_kw", "pv_share", "store_kw", "store_kwh")
GOOD = SiteReading(30.0, 12.0, 5.0, 1.0, -3.0, 8.0)
KWP = 50.0


def made(*sites: str) -> Readings:
    return Readings(sites, np.full(len(sites), KWP))


def test_before_the_first_reading_a_site_is_infinitely_old() -> None:
    assert np.isinf(made("a").age_s(5.0)).all()


@pytest.mark.parametrize("name", POWERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_the_last_grows_old(name: str, value: float) -> None:
    readings = made("a", "b")
    assert readings.take("a", GOOD, 10.0)
    assert not readings.take("a", replace(GOOD, **{name: value}), 12.0)
    assert readings.refused == 1
    assert readings.age_s(15.0)[0] == 5.0
    assert readings.last[0] is GOOD
    assert readings.net_kw[0] == 30.0


def test_an_unknown_site_is_refused() -> None:
    readings = made("a")
    assert not readings.take("z", GOOD, 1.0)
    assert readings.refused == 1


def test_registers_may_be_missing() -> None:
    assert made("a").take("a", GOOD, 0.0)


@given(
    st.floats(0, 500), st.floats(0, 500), st.floats(0, 500), st.floats(-200, 200)
)  # fmt: skip
def test_the_load_is_what_nothing_else_explains(
    load: float, charging: float, sun: float, store: float
) -> None:
    readings = made("a")
    readings.take("a", SiteReading(load + charging + store - sun, charging, sun, 1.0, store), 0.0)
    assert readings.load_kw()[0] == pytest.approx(load, abs=1e-6)


@given(*[st.floats(-1e4, 1e4)] * 4)
def test_a_load_is_never_below_nothing(net: float, charging: float, sun: float, st_: float) -> None:
    readings = made("a")
    readings.take("a", SiteReading(net, charging, sun, 1.0, st_), 0.0)
    assert readings.load_kw()[0] >= 0.0


def test_panels_that_are_held_back_could_give_what_they_gave_before() -> None:
    readings = made("a")
    told = ((40.0, 1.0, 40.0), (20.0, 0.4, 40.0), (25.0, 0.5, 40.0), (12.0, 0.5, 12.0),
            (12.0, 1.0, 12.0), (45.0, 0.9, 45.0))  # fmt: skip
    for pv_kw, share, could_kw in told:
        readings.take("a", SiteReading(0.0, 0.0, pv_kw, share), 0.0)
        assert readings.sun_kw[0] == could_kw
        assert readings.pv_kw[0] == pv_kw


@given(st.lists(st.tuples(st.floats(0, KWP), st.floats(0, 1)), min_size=1, max_size=20))
def test_panels_could_never_give_less_than_they_give(told: list[tuple[float, float]]) -> None:
    readings = made("a")
    for pv_kw, share in told:
        readings.take("a", SiteReading(0.0, 0.0, pv_kw, share), 0.0)
        assert pv_kw <= readings.sun_kw[0] <= KWP
        if share == 1.0:
            assert readings.sun_kw[0] == pv_kw
