"""What a car or pack wants: by its driver's word, by what can be seen, or by an assumption."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.live.registry import LiveStation
from zerocity.live.sessions import ASSUMED_NEED_KWH, LiveSession
from zerocity.live.wants import ASSUMED_PACK_KWH, CHARGER_EFFICIENCY, wants

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def session(**more: object) -> LiveSession:
    made = LiveSession("s", "st", 1, 1, "t", AT - timedelta(minutes=5), 0.0)
    for name, value in more.items():
        setattr(made, name, value)
    return made


CAR, CABINET = LiveStation("st", "site"), LiveStation("st", "site", kind="swap")


def test_a_drivers_word_comes_first() -> None:
    told = session(need_kwh=12.0, depart_at=AT + timedelta(hours=3), soc=0.5)
    assert wants(CAR, told, 0.0, AT) == (12.0, 3.0, False)


def test_nobody_wants_more_than_full() -> None:
    told = session(need_kwh=12.0, depart_at=AT + timedelta(hours=3), soc=1.0)
    assert wants(CAR, told, 0.0, AT)[0] == 0.0


def test_a_pack_in_a_slot_wants_what_it_lacks() -> None:
    kwh, _, assumed = wants(CABINET, session(soc=0.4), 1.0, AT)
    assert assumed
    assert kwh == pytest.approx(0.6 / CHARGER_EFFICIENCY)
    assert wants(CABINET, session(), 1.0, AT)[0] == pytest.approx(1.0)


def test_a_silent_car_wants_what_is_assumed_and_no_more_than_its_room() -> None:
    assert wants(CAR, session(), 0.0, AT)[0] == pytest.approx(ASSUMED_NEED_KWH)
    room = 0.1 * ASSUMED_PACK_KWH / CHARGER_EFFICIENCY
    assert wants(CAR, session(soc=0.9), 0.0, AT)[0] == pytest.approx(room)


@given(st.floats(0, 1), st.floats(0, 120), st.floats(0.5, 300))
def test_wants_stay_within_reason(soc: float, power_kw: float, pack_kwh: float) -> None:
    seen = session(soc=soc, power_kw=power_kw, capacity_kwh=pack_kwh)
    kwh, hours, _ = wants(CAR, seen, 0.0, AT)
    assert 0.0 <= kwh <= max(pack_kwh / CHARGER_EFFICIENCY, ASSUMED_NEED_KWH)
    assert hours >= 0.0
