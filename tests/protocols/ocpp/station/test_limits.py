"""A fair part of a limit agrees with the whole sharing, and never exceeds it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.sharing import share_reference
from zerocity.protocols.ocpp.station.limits import fair_part, wish_kw
from zerocity.protocols.ocpp.station.parts import Car, Evse, Transaction

POWER = st.floats(0.0, 500.0)


@given(POWER, st.lists(POWER, min_size=1, max_size=8))
def test_parts_are_those_of_max_min_fairness(whole: float, wishes: list[float]) -> None:
    parts = [
        fair_part(whole, wish, wishes[:place] + wishes[place + 1 :])
        for place, wish in enumerate(wishes)
    ]
    count = len(wishes)
    expected = share_reference(
        np.array([whole]), np.zeros(count, dtype=np.int64), np.array(wishes), np.zeros(count, bool)
    )
    assert parts == pytest.approx(list(expected), abs=1e-6)
    assert sum(parts) <= whole + 1e-9
    assert all(part <= wish for part, wish in zip(parts, wishes, strict=True))


@pytest.mark.parametrize(
    ("car", "kw"),
    [
        (Car(None, 0.5, 60.0), 50.0),
        (Car(None, 0.5, 60.0, limit_kw=20.0), 20.0),
        (Car(None, 1.0, 60.0), 0.0),
        (Car(None, 0.5, 60.0, need_kwh=0.0), 0.0),
        (Car(None, 0.99999, 60.0, limit_kw=100.0), 15.0),
        (Car(None, 0.99, 60.0, limit_kw=20.0, own=False), 20.0),
    ],
)
def test_what_a_car_would_take(car: Car, kw: float) -> None:
    evse = Evse(1, 50.0, car=car)
    assert wish_kw(evse) == 0.0
    evse.transaction = Transaction("t", 1, None, None, 0.0)  # type: ignore[arg-type]
    assert math.isclose(wish_kw(evse), kw, rel_tol=0.01)
