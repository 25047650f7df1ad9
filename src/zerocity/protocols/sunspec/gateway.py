"""The sites' meters, panels and stores over Modbus/TCP: polled, bounded, told.

Each site has a task of its own, so that a slow one holds up nobody. A reading is taken only when
every unit of the site has answered with sound numbers; orders are sent before the next poll.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from zerocity.live.readings import SiteReading
from zerocity.protocols.sunspec.models import (
    CAPACITY,
    CONTROL,
    END,
    MARK,
    MEASURE,
    METER,
    STARTS,
    Layout,
    layout,
)

log = structlog.get_logger(__name__)

PERIOD_S = 2.0
TIMEOUT_S = 2.0
# Waits before a site is tried again, doubled up to the longest.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
# An order ends by itself when nothing more is heard from us; the loop repeats it earlier.
REVERT_S = 60
MOST_REGISTERS = 120  # of one read; Modbus allows 125
MOST_MODELS = 60
MOST_KW = 1e6
GRID, FEEDER, SUN, STORE = 1, 2, 3, 4

Take = Callable[[str, SiteReading, float], bool]


@dataclass(frozen=True)
class SiteAddress:
    """Where a site's devices are; ``units`` by what they measure, those it lacks left out."""

    site: str
    host: str
    port: int
    grid: int = GRID
    feeder: int | None = FEEDER
    sun: int | None = SUN
    store: int | None = STORE


class DeviceError(Exception):
    """A device does not answer, or not as SunSpec says."""


@dataclass
class _Site:
    address: SiteAddress
    client: AsyncModbusTcpClient | None = None
    maps: dict[int, dict[int, int]] = field(default_factory=dict)
    wait_s: float = FIRST_WAIT_S
    orders: dict[str, float] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    told: dict[str, float] = field(default_factory=dict)


class SunspecPoller:
    """Polls every site and carries orders to it. Make and use it in the event loop's thread."""

    def __init__(
        self,
        addresses: Sequence[SiteAddress],
        take: Take,
        now_s: Callable[[], float],
        *,
        period_s: float = PERIOD_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._sites = {one.site: _Site(one) for one in addresses}
        self._take, self._now_s = take, now_s
        self._period_s, self._timeout_s = period_s, timeout_s
        self._stopping = asyncio.Event()
        self.polls = self.failures = self.refused = self.orders_sent = 0

    def store(self, site: str, kw: float) -> None:
        """Order the power of a site's store, positive into it [kW]; the last order wins."""
        self._order(site, "store", kw)

    def sun(self, site: str, share: float) -> None:
        """Bound a site's panels to a share of their power, 0-1; the last order wins."""
        self._order(site, "sun", share)

    def _order(self, site: str, what: str, value: float) -> None:
        found = self._sites.get(site)
        if found is not None:
            found.orders[what] = value
            found.wake.set()

    async def run(self) -> None:
        """Poll until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            for number, site in enumerate(self._sites.values()):
                # Spread over the period, so that the devices are not all asked at once.
                first_s = self._period_s * number / max(len(self._sites), 1)
                tasks.create_task(self._serve(site, first_s))
            tasks.create_task(self._stopping.wait())

    async def stop(self) -> None:
        """End `run`."""
        self._stopping.set()
        for site in self._sites.values():
            site.wake.set()

    async def _serve(self, site: _Site, first_s: float) -> None:
        await self._rest(site, first_s)
        while not self._stopping.is_set():
            began_s = self._now_s()
            try:
                await self._round(site)
                site.wait_s = FIRST_WAIT_S
                rest_s = self._period_s - (self._now_s() - began_s)
            except (DeviceError, ModbusException, OSError, TimeoutError, ValueError) as error:
                self.failures += 1
                log.warning("sunspec.failed", site=site.address.site, why=str(error)[:200])
                self._hang_up(site)
                rest_s, site.wait_s = site.wait_s, min(2.0 * site.wait_s, LONGEST_WAIT_S)
                # Orders to a device that does not answer must not turn into a busy loop.
                await self._pause(rest_s)
                continue
            await self._rest(site, max(rest_s, 0.0))
        self._hang_up(site)

    async def _rest(self, site: _Site, seconds: float) -> None:
        """Wait for the next poll, or for an order."""
        try:
            async with asyncio.timeout(seconds):
                await site.wake.wait()
        except TimeoutError:
            return

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _round(self, site: _Site) -> None:
        site.wake.clear()
        if site.client is None:
            await self._connect(site)
        orders, site.orders = site.orders, {}
        try:
            await self._tell(site, orders)
            reading = await self._read(site)
        except BaseException:
            # What was not carried out is still to be done, unless something newer came.
            site.orders = {**orders, **site.orders}
            raise
        self.polls += 1
        if not self._take(site.address.site, reading, self._now_s()):
            self.refused += 1

    async def _connect(self, site: _Site) -> None:
        address = site.address
        client = AsyncModbusTcpClient(
            address.host, port=address.port, timeout=self._timeout_s, retries=0,
            reconnect_delay=0.0,
        )  # fmt: skip
        if not await client.connect():
            client.close()
            raise DeviceError(f"{address.host}:{address.port} does not answer")
        site.client = client
        units = {address.grid, address.feeder, address.sun, address.store} - {None}
        site.maps = {}
        for unit in sorted(int(u) for u in units if u is not None):
            found = await self._models(client, unit)
            if found:
                site.maps[unit] = found
        if METER not in site.maps.get(address.grid, {}):
            raise DeviceError(f"unit {address.grid} is no three-phase meter (model {METER})")

    def _hang_up(self, site: _Site) -> None:
        if site.client is not None:
            site.client.close()
            site.client = None

    async def _models(self, client: AsyncModbusTcpClient, unit: int) -> dict[int, int]:
        """Model -> address of its ID, by walking the unit's map; empty for a unit that is not."""
        for start in STARTS:
            head = await client.read_holding_registers(start, count=2, device_id=unit)
            if head.isError() or tuple(head.registers) != MARK:
                continue
            return await self._walk(client, unit, start + 2)
        return {}

    async def _walk(self, client: AsyncModbusTcpClient, unit: int, address: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for _ in range(MOST_MODELS):
            model, length = await self._registers(client, unit, address, 2)
            if model == END:
                return found
            found.setdefault(model, address)
            address += 2 + length
            if address > 0xFFFF:
                break
        raise DeviceError(f"unit {unit} has a map without an end")

    async def _registers(
        self, client: AsyncModbusTcpClient, unit: int, address: int, count: int
    ) -> list[int]:
        found: list[int] = []
        while count > 0:
            part = min(count, MOST_REGISTERS)
            answer = await client.read_holding_registers(
                address + len(found), count=part, device_id=unit
            )
            if answer.isError() or len(answer.registers) != part:
                raise DeviceError(f"unit {unit} refuses register {address + len(found)}")
            found += answer.registers
            count -= part
        return found

    async def _model(self, site: _Site, unit: int, model: int) -> dict[str, Any]:
        shape: Layout = layout(model)
        assert site.client is not None
        address = site.maps[unit][model]
        return shape.decoded(await self._registers(site.client, unit, address, 2 + shape.length))

    async def _read(self, site: _Site) -> SiteReading:
        address = site.address
        grid = await self._model(site, address.grid, METER)
        charging, feeder_kwh = 0.0, math.nan
        if address.feeder in site.maps:
            feeder = await self._model(site, int(address.feeder or 0), METER)
            charging, feeder_kwh = _kw(feeder, "W"), _number(feeder, "TotWhImp") / 1000.0
        sun_kw = store_kw = store_kwh = 0.0
        if address.sun in site.maps:
            sun_kw = _kw(await self._model(site, int(address.sun or 0), MEASURE), "W")
        if address.store in site.maps:
            unit = int(address.store or 0)
            store_kw = -_kw(await self._model(site, unit, MEASURE), "W")
            store_kwh = _number(await self._model(site, unit, CAPACITY), "WHAvail") / 1000.0
        return SiteReading(
            net_kw=_kw(grid, "W"),
            charging_kw=charging,
            pv_kw=max(sun_kw, 0.0),
            pv_share=site.told.get("sun", 1.0),
            store_kw=store_kw,
            store_kwh=store_kwh,
            import_kwh=_number(grid, "TotWhImp") / 1000.0,
            export_kwh=_number(grid, "TotWhExp") / 1000.0,
            charging_kwh=feeder_kwh,
        )

    async def _tell(self, site: _Site, orders: dict[str, float]) -> None:
        for what, value in orders.items():
            unit = site.address.sun if what == "sun" else site.address.store
            if unit is None or CONTROL not in site.maps.get(unit, {}):
                continue
            values = (
                {"WMaxLimPctEna": 1.0, "WMaxLimPct": 100.0 * min(max(value, 0.0), 1.0),
                 "WMaxLimPctRvrtTms": float(REVERT_S)}
                if what == "sun"
                else {"WSetEna": 1.0, "WSetMod": 1.0, "WSet": -1000.0 * value,
                      "WSetRvrtTms": float(REVERT_S)}
            )  # fmt: skip
            await self._write(site, unit, values)
            site.told[what] = value
            self.orders_sent += 1

    async def _write(self, site: _Site, unit: int, values: dict[str, float]) -> None:
        """Write points of model 704, each by itself; the switch that enables them last."""
        assert site.client is not None
        shape, start = layout(CONTROL), site.maps[unit][CONTROL]
        now = await self._model(site, unit, CONTROL)
        scales = {
            p.name: int(now[p.name])
            for p in shape.points.values()
            if p.kind == "sunssf" and now[p.name] is not None
        }
        block = shape.encoded(values, scales)
        for name in sorted(values, key=lambda point: point.endswith("Ena")):
            point = shape.points[name]
            part = block[point.offset : point.offset + point.size]
            answer = await site.client.write_registers(start + point.offset, part, device_id=unit)
            if answer.isError():
                raise DeviceError(f"unit {unit} refuses {name}")


def _number(values: dict[str, Any], name: str) -> float:
    value = values.get(name)
    if not isinstance(value, int | float):
        raise DeviceError(f"{name} is not given")
    return float(value)


def _kw(values: dict[str, Any], name: str) -> float:
    kw = _number(values, name) / 1000.0
    if not abs(kw) <= MOST_KW:
        raise DeviceError(f"{name} is {kw:g} kW")
    return kw
