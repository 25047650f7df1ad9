"""Earliest and latest curves of a session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.acceptance import TAIL_SHARE, acceptance
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
