"""The sites' meters, panels and stores over Modbus/TCP: polled, bounded, told.

Each site has a task and a connection of its own, so that a slow one holds up nobody. A reading is
taken only when every unit of the site has answered with sound numbers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from zerocity.live.readings import SiteReading
from zerocity.protocols.sunspec.link import DeviceError, WriteError, quiet_modbus
from zerocity.protocols.sunspec.orders import REVERT_S, OrderError
from zerocity.protocols.sunspec.site import STORE_ORDER, SUN_ORDER, SiteAddress, SiteLine
from zerocity.protocols.sunspec.words import ReadingError

__all__ = ["SiteAddress", "SunspecPoller"]

log = structlog.get_logger(__name__)

PERIOD_S = 2.0
TIMEOUT_S = 2.0
# Waits before a site is tried again, doubled up to the longest.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
# A site whose turn takes longer is hung up on, however regularly single answers come.
LONGEST_TURN_S, LONGEST_FIND_S = 10.0, 60.0
# Units that were absent are looked for again this often.
LOOK_AGAIN_S = 60.0

Take = Callable[[str, SiteReading, float], bool]
Figure = tuple[str, str, str, Callable[[], float]]


@dataclass
class _Site:
    line: SiteLine
    wait_s: float = FIRST_WAIT_S
    due_s: float = 0.0
    found_s: float = -math.inf
    read_s: float = -math.inf
    problem: str = "not asked yet"
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    # Order -> (value, when it was given): to be carried, and carried.
    orders: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.line.address.site


class SunspecPoller:
    """Polls every site and carries orders to it. Make and use it in the event loop's thread.

    take : takes a reading (site, reading, now_s); False when it refuses it. charging_kw : power of
    a site's chargers, for sites that have no meter of them.
    """

    def __init__(
        self,
        addresses: Sequence[SiteAddress],
        take: Take,
        now_s: Callable[[], float],
        *,
        period_s: float = PERIOD_S,
        timeout_s: float = TIMEOUT_S,
        charging_kw: Callable[[str], float] = lambda site: 0.0,
    ) -> None:
        self._sites = {one.site: _Site(SiteLine(one, timeout_s)) for one in addresses}
        self._take, self._now_s, self._charging_kw = take, now_s, charging_kw
        self._period_s = period_s
        self._stopping = asyncio.Event()
        self.polls = self.failures = self.refused = 0
        self.orders_sent = self.orders_refused = self.orders_late = 0
        quiet_modbus()

    def store(self, site: str, kw: float) -> None:
        """Order the power of a site's store, positive into it [kW]; the last order wins."""
        self._order(site, STORE_ORDER, kw)

    def sun(self, site: str, share: float) -> None:
        """Bound a site's panels to a share of their power, 0-1; the last order wins."""
        self._order(site, SUN_ORDER, share)

    def status(self) -> list[dict[str, Any]]:
        """Every site's link: its units, the age of its reading [s], and what is wrong."""
        now_s = self._now_s()
        return [
            {
                "site": site.name,
                "connected": site.line.is_open,
                "units": site.line.units,
                "age_s": now_s - site.read_s if math.isfinite(site.read_s) else None,
                "problem": site.problem or None,
            }
            for site in self._sites.values()
        ]

    def figures(self) -> list[Figure]:
        """Figures for Prometheus: (kind, name, help, value)."""
        return [
            ("counter", "sunspec_polls", "Sites read.", lambda: self.polls),
            ("counter", "sunspec_failures", "Sites that failed.", lambda: self.failures),
            ("counter", "sunspec_refused", "Readings refused.", lambda: self.refused),
            ("counter", "sunspec_orders", "Orders carried.", lambda: self.orders_sent),
            ("counter", "sunspec_orders_refused", "Orders refused.", lambda: self.orders_refused),
            ("counter", "sunspec_orders_late", "Orders too old.", lambda: self.orders_late),
            ("gauge", "sunspec_connected", "Sites connected.", self._connected),
        ]

    def _connected(self) -> float:
        return float(sum(site.line.is_open for site in self._sites.values()))

    def _order(self, site: str, what: str, value: float) -> None:
        found = self._sites.get(site)
        if found is not None and math.isfinite(value):
            found.orders[what] = value, self._now_s()
            found.wake.set()

    async def run(self) -> None:
        """Poll until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            for number, site in enumerate(self._sites.values()):
                # Spread over the period, so that the devices are not all asked at once.
                site.due_s = self._now_s() + self._period_s * number / len(self._sites)
                tasks.create_task(self._serve(site))
            tasks.create_task(self._stopping.wait())

    async def stop(self) -> None:
        """End `run`."""
        self._stopping.set()
        for site in self._sites.values():
            site.wake.set()

    async def _serve(self, site: _Site) -> None:
        try:
            while not self._stopping.is_set():
                # An order does not wake a site that waits after a failure: no busy loop.
                await self._rest(site.wake if site.line.is_open else self._stopping, site.due_s)
                if not self._stopping.is_set():
                    await self._turn(site)
        finally:
            site.line.close()

    async def _rest(self, event: asyncio.Event, until_s: float) -> None:
        try:
            async with asyncio.timeout(max(until_s - self._now_s(), 0.0)):
                await event.wait()
        except TimeoutError:
            return

    async def _turn(self, site: _Site) -> None:
        site.wake.clear()
        try:
            if not site.line.is_open:
                await self._open(site)
            async with asyncio.timeout(LONGEST_TURN_S):
                await self._tell(site)
                if self._now_s() >= site.due_s:
                    await self._read(site)
        except (DeviceError, OSError, TimeoutError) as error:
            self._failed(site, str(error) or "it takes too long")
        except Exception as error:
            # Whatever a device sends may cost its own site a reading, and nobody else's.
            log.exception("sunspec.broken", site=site.name)
            self._failed(site, f"{type(error).__name__}: {error}")

    def _failed(self, site: _Site, why: str) -> None:
        self.failures += 1
        if site.problem != why:
            log.warning("sunspec.failed", site=site.name, why=why[:200])
        site.problem = why[:200]
        site.line.close()
        site.due_s = self._now_s() + site.wait_s
        site.wait_s = min(2.0 * site.wait_s, LONGEST_WAIT_S)

    async def _open(self, site: _Site) -> None:
        async with asyncio.timeout(LONGEST_FIND_S):
            await site.line.open()
        site.found_s = self._now_s()
        # A device that was away may have forgotten what it was told not long ago.
        recent = {k: v for k, v in site.told.items() if site.found_s - v[1] <= REVERT_S}
        site.orders = {**recent, **site.orders}

    async def _tell(self, site: _Site) -> None:
        while site.orders:
            what, (value, given_s) = next(iter(site.orders.items()))
            # The device's own timer would have ended an older order by now.
            if self._now_s() - given_s > REVERT_S:
                self.orders_late += 1
            elif await self._carry(site, what, value):
                site.told[what] = value, given_s
            # Only what was carried is done: a newer order may have come meanwhile.
            if site.orders.get(what) == (value, given_s):
                del site.orders[what]

    async def _carry(self, site: _Site, what: str, value: float) -> bool:
        try:
            await site.line.tell(what, value)
        except (OrderError, WriteError) as error:
            self.orders_refused += 1
            log.warning("sunspec.refused", site=site.name, order=what, why=str(error)[:200])
            return False
        self.orders_sent += 1
        return True

    async def _read(self, site: _Site) -> None:
        began_s = self._now_s()
        if began_s - site.found_s > LOOK_AGAIN_S:
            await site.line.find()
            site.found_s = began_s
        site.due_s = began_s + self._period_s
        try:
            reading = await site.line.read(self._charging_kw(site.name), began_s)
        except ReadingError as error:
            self.refused += 1
            site.problem = str(error)[:200]
            return
        site.wait_s, site.problem = FIRST_WAIT_S, ""
        self.polls += 1
        if self._take(site.name, reading, self._now_s()):
            site.read_s = self._now_s()
        else:
            self.refused += 1
