"""The OCPP server: stations of 1.6, 2.0.1 and 2.1 over websockets, each answer after its commit.

Two connections with one identity: the newer one, already known to be who it says, waits while the
older one is pinged. If the older one answers, the newer is refused by HTTP 409; if it does not
within `rival_s`, it is cut and the newer one comes in.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from picows import WSCloseCode

from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office import office as city
from zerocity.protocols.ocpp.server.admission import FrontDesk, Listener
from zerocity.protocols.ocpp.server.connection import StationConnection
from zerocity.protocols.ocpp.server.credentials import (
    Admitted,
    Caller,
    CredentialSource,
    Doorkeeper,
    Passwords,
)
from zerocity.protocols.ocpp.server.handshake import RefusedError, Request
from zerocity.protocols.ocpp.server.hub import STEP_S, Clock, Commits, Hub, Office, Store
from zerocity.protocols.ocpp.server.limits import Wheel
from zerocity.protocols.ocpp.server.metrics import GatewayMetrics
from zerocity.protocols.ocpp.server.onboarding import KEY_BYTES, NewKey, key_message, took_key
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.protocols.ocpp.server.tls import server_context
from zerocity.storage.recorder import RecorderFullError, Row

log = structlog.get_logger(__name__)

# Room of the kernel's buffers of one connection, each way; an assumption, twice the largest frame.
_KERNEL_BYTES = 128 * 1024
# How often one station's failed logins become a row: a liar must not fill the store.
_NOTE_EVERY_S = 60.0

Adopt = Callable[[str], LiveStation | None]
"""Makes a station of a demo known; None where it may not be."""
Fetch = Callable[[str], LiveStation | None]
"""Reads a station that was made known to the store after the start; called in a thread."""


class OcppGateway:
    """The server. Make it and use it in the event loop's thread."""

    def __init__(
        self,
        registry: Registry,
        recorder: Store,
        *,
        source: CredentialSource,
        passwords: Passwords,
        settings: OcppSettings | None = None,
        clock: Clock | None = None,
        adopt: Adopt | None = None,
        fetch: Fetch | None = None,
        office: Office | None = None,
    ) -> None:
        self.registry, self.store = registry, recorder
        self.settings = settings or OcppSettings()
        self.clock = clock or Clock()
        self.adopt, self.fetch = adopt, fetch
        self.office = office or Office(
            city.answer, city.told, city.replied, city.refused, city.LANES
        )
        self.metrics = GatewayMetrics()
        self.metrics.connections = lambda: len(self._connections)
        self.metrics.backlog = lambda: self.store.waiting
        self.doorkeeper = Doorkeeper(
            source, passwords, self.settings, self.clock.now_s, self.clock.at
        )
        self._connections: dict[str, StationConnection] = {}
        self._deciding: set[str] = set()
        self._noted: dict[str, float] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._hub: Hub | None = None
        self._desk = FrontDesk(self.settings, self.metrics, self._decide, self._room)
        self.port = self.tls_port = 0
        self.tls: ssl.SSLContext | None = None

    async def start(self) -> None:
        """Open the listeners; `port` and `tls_port` then say where (0: not opened)."""
        loop = asyncio.get_running_loop()
        wheel: Wheel[StationConnection] = Wheel(STEP_S, self.clock.now_s())
        commits = Commits(self.store, loop)
        self._hub = Hub(
            self.settings, self.registry, self.store, self.office, self.clock, self.metrics,
            commits, wheel, self._left, self._heard,
        )  # fmt: skip
        settings = self.settings
        if settings.port is not None:
            self.port = await self._listen(settings.port)
        if settings.tls_port is not None and settings.tls is not None:
            self.tls = server_context(settings.tls)
            self.tls_port = await self._listen(
                settings.tls_port, ssl=self.tls, ssl_handshake_timeout=settings.handshake_s
            )
        self._spawn(self._keep_time(self._hub))
        log.info("ocpp.listening", host=settings.host, port=self.port, tls_port=self.tls_port)

    async def _listen(self, port: int, **tls: Any) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self._desk.door, self.settings.host, port, backlog=4096, **tls
        )
        for listening in server.sockets:
            # Inherited by each connection: bounds what the kernel keeps for a slow reader or a
            # flooding station, which it would let grow to several MB.
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                listening.setsockopt(socket.SOL_SOCKET, option, _KERNEL_BYTES)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What others ask

    @property
    def ready(self) -> bool:
        """Whether stations are let in and what they send is taken."""
        return bool(self._servers) and not self._stopping and not self.store.full

    def is_online(self, station: str) -> bool:
        """Whether the station is connected."""
        return station in self._connections

    def call(self, station: str, action: str, payload: dict[str, Any], token: object) -> bool:
        """Call a station; the result goes to the office with `token`. False: not connected."""
        connection = self._connections.get(station)
        if connection is None or not connection.is_open:
            return False
        connection.talk.call(action, payload, token)
        return True

    def disconnect(self, station: str, reason: str = "operator") -> bool:
        """End a station's connection, such as after its certificate was revoked."""
        self.doorkeeper.forget(station)
        connection = self._connections.get(station)
        if connection is None:
            return False
        connection.close(WSCloseCode.GOING_AWAY, reason)
        return True

    def renew_key(self, station: str) -> bool:
        """Give a connected station a new password of its own. False: not connected."""
        connection = self._connections.get(station)
        if connection is None or not connection.is_open:
            return False
        self._spawn(self._give_key(connection))
        return True

    async def stop(self, grace_s: float = 10.0) -> None:
        """Let nobody in, read nothing more, answer what is being stored, and say goodbye (1001)."""
        self._stopping = True
        for server in self._servers:
            server.close()
        self._desk.close()
        connections = list(self._connections.values())
        for connection in connections:
            connection.stop_listening()
        await self._until(lambda: not any(c.talk.queue for c in connections), grace_s)
        for connection in connections:
            connection.close(WSCloseCode.GOING_AWAY, "stopping")
        await self._until(lambda: not self._connections, min(grace_s, 2.0))
        for connection in list(self._connections.values()):
            connection.cut("stopping")
        await self._until(lambda: not self._connections, 1.0)
        for task in list(self._tasks):
            task.cancel()
        self.doorkeeper.close()
        log.info("ocpp.stopped")

    async def _until(self, done: Callable[[], bool], within_s: float) -> None:
        deadline_s = self.clock.now_s() + within_s
        while not done() and self.clock.now_s() < deadline_s:
            await asyncio.sleep(0.01)

    # Letting in

    def _room(self) -> int:
        if self._stopping or (self._hub is not None and self._hub.congested):
            return 0
        return self.settings.most_connections - len(self._connections)

    async def _decide(self, request: Request, caller: Caller, version: Version | None) -> Listener:
        try:
            admitted = await self.doorkeeper.admit(request.station, request.basic, caller)
        except RefusedError as refused:
            self._note_refusal(request.station, refused)
            raise
        station = await self._known(admitted)
        if station.id in self._deciding:
            raise RefusedError(HTTPStatus.CONFLICT, "two at once")
        self._deciding.add(station.id)
        try:
            await self._settle_rivals(station.id)
            if admitted.one_time:
                await self._use_up(station.id)
        finally:
            self._deciding.discard(station.id)
        if self._stopping or self._hub is None or version is None:
            return partial(_never, station.id)
        return partial(self._join, self._hub, station, version, admitted, request)

    def _note_refusal(self, station: str, refused: RefusedError) -> None:
        """Record that a known station could not prove who it is, at most once a minute."""
        log.warning("ocpp.refused", station=station, why=refused.why)
        now_s = self.clock.now_s()
        known = station in self.registry.stations
        if refused.status is not HTTPStatus.UNAUTHORIZED or not known:
            return
        if now_s - self._noted.get(station, -_NOTE_EVERY_S) < _NOTE_EVERY_S:
            return
        self._noted[station] = now_s
        at, kind = self.clock.at(), "FailedToAuthenticateAtCsms"
        values = {"station": station, "at": at, "kind": kind, "info": refused.why}
        self._keep(Row("security_events", values))

    async def _known(self, admitted: Admitted) -> LiveStation:
        """The station of the registry; one that the store has learnt of since is added to it.

        Only who has proved who they are gets this far, so a stranger cannot fill the registry.
        """
        name, known = admitted.station, self.registry.stations
        station = known.get(name)
        if station is None and admitted.profile == 0 and self.adopt is not None:
            station = self.adopt(name)
        elif station is None and admitted.profile and self.fetch is not None:
            found = await self.doorkeeper.in_thread(self.fetch, name)
            # Another connection of the same name may have been quicker.
            station = known.get(name) or (found and self.registry.add_station(found))
        if station is None:
            log.warning("ocpp.no_place", station=name)
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "not in the registry")
        return station

    async def _settle_rivals(self, station: str) -> None:
        older = self._connections.get(station)
        if older is None:
            return
        if await older.is_alive(self.settings.rival_s):
            raise RefusedError(HTTPStatus.CONFLICT, "connected already")
        older.cut("replaced")
        await self._until(lambda: station not in self._connections, 1.0)

    async def _use_up(self, station: str) -> None:
        """A one-time password counts as used before the station is let in, whatever happens."""
        loop = asyncio.get_running_loop()
        used: asyncio.Future[None] = loop.create_future()

        def stored() -> None:
            _soon(loop, lambda: None if used.done() else used.set_result(None))

        try:
            self.store.submit([Row("stations", {"id": station, "one_time_hash": None})], stored)
            await asyncio.wait_for(used, self.settings.handshake_s)
        except (TimeoutError, RecorderFullError):
            why = "the store does not answer"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
        self.doorkeeper.forget(station)

    def _join(
        self, hub: Hub, station: LiveStation, version: Version, admitted: Admitted, request: Request
    ) -> StationConnection:
        connection = StationConnection(hub, station, version, admitted, request.deflate)
        self._connections[station.id] = connection
        self.metrics.opened += 1
        station.online, station.version = True, version.value
        station.last_seen_s = hub.clock.now_s()
        self.registry.changed(station.site)
        log.info("ocpp.joined", station=station.id, version=version.value, profile=admitted.profile)
        offered = self.doorkeeper.offered(station.id)
        if admitted.took_offer and offered is not None:
            # It took the key, although it could not say so.
            self._key_taken(NewKey(station.id, offered))
        elif admitted.one_time:
            self._spawn(self._give_key(connection))
        return connection

    def _left(self, connection: StationConnection, reason: str) -> None:
        station = connection.station
        self.metrics.closed[reason] += 1
        if self._connections.get(station.id) is not connection:
            return
        del self._connections[station.id]
        station.online = False
        at = self.clock.at()
        self._keep(Row("stations", {"id": station.id, "last_seen_at": at}))
        self.registry.changed(station.site)
        log.info("ocpp.left", station=station.id, reason=reason)

    # A key of its own

    async def _give_key(self, connection: StationConnection) -> None:
        """After its boot was accepted, give the station a password of its own."""
        station = connection.station
        while station.boot != "accepted" and not connection.gone:
            await asyncio.sleep(0.1)
        if connection.gone:
            return
        key = secrets.token_hex(KEY_BYTES)
        kept = await self.doorkeeper.offer(station.id, key)
        connection.talk.call(*key_message(connection.talk.version, key), NewKey(station.id, kept))

    def _heard(self, station: str, token: object, payload: dict[str, Any] | None) -> bool:
        """Take the results of our own calls; False for those of others."""
        if not isinstance(token, NewKey):
            return False
        if payload is None:
            log.warning("ocpp.key_unanswered", station=station)
        elif took_key(payload):
            self._key_taken(token)
        else:
            self.doorkeeper.withdraw(station)
            log.warning("ocpp.key_refused", station=station)
        return True

    def _key_taken(self, new: NewKey) -> None:
        row = Row("stations", {"id": new.station, "password_hash": new.kept})
        loop = asyncio.get_running_loop()
        keep = partial(self.doorkeeper.keep, new.station)
        try:
            self.store.submit([row], lambda: _soon(loop, keep))
            log.info("ocpp.key_set", station=new.station)
        except RecorderFullError:  # the key stays on offer, and counts when it is next used
            log.warning("ocpp.key_not_stored", station=new.station)

    def _keep(self, row: Row) -> None:
        if self._hub is not None:
            self._hub.keep([row])

    # Time

    async def _keep_time(self, hub: Hub) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            for connection in hub.wheel.advance(hub.clock.now_s()):
                try:
                    connection.tick(hub.clock.now_s())
                except Exception:
                    log.exception("ocpp.tick_failed", station=connection.station.id)
            hub.relieve()


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(work)
    except RuntimeError:  # the loop is closed; what is stored is stored
        log.debug("ocpp.loop_closed")


def _never(station: str) -> StationConnection:
    raise RuntimeError(f"{station} cannot be let in")
