"""A passport is the fold of the ledger, and shows nobody's whereabouts to those who may not see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.app import passport as module
from zerocity.app.passport import passport
from zerocity.storage.recorder import Row, write_now

T0 = datetime(2026, 5, 4, 8, tzinfo=UTC)
PACK, BUS = "ZC-00000001", "vehicle/bus-1"


def told(number: int, battery: str, event: str, **data: Any) -> Row:
    at = T0 + timedelta(hours=number)
    values = {"key": f"k{number}", "battery": battery, "at": at, "event": event, "data": data}
    return Row("ledger_events", values)


@pytest.fixture
def engine(engine: sa.Engine) -> sa.Engine:
    moved = {"swap": "s~1", "soh": 0.93}
    write_now(engine, [
        told(1, PACK, "custody_moved", station="swap-1", **moved, **{"from": "in_service"},
             to="swap_pool"),
        told(2, BUS, "checked", stage="in_service", station="c-1", session="one",
             capacity_kwh={"low": 280.0, "high": 300.0}),
        told(3, PACK, "checked", stage="swap_pool", station="swap-1", session="two"),
        told(4, PACK, "custody_moved", station="swap-2", **moved, **{"from": "swap_pool"},
             to="in_service"),
        told(5, BUS, "checked", stage="in_service", station="c-2", session="three",
             capacity_kwh={"low": 270.0, "high": 290.0}),
    ])  # fmt: skip
    return engine


def asked(engine: sa.Engine, battery: str, personal: bool = False) -> dict[str, Any]:
    with engine.connect() as connection:
        found = passport(connection, battery, personal)
    assert found is not None
    return found


def test_a_pack_is_where_the_last_event_left_it(engine: sa.Engine) -> None:
    found = asked(engine, PACK)
    assert (found["stage"], found["seen_at"]) == ("in_service", "swap-2")
    assert found["check_up"]["session"] == "two"
    assert [event["event"] for event in found["events"]] == [
        "custody_moved", "checked", "custody_moved",
    ]  # fmt: skip
    assert found["events"][0]["soh"] == 0.93
    assert (found["events_in_all"], found["last"]["seq"]) == (3, 4)
    assert len(found["last"]["hash"]) == 64


def test_where_a_vehicle_charged_is_personal(engine: sa.Engine) -> None:
    found = asked(engine, BUS)
    assert "c-1" not in str(found)
    assert "three" not in str(found)
    assert found["seen_at"] is None
    assert found["check_up"]["capacity_kwh"] == {"low": 270.0, "high": 290.0}
    seen = asked(engine, BUS, personal=True)
    assert (seen["seen_at"], seen["check_up"]["session"]) == ("c-2", "three")


def test_a_long_life_is_cut_to_its_newest_part(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 2)
    found = asked(engine, PACK)
    assert found["events_in_all"] == 3
    assert [event["event"] for event in found["events"]] == ["checked", "custody_moved"]


def test_a_battery_that_nobody_knows(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert passport(connection, "unknown") is None
