"""The run's time grid: whole local days cut into equal steps, in UTC inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

IntArray = npt.NDArray[np.int64]

# A century is longer than any model here holds; calendars need room on either side.
MOST_DAYS, FIRST_YEAR, LAST_YEAR = 36_525, 1900, 9000


@dataclass(frozen=True)
class Timeline:
    """``days`` local days from ``start``, each of ``1440 / step_minutes`` steps.

    ``utc_offset_h`` is fixed over the run (China has had no summer time since 1991).
    """

    start: date
    days: int
    step_minutes: int = 15
    utc_offset_h: float = 8.0

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MOST_DAYS:
            raise InputError("days", str(self.days), f"an integer from 1 to {MOST_DAYS}")
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise InputError("start", str(self.start), f"a date from {FIRST_YEAR} to {LAST_YEAR}")
        if self.step_minutes < 1 or 1440 % self.step_minutes:
            raise InputError("step_minutes", str(self.step_minutes), "a divisor of 1440 minutes")

    @property
    def steps_per_day(self) -> int:
        """Steps in one day, 96 for quarter hours."""
        return 1440 // self.step_minutes

    @property
    def steps(self) -> int:
        """Steps in the run."""
        return self.days * self.steps_per_day

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self.step_minutes / 60.0

    @property
    def start_utc(self) -> datetime:
        """The first instant of the run."""
        midnight = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        return midnight - timedelta(hours=self.utc_offset_h)

    def local_date(self, day: int) -> date:
        """Calendar date of run day ``day`` (0-based)."""
        return self.start + timedelta(days=int(day))

    @cached_property
    def months(self) -> IntArray:
        """Calendar month 1-12 of each day, shape (days,)."""
        return np.array([self.local_date(d).month for d in range(self.days)])

    @cached_property
    def weekdays(self) -> IntArray:
        """0 Monday - 6 Sunday of each day, shape (days,)."""
        return (self.start.weekday() + np.arange(self.days)) % 7

    @cached_property
    def years(self) -> IntArray:
        """Calendar year of each day, shape (days,)."""
        return np.array([self.local_date(d).year for d in range(self.days)])

    @cached_property
    def days_of_year(self) -> IntArray:
        """1-366 of each day, shape (days,)."""
        return np.array([self.local_date(d).timetuple().tm_yday for d in range(self.days)])

    def hours_of_day(self) -> npt.NDArray[np.float64]:
        """Local hour at the start of each step of a day, shape (steps_per_day,)."""
        return np.arange(self.steps_per_day, dtype=np.float64) * np.float64(self.step_h)

    def is_workday(self) -> npt.NDArray[np.bool_]:
        """Monday to Friday, shape (days,). Public holidays are not modelled."""
        return self.weekdays < 5
