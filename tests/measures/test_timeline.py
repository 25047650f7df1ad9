"""The time grid."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline


def test_a_year_of_quarter_hours() -> None:
    year = Timeline(date(2026, 1, 1), 365)
    assert year.steps == 35_040
    assert year.start_utc == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert year.months[31] == 2
    assert year.weekdays[0] == 3
    assert year.is_workday().sum() == 261
    assert year.days_of_year[-1] == 365


@pytest.mark.parametrize(("days", "minutes"), [(0, 15), (1, 7), (1, 0)])
def test_impossible_grids_are_refused(days: int, minutes: int) -> None:
    with pytest.raises(InputError):
        Timeline(date(2026, 1, 1), days, minutes)


@pytest.mark.parametrize(
    ("start", "days"), [(date(9999, 12, 31), 2), (date(1, 1, 1), 2), (date(2026, 1, 1), 10**8)]
)
def test_dates_that_no_calendar_holds_are_refused(start: date, days: int) -> None:
    with pytest.raises(InputError):
        Timeline(start, days)
