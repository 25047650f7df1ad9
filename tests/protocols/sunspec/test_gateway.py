"""Many sites polled and told, whatever their devices do."""

from __future__ import annotations

import asyncio
import math
import os
import time

import numpy as np
import pytest
from sunspec_made import STATE, Taken, made_site, polling, rude_device, serving, until

from zerocity.live.readings import Readings, SiteReading
from zerocity.protocols.sunspec.device import SimSiteServer
from zerocity.protocols.sunspec.device_maps import OLDER
from zerocity.protocols.sunspec.gateway import SiteAddress, SunspecPoller


def _addresses(server: SimSiteServer) -> list[SiteAddress]:
    return [SiteAddress(f"s{k}", "127.0.0.1", port) for k, port in enumerate(server.ports)]


def test_sites_are_read_and_told() -> None:
    async def run() -> None:
        sites = [made_site(), made_site(maps=OLDER)]
        taken = Taken()
        async with serving(*sites) as server, polling(_addresses(server), taken) as poller:
            poller.store("s0", 10.0)
            poller.store("s0", 15.0)
            poller.sun("s1", 0.5)
            poller.sun("nowhere", 0.5)
            poller.sun("s0", math.nan)
            await until(lambda: taken.count("s0") > 3 and taken.count("s1") > 3)
            now_s = time.monotonic()
            assert sites[0].store_order_kw(now_s) == 15.0
            assert sites[0].pv_share(now_s) == 1.0
            assert taken.last("s1").pv_share == 0.5
            assert poller.orders_sent == 2
            assert [row["problem"] for row in poller.status()] == [None, None]
            figures = {name: value() for _, name, _, value in poller.figures()}
            assert figures["sunspec_connected"] == 2
            assert figures["sunspec_orders"] == 2
            assert figures["sunspec_failures"] == figures["sunspec_refused"] == 0

    asyncio.run(run())


def test_an_order_does_not_wait_for_the_next_poll() -> None:
    async def run() -> None:
        site, taken = made_site(), Taken()
        async with (
            serving(site) as server,
            polling(_addresses(server), taken, period_s=30.0) as poller,
        ):
            await until(lambda: taken.count("s0") == 1)
            poller.store("s0", 9.0)
            await until(lambda: site.store_order_kw(time.monotonic()) == 9.0, 1.0)
            assert taken.count("s0") == 1

    asyncio.run(run())


def test_a_device_comes_back_and_hears_the_last_order() -> None:
    async def run() -> None:
        taken = Taken()
        site = made_site()
        async with serving(site) as server:
            ports = list(server.ports)
            async with polling(_addresses(server), taken) as poller:
                poller.store("s0", 11.0)
                poller.sun("s0", 0.7)
                await until(lambda: taken.count("s0") > 1)
                await server.stop()
                await until(lambda: poller.failures > 0)
                poller.store("s0", 12.0)
                poller.store("s0", 13.0)
                assert not poller.status()[0]["connected"]
                assert poller.status()[0]["problem"]
                fresh, count = made_site(), taken.count("s0")
                again = SimSiteServer([fresh])
                await again.start(ports)
                await until(lambda: taken.count("s0") > count)
                now_s = time.monotonic()
                assert fresh.store_order_kw(now_s) == 13.0
                assert fresh.pv_share(now_s) == pytest.approx(0.7)
                await again.stop()

    asyncio.run(run())


def test_an_order_that_waited_too_long_is_dropped() -> None:
    async def run() -> None:
        site, taken, clock = made_site(), Taken(), [0.0]
        async with serving(site) as server:
            poller = SunspecPoller(_addresses(server), taken, lambda: clock[0], timeout_s=0.5)
            poller.store("s0", 11.0)
            clock[0] = 61.0
            poller.sun("s0", 0.4)
            task = asyncio.create_task(poller.run())
            await until(lambda: taken.count("s0") > 0)
            assert site.store_order_kw(time.monotonic()) == 0.0
            assert site.pv_share(time.monotonic()) == pytest.approx(0.4)
            assert (poller.orders_late, poller.orders_sent) == (1, 1)
            await poller.stop()
            await asyncio.wait_for(task, 3.0)

    asyncio.run(run())


def test_slow_silent_and_raving_devices_delay_nobody() -> None:
    async def slow(data: bytes) -> bytes | None:
        await asyncio.sleep(0.2)
        return b""

    async def raving(data: bytes) -> bytes:
        return os.urandom(700)

    async def curt(data: bytes) -> None:
        return None

    async def run() -> None:
        taken = Taken()
        async with (
            serving(made_site()) as server,
            rude_device(slow) as a,
            rude_device(raving) as b,
            rude_device(curt) as c,
        ):
            bad = [SiteAddress(f"bad{p}", "127.0.0.1", p) for p in (a, b, c, 1)]
            async with polling([*bad, *_addresses(server)], taken) as poller:
                await asyncio.sleep(1.0)
                assert taken.count("s0") >= 10
                assert set(taken.readings) == {"s0"}
                assert poller.failures >= 4
                status = {row["site"]: row for row in poller.status()}
                assert status["s0"]["problem"] is None
                assert all(status[one.site]["problem"] for one in bad)
                assert all(status[one.site]["age_s"] is None for one in bad)

    asyncio.run(run())


def test_absurd_readings_are_refused_counted_and_the_line_kept() -> None:
    async def run() -> None:
        site, readings = made_site(), Readings(["s0"], np.array([50.0]))
        async with serving(site) as server:
            taken: list[SiteReading] = []

            def take(name: str, reading: SiteReading, at_s: float) -> bool:
                taken.append(reading)
                return readings.take(name, reading, at_s)

            async with polling(_addresses(server), take) as poller:  # type: ignore[arg-type]
                await until(lambda: len(taken) > 0)
                count = len(taken)
                for state in ({"net_kw": 5e5}, {"net_kw": math.nan}, {"store_kw": math.inf}):
                    refused = poller.refused
                    site.set_state(**{**STATE, **state})
                    await until(lambda refused=refused: poller.refused > refused)
                assert poller.status()[0]["connected"]
                assert poller.failures == 0
                site.set_state(**STATE)
                count = len(taken)
                await until(lambda: len(taken) > count)
                assert readings.net_kw[0] == pytest.approx(120.5, abs=100.0)

    asyncio.run(run())


def test_a_refused_order_costs_no_reading() -> None:
    async def run() -> None:
        taken = Taken()
        async with (
            serving(made_site(has_store=False)) as server,
            polling(_addresses(server), taken) as poller,
        ):
            poller.store("s0", 5.0)
            await until(lambda: taken.count("s0") > 2)
            assert (poller.orders_refused, poller.orders_sent, poller.failures) == (1, 0, 0)

    asyncio.run(run())


def test_a_fault_of_ours_costs_one_site_only() -> None:
    async def run() -> None:
        taken = Taken()

        def take(name: str, reading: SiteReading, at_s: float) -> bool:
            if name == "s0":
                raise KeyError("broken")
            return taken(name, reading, at_s)

        async with (
            serving(made_site(), made_site()) as server,
            polling(_addresses(server), take) as poller,  # type: ignore[arg-type]
        ):
            await until(lambda: taken.count("s1") > 5)
            assert poller.failures >= 1
            assert "KeyError" in poller.status()[0]["problem"]

    asyncio.run(run())


def test_twenty_sites_are_polled_cheaply() -> None:
    async def run() -> None:
        sites = [made_site() for _ in range(20)]
        taken = Taken()
        async with (
            serving(*sites) as server,
            polling(_addresses(server), taken, period_s=0.5, timeout_s=2.0) as poller,
        ):
            await until(lambda: all(taken.count(f"s{k}") for k in range(20)), 8.0)
            spent = []
            for _ in range(3):
                before, polls = time.thread_time(), poller.polls
                await until(lambda: poller.polls - polls > 20, 20.0)  # noqa: B023 - awaited here
                spent.append((time.thread_time() - before) / (poller.polls - polls))
            assert min(spent) < 0.02

    asyncio.run(run())
