from __future__ import annotations

import numpy as np
import pytest
from effort import least_s
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.energy.sharing import share, share_reference
from zerocity.errors import InputError

powers = st.floats(0.0, 1e3).map(lambda x: round(x, 3))


@st.composite
def wishes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    sites, n = draw(st.integers(1, 4)), draw(st.integers(0, 30))
    return (
        draw(arrays(np.float64, sites, elements=st.floats(-5.0, 3e3))),
        draw(arrays(np.int64, n, elements=st.integers(0, sites - 1))),
        draw(arrays(np.float64, n, elements=powers)),
        draw(arrays(np.bool_, n)),
    )


@given(wishes())
def test_shares_equal_the_reference(case: tuple[np.ndarray, ...]) -> None:
    limit, site, wanted, urgent = case
    granted = share(limit, site, wanted, urgent)
    np.testing.assert_allclose(granted, share_reference(*case), rtol=1e-9, atol=1e-9)


@given(wishes(), st.floats(0.0, 50.0))
def test_limits_hold_and_nothing_is_left_unused(case: tuple[np.ndarray, ...], floor: float) -> None:
    limit, site, wanted, urgent = case
    for floors in (None, np.full(wanted.size, floor)):
        granted = share(limit, site, wanted, urgent, floors)
        assert (granted >= 0).all()
        assert (granted <= wanted).all()
        total, asked = (np.bincount(site, x, limit.size) for x in (granted, wanted))
        assert (total <= np.maximum(limit, 0.0)).all()
        if floors is None:
            least = np.minimum(np.maximum(limit, 0), asked)
            np.testing.assert_allclose(total, least, rtol=1e-9, atol=1e-9)
        else:
            low = np.minimum(floor, wanted) * (1 - 1e-9)
            assert ((granted >= low) | (granted == 0)).all()


@given(wishes())
def test_nobody_envies_an_equal(case: tuple[np.ndarray, ...]) -> None:
    """Who gets less than the wish gets as much as anyone of the same site and rank."""
    limit, site, wanted, urgent = case
    granted = share(limit, site, wanted, urgent)
    for i in np.flatnonzero(granted < wanted * (1 - 1e-9)):
        equals = (site == site[i]) & (urgent == urgent[i])
        assert (granted[equals] <= granted[i] + 1e-9 * (1 + granted[i])).all()
        if urgent[i]:
            assert (granted[(site == site[i]) & ~urgent] <= 1e-6).all()


def test_an_example() -> None:
    site, urgent = np.zeros(4, np.int64), np.array([False, False, True, False])
    wanted = np.array([10.0, 40.0, 30.0, 50.0])
    granted = share(np.array([100.0]), site, wanted, urgent)
    np.testing.assert_allclose(granted, [10.0, 30.0, 30.0, 30.0])
    floors = np.full(4, 35.0)
    granted = share(np.array([100.0]), site, wanted, urgent, floors)
    np.testing.assert_allclose(granted, [10.0, 40.0, 30.0, 0.0], err_msg="the last finds no room")


def test_wrong_values_are_named() -> None:
    limit, site = np.array([5.0]), np.zeros(2, np.int64)
    urgent, wanted = np.zeros(2, np.bool_), np.array([1.0, np.nan])
    with pytest.raises(InputError, match="wanted_kw, session 1: got nan"):
        share(limit, site, wanted, urgent)
    with pytest.raises(InputError, match="site, session 0: got 1"):
        share(limit, site + 1, np.ones(2), urgent)
    with pytest.raises(InputError, match="urgent: got shape"):
        share(limit, site, np.ones(2), urgent[:1])
    with pytest.raises(InputError, match=r"floor_kw, session 0: got -1\.0"):
        share(limit, site, np.ones(2), urgent, np.array([-1.0, 0.0]))


def test_a_city_takes_about_a_millisecond() -> None:
    rng = np.random.default_rng(0)
    site = rng.integers(0, 240, 60_000)
    wanted, urgent = rng.uniform(0.0, 60.0, 60_000), rng.random(60_000) < 0.1
    limit = rng.uniform(0.3, 1.2, 240) * np.bincount(site, wanted)
    share(limit, site, wanted, urgent)
    spent_s = least_s(lambda: share(limit, site, wanted, urgent), 20)
    print(f"share: {spent_s * 1e3:.2f} ms")
    assert spent_s < 0.01


@given(st.integers(0, 10_000), st.integers(-4, 4))
def test_a_limit_a_last_digit_off_the_wishes_leaves_nobody_out(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.uniform(0.0, 50.0, int(rng.integers(2, 20)))
    urgent = rng.random(wanted.size) < 0.3
    limit = wanted.sum()
    for _ in range(abs(digits)):
        limit = np.nextafter(limit, np.inf if digits > 0 else 0.0)
    granted = share(np.array([limit]), np.zeros(wanted.size, np.int64), wanted, urgent)
    np.testing.assert_allclose(granted, wanted, rtol=1e-9)
