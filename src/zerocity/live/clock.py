"""The wall clock: a steady one for ages and waits, and the calendar's for what is written down.

The calendar is reckoned from the steady clock, so that a computer whose time is set forth or back
does not make a reading old or a session long. A difference that stays is taken over and counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Time servers slew smaller differences away; an assumption.
JUMP_S = 2.0


class WallClock:
    """Real time, or real time shifted by ``shift`` for a demonstration.

    steady, calendar : where to read seconds and UTC; given in tests.
    """

    def __init__(
        self,
        shift: timedelta = timedelta(0),
        *,
        steady: Callable[[], float] = time.monotonic,
        calendar: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._steady, self._calendar, self._shift = steady, calendar, shift
        self._start_s, self._start = steady(), calendar()
        self.jumps = 0

    def now_s(self) -> float:
        """Steady seconds since some moment."""
        return self._steady()

    def utc(self) -> datetime:
        """The moment, UTC."""
        return self._start + timedelta(seconds=self._steady() - self._start_s) + self._shift

    def follow(self) -> bool:
        """Take over what the computer's calendar says; True when it had jumped.

        Call it now and then.
        """
        drift = (self._calendar() - (self.utc() - self._shift)).total_seconds()
        if abs(drift) <= JUMP_S:
            return False
        self._start_s, self._start = self._steady(), self._calendar()
        self.jumps += 1
        return True
