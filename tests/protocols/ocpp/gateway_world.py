"""A gateway on loopback with a store in memory, and a stranger's websocket client."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop
import websockets
from websockets.asyncio.client import ClientConnection

from zerocity.live.registry import Connector, LiveStation, Registry
from zerocity.protocols.ocpp.server.credentials import Credential
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.storage.recorder import Row


class MemoryStore:
    """Stands in for the recorder: commits at once in a thread of its own, or when told."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.waiting = 0
        self.full = False
        self.held = False
        self.refuse = False
        self._queue: list[tuple[Sequence[Row], Callable[[], None] | None]] = []
        self._lock = threading.Lock()

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        if self.refuse and failed is not None:
            failed("no")
            return
        with self._lock:
            self._queue.append((rows, done))
            self.waiting += len(rows)
        if not self.held:
            self.commit()

    def commit(self) -> None:
        """Commit all that waits, from another thread as the real one does."""
        with self._lock:
            queue, self._queue = self._queue, []
            self.waiting = 0
        for rows, _ in queue:
            self.rows.extend(rows)

        def call() -> None:
            for _, done in queue:
                if done is not None:
                    done()

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    def of(self, table: str) -> list[dict[str, Any]]:
        """The values of all rows of a table."""
        return [row.values for row in self.rows if row.table == table]


@dataclass
class MemoryBook:
    """Stands in for the tables `stations` and `certificates`."""

    credentials: dict[str, Credential] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    asked: int = 0

    def find(self, station: str) -> Credential | None:
        self.asked += 1
        return self.credentials.get(station)

    def is_revoked(self, serial: str) -> bool:
        return serial in self.revoked


class QuickPasswords:
    """A hash that costs nothing; counts the checks."""

    def __init__(self) -> None:
        self.checks = 0

    def hash(self, password: str) -> str:
        return "quick$" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, password: str, kept: str) -> bool:
        self.checks += 1
        return self.hash(password) == kept


PASSWORD = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class World:
    gateway: OcppGateway
    store: MemoryStore
    book: MemoryBook
    passwords: QuickPasswords
    registry: Registry

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.gateway.port}/ocpp"

    def connect(
        self, station: str = "CS1", version: str = "ocpp1.6", **options: Any
    ) -> websockets.connect:
        """A stranger's client, with the right password unless told otherwise."""
        headers = basic(options.pop("user", station), options.pop("password", PASSWORD))
        options.setdefault("additional_headers", headers)
        options.setdefault("subprotocols", [version])
        base = options.pop("base", self.url)
        return websockets.connect(f"{base}/{station}", open_timeout=5, **options)


def basic(user: str, password: str | bytes | None) -> dict[str, str]:
    """The Authorization header, or none."""
    if password is None:
        return {}
    raw = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + raw).decode()}


def add_station(world: World, name: str, **credential: Any) -> LiveStation:
    """Make a station known to the registry and the book."""
    station = world.registry.add_station(LiveStation(name, "site-1"))
    station.connectors[1, 1] = Connector(name, 1, 1, "site-1", 60.0)
    if "one_time_hash" in credential:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        credential.setdefault("one_time_until", soon)
    credential.setdefault("password_hash", world.passwords.hash(PASSWORD))
    world.book.credentials[name] = Credential(name, **credential)
    return station


@asynccontextmanager
async def open_world(
    *,
    stations: Sequence[str] = ("CS1", "CS2"),
    gateway: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """A running gateway; `settings` change its defaults."""
    settings.setdefault("port", 0)
    settings.setdefault("refusal_s", 0.01)
    store, book, passwords, registry = MemoryStore(), MemoryBook(), QuickPasswords(), Registry()
    server = OcppGateway(
        registry,
        store,
        source=book,
        passwords=passwords,
        settings=OcppSettings(**settings),
        **(gateway or {}),
    )
    world = World(server, store, book, passwords, registry)
    for name in stations:
        add_station(world, name)
    await server.start()
    try:
        yield world
    finally:
        store.held = False
        store.commit()
        await server.stop(1.0)


BOOT = {
    "ocpp1.6": {"chargePointVendor": "V", "chargePointModel": "M"},
    "ocpp2.0.1": {
        "reason": "PowerUp",
        "chargingStation": {"vendorName": "V", "model": "M"},
    },
}
BOOT["ocpp2.1"] = BOOT["ocpp2.0.1"]


async def ask(
    client: ClientConnection, action: str, payload: dict[str, Any], number: str = "1"
) -> Any:
    """Send a CALL and return the frame that answers it."""
    await client.send(json.dumps([2, number, action, payload]))
    return await hear(client)


async def hear(client: ClientConnection, within_s: float = 3.0) -> Any:
    """The next frame."""
    return json.loads(await asyncio.wait_for(client.recv(), within_s))


async def boot(client: ClientConnection, number: str = "boot") -> Any:
    """Boot in the version that was agreed; return the payload of the answer."""
    assert client.subprotocol is not None
    kind, came, payload = await ask(client, "BootNotification", BOOT[client.subprotocol], number)
    assert (kind, came) == (3, number)
    return payload


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test on the loop that the server uses in earnest, and never for long."""

    async def bounded() -> None:
        await asyncio.wait_for(work, 20.0)

    uvloop.run(bounded())


async def until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    """Wait until something is true."""
    for _ in range(int(within_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true in time")
