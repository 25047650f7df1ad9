"""What is expected of a live city's day: typical, of the right shape, and night at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.app.outlook import TypicalOutlook
from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned

CITY = thinned(load_city("lanzhou"), Size(8, 2, 30))
OUTLOOK = TypicalOutlook(CITY)
DAY = datetime(2026, 5, 4, tzinfo=UTC) - timedelta(hours=CITY.utc_offset_h)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 95))
def test_each_quarter_sees_a_whole_day_ahead(quarter: int) -> None:
    load, sun, buy, sell = OUTLOOK(DAY + timedelta(minutes=15 * quarter), 96)
    assert load.shape == sun.shape == (len(CITY.sites), 96)
    assert buy.shape == sell.shape == (96,)
    for found in (load, sun, buy, sell):
        assert np.isfinite(found).all()
    assert (load >= 0.0).all()
    assert (sun >= 0.0).all()
    assert (sun <= CITY.sites.pv_kwp[:, None]).all()


def test_the_windows_of_two_quarters_show_the_same_day() -> None:
    first, second = OUTLOOK(DAY, 96), OUTLOOK(DAY + timedelta(hours=1), 96)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one[..., 4:], other[..., :-4])


def test_the_sun_shines_at_noon_and_not_at_midnight() -> None:
    _, sun, _, _ = OUTLOOK(DAY, 96)
    has = CITY.sites.pv_kwp > 0.0
    assert (sun[:, :8] == 0.0).all()
    assert (sun[has][:, 48:60].max(axis=1) > 0.2 * CITY.sites.pv_kwp[has]).all()


@pytest.mark.parametrize("days", [1, 30])
def test_another_day_is_another_expectation(days: int) -> None:
    _, today, _, _ = OUTLOOK(DAY, 96)
    _, later, _, _ = OUTLOOK(DAY + timedelta(days=days), 96)
    assert not np.array_equal(today, later)
