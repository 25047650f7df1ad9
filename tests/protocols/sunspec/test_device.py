"""Simulated devices, read and told by the reference client of the alliance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP, SunSpecModbusClientException
from sunspec2.modbus.modbus import ModbusClientException
from sunspec_made import STATE, made_site, serving

from zerocity.protocols.sunspec.device import FEEDER, GRID, STORE, SUN, SimSite
from zerocity.protocols.sunspec.device_maps import DER, FLOATS, OLDER, Maps

T = TypeVar("T")


def _asked(site: SimSite, unit: int, ask: Callable[[SunSpecModbusClientDeviceTCP], T]) -> T:
    """What the reference client finds, in a thread of its own."""

    def work(port: int) -> T:
        client = SunSpecModbusClientDeviceTCP(unit, "127.0.0.1", port, timeout=3.0)
        client.connect()
        try:
            client.scan(connect=False)
            return ask(client)
        finally:
            client.disconnect()

    async def run() -> T:
        async with serving(site) as server:
            return await asyncio.to_thread(work, server.ports[0])

    return asyncio.run(run())


@pytest.mark.parametrize("maps", [DER, OLDER, FLOATS, Maps(meter=201), Maps(meter=202)])
def test_the_reference_client_reads_the_same_meter(maps: Maps) -> None:
    def ask(client: SunSpecModbusClientDeviceTCP) -> tuple[float, ...]:
        meter = client.models[maps.meter][0]
        assert not meter.error_info
        names = ("W", "TotWhImp", "TotWhExp", "Hz")
        # The reference calls a counter at zero absent.
        return tuple(float(meter.points[name].cvalue or 0.0) for name in names)

    grid = _asked(made_site(maps=maps), GRID, ask)
    assert grid == pytest.approx((120_500.0, 1_000_000.0, 5_000.0, 50.0), abs=5.0)
    assert _asked(made_site(maps=maps), FEEDER, ask)[0] == pytest.approx(80_250.0, abs=5.0)


@pytest.mark.parametrize("maps", [DER, OLDER, FLOATS])
def test_the_reference_client_finds_every_model_whole(maps: Maps) -> None:
    for unit in (SUN, STORE):
        wanted = {1, *maps.models(unit)}

        def ask(client: SunSpecModbusClientDeviceTCP) -> set[int]:
            assert not any(model.error_info for model in client.model_list)
            return {model.model_id for model in client.model_list}

        assert _asked(made_site(maps=maps), unit, ask) == wanted


def test_inverter_and_store_count_what_they_inject() -> None:
    def watts(client: SunSpecModbusClientDeviceTCP) -> float:
        return float(client.models[701][0].points["W"].cvalue)

    def held(client: SunSpecModbusClientDeviceTCP) -> tuple[float, float, float]:
        points = client.models[713][0].points
        return tuple(float(points[n].cvalue) for n in ("WHRtg", "WHAvail", "SoC"))  # type: ignore[return-value]

    assert _asked(made_site(), SUN, watts) == 30_000.0
    assert _asked(made_site(), STORE, watts) == -20_000.0
    assert _asked(made_site(), STORE, held) == pytest.approx((2e5, 1.5e5, 75.0))


def test_an_older_store_tells_its_ratings_and_charge() -> None:
    def ask(client: SunSpecModbusClientDeviceTCP) -> tuple[float, ...]:
        rated, store = client.models[120][0].points, client.models[124][0].points
        return (
            rated["WHRtg"].cvalue, rated["MaxChaRte"].cvalue, store["WChaMax"].cvalue,
            store["ChaState"].cvalue,
        )  # fmt: skip

    assert _asked(made_site(maps=OLDER), STORE, ask) == pytest.approx((2e5, 1e5, 1e5, 75.0))


def test_what_the_reference_client_writes_comes_into_force() -> None:
    def bound(client: SunSpecModbusClientDeviceTCP) -> None:
        points = client.models[704][0].points
        for name, value in (("WMaxLimPct", 40.0), ("WMaxLimPctRvrtTms", 60), ("WMaxLimPctEna", 1)):
            points[name].cvalue = value
            points[name].write()

    def charge(client: SunSpecModbusClientDeviceTCP) -> None:
        points = client.models[124][0].points
        for name, value in (("InWRte", 30.0), ("OutWRte", -30.0), ("StorCtl_Mod", 3)):
            points[name].cvalue = value
            points[name].write()

    site = made_site()
    _asked(site, SUN, bound)
    assert site.pv_share(0.0) == pytest.approx(0.4)
    older = made_site(maps=OLDER)
    _asked(older, STORE, charge)
    assert older.store_order_kw(0.0) == pytest.approx(30.0)


def test_what_is_no_control_cannot_be_written() -> None:
    def write(client: SunSpecModbusClientDeviceTCP) -> None:
        point = client.models[701][0].points["W"]
        point.cvalue = 5
        point.write()

    with pytest.raises((ModbusClientException, SunSpecModbusClientException)):
        _asked(made_site(), SUN, write)


def _write(site: SimSite, unit: int, model: int, name: str, registers: list[int]) -> bool:
    start = next(a for a, _, m in site._places[unit] if m == model)
    from_model = {"WMaxLimPct": 15, "WMaxLimPctRvrtTms": 18, "WMaxLimPctEna": 14}[name]
    return site.write(unit, start + from_model, registers, now_s=site.now_s)  # type: ignore[attr-defined]


def test_an_order_waits_for_its_switch_and_ends_with_its_timer() -> None:
    site = made_site()
    site.now_s = 100.0  # type: ignore[attr-defined]
    assert _write(site, SUN, 704, "WMaxLimPct", [250])
    assert site.pv_share(100.0) == 1.0
    assert _write(site, SUN, 704, "WMaxLimPctRvrtTms", [0, 60])
    assert _write(site, SUN, 704, "WMaxLimPctEna", [1])
    assert site.pv_share(160.0) == 0.25
    assert _write(site, SUN, 704, "WMaxLimPct", [500])
    assert site.pv_share(160.0) == 0.25
    assert site.pv_share(161.0) == 1.0
    assert site.controls[SUN]["WMaxLimPctEna"] == 0.0


def test_switching_off_ends_an_order_and_nothing_else_is_written() -> None:
    site = made_site()
    site.now_s = 0.0  # type: ignore[attr-defined]
    _write(site, SUN, 704, "WMaxLimPct", [250])
    _write(site, SUN, 704, "WMaxLimPctEna", [1])
    assert site.pv_share(1e9) == 0.25
    _write(site, SUN, 704, "WMaxLimPctEna", [0])
    assert site.pv_share(1.0) == 1.0
    assert not site.write(GRID, 90, [1], 0.0)
    assert not site.write(SUN, 0, [1], 0.0)


def test_a_scale_factor_only_grows() -> None:
    site = made_site()
    big = {**STATE, "net_kw": 9000.0}
    site.set_state(**big)
    whole = site.registers(GRID, 0.0)
    site.set_state(**STATE)
    at = 2 + 68 + 22
    assert whole[at] == site.registers(GRID, 0.0)[at] == 3
