"""The event product a virtual power plant serves, and the days on which it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError, InputErrors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Program:
    """Rules of one peak-shaving product. All hours are local.

    Attributes
    ----------
    months : calendar months 1-12 in which events may be called.
    workdays_only : no event on a weekend.
    window_start_h, window_end_h : the hours of relief [h], 0 <= start < end <= 24. The default
        lies in the evening peak block 18:00-23:00 of Gansu's time-of-use tariff (Gan fagai jiage
        [2024] 424); the window itself is an assumption.
    trigger_share : an event is called when tomorrow's forecast peak lies in the highest
        ``trigger_share`` of the forecasts of the past ``trigger_days`` days, 0-1 (assumed).
    trigger_days : length of that look back [days] (assumed).
    max_events_per_month : no more events than this in one calendar month (assumed).
    min_gap_days : at least this many days without an event between two of them (assumed), so
        that a baseline still finds days of normal operation.
    notice_h : hours before the window at which the day before must have been decided [h];
        0 < notice_h. Events are decided from forecasts of the day before (assumed 12).
    price_cny_per_kwh : pay per delivered kWh [CNY/kWh]. Default: the middle of the 0.1-0.2 CNY/kWh
        that the 2019 north-west ancillary service rule paid storage for peak shaving. The rule in
        force since 29 December 2025 (Gan jian neng shichang [2025] 213) was not read: assumed.
    penalty_cny_per_kwh : charge per kWh missing below ``tolerance_share`` of the request (assumed).
    tolerance_share : share of the requested energy below which a shortfall costs (assumed).
    admission_kw : smallest portfolio that may take part [kW]. Gansu's plan of 12 November 2025
        (250 MW by 2027, 700 MW by 2030) names no threshold that was read: assumed.
    request_share : share of the available flexibility that is offered, 0-1 (assumed).
    baseline_days : days in the baseline's mean (the "10" of high 10 of 10).
    adjustment_hours : length of the same-day adjustment window [h]; 0 = no adjustment.
    adjustment_gap_h : hours between the end of that window and the event [h], so that a site which
        prepares for the event does not raise its own baseline.
    adjustment_cap : the factor stays within 1 - cap ... 1 + cap, 0 <= cap < 1.
    control_share : share of the sites, drawn by lot, that no event calls, so that they show what
        the called ones would have used, 0 <= share < 1 (assumed).
    """

    name: str = "peak shaving"
    months: tuple[int, ...] = (1, 2, 7, 8, 11, 12)
    workdays_only: bool = True
    window_start_h: float = 19.0
    window_end_h: float = 21.0
    trigger_share: float = 0.2
    trigger_days: int = 30
    max_events_per_month: int = 4
    min_gap_days: int = 1
    notice_h: float = 12.0
    price_cny_per_kwh: float = 0.15
    penalty_cny_per_kwh: float = 0.0
    tolerance_share: float = 0.8
    admission_kw: float = 1000.0
    request_share: float = 0.8
    baseline_days: int = 10
    adjustment_hours: float = 2.0
    adjustment_gap_h: float = 1.0
    adjustment_cap: float = 0.2
    control_share: float = 0.0

    def __post_init__(self) -> None:
        errors = [
            InputError(f"vpp.{field}", str(came), wanted)
            for field, came, wanted, fine in _checks(self)
            if not fine
        ]
        if errors:
            raise InputErrors(errors)

    @property
    def window_h(self) -> float:
        """Length of an event [h]."""
        return self.window_end_h - self.window_start_h

    def window_mask(self, steps_per_day: int) -> BoolArray:
        """Steps of a day that lie wholly in the window, shape (steps_per_day,)."""
        return hours_mask(self.window_start_h, self.window_end_h, steps_per_day)

    def adjustment_mask(self, steps_per_day: int) -> BoolArray:
        """Steps of the same-day adjustment, shape (steps_per_day,); none when it is off."""
        end_h = self.window_start_h - self.adjustment_gap_h
        return hours_mask(max(0.0, end_h - self.adjustment_hours), end_h, steps_per_day)


def hours_mask(start_h: float, end_h: float, steps_per_day: int) -> BoolArray:
    """Steps of a day wholly inside ``start_h`` to ``end_h`` [local h], shape (steps_per_day,)."""
    step_h = 24.0 / steps_per_day
    begin = np.arange(steps_per_day) * step_h
    mask: BoolArray = (begin >= start_h - 1e-9) & (begin + step_h <= end_h + 1e-9)
    return mask


def _checks(p: Program) -> Sequence[tuple[str, object, str, bool]]:
    """Field, what came, what was wanted, and whether it is so (NaN never is)."""
    month_ok = len(p.months) > 0 and all(1 <= m <= 12 for m in p.months)
    nonnegative = "a finite number of at least 0"
    share = "a share from 0 to 1"
    return (
        (
            "months",
            p.months,
            "months 1-12, each once",
            month_ok and len(set(p.months)) == len(p.months),
        ),
        (
            "window_start_h",
            p.window_start_h,
            "an hour in 0-24, before window_end_h",
            0.0 <= p.window_start_h < p.window_end_h,
        ),
        ("window_end_h", p.window_end_h, "an hour in 0-24", 0.0 < p.window_end_h <= 24.0),
        ("trigger_share", p.trigger_share, share, 0.0 <= p.trigger_share <= 1.0),
        ("trigger_days", p.trigger_days, "at least 1 day", p.trigger_days >= 1),
        ("max_events_per_month", p.max_events_per_month, "0-31", 0 <= p.max_events_per_month <= 31),
        ("min_gap_days", p.min_gap_days, "at least 0 days", p.min_gap_days >= 0),
        ("notice_h", p.notice_h, "more than 0 and at most 48 h", 0.0 < p.notice_h <= 48.0),
        ("price_cny_per_kwh", p.price_cny_per_kwh, nonnegative, _nonnegative(p.price_cny_per_kwh)),
        (
            "penalty_cny_per_kwh",
            p.penalty_cny_per_kwh,
            nonnegative,
            _nonnegative(p.penalty_cny_per_kwh),
        ),
        ("tolerance_share", p.tolerance_share, share, 0.0 <= p.tolerance_share <= 1.0),
        ("admission_kw", p.admission_kw, nonnegative, _nonnegative(p.admission_kw)),
        ("request_share", p.request_share, share, 0.0 <= p.request_share <= 1.0),
        ("baseline_days", p.baseline_days, "1-60 days", 1 <= p.baseline_days <= 60),
        ("adjustment_hours", p.adjustment_hours, "0-24 h", 0.0 <= p.adjustment_hours <= 24.0),
        ("adjustment_gap_h", p.adjustment_gap_h, "0-24 h", 0.0 <= p.adjustment_gap_h <= 24.0),
        ("adjustment_cap", p.adjustment_cap, "0 up to but not 1", 0.0 <= p.adjustment_cap < 1.0),
        ("control_share", p.control_share, "0 up to but not 1", 0.0 <= p.control_share < 1.0),
    )


def _nonnegative(value: float) -> bool:
    return bool(np.isfinite(value)) and value >= 0.0


def event_days(
    program: Program,
    *,
    months: IntArray,
    workdays: BoolArray,
    forecast_peak_kw: FloatArray,
) -> BoolArray:
    """Days on which an event is called, each decided from what the day before knew.

    Day ``d`` is called when its own day-ahead forecast reaches the upper ``trigger_share`` of the
    forecasts of the ``trigger_days`` days before it (at least three of them), in season, on a
    lawful day, below the month's maximum and after the gap since the last event. Later days never
    change an earlier decision.

    Parameters
    ----------
    months : calendar month 1-12 of each day, shape (days,).
    workdays : shape (days,).
    forecast_peak_kw : the portfolio's or grid's daily peak as forecast the day before [kW],
        shape (days,), finite. Any measure that rises with strain will do (e.g. the distance of
        the forecast temperature from 18 degC).

    Returns
    -------
    Mask of event days, shape (days,).
    """
    forecast = np.asarray(forecast_peak_kw, dtype=np.float64)
    days = forecast.shape[0] if forecast.ndim == 1 else -1
    if days < 0 or months.shape != (days,) or workdays.shape != (days,):
        shapes = f"{months.shape}, {workdays.shape}, {forecast.shape}"
        raise InputError("vpp.event_days", shapes, "three arrays of shape (days,)")
    if not np.isfinite(forecast).all():
        raise InputError("vpp.event_days.forecast_peak_kw", "nan or inf", "finite numbers")
    lawful = np.isin(months, program.months) & (
        np.asarray(workdays, dtype=np.bool_) | (not program.workdays_only)
    )
    called: BoolArray = np.zeros(days, dtype=np.bool_)
    in_month = 0
    for day in range(days):
        if day and months[day] != months[day - 1]:
            in_month = 0
        if lawful[day] and in_month < program.max_events_per_month:
            called[day] = _triggered(program, forecast, called, day)
            in_month += int(called[day])
    return called


def _triggered(program: Program, forecast: FloatArray, called: BoolArray, day: int) -> bool:
    """Whether ``day`` reaches the trigger, read from entries up to ``day`` only."""
    if called[max(0, day - program.min_gap_days) : day].any():
        return False
    past = forecast[max(0, day - program.trigger_days) : day]
    if len(past) < MIN_HISTORY_DAYS or program.trigger_share == 0.0:
        return False
    return bool(forecast[day] >= np.quantile(past, 1.0 - program.trigger_share))


MIN_HISTORY_DAYS = 3  # below this, "high" has no meaning; the first days of a run have no event
