"""Simulated vehicles over real sockets: many in one process, moved by one timer.

The world that moves them is given: `DriveWorld` for demonstrations, the twin's own in a demo city.
"""

from __future__ import annotations

import asyncio
import copy
import random
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from zerocity.protocols.gbt32960.drive import FleetDrive
from zerocity.protocols.gbt32960.frames import Splitter
from zerocity.protocols.gbt32960.reading import Reading
from zerocity.protocols.gbt32960.terminal import Counts, Terminal
from zerocity.protocols.gbt32960.vehicle import SimVehicle

TICK_S = 0.1
# Links that are being opened at once: a gateway that starts again is not run over.
MOST_OPENING = 200
# A lost link is opened again after up to this long, each vehicle at its own time [s].
SPREAD_S = 1.0


class World(Protocol):
    """What the vehicles live in."""

    def advance(self, at: datetime) -> None:
        """Bring the world to a moment (UTC)."""
        ...

    def alarm_level(self, row: int) -> int:
        """The highest alarm level of a vehicle now."""
        ...

    def reading(self, row: int) -> Reading:
        """What a vehicle's terminal reads now."""
        ...

    def past(self, row: int) -> list[Reading]:
        """What it read in the half minute before, the oldest first."""
        ...


class DriveWorld:
    """The small drive model, with half a minute of memory."""

    def __init__(self, drive: FleetDrive, remembers_s: float = 30.0) -> None:
        self.drive = drive
        self._past: deque[FleetDrive] = deque(maxlen=round(remembers_s) + 1)

    def advance(self, at: datetime) -> None:
        """Move in whole seconds up to ``at``; a jump of more than an hour is not lived through."""
        behind_s = (at - self.drive.at).total_seconds()
        if behind_s > 3600.0:
            self.drive.at = at - timedelta(seconds=1.0)
            behind_s = 1.0
        for _ in range(int(behind_s)):
            # A shallow copy keeps the moment: the model makes new arrays and changes none.
            self._past.append(copy.copy(self.drive))
            self.drive.step(1.0)

    def alarm_level(self, row: int) -> int:
        """See `World`."""
        return max(self.drive.alarms(row).values(), default=0)

    def reading(self, row: int) -> Reading:
        """See `World`."""
        return self.drive.reading(row)

    def past(self, row: int) -> list[Reading]:
        """See `World`."""
        return [moment.reading(row) for moment in self._past]


@dataclass(slots=True)
class _Wired:
    """One vehicle, its terminal and its wire."""

    row: int
    vehicle: SimVehicle
    terminal: Terminal
    wire: _Wire | None = None
    opening: bool = False
    opens_s: float = 0.0


class _Wire(asyncio.Protocol):
    """The vehicle's end of one connection."""

    def __init__(self, fleet: VehicleClients, one: _Wired) -> None:
        self._fleet, self._one, self._splitter = fleet, one, Splitter()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._one.wire = self
        self._one.terminal.connected(self._fleet.now(), self._fleet.clock())
        self.pump()

    def data_received(self, data: bytes) -> None:
        now_s = self._fleet.clock()
        for piece in self._splitter.feed(data):
            if isinstance(piece, bytes):
                self._one.terminal.receive(piece, now_s)
        self._one.terminal.tick(self._fleet.now(), now_s)
        self.pump()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._one.wire = None
        self._fleet.lost(self._one)

    def pump(self) -> None:
        """Send what the terminal has to say."""
        frames = self._one.terminal.take()
        if frames and self.transport is not None:
            self.transport.write(b"".join(frames))


class VehicleClients:
    """Vehicles that report to one gateway until ``stop``.

    Parameters
    ----------
    make : makes the terminal of a vehicle. ramp_s : the first logins are spread over this time.
    seed : of the spread of reconnections.
    """

    def __init__(
        self,
        host: str,
        port: int,
        vehicles: Sequence[SimVehicle],
        world: World,
        *,
        make: Callable[[SimVehicle], Terminal] | None = None,
        tls: ssl.SSLContext | None = None,
        ramp_s: float = 0.0,
        seed: int = 1,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.clock, self.now = clock, now
        self._host, self._port, self._tls, self._world = host, port, tls, world
        maker = make or (lambda one: Terminal(one.vin, one.edition, one.login_unit))
        start_s, count = clock(), max(len(vehicles), 1)
        self._all = [
            _Wired(row, one, maker(one), opens_s=start_s + ramp_s * row / count)
            for row, one in enumerate(vehicles)
        ]
        self._random = random.Random(seed)
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def online(self) -> int:
        """Vehicles that are logged in."""
        return sum(one.terminal.logged_in for one in self._all)

    @property
    def waiting(self) -> int:
        """Reports that are not acknowledged."""
        return sum(one.terminal.waiting for one in self._all)

    def counts(self) -> Counts:
        """The sums over all vehicles."""
        total = Counts()
        for name in (field.name for field in fields(Counts)):
            setattr(total, name, sum(getattr(one.terminal.counts, name) for one in self._all))
        return total

    async def run(self, duration_s: float | None = None) -> None:
        """Report for a time, or until cancelled; then log out."""
        ends_s = None if duration_s is None else self.clock() + duration_s
        try:
            while ends_s is None or self.clock() < ends_s:
                self.step()
                await asyncio.sleep(TICK_S)
        finally:
            await self.stop()

    def step(self) -> None:
        """One tick: read what is due, send it, open links that are missing."""
        at, now_s = self.now(), self.clock()
        self._world.advance(at)
        for one in self._all:
            self._read(one, now_s)
            if one.wire is not None:
                alive = one.terminal.tick(at, now_s)
                one.wire.pump()
                if not alive:
                    self._drop(one)
            elif self._may_open(one, now_s):
                self._open(one)

    async def stop(self, grace_s: float = 3.0) -> None:
        """Wait for answers under way, log out, close."""
        self._stopping = True
        ends_s = self.clock() + grace_s
        while self.clock() < ends_s and any(
            one.wire is not None and one.terminal.waiting for one in self._all
        ):
            self._tick_all()
            await asyncio.sleep(0.02)
        for one in self._all:
            one.terminal.leave(self.now(), self.clock())
        while self.clock() < ends_s and any(
            one.wire is not None and not one.terminal.has_left for one in self._all
        ):
            self._tick_all()
            await asyncio.sleep(0.02)
        for one in self._all:
            self._drop(one)
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.sleep(0)

    def lost(self, one: _Wired) -> None:
        """A link is gone."""
        now_s = self.clock()
        one.terminal.lost(now_s)
        wait_s = max(one.terminal.next_login_s - now_s, 0.0)
        one.opens_s = now_s + wait_s + self._random.uniform(0.0, SPREAD_S)

    def _read(self, one: _Wired, now_s: float) -> None:
        vehicle, world = one.vehicle, self._world
        grave = world.alarm_level(one.row) >= vehicle.timing.grave
        if not vehicle.is_due(now_s, grave):
            return
        due = vehicle.observe(world.reading(one.row), now_s, lambda: world.past(one.row))
        for report in due:
            if report.late:
                one.terminal.report_late(report.unit, report.at)
            else:
                one.terminal.report(report.unit, report.at)

    def _tick_all(self) -> None:
        at, now_s = self.now(), self.clock()
        for one in self._all:
            if one.wire is not None:
                one.terminal.tick(at, now_s)
                one.wire.pump()

    def _may_open(self, one: _Wired, now_s: float) -> bool:
        return (
            not one.opening
            and not self._stopping
            and now_s >= one.opens_s
            and self._opening < MOST_OPENING
        )

    def _drop(self, one: _Wired) -> None:
        if one.wire is not None and one.wire.transport is not None:
            one.wire.transport.abort()

    def _open(self, one: _Wired) -> None:
        one.opening = True
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._connect(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, one: _Wired) -> None:
        more: dict[str, Any] = {"server_hostname": self._host} if self._tls is not None else {}
        try:
            async with asyncio.timeout(15.0):
                await asyncio.get_running_loop().create_connection(
                    lambda: _Wire(self, one), self._host, self._port, ssl=self._tls, **more
                )
        except (OSError, TimeoutError):
            if one.wire is None:
                self.lost(one)
        finally:
            one.opening = False
            self._opening -= 1
