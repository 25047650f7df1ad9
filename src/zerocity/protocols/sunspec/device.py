"""Simulated meters and inverters of sites, on real Modbus/TCP sockets.

A site is one listener with up to four units: 1 the meter at the grid connection, 2 the meter of all
chargers, 3 the inverter of the panels, 4 that of the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from zerocity.protocols.sunspec.device_maps import (
    DER,
    FEEDER,
    GRID,
    STORE,
    SUN,
    SWITCHES,
    Maps,
    Switch,
    common,
    encode,
    fitting,
    power_w,
)
from zerocity.protocols.sunspec.link import quiet_modbus
from zerocity.protocols.sunspec.models import END, MARK, STARTS, layout

BASE = STARTS[0]
WATTS, BOTH_BOUNDS = 1.0, 3.0  # WSetMod of model 704, StorCtl_Mod of model 124


class SimSite:
    """One site's devices: what they measure, and what they were told. Powers in kW.

    Power into the site and into its store is positive here; SunSpec counts what an inverter injects
    as positive, so the registers of the store have the other sign. An order is in force once its
    switch is written, and until its timer ends: the strictest reading of the models.
    """

    def __init__(self, *, has_pv: bool = True, has_store: bool = True, maps: Maps = DER) -> None:
        self.units = [GRID, FEEDER] + [SUN] * has_pv + [STORE] * has_store
        self.state = {
            "net_kw": 0.0, "charging_kw": 0.0, "pv_kw": 0.0, "store_kw": 0.0, "store_kwh": 0.0,
            "store_capacity_kwh": 0.0, "store_rated_kw": 100.0, "pv_rated_kw": 0.0,
            "import_kwh": 0.0, "export_kwh": 0.0, "charging_kwh": 0.0,
        }  # fmt: skip
        self.models = {unit: maps.models(unit) for unit in self.units}
        self._switches = {
            unit: (model, SWITCHES[unit, model])
            for unit in self.units
            for model in self.models[unit]
            if (unit, model) in SWITCHES
        }
        self.controls: dict[int, dict[str, float]] = {
            unit: dict(switch.off) for unit, (_, switch) in self._switches.items()
        }
        # Unit -> the order in force, and when it was switched on.
        self._in_force: dict[int, tuple[dict[str, float], float]] = {}
        self._scale = dict.fromkeys(self.units, 0)
        self._places = {unit: self._placed(unit) for unit in self.units}

    def set_state(self, **state: float) -> None:
        """What the devices measure now, by the names of ``state``."""
        self.state.update(state)

    def pv_share(self, now_s: float) -> float:
        """Share of their power that the panels may give, 1 without an order that holds."""
        order = self._order(SUN, now_s)
        return 1.0 if order is None else min(max(order["WMaxLimPct"] / 100.0, 0.0), 1.0)

    def store_order_kw(self, now_s: float) -> float:
        """Power that the store was told to take, 0 without an order that holds [kW]."""
        order = self._order(STORE, now_s)
        if order is None:
            return 0.0
        if "WSet" in order:
            return -order["WSet"] / 1000.0 if order["WSetMod"] == WATTS else 0.0
        if order["StorCtl_Mod"] != BOTH_BOUNDS:
            return 0.0
        # The bounds of charging and discharging; a negative one forces the other.
        rated = self.state["store_rated_kw"]
        least, most = -order["OutWRte"] / 100.0 * rated, order["InWRte"] / 100.0 * rated
        return min(max(0.0, least), most)

    def registers(self, unit: int, now_s: float) -> list[int]:
        """The whole map of a unit, from the mark to its end."""
        ends = self._places[unit][-1][1] if self._places[unit] else 0
        found = [*MARK, *common(unit)]
        found += [0] * (ends - len(found)) + [END, 0]
        self.refresh(unit, found, 0, len(found), now_s)
        return found

    def refresh(
        self, unit: int, registers: list[int], first: int, count: int, now_s: float
    ) -> None:
        """Bring the models up to date that ``count`` registers from ``first`` on touch."""
        self._order(unit, now_s)
        for start, end, model in self._places[unit]:
            if start < first + count and first < end:
                registers[start:end] = self._model(unit, model)

    def write(self, unit: int, first: int, values: Sequence[int], now_s: float) -> bool:
        """Take a write to the controls of a unit; False where nothing may be written."""
        if unit not in self._switches:
            return False
        model, switch = self._switches[unit]
        start = next(start for start, _, number in self._places[unit] if number == model)
        span = range(first - start, first - start + len(values))
        points = layout(model).points
        covered = {points[name].offset + k for name in switch.off for k in range(points[name].size)}
        if not set(span) <= covered:
            return False
        block = self._model(unit, model)
        block[span.start : span.stop] = list(values)
        read = layout(model).decoded(block)
        told = {name: value for name in switch.off if isinstance(value := read[name], int | float)}
        self.controls[unit].update(told)
        if points[switch.enable].offset in span:
            self._switch(unit, switch, now_s)
        return True

    def _switch(self, unit: int, switch: Switch, now_s: float) -> None:
        if self.controls[unit][switch.enable]:
            self._in_force[unit] = dict(self.controls[unit]), now_s
        else:
            self._in_force.pop(unit, None)

    def _order(self, unit: int, now_s: float) -> dict[str, float] | None:
        """The order in force; when its timer has ended, it is switched off."""
        found = self._in_force.get(unit)
        if found is None:
            return None
        order, at_s = found
        switch = self._switches[unit][1]
        if order[switch.timer] and now_s - at_s > order[switch.timer]:
            del self._in_force[unit]
            self.controls[unit][switch.enable] = 0.0
            return None
        return order

    def _model(self, unit: int, model: int) -> list[int]:
        # A scale factor only grows, as a meter's is set once for its size.
        self._scale[unit] = max(self._scale[unit], fitting(power_w(unit, self.state)))
        control = self.controls.get(unit, {})
        return encode(unit, model, self.state, control, self._scale[unit])

    def _placed(self, unit: int) -> list[tuple[int, int, int]]:
        at = len(MARK) + len(common(unit))
        found = []
        for model in self.models[unit]:
            end = at + 2 + layout(model).length
            found.append((at, end, model))
            at = end
        return found


class SimSiteServer:
    """The devices of many sites, one listener each; ``ports`` are known after `start`."""

    def __init__(
        self,
        sites: Sequence[SimSite],
        host: str = "127.0.0.1",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sites, self._host, self._now_s = list(sites), host, now_s
        self._servers: list[ModbusTcpServer] = []
        self.ports: list[int] = []
        quiet_modbus()

    async def start(self, ports: Sequence[int] = ()) -> None:
        """Listen, each site on its port, or on a free one."""
        wanted = [*ports, *[0] * (len(self._sites) - len(ports))]
        self.ports = []
        for site, port in zip(self._sites, wanted, strict=True):
            devices = [self._device(site, unit) for unit in site.units]
            server = ModbusTcpServer(devices, address=(self._host, port))
            await server.serve_forever(background=True)
            self._servers.append(server)
            listener: Any = server.transport
            self.ports.append(int(listener.sockets[0].getsockname()[1]))

    async def stop(self) -> None:
        """Close all listeners and connections."""
        for server in self._servers:
            await server.shutdown()  # type: ignore[no-untyped-call]
        self._servers = []

    def _device(self, site: SimSite, unit: int) -> SimDevice:
        first = site.registers(unit, self._now_s())
        data = SimData(BASE, values=first, datatype=DataType.REGISTERS)
        return SimDevice(unit, simdata=[data], action=partial(self._act, site, unit))

    async def _act(
        self,
        site: SimSite,
        unit: int,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | None,
    ) -> ExcCodes | None:
        now_s = self._now_s()
        if values and not site.write(unit, address - start, values, now_s):
            return ExcCodes.ILLEGAL_ADDRESS
        site.refresh(unit, registers, address - start, count, now_s)
        return None
