"""Earliest and latest curves of a session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.acceptance import TAIL_SHARE, acceptance, hours_to_charge
from zerocity.charging.envelope import add_session


@given(st.integers(0, 90), st.integers(1, 60), st.floats(0.1, 80.0), st.floats(0.5, 20.0))
def test_late_never_overtakes_early(arrive: int, stay: int, energy: float, rate: float) -> None:
    early, late = np.zeros(200), np.zeros(200)
    add_session(early, late, arrive, arrive + stay, energy, rate)
    assert np.all(np.cumsum(late) <= np.cumsum(early) + 1e-9)
    assert early.max() <= rate + 1e-12
    if energy / rate < 100:
        assert early.sum() == pytest.approx(energy)
        assert late.sum() == pytest.approx(energy)
    if energy <= rate * stay:
        assert late[arrive + stay :].sum() == 0.0


def test_two_hours_of_room_for_half_an_hour() -> None:
    early, late = np.zeros(12), np.zeros(12)
    add_session(early, late, 2, 10, 4.0, 2.0)
    assert early.tolist() == [0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]
    assert late.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0]


def test_acceptance_falls_to_its_tail() -> None:
    assert acceptance(0.3) == 1.0
    assert acceptance(1.0) == pytest.approx(TAIL_SHARE)
    assert acceptance(0.9) > acceptance(0.95)


@given(st.floats(0.0, 0.99), st.floats(0.01, 1.0), st.floats(10.0, 200.0), st.floats(1.0, 300.0))
def test_hours_to_charge_is_the_integral_of_the_power(
    soc: float, rise: float, pack_kw: float, plug_kw: float
) -> None:
    target, usable = min(soc + rise, 1.0), 60.0
    steps = np.linspace(soc, target, 20_001)
    middle = (steps[1:] + steps[:-1]) / 2.0
    power = np.minimum(pack_kw * np.array([acceptance(s) for s in middle]), plug_kw)
    hours = float(np.sum(np.diff(steps) * usable / power))
    assert hours_to_charge(soc, target, usable, pack_kw, plug_kw) == pytest.approx(hours, rel=1e-4)


def test_a_full_pack_needs_no_time() -> None:
    assert hours_to_charge(0.9, 0.8, 60.0, 50.0, 7.0) == 0.0
