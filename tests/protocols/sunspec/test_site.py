"""A site's units over one connection."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest
from sunspec_made import STATE, made_site, serving

from zerocity.live.readings import SiteReading
from zerocity.protocols.sunspec import words
from zerocity.protocols.sunspec.device import SimSite, SimSiteServer
from zerocity.protocols.sunspec.device_maps import DER, FLOATS, OLDER, STORE, SUN, Maps
from zerocity.protocols.sunspec.link import DeviceError, WriteError
from zerocity.protocols.sunspec.orders import OrderError
from zerocity.protocols.sunspec.site import STORE_ORDER, SUN_ORDER, SiteAddress, SiteLine


def _address(server: SimSiteServer) -> SiteAddress:
    return SiteAddress("here", "127.0.0.1", server.ports[0])


async def _open(server: SimSiteServer) -> SiteLine:
    line = SiteLine(_address(server), 0.5)
    await line.open()
    return line


@pytest.mark.parametrize("maps", [DER, OLDER, FLOATS, Maps(meter=201), Maps(meter=202)])
def test_a_site_of_any_models_is_read_whole(maps: Maps) -> None:
    async def run() -> SiteReading:
        async with serving(made_site(maps=maps)) as server:
            line = await _open(server)
            found = await line.read(0.0, 0.0)
            assert line.units == {"grid": 1, "feeder": 2, "sun": 3, "store": 4}
            line.close()
            return found

    reading = asyncio.run(run())
    wanted = SiteReading(
        net_kw=STATE["net_kw"], charging_kw=80.25, pv_kw=30.0, pv_share=1.0, store_kw=20.0,
        store_kwh=150.0, import_kwh=1000.0, export_kwh=5.0, charging_kwh=700.0,
    )  # fmt: skip
    for name in SiteReading.__slots__:
        assert getattr(reading, name) == pytest.approx(getattr(wanted, name), abs=0.01), name


@pytest.mark.parametrize("maps", [DER, OLDER, FLOATS])
def test_orders_come_into_force_and_are_read_back(maps: Maps) -> None:
    async def run() -> None:
        site = made_site(maps=maps)
        async with serving(site) as server:
            line = await _open(server)
            for kw in (12.5, -40.0, 0.0, 7.0):
                await line.tell(STORE_ORDER, kw)
                assert site.store_order_kw(0.0) == pytest.approx(kw)
            for share in (0.5, 0.25):
                await line.tell(SUN_ORDER, share)
                assert site.pv_share(0.0) == pytest.approx(share)
                assert (await line.read(0.0, 0.0)).pv_share == pytest.approx(share)
            switch = "WMaxLimPctRvrtTms" if maps is DER else "WMaxLimPct_RvrtTms"
            assert site.controls[SUN][switch] == 60
            assert site.store_order_kw(1e9) == 0.0
            line.close()

    asyncio.run(run())


@pytest.mark.parametrize("maps", [DER, OLDER, FLOATS])
@pytest.mark.parametrize(
    ("rated_kw", "device_share"), [(80.0, 0.5), (160.0, 0.25), (0.0, 0.4), (1.0, 0.4)]
)
def test_a_bound_of_the_panels_is_told_as_a_share_of_the_inverter(
    maps: Maps, rated_kw: float, device_share: float
) -> None:
    """Also where it says nothing of its power, or what cannot be."""

    async def run() -> None:
        site = made_site(maps=maps)
        site.set_state(pv_rated_kw=rated_kw)
        async with serving(site) as server:
            line = SiteLine(replace(_address(server), pv_kwp=100.0), 0.5)
            await line.open()
            await line.tell(SUN_ORDER, 0.4)
            assert site.pv_share(0.0) == pytest.approx(device_share, abs=0.01)
            assert (await line.read(0.0, 0.0)).pv_share == pytest.approx(0.4, abs=0.01)
            await line.tell(SUN_ORDER, 1.0)
            assert site.pv_share(0.0) == 1.0
            line.close()

    asyncio.run(run())


def test_a_site_with_meters_only_takes_no_orders() -> None:
    async def run() -> None:
        async with serving(made_site(has_pv=False, has_store=False)) as server:
            line = await _open(server)
            found = await line.read(0.0, 0.0)
            assert (found.pv_kw, found.store_kw, found.store_kwh, found.pv_share) == (0, 0, 0, 1)
            for what in (STORE_ORDER, SUN_ORDER):
                with pytest.raises(OrderError, match="takes orders"):
                    await line.tell(what, 1.0)
            line.close()

    asyncio.run(run())


def test_without_a_feeder_meter_the_sessions_say_what_is_charged() -> None:
    async def run() -> None:
        async with serving(made_site()) as server:
            line = SiteLine(replace(_address(server), feeder=None), 0.5)
            await line.open()
            found = await line.read(33.0, 0.0)
            assert found.charging_kw == 33.0
            assert math.isnan(found.charging_kwh)
            line.close()

    asyncio.run(run())


def test_a_wrong_unit_is_told_plainly() -> None:
    async def run() -> None:
        async with serving(made_site()) as server:
            for wrong, says in (({"grid": 9}, "unit 9 has no SunSpec map"),
                                ({"grid": 3}, r"unit 3 \(grid\) has models 1, 701, 702, 704"),
                                ({"sun": 1}, r"unit 1 \(sun\) has models 1, 203")):  # fmt: skip
                line = SiteLine(replace(_address(server), **wrong), 0.5)
                with pytest.raises(DeviceError, match=says):
                    await line.open()
                line.close()

    asyncio.run(run())


def test_a_device_that_answers_to_any_number_is_found_out() -> None:
    class Echo(SimSite):
        def refresh(self, unit: int, registers: list[int], *args: object) -> None:
            registers[:] = made_site().registers(1, 0.0)

    async def run() -> None:
        async with serving(Echo(has_pv=False, has_store=False)) as server:
            line = SiteLine(_address(server), 0.5)
            with pytest.raises(DeviceError, match="units 1 and 2 are one device"):
                await line.open()
            line.close()

    asyncio.run(run())


def test_a_meter_that_counts_export_as_positive() -> None:
    async def run() -> None:
        async with serving(made_site()) as server:
            line = SiteLine(replace(_address(server), export_positive=True), 0.5)
            await line.open()
            found = await line.read(0.0, 0.0)
            assert found.net_kw == -120.5
            assert found.import_kwh == 1000.0
            line.close()

    asyncio.run(run())


def test_power_against_the_registers_is_refused() -> None:
    async def run() -> None:
        site = made_site()
        async with serving(site) as server:
            line = await _open(server)
            for k in range(2):
                site.set_state(net_kw=-3600.0, import_kwh=1000.0 + 10.0 * k)
                if k == 0:
                    await line.read(0.0, 0.0)
                else:
                    with pytest.raises(words.ReadingError, match="opposite signs"):
                        await line.read(0.0, 10.0)
            line.close()

    asyncio.run(run())


def test_a_store_that_refuses_an_order_says_so() -> None:
    class Locked(SimSite):
        def write(self, *args: object) -> bool:
            return False

    async def run() -> None:
        site = Locked()
        async with serving(site) as server:
            line = await _open(server)
            with pytest.raises(WriteError):
                await line.tell(STORE_ORDER, 5.0)
            line.close()

    asyncio.run(run())


def test_a_unit_that_was_there_is_missed() -> None:
    async def run() -> None:
        site = made_site()
        async with serving(site) as server:
            line = await _open(server)
            port = server.ports[0]
        site.units.remove(STORE)
        server = SimSiteServer([site])
        await server.start([port])
        with pytest.raises(DeviceError, match=r"unit 4 \(store\) is gone"):
            await line.open()
        line.close()
        await server.stop()

    asyncio.run(run())
