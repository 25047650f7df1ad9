"""Sites and stations out of reach: the city turns cautious, stations fall back, and all comes back.

Times of lease, freshness and pings are cut short; the rules are the real ones.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from in_process import Wire, served_here, until
from served import HOST, Life, free_ports
from townspeople import Town

from zerocity.app.live import LivePlatform, served_city
from zerocity.city.scenario import City
from zerocity.control import sighting
from zerocity.live import grants
from zerocity.protocols.ocpp.office import reach
from zerocity.protocols.sunspec.device import SimSite, SimSiteServer
from zerocity.protocols.sunspec.gateway import SiteAddress

LEASE_S = 4.0
DEPOT = 0


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (grants, reach):
        monkeypatch.setattr(room, "LEASE_S", LEASE_S)
    monkeypatch.setattr(grants, "RENEW_S", 1.0)
    monkeypatch.setattr(sighting, "METER_FRESH_S", 2.0)
    monkeypatch.setattr("zerocity.app.view.METER_FRESH_S", 2.0)
    monkeypatch.setattr(sighting, "FULL_RESERVE_S", 3.0)


def made_life(folder: Path) -> Life:
    return Life(str(folder / "data"), free_ports(), ocpp={"ping_s": 1.0, "pong_s": 1.0})


def long_stays(city: City, ports: tuple[int, int, int]) -> Town:
    """A town whose people come at once and stay; its stations notice a dead line in 3 s."""
    town = Town(city, ports, 1, stay_s=0.5)
    for station in town.stations:
        station.settings.put("ping_s", "1")
    return town


async def settle(town: Town) -> None:
    """Wait until every charger has its cars, then let nobody come or go."""
    chargers = [s for s in town.stations if not s.id.endswith("-swap")]
    await until(lambda: town.fleet.connected == len(town.stations), 60.0)
    town.crowd.stands_still = True
    now_s, at = town.fleet.clock()
    for station in chargers:
        for evse in station.evses.values():
            if evse.car is None:
                station.plug(evse.id, now_s, at, token=f"p{evse.id}{station.id[-8:]}", soc=0.2,
                             capacity_kwh=400.0, limit_kw=60.0)  # fmt: skip


def granted_kw(platform: LivePlatform, site: int) -> float:
    """What the sessions of a site may draw by what they were told."""
    names = platform.facts.names
    return sum(
        s.granted_kw or 0.0
        for s in platform.registry.sessions.values()
        if platform.registry.stations[s.station].site == names[site]
    )


def test_meters_out_of_reach(tmp_path: Path) -> None:
    """What a silent meter hides is kept free; once it is heard again, so is the power."""

    async def run() -> None:
        life = made_life(tmp_path)
        city = served_city(life.request())
        limits_kw = city.sites.grid_limit_kw
        devices = [SimSite(has_pv=False, has_store=False) for _ in limits_kw]
        for site, limit_kw in zip(devices, limits_kw, strict=True):
            site.set_state(net_kw=0.5 * limit_kw, charging_kw=0.0)
        meters = SimSiteServer(devices)
        await meters.start()
        ports = list(meters.ports)
        places = [SiteAddress(n, HOST, p) for n, p in zip(city.sites.name, ports, strict=True)]
        async with served_here(life, places) as platform:
            town = long_stays(city, life.ports)
            town.start()
            await settle(town)
            await until(lambda: platform.view.health()["sites_blind"] == 0)
            for session in platform.registry.sessions:
                # By an order: what the plan would give depends on the hour of the day.
                platform.view.order("the test", session, 60.0)
            await until(lambda: granted_kw(platform, DEPOT) > 0.2 * limits_kw[DEPOT], 60.0)
            await meters.stop()
            await until(lambda: platform.view.health()["sites_blind"] == len(limits_kw))
            await until(lambda: granted_kw(platform, DEPOT) < 0.02 * limits_kw[DEPOT], 60.0)
            await meters.start(ports)
            await until(lambda: platform.view.health()["sites_blind"] == 0, 60.0)
            await until(lambda: granted_kw(platform, DEPOT) > 0.2 * limits_kw[DEPOT], 60.0)
            assert await town.finish()
        await meters.stop()

    asyncio.run(run())


def test_stations_out_of_reach(tmp_path: Path) -> None:
    """A dead line that says nothing: both ends notice, each station goes on by its default."""

    async def run() -> None:
        life = made_life(tmp_path)
        city = served_city(life.request())
        async with served_here(life) as platform, Wire(life.ports[0]) as wire:
            town = long_stays(city, (wire.port, life.ports[1], life.ports[2]))
            town.start()
            await settle(town)
            plugs = [(s, e) for s in town.stations for e in s.evses.values()
                     if not s.id.endswith("-swap")]  # fmt: skip
            await until(lambda: all(e.transaction is not None for _, e in plugs), 60.0)
            stations = platform.registry.stations
            await until(lambda: all(stations[s.id].file.has_default for s, _ in plugs), 60.0)
            wire.dark = True
            await until(lambda: not any(stations[s.id].online for s, _ in plugs))
            await until(lambda: town.fleet.connected == 0)
            await asyncio.sleep(LEASE_S)
            for station, evse in plugs:
                kw = station.limit_kw(evse.id, *town.fleet.clock())
                assert kw == pytest.approx(min(stations[station.id].default_kw, 60.0), abs=0.1)
            wire.dark = False
            await until(lambda: all(stations[s.id].online for s, _ in plugs), 60.0)
            steps = platform.world.steps
            await until(lambda: platform.world.steps > steps + 2)
            sessions = platform.registry.sessions.values()
            await until(lambda: all(s.granted_kw is not None for s in sessions), 60.0)
            assert await town.finish()

    asyncio.run(run())
