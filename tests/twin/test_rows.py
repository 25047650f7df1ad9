"""Rows of a day are as the tables say, and count what happened."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from zerocity.measures.timeline import Timeline
from zerocity.storage.tables import SCHEMAS
from zerocity.twin.rows import battery_table, part_of, site_table, step_times


def fits(table: str, columns: Any) -> None:
    assert set(columns) == set(SCHEMAS[table].names), table
    for field in SCHEMAS[table]:
        array = pa.array(columns[field.name], type=field.type)
        assert array.null_count == 0, field.name


@pytest.mark.parametrize(
    "table",
    ["site_steps", "battery_days", "sessions", "life_events", "fleet_days", "city_steps"],
)
def test_rows_of_every_day_fit_their_table(hard_times: Any, table: str) -> None:
    for _, columns in hard_times.rows[table]:
        fits(table, columns)
        assert len({len(values) for values in columns.values()}) == 1


def test_sites_and_batteries_fit_their_tables(hard_times: Any) -> None:
    twin = hard_times.twin
    fits("sites", site_table(twin.city.sites))
    people = twin.people
    fits(
        "batteries",
        battery_table(
            twin.city, twin.timeline, people.packs, people.products, twin.ledger.codes.rows,
            twin.renewal.first_fleet.rows,
        ),
    )  # fmt: skip


def test_a_day_belongs_to_its_month() -> None:
    timeline = Timeline(date(2026, 1, 30), 5)
    assert [part_of(timeline, day) for day in range(4)] == ["2026-01", "2026-01", "2026-02",
                                                            "2026-02"]  # fmt: skip


def test_steps_begin_at_local_midnight_in_utc() -> None:
    times = step_times(Timeline(date(2026, 1, 5), 3, 15, 8.0), 1)
    assert times[0] == np.datetime64("2026-01-05T16:00", "ms")
    assert times[-1] == np.datetime64("2026-01-06T15:45", "ms")
    assert times.size == 96


def test_fleet_days_are_the_sums_of_vehicles_and_sessions(three_days: Any) -> None:
    kwh = three_days.column("fleet_days", "kwh").sum()
    assert kwh == pytest.approx(three_days.column("city_steps", "traction_kwh").sum())
    kind, fleet = three_days.column("sessions", "kind"), three_days.column("sessions", "fleet")
    swaps = three_days.column("fleet_days", "swaps").reshape(3, 2).sum(axis=0)
    assert swaps.tolist() == [0, int(((kind == 1) & (fleet == 1)).sum())]
