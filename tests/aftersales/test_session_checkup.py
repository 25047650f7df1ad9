"""The check-up that a charge gives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from zerocity.aftersales.session_capacity import Point, Range, Supply
from zerocity.aftersales.session_checkup import Rated, Sign, Sure, check_up, supply_of

T0 = datetime(2026, 5, 1, 8, tzinfo=UTC)


def _charge(
    capacity_kwh: float = 60.0, *, kw: float = 60.0, ohm: float = 0.1, until: float = 0.9
) -> list[Point]:
    """A direct-current charge with a step of the current every minute."""
    curve, soc, wh, k = [], 0.2, 0.0, 0
    while soc < until:
        power = kw if (k // 4) % 2 else 0.5 * kw
        amps = power * 1000.0 / 380.0
        volts = 350.0 + 30.0 * soc + ohm * amps
        at = T0 + timedelta(seconds=15 * k)
        curve.append((at, power, round(wh), round(soc, 2), volts, amps))
        wh += power * 15.0 / 3.6
        soc += 0.96 * power * 15.0 / 3600.0 / capacity_kwh
        k += 1
    return curve


def test_a_good_battery_gets_a_clean_bill() -> None:
    found = check_up(_charge(), rated=Rated(62.0, 95.0, "the data sheet"))
    assert found.capacity_kwh is not None
    assert found.capacity_kwh.low < 60.0 < found.capacity_kwh.high
    assert found.resistance_mohm is not None
    assert found.resistance_mohm.low < 100.0 < found.resistance_mohm.high
    assert (found.signs, found.grave, found.cannot_say) == ((), False, ())
    assert found.sure in (Sure.GOOD, Sure.FAIR)
    assert "to 6" in found.sentence()
    assert "% of new" in found.sentence()
    assert len(found.evidence) == 3
    assert any("is right" in text for text in found.assumptions)


def test_a_worn_battery_is_named_only_when_the_whole_range_says_so() -> None:
    worn = check_up(_charge(30.0), rated=Rated(60.0))
    assert worn.signs == (Sign.VERY_LOW_CAPACITY,)
    assert worn.grave
    assert "have the battery looked at" in worn.sentence()
    low = check_up(_charge(42.0), rated=Rated(60.0))
    assert low.signs == (Sign.LOW_CAPACITY,)
    assert not low.grave
    unsure = check_up(_charge(47.0), rated=Rated(60.0))
    assert unsure.signs == ()


def test_a_high_resistance_is_grave() -> None:
    found = check_up(_charge(ohm=0.3), rated=Rated(60.0, 80.0))
    assert found.signs == (Sign.HIGH_RESISTANCE,)
    assert found.grave


def test_nothing_is_made_up_when_the_curve_is_bare() -> None:
    bare = [(*p[:3], None, None, None) for p in _charge()]
    found = check_up(bare, rated=Rated(60.0, 80.0))
    assert found.capacity_kwh is None
    assert found.capacity_ratio is None
    assert found.sure is Sure.NONE
    assert found.signs == ()
    assert len(found.cannot_say) == 2
    assert found.assumptions == ()
    assert "nothing can be said, because the vehicle did not tell" in found.sentence()


def test_without_a_rating_there_is_no_ratio_and_no_sign() -> None:
    found = check_up(_charge(20.0))
    assert found.capacity_kwh is not None
    assert found.capacity_ratio is None
    assert found.signs == ()
    assert "of new" not in found.sentence()


def test_what_the_plug_gave_is_told_by_power_and_voltage() -> None:
    point = _charge()[0]
    assert supply_of(_charge()) is Supply.DC
    assert supply_of([(*point[:1], 7.0, 0.0, 0.5, 230.0, 32.0)]) is Supply.UNKNOWN
    assert supply_of([(*point[:1], 7.0, 0.0, 0.5, 380.0, 18.0)]) is Supply.DC
    assert supply_of([]) is Supply.UNKNOWN


def test_alternating_current_is_less_sure_and_says_nothing_of_resistance() -> None:
    dc, ac = check_up(_charge()), check_up(_charge(), supply=Supply.AC)
    assert dc.capacity_kwh is not None
    assert ac.capacity_kwh is not None
    assert ac.capacity_kwh.spread > dc.capacity_kwh.spread
    assert ac.resistance_mohm is None
    assert "mains" in ac.cannot_say[0]


def test_a_known_charger_narrows_the_range() -> None:
    known = check_up(_charge(), kept=Range(0.95, 0.96, 0.97))
    assert known.sure is Sure.GOOD
    assert known.capacity_kwh is not None
    assert known.capacity_kwh.middle == pytest.approx(60.0, rel=0.02)
    assert any("own figure" in text for text in known.assumptions)


def test_the_data_is_plain() -> None:
    data = check_up(_charge(), rated=Rated(62.0)).data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert set(data["capacity_kwh"]) == {"low", "middle", "high"}
    assert data["sure"] in ("good", "fair")
    assert data["resistance_ratio"] is None
