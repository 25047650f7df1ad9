"""Simulated stations on real sockets: many in one process, one timer for all of them.

Client of OCPP-J over picows: subprotocol, basic authentication, TLS with or without a client
certificate, permessage-deflate. Connections are opened at a bounded rate; a lost one is opened
again after a growing time with a random part (OCPP 2.0.1 part 4, 5.3 and RetryBackOff of
OCPPCommCtrlr).
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    ws_connect,
)

from zerocity.errors import InputError
from zerocity.protocols.ocpp.assembly import Assembly
from zerocity.protocols.ocpp.deflate import WORTH_BYTES, Deflate
from zerocity.protocols.ocpp.messages import SUBPROTOCOLS
from zerocity.protocols.ocpp.station.station import SimStation

_TEXT = WSMsgType.TEXT
_MOST_BYTES = 1 << 20
_HANDSHAKE_S = 15.0
_GOODBYE_S = 2.0
# A burst of new connections may be this many tenths of a second's worth; an assumption.
_BURST_S = 0.2
_DEFLATE = Deflate()
_NAMES = {version: name for name, version in SUBPROTOCOLS.items()}

Clock = Callable[[], tuple[float, datetime]]
MakeTls = Callable[[SimStation], ssl.SSLContext | None]


@dataclass(frozen=True, slots=True)
class Line:
    """How stations reach the CSMS: ``url`` without the station's id.

    ``tls`` gives each station its context for wss; ``connects_per_s`` and ``at_once`` bound how
    fast connections open.
    """

    url: str
    tls: MakeTls | None = None
    compress: bool = False
    connects_per_s: float = 100.0
    at_once: int = 64
    tick_s: float = 0.1

    def address(self, station_id: str) -> str:
        """The URL of one station."""
        return f"{self.url.rstrip('/')}/{quote(station_id, safe='')}"


def check_url(url: str) -> str:
    """The URL, if a station can use it; raises InputError otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise InputError("--url", url, "ws://host:port/path or wss://...", "Begin it with ws://")
    if parts.username or parts.password:
        raise InputError("--url", "a password inside it", "a plain URL", "Use --password")
    return url


class Seat(WSListener):
    """One station and its connection, if it has one."""

    def __init__(self, station: SimStation, fleet: StationFleet) -> None:
        self.station, self.fleet = station, fleet
        self.transport: WSTransport | None = None
        self.deflates = False
        self.connecting = False
        self.attempts = 0
        self.retry_s = 0.0
        self.due_s = 0.0
        self.heard_s = self.pinged_s = 0.0
        self._assembly: Assembly | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The websocket is open: the station starts to talk."""
        self.transport = transport
        self._assembly = None
        now_s, at = self.fleet.clock()
        self.heard_s = self.pinged_s = now_s
        self.station.connected(now_s, at)
        self.flush()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame from the CSMS."""
        now_s, at = self.fleet.clock()
        self.heard_s = now_s
        kind = frame.msg_type
        if kind == _TEXT and frame.fin and not frame.rsv1:
            self.station.receive(frame.get_payload_as_bytes(), now_s, at)
            self.flush()
        elif kind in (_TEXT, WSMsgType.CONTINUATION):
            self._part(frame, now_s, at)
        elif kind == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone, by whomever."""
        if self.transport is not transport:
            return
        self.transport = None
        now_s, at = self.fleet.clock()
        meant = self.station.hang_up
        if self.station.registered == "Accepted" or meant:
            self.attempts = 0
        self.station.disconnected(now_s, at)
        self.station.hang_up = False
        self.due_s = self.station.next_due()
        self.fleet.lost(self, now_s, meant)

    def flush(self) -> None:
        """Send what the station has to say, and note when it wants to be woken."""
        transport = self.transport
        for data in self.station.take():
            if transport is None:
                break
            if self.deflates and len(data) > WORTH_BYTES:
                transport.send(_TEXT, _DEFLATE.compress(data), True, True)
            else:
                transport.send(_TEXT, data)
        self.due_s = self.station.next_due()

    def _part(self, frame: WSFrame, now_s: float, at: datetime) -> None:
        if self._assembly is None:
            self._assembly = Assembly(_MOST_BYTES, bool(frame.rsv1))
        try:
            self._assembly.add(frame.get_payload_as_bytes())
            if not frame.fin:
                return
            data = self._assembly.whole()
        except Exception:
            self.fleet.troubles["a broken message from the server"] += 1
            self.close()
            return
        self._assembly = None
        self.station.receive(data, now_s, at)
        self.flush()

    def close(self) -> None:
        """Say goodbye and hang up."""
        if self.transport is not None:
            self.transport.send_close(WSCloseCode.OK)
            self.transport.disconnect()


class StationFleet:
    """Stations, their connections, and the one timer that keeps them going."""

    def __init__(
        self,
        stations: Sequence[SimStation],
        line: Line,
        clock: Clock,
        *,
        seed: int = 0,
        each_tick: Callable[[float, datetime], None] | None = None,
        once: bool = False,
    ) -> None:
        """``clock`` gives monotonic seconds and UTC; ``each_tick`` is called at every tick.

        ``once``: the first failed connection ends `run` with InputError.
        """
        self.line, self.clock, self.once = line, clock, once
        self.seats = [Seat(station, self) for station in stations]
        self.troubles: Counter[str] = Counter()
        self.last_trouble = ""
        self._each_tick = each_tick
        self._random = random.Random(f"links {seed}")
        self._allowance = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._fatal: InputError | None = None
        self._place = 0
        # picows reports each failed handshake by itself; we count them.
        self._quiet = logging.getLogger("zerocity.stations")
        self._quiet.setLevel(logging.CRITICAL)

    @property
    def reconnects(self) -> int:
        """How often a station came back after its first connection."""
        return sum(max(seat.station.counts.connects - 1, 0) for seat in self.seats)

    @property
    def connected(self) -> int:
        """How many have a link now."""
        return sum(seat.transport is not None for seat in self.seats)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all stations going until ``stop``; then close every link.

        Raises InputError with ``once`` where a connection cannot be made.
        """
        last_s = self.clock()[0]
        try:
            while not stop.is_set() and self._fatal is None:
                now_s, at = self.clock()
                self._step(now_s, at, now_s - last_s)
                last_s = now_s
                spent_s = self.clock()[0] - now_s
                await _wait(stop, max(self.line.tick_s - spent_s, 0.0))
        finally:
            await self._close()
        if self._fatal is not None:
            raise self._fatal

    def lost(self, seat: Seat, now_s: float, meant: bool) -> None:
        """A link ended: when the station may try again."""
        seat.retry_s = now_s if meant else now_s + self._backoff_s(seat)

    def _step(self, now_s: float, at: datetime, gone_s: float) -> None:
        if self._each_tick is not None:
            self._each_tick(now_s, at)
        for seat in self.seats:
            station = seat.station
            if station.next_due() <= now_s:
                station.tick(now_s, at)
            # People may have acted on a station since it last spoke.
            seat.flush()
            if seat.transport is not None:
                self._look_after(seat, now_s)
        self._open_some(now_s, gone_s)

    def _look_after(self, seat: Seat, now_s: float) -> None:
        """Hang up where the station wants to; ping a silent line, and cut a dead one."""
        ping_s = seat.station.settings.number("ping_s")
        if seat.station.hang_up:
            seat.close()
        elif ping_s and now_s - seat.heard_s > 3 * ping_s:
            self.troubles["silent lines cut"] += 1
            assert seat.transport is not None
            seat.transport.disconnect(False)
        elif ping_s and now_s - max(seat.heard_s, seat.pinged_s) > ping_s:
            assert seat.transport is not None
            seat.transport.send_ping()
            seat.pinged_s = now_s

    def _open_some(self, now_s: float, gone_s: float) -> None:
        most = max(self.line.connects_per_s * _BURST_S, 1.0)
        self._allowance = min(self._allowance + gone_s * self.line.connects_per_s, most)
        for _ in range(len(self.seats)):
            if self._allowance < 1.0 or len(self._tasks) >= self.line.at_once:
                return
            seat = self.seats[self._place]
            self._place = (self._place + 1) % len(self.seats)
            if seat.transport is not None or seat.connecting or now_s < seat.retry_s:
                continue
            if not seat.station.wants_link(now_s):
                continue
            self._allowance -= 1.0
            seat.connecting = True
            task = asyncio.ensure_future(self._open(seat))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, seat: Seat) -> None:
        station = seat.station

        def admit(request: WSUpgradeRequest, response: WSUpgradeResponse) -> Seat:
            seat.deflates = "permessage-deflate" in response.headers.get(
                "Sec-WebSocket-Extensions", ""
            )
            chosen = response.headers.get("Sec-WebSocket-Protocol")
            if chosen != _NAMES[station.version]:
                raise WSError(f"the server does not speak OCPP {station.version.value}")
            return seat

        try:
            await ws_connect(
                admit,
                self.line.address(station.id),
                ssl_context=None if self.line.tls is None else self.line.tls(station),
                extra_headers=self._headers(station),
                websocket_handshake_timeout=_HANDSHAKE_S,
                max_frame_size=_MOST_BYTES,
                max_redirects=0,
                logger_name=self._quiet,
                read_buffer_init_size=4096,
                use_aiofastnet=False,
            )
        except (OSError, WSError, TimeoutError) as error:
            self._failed(seat, error)
        except InputError as error:  # a certificate of the user's that cannot be used
            self._fatal = self._fatal or error
        finally:
            seat.connecting = False

    def _headers(self, station: SimStation) -> list[tuple[str, str]]:
        headers = [("Sec-WebSocket-Protocol", _NAMES[station.version])]
        password = station.settings.text("password")
        if password:
            word = b64encode(f"{station.id}:{password}".encode()).decode()
            headers.append(("Authorization", f"Basic {word}"))
        if self.line.compress:
            headers.append(("Sec-WebSocket-Extensions", _DEFLATE.header()))
        return headers

    def _failed(self, seat: Seat, error: BaseException) -> None:
        trouble, wanted, way_out = explain(error)
        self.troubles[trouble] += 1
        self.last_trouble = trouble
        seat.retry_s = self.clock()[0] + self._backoff_s(seat)
        if self.once:
            where = self.line.address(seat.station.id)
            self._fatal = self._fatal or InputError(where, trouble, wanted, way_out)

    def _backoff_s(self, seat: Seat) -> float:
        settings = seat.station.settings
        times = min(seat.attempts, settings.number("backoff_times"))
        seat.attempts += 1
        wait_s: float = settings.number("backoff_s") * 2.0**times
        return wait_s + self._random.uniform(0.0, settings.number("backoff_random_s"))

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for seat in self.seats:
            seat.close()
        end_s = self.clock()[0] + _GOODBYE_S
        while self.connected and self.clock()[0] < end_s:
            await asyncio.sleep(0.02)
        for seat in self.seats:
            if seat.transport is not None:
                seat.transport.disconnect(False)


def explain(error: BaseException) -> tuple[str, str, str]:
    """What stood in the way of a connection: what came, what was wanted, the way out."""
    if isinstance(error, WSInvalidStatusError) and error.response is not None:
        return _explain_status(int(error.response.status))
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}", "a certificate that we trust", "Check --ca"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there", "a running server", "Start it, or check --url"
    if isinstance(error, TimeoutError):
        return "no answer in time", "a running server", "Check --url"
    if isinstance(error, WSError):
        return str(error), "an OCPP server", "Check --url and --version"
    return str(error) or type(error).__name__, "a running server", "Check --url"


def _explain_status(status: int) -> tuple[str, str, str]:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        came = f"HTTP {status}: the server refuses name or password"
        return came, "a known station", "Check --password and --id-pattern"
    if status == HTTPStatus.NOT_FOUND:
        came = f"HTTP {status}: no such path or station"
        return came, "the server's OCPP path", "Check the path of --url and --id-pattern"
    return f"HTTP {status}", "HTTP 101", "Is this an OCPP server?"


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds <= 0.0:
        await asyncio.sleep(0)
        return
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
