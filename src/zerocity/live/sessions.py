"""A session while it runs: everything that is known of it, as a set of readings and facts.

What a session cost is worked out from the set of its readings, never from the order in which they
came: messages that are repeated, late or out of order lead to the same end.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from zerocity.charging.meter import Account, Reading, account
from zerocity.charging.session import Event, State, step
from zerocity.live.sequence import Runs, add, gaps

Point = tuple[datetime, float, float, float | None, float | None, float | None]

# What is planned for a vehicle of which nobody said how much it wants and when it leaves. Both are
# assumptions: half of a 60 kWh pack, and a stay of two hours.
ASSUMED_NEED_KWH = 30.0
ASSUMED_STAY_H = 2.0
# A day of readings each minute. Beyond it every second one is dropped where the register runs on.
MOST_POINTS = 1_440
# Notes that one session may hold.
MOST_NOTES = 50
NEVER = 2**62


class Sample(msgspec.Struct, frozen=True, gc=False):
    """What a meter said at one moment; None where it said nothing.

    ``energy_wh``: register of energy taken from the grid [Wh]; ``power_kw``; ``soc`` 0-1;
    ``voltage_v`` and ``current_a``: mean of the phases.
    """

    at: datetime
    energy_wh: float | None = None
    power_kw: float | None = None
    soc: float | None = None
    voltage_v: float | None = None
    current_a: float | None = None


@dataclass(slots=True)
class LiveSession:
    """A charging session. Energy registers in Wh, power in kW, ``soc`` 0-1, moments in UTC."""

    id: str
    station: str
    evse: int
    connector: int
    token: str | None
    started_at: datetime
    meter_start_wh: float | None
    meter_wh: float = 0.0
    meter_at: datetime | None = None
    power_kw: float = 0.0
    soc: float | None = None
    need_kwh: float | None = None
    depart_at: datetime | None = None
    capacity_kwh: float | None = None
    limit_kw: float = float("inf")
    priority: int = 0
    granted_kw: float | None = None
    seq_no: int = -1
    curve: list[Point] = field(default_factory=list)
    state: State = State.PLUGGED
    number: int | None = None
    transaction: str = ""
    start_key: str = ""
    started: bool = False
    offline: bool = False
    ended_at: datetime | None = None
    meter_end_wh: float | None = None
    stop_reason: str | None = None
    soc_start: float | None = None
    remote_start_id: int | None = None
    reservation: int | None = None
    tariff_id: str = ""
    cost_cny: float | None = None
    token_seq: int = NEVER
    end_seq: int = -1
    seen: Runs = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a finding, once, for the receipt and the diagnosis."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            insort(self.notes, text)

    def see(self, seq_no: int) -> bool:
        """Note a sequence number (OCPP 2.x); False when it was seen before."""
        return add(self.seen, seq_no)

    def happen(self, event: Event) -> bool:
        """Take a step; an unlawful one is noted and changes nothing."""
        after = step(self.state, event)
        if after is None:
            self.note(f"unlawful: {event.value} while {self.state.value}")
            return False
        self.state = after
        return True

    def need(self, at: datetime) -> tuple[float, float, bool]:
        """Energy wanted [kWh], hours until departure, and whether either was assumed."""
        assumed = self.need_kwh is None or self.depart_at is None
        kwh = self.need_kwh
        if kwh is None:
            kwh = max(ASSUMED_NEED_KWH - self.energy_so_far_kwh, 0.0)
        until = self.depart_at
        stay = (at - self.started_at).total_seconds() / 3600.0
        left = ASSUMED_STAY_H - stay if until is None else (until - at).total_seconds() / 3600.0
        return kwh, max(left, 0.0), assumed

    @property
    def energy_so_far_kwh(self) -> float:
        """Energy by the latest reading, without the checks of the end [kWh]."""
        if self.meter_at is None:
            return 0.0
        start = self.meter_start_wh
        if start is None:
            start = self.curve[0][2]
        return max(self.meter_wh - start, 0.0) / 1000.0

    def take(self, sample: Sample) -> None:
        """Add a reading; one that is there already changes nothing."""
        energy = sample.energy_wh
        if energy is None:
            self._take_latest(sample, None)
            return
        power = sample.power_kw if sample.power_kw is not None else self._mean_power(sample, energy)
        point = (sample.at, power, energy, sample.soc, sample.voltage_v, sample.current_a)
        if not self.curve or self.curve[-1][0] < sample.at:
            self.curve.append(point)
        elif not self._insert(point):
            return
        if len(self.curve) > MOST_POINTS:
            self._thin()
        self._take_latest(sample, energy)

    def _take_latest(self, sample: Sample, energy: float | None) -> None:
        if self.state is State.ENDED or (self.meter_at is not None and sample.at < self.meter_at):
            return
        if energy is not None:
            if self.meter_at is not None and self.need_kwh is not None:
                taken = max(energy - self.meter_wh, 0.0) / 1000.0
                self.need_kwh = max(self.need_kwh - taken, 0.0)
            self.meter_wh, self.meter_at = energy, sample.at
            self.power_kw = self.curve[-1][1]
        if sample.power_kw is not None:
            self.power_kw = sample.power_kw
        if sample.soc is not None:
            self.soc = sample.soc
            if self.soc_start is None:
                self.soc_start = sample.soc

    def _mean_power(self, sample: Sample, energy: float) -> float:
        """Mean power since the reading before, where the meter gives energy alone [kW]."""
        if self.meter_at is None:
            return 0.0
        hours = (sample.at - self.meter_at).total_seconds() / 3600.0
        return max(energy - self.meter_wh, 0.0) / 1000.0 / hours if hours > 0.0 else 0.0

    def _insert(self, point: Point) -> bool:
        key = (point[0], point[2])
        low, high = 0, len(self.curve)
        while low < high:
            middle = (low + high) // 2
            there = (self.curve[middle][0], self.curve[middle][2])
            if there == key:
                return False
            low, high = (middle + 1, high) if there < key else (low, middle)
        self.curve.insert(low, point)
        return True

    def _thin(self) -> None:
        kept = [self.curve[0]]
        for i in range(1, len(self.curve) - 1):
            before, here, after = (self.curve[i + j][2] for j in (-1, 0, 1))
            if i % 2 == 0 or not before <= here <= after:
                kept.append(self.curve[i])
        kept.append(self.curve[-1])
        if len(kept) >= MOST_POINTS:
            self.note("too many readings that contradict each other; the latest are left out")
            kept = kept[:-1]
        self.curve = kept

    def account(self, most_kw: float | None) -> Account:
        """The session's energy from all its readings; ``most_kw``: what the plug can give."""
        first = last = None
        if self.meter_start_wh is not None:
            first = Reading(self.started_at, self.meter_start_wh)
        if self.meter_end_wh is not None and self.ended_at is not None:
            last = Reading(self.ended_at, self.meter_end_wh)
        between = [Reading(point[0], point[2]) for point in self.curve]
        made = account(first, between, last, most_kw)
        missing = tuple(
            f"messages {low} to {high} of the transaction never came"
            for low, high in gaps(self.seen)
        )
        return replace(made, notes=made.notes + missing)

    def settle_soc(self) -> None:
        """Take the first and the last state of charge from the curve, whatever came late."""
        told = [point[3] for point in self.curve if point[3] is not None]
        if told:
            self.soc_start, self.soc = told[0], told[-1]
