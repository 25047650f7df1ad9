"""The twin's vehicles without a platform: they drive, plug in and charge by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from zerocity.app.twin_vehicles import DAYS, TwinVehicles
from zerocity.errors import InputError

NIGHT = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)  # midnight at the city's clock
MORNING = NIGHT + timedelta(hours=6)
COUNT = 40


@pytest.fixture
def twin() -> Iterator[TwinVehicles]:
    made = TwinVehicles("starter", COUNT, MORNING, 1)
    yield made
    made.close()


def test_over_a_day_they_drive_and_charge(twin: TwinVehicles) -> None:
    assert len(twin.specs) >= COUNT
    rows = range(len(twin.specs))
    before = [twin.reading(row) for row in rows]
    drove, charged, at = set[int](), set[int](), MORNING
    while at < MORNING + timedelta(hours=26):  # over a night, in which packs age
        for _ in range(4):
            at += timedelta(minutes=5)
            twin.advance(at)
        for row in rows:
            now, last = twin.reading(row), before[row]
            assert now.at == at
            assert 0.0 <= now.soc <= 1.0
            assert now.odometer_km >= last.odometer_km - 1e-9
            if now.odometer_km > last.odometer_km:
                drove.add(row)
            if now.charging == "parked":
                charged.add(row)
                assert now.current_a > 0.0
            before[row] = now
    assert len(drove) > COUNT / 2
    assert charged


def test_who_charges_fills_up(twin: TwinVehicles) -> None:
    rises, at = 0, MORNING
    for _ in range(14 * 60):
        charging = {row: twin.reading(row).soc for row in range(len(twin.specs))
                    if twin.reading(row).charging == "parked"}  # fmt: skip
        at += timedelta(minutes=1)
        twin.advance(at)
        for row, soc in charging.items():
            # Who unplugs in this minute may drive in it; nobody who stays loses charge.
            if twin.reading(row).charging == "parked":
                assert twin.reading(row).soc >= soc - 1e-9
                rises += twin.reading(row).soc > soc
    assert rises > 0


def test_the_same_seed_is_the_same_day(twin: TwinVehicles) -> None:
    again = TwinVehicles("starter", COUNT, MORNING, 1)
    for minutes in (3, 7, 12):
        for one in (twin, again):
            one.advance(MORNING + timedelta(minutes=minutes))
    for row in range(COUNT):
        assert twin.reading(row) == again.reading(row)
    again.close()


def test_a_process_that_slept_and_the_end_of_the_week(twin: TwinVehicles) -> None:
    late = MORNING + timedelta(days=DAYS + 1)
    twin.advance(late)
    twin.advance(late + timedelta(hours=1))
    assert twin.reading(0).at == late + timedelta(hours=1)


def test_more_vehicles_than_the_city_has() -> None:
    with pytest.raises(InputError, match="vehicles"):
        TwinVehicles("starter", 100_000, MORNING, 1)
