from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries import circuit

POWER = st.floats(-200.0, 200.0)
LOSS = st.floats(0.0, 1e-3)


@given(POWER, LOSS)
def test_terminal_power_is_internal_power_plus_loss(terminal_kw: float, k: float) -> None:
    inside = circuit.internal_power(terminal_kw, k)
    loss = circuit.ohmic_loss(terminal_kw, k)
    assert inside + loss == pytest.approx(terminal_kw, abs=1e-9)
    assert loss == pytest.approx(k * inside**2, abs=1e-8)
    assert loss >= -1e-12
    assert circuit.terminal_power(inside, k) == pytest.approx(terminal_kw, abs=1e-8)


def test_arrays_equal_scalars() -> None:
    power = np.linspace(-300.0, 300.0, 13)
    inside = [circuit.internal_power(p, 6e-4) for p in power]
    np.testing.assert_array_equal(circuit.internal_power_kw(power, 6e-4), inside)
    np.testing.assert_allclose(circuit.terminal_power_kw(np.array(inside), 6e-4), power)
    np.testing.assert_allclose(circuit.ohmic_loss_kw(power, 6e-4), power - inside)


def test_a_pack_gives_no_more_than_its_resistance_lets_out() -> None:
    most = float(circuit.max_terminal_discharge_kw(1e-3))
    assert most == pytest.approx(250.0)
    assert circuit.internal_power(-most, 1e-3) == pytest.approx(-2.0 * most)
    assert np.isinf(circuit.max_terminal_discharge_kw(0.0))


def test_charging_in_many_steps_stores_the_same_energy() -> None:
    whole = circuit.internal_power(50.0, 6e-4) * 1.0
    parts = sum(circuit.internal_power(50.0, 6e-4) * 0.05 for _ in range(20))
    assert parts == pytest.approx(whole, rel=1e-12)
