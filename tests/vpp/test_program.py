"""When events are called, and which products are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError, InputErrors
from zerocity.vpp.program import Program, event_days, hours_mask

DAYS = 40
ALL_YEAR = Program(months=tuple(range(1, 13)), workdays_only=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("months", (0,)),
        ("months", ()),
        ("months", (1, 1)),
        ("window_start_h", 22.0),
        ("window_end_h", 25.0),
        ("trigger_share", 1.5),
        ("price_cny_per_kwh", float("nan")),
        ("penalty_cny_per_kwh", -1.0),
        ("baseline_days", 0),
        ("adjustment_cap", 1.0),
        ("notice_h", 0.0),
        ("admission_kw", float("inf")),
    ],
)
def test_an_impossible_product_names_its_field(field: str, value: object) -> None:
    with pytest.raises(InputErrors, match=rf"vpp\.{field}"):
        Program(**{field: value})  # type: ignore[arg-type]


def test_masks_cover_whole_steps_only() -> None:
    program = Program(window_start_h=19.0, window_end_h=21.0)
    mask = program.window_mask(96)
    assert np.flatnonzero(mask).tolist() == list(range(76, 84))
    assert np.flatnonzero(program.adjustment_mask(96)).tolist() == list(range(64, 72))
    assert hours_mask(19.1, 19.3, 96).sum() == 0


def test_one_hot_day_is_called_and_season_and_weekend_are_kept() -> None:
    forecast = np.full(DAYS, 100.0) - np.arange(DAYS)
    forecast[20] = 500.0
    months = np.full(DAYS, 7)
    work = np.ones(DAYS, dtype=bool)
    program = Program(months=(7,), trigger_share=0.05)
    assert np.flatnonzero(
        event_days(program, months=months, workdays=work, forecast_peak_kw=forecast)
    ).tolist() == [20]
    weekend = work.copy()
    weekend[20] = False
    assert not event_days(program, months=months, workdays=weekend, forecast_peak_kw=forecast).any()
    assert not event_days(
        program, months=np.full(DAYS, 4), workdays=work, forecast_peak_kw=forecast
    ).any()


def test_wrong_shapes_and_nan_are_refused() -> None:
    work = np.ones(3, dtype=bool)
    with pytest.raises(InputError, match="shape"):
        event_days(ALL_YEAR, months=np.ones(2, int), workdays=work, forecast_peak_kw=np.ones(3))
    with pytest.raises(InputError, match="finite"):
        event_days(
            ALL_YEAR, months=np.ones(3, int), workdays=work, forecast_peak_kw=np.full(3, np.nan)
        )


peaks = arrays(np.float64, DAYS, elements=st.floats(0.0, 1000.0))


@given(peaks, st.integers(0, DAYS - 1), st.floats(0.0, 2000.0))
def test_a_later_forecast_never_changes_an_earlier_day(
    forecast: np.ndarray, day: int, other: float
) -> None:
    months, work = np.full(DAYS, 7), np.ones(DAYS, dtype=bool)
    changed = forecast.copy()
    changed[day:] = other
    before = event_days(ALL_YEAR, months=months, workdays=work, forecast_peak_kw=forecast)
    after = event_days(ALL_YEAR, months=months, workdays=work, forecast_peak_kw=changed)
    assert (before[:day] == after[:day]).all()


@given(peaks, st.integers(0, 5), st.integers(0, 4))
def test_maximum_and_gap_hold(forecast: np.ndarray, most: int, gap: int) -> None:
    program = Program(
        months=(7, 8), workdays_only=False, max_events_per_month=most, min_gap_days=gap
    )
    months = np.where(np.arange(DAYS) < 20, 7, 8)
    work = np.ones(DAYS, dtype=bool)
    called = event_days(program, months=months, workdays=work, forecast_peak_kw=forecast)
    assert called[:20].sum() <= most
    assert called[20:].sum() <= most
    assert (np.diff(np.flatnonzero(called)) > gap).all()
