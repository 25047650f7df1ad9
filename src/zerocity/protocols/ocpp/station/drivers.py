"""Who comes to simulated stations that stand alone: cars to charge, riders to swap.

Arrivals are Poisson, each station's own; batteries, wishes and stays are drawn from a seed. No
clock: `step` is told the time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.protocols.ocpp.station.swap_parts import Pack

# Cars: capacity [kWh] and most power [kW], about those sold in China in 2024; an assumption, as
# are the SoC at arrival, the wish and the stay.
_CARS = ((42.0, 60.0), (55.0, 80.0), (60.0, 90.0), (75.0, 120.0), (90.0, 150.0))
_SOC_AT_ARRIVAL = (0.10, 0.60)
_SOC_WISHED = (0.80, 1.00)
_STAYS_LONGER = (1.0, 1.6)
_SOC_AT_SWAP = (0.08, 0.35)
# A rider whom the CSMS sends is at the cabinet after this long [s].
_RIDER_COMES_S = 3.0


@dataclass(frozen=True, slots=True)
class Habits:
    """Arrivals an hour at each station, and the tokens that are shown."""

    arrivals_per_hour: float = 2.0
    token_pattern: str = "driver-{n:03d}"
    tokens: int = 100


class Drivers:
    """The people around a set of stations."""

    def __init__(
        self, stations: Sequence[SimStation], habits: Habits, *, seed: int, now_s: float
    ) -> None:
        self.habits = habits
        self.lost = 0
        """Who came and found no free place."""
        self._random = random.Random(f"drivers {seed}")
        self._due: list[tuple[float, int, Callable[[float, datetime], None]]] = []
        self._numbers = count()
        self._outside: dict[str, list[Pack]] = {}
        for station in stations:
            if isinstance(station, SwapCabinet):
                self._welcome(station)
            self._arrive_later(station, now_s)

    def step(self, now_s: float, at: datetime) -> None:
        """Let happen what is due."""
        while self._due and self._due[0][0] <= now_s:
            heapq.heappop(self._due)[2](now_s, at)

    def _when(self, due_s: float, act: Callable[[float, datetime], None]) -> None:
        heapq.heappush(self._due, (due_s, next(self._numbers), act))

    def _arrive_later(self, station: SimStation, now_s: float) -> None:
        if self.habits.arrivals_per_hour <= 0.0:
            return
        gap_s = self._random.expovariate(self.habits.arrivals_per_hour / 3600.0)

        def arrive(now_s: float, at: datetime) -> None:
            if isinstance(station, SwapCabinet):
                self._ride_in(station, now_s, at)
            else:
                self._drive_in(station, now_s, at)
            self._arrive_later(station, now_s)

        self._when(now_s + gap_s, arrive)

    def _token(self) -> str:
        return self.habits.token_pattern.format(n=self._random.randrange(1, self.habits.tokens + 1))

    def _drive_in(self, station: SimStation, now_s: float, at: datetime) -> None:
        free = [e for e in station.evses.values() if e.car is None]
        if not free:
            self.lost += 1
            return
        evse = self._random.choice(free)
        capacity_kwh, car_kw = self._random.choice(_CARS)
        soc = self._random.uniform(*_SOC_AT_ARRIVAL)
        need_kwh = max(self._random.uniform(*_SOC_WISHED) - soc, 0.0) * capacity_kwh
        hours = need_kwh / min(evse.max_kw, car_kw)
        stay_h = max(hours * self._random.uniform(*_STAYS_LONGER), 0.05)
        station.plug(
            evse.id,
            now_s,
            at,
            token=self._token(),
            soc=soc,
            capacity_kwh=capacity_kwh,
            need_kwh=need_kwh,
            depart_at=at + timedelta(hours=stay_h),
            limit_kw=car_kw,
        )
        car = evse.car

        def leave(now_s: float, at: datetime) -> None:
            if evse.car is car:
                station.unplug(evse.id, now_s, at)

        self._when(now_s + stay_h * 3600.0, leave)

    # Riders

    def _welcome(self, cabinet: SwapCabinet) -> None:
        """Packs that are on the road, and the riders whom the CSMS sends."""
        slots = len(cabinet.evses)
        self._outside[cabinet.id] = [self._pack(cabinet, slots + n) for n in range(slots)]

        def come(request_id: int, token: str) -> None:
            due_s = cabinet.now_s + _RIDER_COMES_S
            self._when(
                due_s, lambda now_s, at: self._ride_in(cabinet, now_s, at, request_id, token)
            )

        cabinet.on_request = come

    def _pack(self, cabinet: SwapCabinet, number: int) -> Pack:
        soh = round(self._random.uniform(0.85, 1.0), 3)
        return Pack(f"{cabinet.id}-P{number:03d}", self._random.uniform(*_SOC_AT_SWAP), soh)

    def _ride_in(
        self,
        cabinet: SwapCabinet,
        now_s: float,
        at: datetime,
        request_id: int | None = None,
        token: str | None = None,
    ) -> None:
        outside = self._outside[cabinet.id]
        if not outside:
            self.lost += 1
            return
        pack = outside.pop(0)
        pack.soc = self._random.uniform(*_SOC_AT_SWAP)
        cabinet.visit(
            [pack], now_s, at, token=token or self._token(), request_id=request_id,
            done=outside.extend,
        )  # fmt: skip


def stocked(station_id: str, slots: int, *, seed: int, capacity_kwh: float = 50.0) -> list[Pack]:
    """The packs of a cabinet at its start: all slots but two (one below four) hold one."""
    rng = random.Random(f"packs {seed} {station_id}")
    empty = 2 if slots >= 4 else 1
    return [
        Pack(
            f"{station_id}-P{n:03d}",
            rng.uniform(0.5, 1.0),
            round(rng.uniform(0.85, 1.0), 3),
            capacity_kwh,
        )
        for n in range(max(slots - empty, 0))
    ]
