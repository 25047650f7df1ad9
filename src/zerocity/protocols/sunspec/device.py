"""Simulated meters and inverters of sites, on real Modbus/TCP sockets.

A site is one listener with up to four units: 1 the meter at the grid connection, 2 the meter of all
chargers, 3 the inverter of the panels, 4 that of the store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from zerocity.protocols.sunspec.models import (
    CAPACITY,
    COMMON,
    CONTROL,
    END,
    MARK,
    MEASURE,
    METER,
    STARTS,
    layout,
)

GRID, FEEDER, SUN, STORE = 1, 2, 3, 4
BASE = STARTS[0]
# Largest number that a signed 16-bit power can hold.
_MOST = 32_000.0
_KINDS = {GRID: (METER,), FEEDER: (METER,), SUN: (MEASURE, CONTROL),
          STORE: (MEASURE, CONTROL, CAPACITY)}  # fmt: skip
# Points of model 704 that one may write, by unit.
_SHARE = ("WMaxLimPctEna", "WMaxLimPct", "WMaxLimPctRvrtTms")
_POWER = ("WSetEna", "WSetMod", "WSet", "WSetRvrtTms")
_NAMES = {GRID: "Twin meter", FEEDER: "Twin meter", SUN: "Twin inverter", STORE: "Twin store"}
WATTS = 1  # WSetMod of model 704


class SimSite:
    """One site's devices: what they measure, and what they were told. Powers in kW.

    Power into the site and into its store is positive here; SunSpec counts what an inverter injects
    as positive, so the registers of the store have the other sign.
    """

    def __init__(self, *, has_pv: bool = True, has_store: bool = True) -> None:
        self.units = [GRID, FEEDER] + [SUN] * has_pv + [STORE] * has_store
        self.state = {
            "net_kw": 0.0, "charging_kw": 0.0, "pv_kw": 0.0, "store_kw": 0.0, "store_kwh": 0.0,
            "store_capacity_kwh": 0.0, "import_kwh": 0.0, "export_kwh": 0.0, "charging_kwh": 0.0,
        }  # fmt: skip
        self.controls: dict[int, dict[str, float | None]] = {SUN: {}, STORE: {}}
        self._told_s = {SUN: -math.inf, STORE: -math.inf}
        self._scale = dict.fromkeys(self.units, 0)

    def set_state(self, **state: float) -> None:
        """What the devices measure now, by the names of ``state``."""
        self.state.update(state)

    def pv_share(self, now_s: float) -> float:
        """Share of their power that the panels may give, 1 without an order that holds."""
        found = self.controls[SUN]
        share = found.get("WMaxLimPct")
        if not self._holds(SUN, "WMaxLimPctEna", "WMaxLimPctRvrtTms", now_s) or share is None:
            return 1.0
        return min(max(share / 100.0, 0.0), 1.0)

    def store_order_kw(self, now_s: float) -> float:
        """Power that the store was told to take, 0 without an order that holds [kW]."""
        found = self.controls[STORE]
        watts = found.get("WSet")
        holds = self._holds(STORE, "WSetEna", "WSetRvrtTms", now_s)
        if not holds or watts is None or found.get("WSetMod") != WATTS:
            return 0.0
        return -watts / 1000.0

    def _holds(self, unit: int, enabled: str, timer: str, now_s: float) -> bool:
        found = self.controls[unit]
        if not found.get(enabled):
            return False
        ends = found.get(timer)
        return not ends or now_s - self._told_s[unit] <= ends

    def registers(self, unit: int, now_s: float) -> list[int]:
        """The whole map of a unit, from the mark to its end."""
        found = [*MARK, *_common(unit)]
        for model in _KINDS[unit]:
            found += self._model(unit, model, now_s)
        return [*found, END, 0]

    def write(self, unit: int, address: int, values: Sequence[int], now_s: float) -> bool:
        """Take a write to the controls of a unit; False where nothing may be written."""
        if unit not in self.controls:
            return False
        start = BASE + 2 + 2 + layout(COMMON).length
        start += 2 + layout(MEASURE).length
        offset = address - start
        shape = layout(CONTROL)
        allowed = _SHARE if unit == SUN else _POWER
        spans = [shape.points[name] for name in allowed]
        written = set(range(offset, offset + len(values)))
        covered = {r for p in spans for r in range(p.offset, p.offset + p.size)}
        if not written <= covered:
            return False
        block = self._model(unit, CONTROL, now_s)
        block[offset : offset + len(values)] = list(values)
        read = shape.decoded(block)
        self.controls[unit] = {name: _number(read[name]) for name in allowed}
        self._told_s[unit] = now_s
        return True

    def _model(self, unit: int, model: int, now_s: float) -> list[int]:
        return _ENCODE[model](self, unit)

    def meter(self, unit: int) -> list[int]:
        """Model 203 of a unit."""
        s = self.state
        kw = s["net_kw"] if unit == GRID else s["charging_kw"]
        taken = s["import_kwh"] if unit == GRID else s["charging_kwh"]
        given = s["export_kwh"] if unit == GRID else 0.0
        watts = kw * 1000.0
        amps = watts / (3.0**0.5 * 400.0)
        values = {
            "W": watts, "A": amps, "AphA": amps, "AphB": amps, "AphC": amps, "PhV": 230.0,
            "PhVphA": 230.0, "PhVphB": 230.0, "PhVphC": 230.0, "PPV": 400.0, "PhVphAB": 400.0,
            "PhVphBC": 400.0, "PhVphCA": 400.0, "Hz": 50.0, "TotWhImp": taken * 1000.0,
            "TotWhExp": given * 1000.0, "Evt": 0.0,
        }  # fmt: skip
        scales = {"W_SF": self._fitting(unit, watts), "A_SF": 0, "V_SF": -1, "Hz_SF": -2}
        scales["TotWh_SF"] = 0 if max(taken, given) < 4e6 else 3
        return layout(METER).encoded(values, scales)

    def measure(self, unit: int) -> list[int]:
        """Model 701 of a unit: W is what it injects."""
        watts = 1000.0 * (self.state["pv_kw"] if unit == SUN else -self.state["store_kw"])
        values = {"ACType": 2.0, "St": 1.0, "InvSt": 3.0, "ConnSt": 1.0, "Alrm": 0.0, "W": watts}
        return layout(MEASURE).encoded(values, {"W_SF": self._fitting(unit, watts)})

    def control(self, unit: int) -> list[int]:
        """Model 704 of a unit, with what it was told last."""
        base: dict[str, float | None] = (
            {"WMaxLimPctEna": 0.0, "WMaxLimPct": 100.0, "WMaxLimPctRvrtTms": 0.0}
            if unit == SUN
            else {"WSetEna": 0.0, "WSetMod": 1.0, "WSet": 0.0, "WSetRvrtTms": 0.0}
        )
        told = {k: v for k, v in self.controls[unit].items() if v is not None}
        return layout(CONTROL).encoded({**base, **told}, {"WMaxLimPct_SF": -1, "WSet_SF": 0})

    def capacity(self, unit: int) -> list[int]:
        """Model 713 of the store."""
        room, held = self.state["store_capacity_kwh"], self.state["store_kwh"]
        values = {
            "WHRtg": room * 1000.0, "WHAvail": held * 1000.0, "SoH": 100.0, "Sta": 0.0,
            "SoC": 100.0 * held / room if room > 0.0 else None,
        }  # fmt: skip
        return layout(CAPACITY).encoded(values, {"WH_SF": _exponent(room * 1000.0, 65_000.0),
                                                 "Pct_SF": -1})  # fmt: skip

    def _fitting(self, unit: int, watts: float) -> int:
        """A scale factor that fits; it only grows, as a meter's is set once for its size."""
        self._scale[unit] = max(self._scale[unit], _exponent(watts, _MOST))
        return self._scale[unit]


_ENCODE: dict[int, Callable[[SimSite, int], list[int]]] = {
    METER: SimSite.meter, MEASURE: SimSite.measure, CONTROL: SimSite.control,
    CAPACITY: SimSite.capacity,
}  # fmt: skip


def _exponent(number: float, most: float) -> int:
    """The least exponent of ten by which a number fits."""
    return max(math.ceil(math.log10(max(abs(number), 1.0) / most)), 0)


def _number(value: Any) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def _common(unit: int) -> list[int]:
    values = {"Mn": "Zerocity", "Md": _NAMES[unit], "Vr": "1", "SN": f"unit {unit}", "DA": unit}
    return layout(COMMON).encoded(values, {})  # type: ignore[arg-type]


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

    async def start(self) -> None:
        """Listen, each site on a free port."""
        for site in self._sites:
            devices = [self._device(site, unit) for unit in site.units]
            server = ModbusTcpServer(devices, address=(self._host, 0))
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
        if values and not site.write(unit, address, values, now_s):
            return ExcCodes.ILLEGAL_ADDRESS
        registers[:] = site.registers(unit, now_s)
        return None
