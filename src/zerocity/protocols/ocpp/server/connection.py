"""One station's connection: frames in and out, and the bounds on what they may cost."""

from __future__ import annotations

import asyncio
import zlib

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from zerocity.live.registry import LiveStation
from zerocity.protocols.ocpp.assembly import Assembly
from zerocity.protocols.ocpp.deflate import WORTH_BYTES, Deflate, TooBigError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.server.conversation import Conversation
from zerocity.protocols.ocpp.server.credentials import Admitted
from zerocity.protocols.ocpp.server.hub import Hub
from zerocity.protocols.ocpp.server.limits import Bucket, Faults
from zerocity.storage.recorder import Row

_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_PING, _CLOSE = WSMsgType.PING, WSMsgType.CLOSE
# Why reading is paused, as bits.
RATE, CONGESTION, SLOW_READER, STOPPING = 1, 2, 4, 8
# A station may have one call open (OCPP-J 1.6 section 4.1.1, 2.x part 4 section 4.1.1) and some
# answers; each time as many frames as this come while it is being slowed down is a violation.
_MANY_HELD = 16
_GOODBYE_S = 2.0  # how long a closing connection may take to say goodbye; an assumption


class StationConnection(WSListener):
    """A station that is let in. Lives in the event loop's thread."""

    __slots__ = (
        "admitted",
        "assembly",
        "bucket",
        "close_at_s",
        "deflate",
        "faults",
        "gone",
        "heard_s",
        "held",
        "hub",
        "paused",
        "pinged_s",
        "proof",
        "reason",
        "slow_since_s",
        "station",
        "talk",
        "transport",
        "wake_slot",
    )

    def __init__(
        self,
        hub: Hub,
        station: LiveStation,
        version: Version,
        admitted: Admitted,
        deflate: Deflate | None,
    ) -> None:
        now_s, settings = hub.now_s(), hub.settings
        self.hub, self.station, self.admitted, self.deflate = hub, station, admitted, deflate
        self.talk = Conversation(hub, station, version, self)
        self.bucket = Bucket(settings.messages_per_s, settings.burst, now_s)
        self.faults: Faults | None = None
        self.transport: WSTransport | None = None
        self.held: list[bytes] | None = None
        self.assembly: Assembly | None = None
        self.heard_s, self.pinged_s, self.slow_since_s = now_s, 0.0, 0.0
        self.paused = self.wake_slot = 0
        self.close_at_s = 0.0
        self.gone = False
        self.reason = "left"
        self.proof: asyncio.Future[bool] | None = None

    # What the websocket says

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Start the timers of a connection that is open now."""
        self.transport = transport
        high = min(self.hub.settings.write_bytes, 64 * 1024)
        transport.underlying_transport.set_write_buffer_limits(high=high)
        self._watch(self.heard_s)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame in: handle it, or hold it while the station must slow down."""
        hub = self.hub
        now_s = hub.now_s()
        self.heard_s = now_s
        if self.proof is not None:
            self._prove(True)
        kind = frame.msg_type
        if kind == _TEXT and frame.fin and not frame.rsv1 and self.assembly is None:
            data: bytes | None = frame.get_payload_as_bytes()
        else:
            data = self._other_frame(frame, kind, now_s)
        if data is None or self.close_at_s:
            return
        if self.held or hub.congested or not self.bucket.take(now_s):
            self._hold(data, now_s)
        else:
            self.talk.take_in(data, now_s)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forget what was open and tell the server."""
        self.gone = True
        self.held = self.assembly = None
        goodbye = transport.close_handshake
        if self.reason == "left" and goodbye is not None and not goodbye.recv_then_sent:
            # The websocket layer said goodbye first, because of a frame that it could not read.
            self.reason = "broken frame"
            self.hub.metrics.violations["Websocket"] += 1
        if self.proof is not None:
            self._prove(False)
        self.talk.end(self.hub.now_s())
        self.hub.left(self, self.reason)

    def pause_writing(self) -> None:
        """The station does not read: take nothing more from it until it does."""
        self.slow_since_s = self.hub.now_s()
        self._pause(SLOW_READER)
        self.wake_at(self.slow_since_s + self.hub.settings.drain_s)

    def resume_writing(self) -> None:
        """The station reads again."""
        self.slow_since_s = 0.0
        self._resume(SLOW_READER)

    # Frames

    def _other_frame(self, frame: WSFrame, kind: WSMsgType, now_s: float) -> bytes | None:
        """Handle what is not one whole plain text message; return a message that is whole now."""
        if kind in (_TEXT, _CONTINUATION):
            return self._part(frame, kind == _TEXT)
        if kind == _CLOSE:
            self._goodbye(frame)
        elif kind == _PING:
            # Pings cost as much as messages, and an unanswered one harms nobody.
            if self.transport is not None and self.bucket.take(now_s):
                self.transport.send_pong(frame.get_payload_as_bytes())
            else:
                self.broke("Flood", now_s)
        elif kind == _BINARY:
            self.close(WSCloseCode.UNSUPPORTED_DATA, "binary")
        return None

    def _part(self, frame: WSFrame, first: bool) -> bytes | None:
        if first != (self.assembly is None) or (frame.rsv1 and not (first and self.deflate)):
            self.close(WSCloseCode.PROTOCOL_ERROR, "fragments")
            return None
        if self.assembly is None:
            self.assembly = Assembly(self.hub.settings.frame_bytes, bool(frame.rsv1))
        try:
            self.assembly.add(frame.get_payload_as_bytes())
            if not frame.fin:
                return None
            data = self.assembly.whole()
        except TooBigError:
            self.close(WSCloseCode.MESSAGE_TOO_BIG, "too big")
            return None
        except zlib.error:
            self.close(WSCloseCode.INVALID_TEXT, "damaged")
            return None
        self.assembly = None
        return data

    def _goodbye(self, frame: WSFrame) -> None:
        transport = self.transport
        if transport is None:
            return
        if not transport.is_close_frame_sent:
            code = frame.get_close_code()
            transport.send_close(WSCloseCode.OK if code == WSCloseCode.NO_INFO else code)
        transport.disconnect()

    @property
    def is_open(self) -> bool:
        """Whether something sent now can still arrive."""
        return not (self.gone or self.close_at_s)

    def send(self, frames: list[bytes]) -> None:
        """Send messages in order; a station that does not read them is cut at a bound."""
        transport = self.transport
        if transport is None or self.gone:
            return
        for frame in frames:
            if self.deflate is not None and len(frame) > WORTH_BYTES:
                transport.send(_TEXT, self.deflate.compress(frame), True, True)
            else:
                transport.send(_TEXT, frame)
        if self.slow_since_s:
            waiting = transport.underlying_transport.get_write_buffer_size()
            if waiting > self.hub.settings.write_bytes:
                self.cut("slow reader")

    # Bounds

    def _hold(self, data: bytes, now_s: float) -> None:
        if self.held is None:
            self.held = []
            self.hub.metrics.paused += 1
        self.held.append(data)
        if self.hub.congested:
            self._wait_for_store()
            return
        self._pause(RATE)
        self.wake_at(now_s + self.bucket.wait_s())
        if len(self.held) % _MANY_HELD == 0:
            self.broke("Flood", now_s)

    def _wait_for_store(self) -> None:
        if not self.paused & CONGESTION:
            self.hub.held_up.append(self)
        self._pause(CONGESTION)

    def let_go(self) -> None:
        """The store has room again."""
        if not self.gone:
            self._resume(CONGESTION)
            self._work_off(self.hub.now_s())

    def _work_off(self, now_s: float) -> None:
        """Handle held messages as far as the bounds allow."""
        held = self.held
        if held is None:
            return
        done = 0
        while done < len(held) and not self.hub.congested and self.bucket.take(now_s):
            self.talk.take_in(held[done], now_s)
            done += 1
        if not self.is_open:
            return
        self.held = held[done:] or None
        if self.held is None:
            self._resume(RATE)
        elif self.hub.congested:
            self._wait_for_store()
        else:
            self._pause(RATE)
            self.wake_at(now_s + self.bucket.wait_s())

    def _pause(self, why: int) -> None:
        if not self.paused and self.transport is not None and not self.gone:
            self.transport.underlying_transport.pause_reading()
        self.paused |= why

    def _resume(self, why: int) -> None:
        was, self.paused = self.paused, self.paused & ~why
        if was and not self.paused and self.transport is not None and not self.gone:
            self.heard_s = self.hub.now_s()
            self.transport.underlying_transport.resume_reading()

    def stop_listening(self) -> None:
        """Read nothing more; answers still leave."""
        self._pause(STOPPING)

    def broke(self, code: str, now_s: float) -> None:
        """Count a broken rule; too many in a short time end the connection."""
        settings = self.hub.settings
        self.hub.metrics.violations[code] += 1
        if self.faults is None:
            self.faults = Faults()
        count = self.faults.add(now_s, settings.forgive_s)
        if count <= settings.violations or not self.is_open:
            return
        values = {
            "station": self.station.id,
            "at": self.hub.at(),
            # Of the list of security events, OCPP 2.x part 2 appendices and the 1.6 whitepaper.
            "kind": "InvalidMessages",
            "info": f"more than {settings.violations} violations, the last: {code}",
        }
        self.hub.keep([Row("security_events", values)])
        self.close(WSCloseCode.POLICY_VIOLATION, "violations")

    # Time

    def wake_at(self, due_s: float) -> None:
        """Have `tick` called at `due_s` or soon after."""
        self.hub.wheel.at_latest(self, due_s)

    def tick(self, now_s: float) -> None:
        """Do what is due; called by the wheel."""
        if self.gone:
            return
        if self.close_at_s:
            if now_s >= self.close_at_s:
                self.cut(self.reason)
            else:
                self.wake_at(self.close_at_s)
            return
        if self.held is not None and not self.paused & CONGESTION:
            self._work_off(now_s)
        self.talk.tick(now_s)
        self._watch(now_s)

    def _watch(self, now_s: float) -> None:
        """Ping a silent station, give up one that does not answer or read, set the next timer."""
        settings = self.hub.settings
        if self.transport is None or not self.is_open:
            return
        if self.slow_since_s:
            if now_s - self.slow_since_s >= settings.drain_s:
                self.cut("slow reader")
                return
            self.wake_at(self.slow_since_s + settings.drain_s)
        if self.paused:
            # What it sends is not read, so its silence says nothing.
            self.wake_at(now_s + settings.ping_s)
            return
        waits = self.pinged_s > self.heard_s
        if waits and now_s - self.pinged_s >= settings.pong_s:
            self.cut("silent")
            return
        if not waits and now_s - self.heard_s >= settings.ping_s:
            self.pinged_s, waits = now_s, True
            self.transport.send_ping()
        last_s, wait_s = (
            (self.pinged_s, settings.pong_s) if waits else (self.heard_s, settings.ping_s)
        )
        self.wake_at(last_s + wait_s)

    async def is_alive(self, within_s: float) -> bool:
        """Whether the station answers a ping; what it sent lately counts if we do not read."""
        transport = self.transport
        if transport is None or not self.is_open:
            return False
        if self.paused:
            return self.hub.now_s() - self.heard_s < within_s
        if self.proof is None:
            self.proof = asyncio.get_running_loop().create_future()
            transport.send_ping()
        try:
            return await asyncio.wait_for(asyncio.shield(self.proof), within_s)
        except TimeoutError:
            self.proof = None
            return False

    def _prove(self, alive: bool) -> None:
        proof, self.proof = self.proof, None
        if proof is not None and not proof.done():
            proof.set_result(alive)

    # The end

    def close(self, code: WSCloseCode, reason: str) -> None:
        """Say goodbye with `code`; what still comes is not heard."""
        if not self.is_open or self.transport is None:
            return
        self.reason = reason
        self.close_at_s = self.hub.now_s() + _GOODBYE_S
        self.held = self.assembly = None
        self.transport.send_close(code, reason)
        # Unread bytes would turn the end into a reset, which may overtake the goodbye.
        self._resume(RATE | CONGESTION | STOPPING)
        self.wake_at(self.close_at_s)

    def cut(self, reason: str) -> None:
        """Drop the connection without a word."""
        self.reason = reason
        if self.transport is not None and not self.gone:
            self.transport.disconnect(False)
