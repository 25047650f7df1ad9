"""What a live city keeps count of to show that it keeps its promises: limits, balance, plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from zerocity.charging.session import State
from zerocity.control.snapshot import Commands, PlanRow
from zerocity.live.facts import SiteFacts
from zerocity.live.readings import SiteReading
from zerocity.live.registry import Registry
from zerocity.live.sessions import LiveSession

# A meter of class 1 is right to 1 %, and its scale factor rounds: a reading this much above a
# limit is above it. EN 50470-3; the kilowatt is an assumption.
OVER_SHARE, OVER_KW = 0.01, 0.5


@dataclass
class Proof:
    """Counts since the first reading of every site; event-loop thread only."""

    facts: SiteFacts
    registry: Registry
    readings: int = 0
    over: int = 0
    worst_over_kw: float = 0.0
    worst_site: str = ""
    planned_kwh: float = 0.0
    said_kwh: float = 0.0
    _registers: dict[str, list[float]] = field(default_factory=dict)
    _sessions_before: dict[str, float] = field(default_factory=dict)
    _ended_kwh: float = 0.0
    _read_at: datetime | None = None
    _began: bool = False
    _last: tuple[datetime, float, float] | None = None

    def read(self, site: str, limit_kw: float, reading: SiteReading, at: datetime) -> None:
        """Take in a reading of a site whose import limit is ``limit_kw`` now."""
        self.readings += 1
        over = reading.net_kw - limit_kw
        if over > OVER_SHARE * limit_kw + OVER_KW:
            self.over += 1
            if over > self.worst_over_kw:
                self.worst_over_kw, self.worst_site = over, site
        if not np.isfinite(reading.charging_kwh):
            return
        self._read_at = at
        known = self._registers.setdefault(site, [reading.charging_kwh, 0.0])
        known[1] = reading.charging_kwh
        if not self._began and len(self._registers) == len(self.facts):
            self._begin(at)

    def _begin(self, at: datetime) -> None:
        self._began = True
        for known in self._registers.values():
            known[0] = known[1]
        self._sessions_before = {s.id: _kwh(s, at) for s in self.registry.sessions.values()}

    def ended(self, session: LiveSession) -> None:
        """A session has ended."""
        if self._began:
            whole = session.meter_end_wh if session.meter_end_wh is not None else session.meter_wh
            first = session.meter_start_wh
            kwh = 0.0 if first is None else max(whole - first, 0.0) / 1000.0
            self._ended_kwh += kwh - self._sessions_before.pop(session.id, 0.0)

    def decided(self, row: PlanRow, commands: Commands, at: datetime) -> None:
        """Take in a decision: what was planned and what was said, until the next one."""
        if self._last is not None and self._began:
            since, planned_kw, said_kw = self._last
            hours = (at - since).total_seconds() / 3600.0
            self.planned_kwh += planned_kw * hours
            self.said_kwh += said_kw * hours
        self._last = (at, float(row.flex_kw.sum()), float(commands.battery_kw.sum()))

    def report(self, at: datetime) -> dict[str, Any]:
        """The counts; ``balance_error`` is the sessions' energy against the meters', relative."""
        # Both sides are to stop at the same moment: when the meters were last read.
        at = at if self._read_at is None else min(at, self._read_at)
        meters = sum(last - first for first, last in self._registers.values())
        running = sum(
            _kwh(s, at) - self._sessions_before.get(s.id, 0.0)
            for s in self.registry.sessions.values()
        )
        sessions = self._ended_kwh + running
        return {
            "readings": self.readings,
            "readings_over_limit": self.over,
            "worst_over_kw": round(self.worst_over_kw, 2),
            "worst_site": self.worst_site,
            "meters_kwh": round(meters, 3),
            "sessions_kwh": round(sessions, 3),
            "balance_error": round((sessions - meters) / meters, 6) if meters > 0.0 else None,
            "planned_kwh": round(self.planned_kwh, 3),
            "said_kwh": round(self.said_kwh, 3),
        }


def _kwh(session: LiveSession, at: datetime) -> float:
    """Energy of a running session up to ``at``: its last reading, and its power since."""
    kwh = session.energy_so_far_kwh
    if session.meter_at is None or session.state is State.ENDED:
        return kwh
    hours = (at - session.meter_at).total_seconds() / 3600.0
    return kwh + max(session.power_kw, 0.0) * min(max(hours, 0.0), 1.0 / 30.0)
