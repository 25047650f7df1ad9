"""A site's own load over the day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.load import LOAD_KINDS, load_shape, site_loads, smooth_noise
from zerocity.errors import InputError

Steps = st.sampled_from([24, 48, 96, 144, 288])


@given(st.sampled_from(LOAD_KINDS), Steps)
def test_a_week_keeps_the_annual_mean(kind: str, steps: int) -> None:
    work, rest = (load_shape(kind, day, steps) for day in (True, False))
    assert (5.0 * work.mean() + 2.0 * rest.mean()) / 7.0 == pytest.approx(1.0)
    assert (work > 0.0).all()
    assert work.shape == rest.shape == (steps,)


def test_days_have_their_shape() -> None:
    works, shop = load_shape("industrial", True, 96), load_shape("commercial", True, 96)
    assert works.mean() > load_shape("industrial", False, 96).mean()
    assert shop[12 * 4] > 2.0 * shop[3 * 4]
    assert (load_shape("none", True, 96) == 1.0).all()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"load_kind: got 'disco', wanted one of industrial"):
        load_shape("disco", True, 96)


def test_sites_have_their_own_mean_and_noise() -> None:
    noise = np.vstack([np.ones(96), np.full(96, 2.0)])
    loads = site_loads(np.array([10.0, 20.0]), ("none", "none"), True, noise, 96)
    assert loads.shape == (2, 96)
    np.testing.assert_allclose(loads, [[10.0] * 96, [40.0] * 96])


@given(st.integers(0, 1000), st.floats(0.0, 0.3))
def test_noise_wanders_about_one_without_jumps(seed: int, sigma: float) -> None:
    noise = smooth_noise(np.random.default_rng(seed), 20, 96, sigma)
    assert noise.shape == (20, 96)
    assert (noise > 0.0).all()
    assert np.abs(np.diff(np.log(noise), axis=1)).max() <= 9.0 * sigma / 8.0 + 1e-12
    assert noise.mean() == pytest.approx(1.0, abs=0.6 * sigma + 1e-9)
