"""A week a month keeps the energy of the year."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from park_years import small_year

from zerocity.errors import InputError
from zerocity.parks.park_case import ParkYear
from zerocity.parks.typical import typical_weeks


def whole_year() -> ParkYear:
    """A year of 12 months of 30 days."""
    rng = np.random.default_rng(1)
    steps = 360 * 24
    base = small_year(blocks=steps // 72)
    month = np.repeat(np.arange(12) + 1, 720)
    season = 1.0 + 0.3 * np.sin(month / 12.0 * 2.0 * np.pi)
    return replace(
        base,
        block_steps=steps,
        weight=np.ones(steps),
        month=month,
        use_kw=1000.0 * season * rng.uniform(0.8, 1.2, steps),
    )


def test_each_month_keeps_its_use_and_sun() -> None:
    year = whole_year()
    weeks = typical_weeks(year)
    assert weeks.steps == 12 * 168
    assert weeks.hours.sum() == pytest.approx(year.hours.sum())
    for name in ("use_kw", "sun_kw_per_kwp"):
        for month in range(1, 13):
            kept = weeks.weight[weeks.month == month] @ getattr(weeks, name)[weeks.month == month]
            assert kept == pytest.approx(getattr(year, name)[year.month == month].sum())


def test_the_kept_days_are_real_and_in_order() -> None:
    year = whole_year()
    weeks = typical_weeks(year)
    assert weeks.buy_cny_per_kwh[:24].tolist() == year.buy_cny_per_kwh[:24].tolist()
    assert weeks.block_steps == 168


def test_a_month_of_less_than_a_week_is_refused() -> None:
    with pytest.raises(InputError, match="at least a week"):
        typical_weeks(small_year())


def test_half_a_day_is_refused() -> None:
    year = whole_year()
    names = [f.name for f in fields(year) if isinstance(getattr(year, f.name), np.ndarray)]
    cut = {name: getattr(year, name)[:-12] for name in names}
    with pytest.raises(InputError, match="whole days"):
        typical_weeks(replace(year, block_steps=year.steps - 12, **cut))
