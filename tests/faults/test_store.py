"""The store goes away under the whole platform: nobody is answered, nothing is lost.

The stations and vehicles are busy all the time, and resend what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from held_against import WRONG, sums
from postgres_server import NoServerError, PostgresServer
from served import Life, Nursery, free_ports, resident_mib, wait_open
from townspeople import Town

from zerocity.app.live import served_city
from zerocity.storage.database import open_engine

AWAY_S = 2.5
MOST_GROWTH_MIB = 60.0


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    try:
        server = PostgresServer()
    except NoServerError as error:
        pytest.skip(str(error))
    yield server
    server.remove()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery") / "log") as made:
        yield made


@asynccontextmanager
async def busy_town(nursery: Nursery, life: Life) -> AsyncIterator[Town]:
    """A town whose platform serves; at the end everything must be there, once."""
    loop = asyncio.get_running_loop()
    nursery.birth(life)
    await loop.run_in_executor(None, wait_open, life.ports[0])
    town = Town(served_city(life.request()), life.ports, 1)
    town.start()
    await grows(town, 150)
    yield town
    assert await town.finish()
    assert await loop.run_in_executor(None, nursery.kill, signal.SIGTERM) == 0
    engine = open_engine(life.request().url)
    found = sums(engine, Path(life.data) / "lake", town.accounts, town.traffic)
    engine.dispose()
    wrong = {name: found[name] for name in WRONG if name in found}
    assert wrong == dict.fromkeys(wrong, 0)


def told(town: Town) -> int:
    """How many messages of stations were acknowledged."""
    return sum(sum(account.acknowledged.values()) for account in town.accounts)


async def grows(town: Town, by: int, within_s: float = 60.0) -> None:
    """Wait until so many more messages are acknowledged."""
    wanted = told(town) + by
    async with asyncio.timeout(within_s):
        while told(town) < wanted:
            await asyncio.sleep(0.05)


async def away_and_back(
    town: Town, pid: int, away: Callable[[], None], back: Callable[[], None]
) -> None:
    """Nobody is answered while the store is away, and memory stays; then all goes on."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, away)
    await asyncio.sleep(0.5)  # what was committed before is still on its way
    before, memory_mib = told(town), resident_mib(pid)
    await asyncio.sleep(AWAY_S)
    assert told(town) == before
    assert resident_mib(pid) - memory_mib < MOST_GROWTH_MIB
    await loop.run_in_executor(None, back)
    await grows(town, 100)


def test_the_database_is_gone_and_back(
    tmp_path: Path, nursery: Nursery, own_server: PostgresServer
) -> None:
    async def run() -> None:
        life = Life(str(tmp_path / "data"), free_ports(), own_server.new_database())
        async with busy_town(nursery, life) as town:
            for _ in range(2):
                await away_and_back(town, nursery.pid, own_server.crash, own_server.start)

    asyncio.run(run())


def test_the_disk_is_full(tmp_path: Path, nursery: Nursery) -> None:
    """No file may grow any more: the same failures as on a full disk, for one process alone."""

    async def run() -> None:
        life = Life(str(tmp_path / "data"), free_ports())
        async with busy_town(nursery, life) as town:
            pid, hard = nursery.pid, resource.RLIM_INFINITY
            vehicles = town.traffic

            def full() -> None:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))

            def free() -> None:
                assert safe == len(vehicles.safe)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

            await asyncio.sleep(0.5)
            safe = len(vehicles.safe)
            full()
            await asyncio.sleep(1.0)
            safe = len(vehicles.safe)
            await away_and_back(town, pid, full, free)
            assert len(vehicles.safe) > safe

    asyncio.run(run())
