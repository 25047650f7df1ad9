from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries import heat

CAPACITY = float(heat.heat_capacity_kwh_per_k(1000.0))


@given(st.floats(-20.0, 60.0), st.floats(-20.0, 45.0), st.floats(0.0, 5.0), st.floats(0.5, 20.0))
def test_a_step_may_be_cut_into_any_parts(
    start: float, ambient: float, loss: float, tau: float
) -> None:
    whole = heat.step_temperature(start, ambient, loss, CAPACITY, tau, 1.0)
    now, mean = start, 0.0
    for _ in range(12):
        mean += heat.mean_temperature(now, ambient, loss, CAPACITY, tau, 1.0 / 12.0) / 12.0
        now = heat.step_temperature(now, ambient, loss, CAPACITY, tau, 1.0 / 12.0)
    assert now == pytest.approx(whole, abs=1e-9)
    one_mean = heat.mean_temperature(start, ambient, loss, CAPACITY, tau, 1.0)
    assert mean == pytest.approx(one_mean, abs=1e-9)


@given(st.floats(-20.0, 60.0), st.floats(-20.0, 45.0), st.floats(0.0, 5.0), st.floats(0.01, 24.0))
def test_heat_is_conserved(start: float, ambient: float, loss: float, hours: float) -> None:
    tau = 6.0
    end = heat.step_temperature(start, ambient, loss, CAPACITY, tau, hours)
    mean = heat.mean_temperature(start, ambient, loss, CAPACITY, tau, hours)
    given_off = CAPACITY / tau * (mean - ambient) * hours
    assert CAPACITY * (end - start) == pytest.approx(loss * hours - given_off, abs=1e-9)


def test_a_pack_settles_where_its_loss_leaves_it() -> None:
    settled = heat.step_temperature(0.0, 20.0, 0.1, CAPACITY, 8.0, 1e4)
    assert settled == pytest.approx(20.0 + 0.1 * 8.0 / CAPACITY)


def test_a_tonne_takes_a_kilojoule_per_kilogram_and_kelvin() -> None:
    assert pytest.approx(1e6 / 3.6e6) == CAPACITY


def test_arrays_equal_scalars() -> None:
    start = np.array([5.0, 25.0, 50.0])
    for array, scalar in (
        (heat.step_temperature_c, heat.step_temperature),
        (heat.mean_temperature_c, heat.mean_temperature),
    ):
        wanted = [scalar(t, 30.0, 0.5, CAPACITY, 8.0, 0.25) for t in start]
        np.testing.assert_allclose(array(start, 30.0, 0.5, CAPACITY, 8.0, 0.25), wanted, rtol=1e-12)
