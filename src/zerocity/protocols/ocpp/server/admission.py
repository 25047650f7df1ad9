"""The door of the OCPP server: each new connection stands here until it is known who it is.

Only then the websocket layer gets it, so nothing a stranger sends reaches further than this file,
and a wrong password is answered by HTTP 401 as OCPP-J wants it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import cast

import structlog
from picows import WSAutoPingStrategy, WSListener, WSUpgradeRequest, WSUpgradeResponse
from picows import WSUpgradeResponseWithListener as WSAccepted
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from zerocity.protocols.ocpp.deflate import Deflate
from zerocity.protocols.ocpp.messages import SUBPROTOCOLS, Version
from zerocity.protocols.ocpp.server.credentials import Caller
from zerocity.protocols.ocpp.server.handshake import (
    LARGEST_HEAD_BYTES,
    RefusedError,
    Request,
    canonical_request,
    read_request,
    refusal,
)
from zerocity.protocols.ocpp.server.metrics import GatewayMetrics
from zerocity.protocols.ocpp.server.settings import OcppSettings, is_loopback
from zerocity.protocols.ocpp.server.tls import shown_certificate

log = structlog.get_logger(__name__)

# Most messages fit; the buffer grows for those that do not. 2 KiB is the least picows takes.
_READ_BUFFER_BYTES = 2048
_WEBSOCKET_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_CLOSE_1002 = b"\x88\x02\x03\xea"
# The websocket layer tells of every broken frame; we count those ourselves.
_QUIET = logging.LoggerAdapter(logging.getLogger("zerocity.ocpp.websocket"), {})
_QUIET.logger.setLevel(logging.CRITICAL)

# The most that is read at once: what a flooding station can make us hold before it is stopped.
_MOST_READ_BYTES = 16 * 1024


class _Websocket(WSProtocol):  # type: ignore[misc]
    """The websocket layer, reading in bounded bites: its buffer grows with what one read brings."""

    def get_buffer(self, hint: int) -> memoryview:
        """Room for the next read."""
        room: memoryview = super().get_buffer(hint)
        return room[:_MOST_READ_BYTES] if len(room) > _MOST_READ_BYTES else room


Listener = Callable[[], WSListener]
# Who is it, and what takes the connection over? Raises RefusedError. None: no common version.
Decide = Callable[[Request, Caller, Version | None], Awaitable[Listener]]


@dataclass(slots=True)
class FrontDesk:
    """What all doors share. `room` says how many more connections may come in."""

    settings: OcppSettings
    metrics: GatewayMetrics
    decide: Decide
    room: Callable[[], int]
    # In the order of arrival, so that the one who dawdles longest is the first to go.
    waiting: dict[Doorman, None] = field(default_factory=dict)

    def door(self) -> Doorman:
        """A protocol for one new connection."""
        return Doorman(self)

    def make_room(self) -> bool:
        """Drop the oldest that has not said what it wants, if too many stand here."""
        if len(self.waiting) < self.settings.most_handshakes:
            return True
        for door in self.waiting:
            if door.task is None:
                self.metrics.refusals["dawdling"] += 1
                door.end()
                return True
        return False

    def close(self) -> None:
        """Send everybody away who still stands at a door."""
        for door in list(self.waiting):
            door.end()


class Doorman(asyncio.Protocol):
    """Reads the opening request of one connection and has it decided."""

    __slots__ = ("desk", "head", "task", "timer", "transport")

    def __init__(self, desk: FrontDesk) -> None:
        self.desk = desk
        self.head = b""
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        # uvloop's transports do not derive from asyncio.Transport.
        self.transport = cast(asyncio.Transport, transport)
        if not self.desk.make_room():
            self.desk.metrics.refusals["crowded"] += 1
            self.end()
            return
        self.desk.waiting[self] = None
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(self.desk.settings.handshake_s, self._too_late)

    def connection_lost(self, error: Exception | None) -> None:
        """The stranger left."""
        if self.task is not None:
            self.task.cancel()
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Collect the request's head; then read nothing more until it is decided."""
        if self.transport is None or self.task is not None:
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0 or end > LARGEST_HEAD_BYTES:
            if len(self.head) > LARGEST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too large")
            return
        self.transport.pause_reading()
        self.task = asyncio.get_running_loop().create_task(self._decide(end))

    async def _decide(self, end: int) -> None:
        transport, settings = self.transport, self.desk.settings
        if transport is None:
            return
        try:
            request = read_request(self.head[:end], settings.path)
            if self.desk.room() <= 0:
                raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "full")
            name, version = _choose(request.subprotocols)
            listener = await self.desk.decide(request, caller(transport), version)
        except RefusedError as refused:
            self._refuse(refused.status, refused.why)
            return
        except Exception:
            log.exception("ocpp.handshake_failed")
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "fault")
            return
        if transport.is_closing():
            self._leave()
        elif name is None:
            self._no_version(transport, request.key)
        else:
            self._hand_over(transport, request, name, listener, self.head[end + 4 :])

    def _hand_over(
        self,
        transport: asyncio.Transport,
        request: Request,
        name: str,
        listener: Listener,
        rest: bytes,
    ) -> None:
        """Give the connection to the websocket layer."""
        answer = partial(_accept, name, request.deflate, listener)
        protocol = _Websocket(
            None, None, False, answer, _QUIET, True, None, False, 20, 20,
            WSAutoPingStrategy.PING_WHEN_IDLE, False, self.desk.settings.frame_bytes, None,
            _READ_BUFFER_BYTES,
        )  # fmt: skip
        self._leave()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        _feed(protocol, canonical_request(request.key) + rest)
        if not transport.is_closing() and not _is_held(protocol.listener):
            transport.resume_reading()

    def _no_version(self, transport: asyncio.Transport, key: str) -> None:
        """Open and close at once, as OCPP 2.x part 4 section 3.1.2 wants it."""
        self.desk.metrics.refusals["no common version"] += 1
        proof = b64encode(hashlib.sha1(key.encode() + _WEBSOCKET_MAGIC).digest())
        transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n" + _CLOSE_1002
        )
        self.end(polite=True)

    def _too_late(self) -> None:
        self.desk.metrics.refusals["dawdling"] += 1
        self.end()

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.desk.metrics.refusals[why] += 1
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(refusal(status))
        self.end(polite=True)

    def end(self, *, polite: bool = False) -> None:
        """Close the connection; what was written still leaves if `polite`."""
        transport = self.transport
        self._leave()
        if transport is not None:
            if polite:
                transport.close()
            else:
                transport.abort()

    def _leave(self) -> None:
        self.desk.waiting.pop(self, None)
        if self.timer is not None:
            self.timer.cancel()
        self.transport = self.timer = None
        self.head = b""


def caller(transport: asyncio.BaseTransport) -> Caller:
    """Who is at the other end of a transport."""
    peer = transport.get_extra_info("peername")
    address = str(peer[0]) if peer else ""
    tls = transport.get_extra_info("ssl_object")
    shown = shown_certificate(tls.getpeercert(binary_form=True)) if tls is not None else None
    return Caller(address, is_loopback(address), tls is not None, shown)


def _choose(offered: tuple[str, ...]) -> tuple[str | None, Version | None]:
    """The first offered version that we speak: the offers come in the station's order."""
    for name in offered:
        if name in SUBPROTOCOLS:
            return name, SUBPROTOCOLS[name]
    return None, None


def _accept(
    name: str, deflate: Deflate | None, listener: Listener, _: WSUpgradeRequest
) -> WSAccepted:
    headers = {"Sec-WebSocket-Protocol": name}
    if deflate is not None:
        headers["Sec-WebSocket-Extensions"] = deflate.header()
    return WSAccepted(WSUpgradeResponse.create_101_response(headers), listener())


def _feed(protocol: _Websocket, data: bytes) -> None:
    while data:
        room = protocol.get_buffer(-1)
        count = min(len(room), len(data))
        room[:count] = data[:count]
        protocol.buffer_updated(count)
        data = data[count:]


def _is_held(listener: object) -> bool:
    """Whether what came with the request already made the connection pause."""
    return bool(getattr(listener, "paused", 0))
