"""One TCP link to a terminal or a platform: bytes to frames, bounds on everything.

A link that sends too fast is read more slowly (never are its frames dropped); one that does not
read its answers, that talks garbage, or that says nothing is cut.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from zerocity.protocols.gbt32960.frames import HEAD, Skipped, Splitter, check_byte
from zerocity.protocols.gbt32960.seats import Caller

# TCP's own search for a dead other end [s, s, times].
KEEPALIVE = (60, 15, 4)
_STARTS = (b"##", b"$$")


class Bounds(Protocol):
    """The limits of a link; see ``gateway.Settings``."""

    @property
    def most_unit(self) -> int: ...
    @property
    def frames_per_s(self) -> float: ...
    @property
    def platform_frames_per_s(self) -> float: ...
    @property
    def burst_s(self) -> float: ...
    @property
    def most_garbage(self) -> int: ...
    @property
    def most_unsent(self) -> int: ...


class Office(Protocol):
    """What a link needs of the gateway."""

    def opened(self, link: Link) -> bool: ...
    def frame(self, link: Link, frame: bytes) -> None: ...
    def skipped(self, link: Link, skipped: Skipped) -> None: ...
    def closed(self, link: Link) -> None: ...


class Link(asyncio.Protocol):
    """One connection; all of it runs in the event loop's thread."""

    def __init__(self, office: Office, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._office, self._bounds, self._clock = office, bounds, clock
        self.caller = Caller()
        self.why = "the other side closed"
        self.spoke_s = self.opened_s = clock()
        self.waiting: deque[bytes] = deque()  # frames that wait for a password check
        self.checking = False
        self._splitter = Splitter()
        self._garbage = 0
        self._tokens = 0.0
        self._filled_s = self.opened_s
        self._transport: asyncio.Transport | None = None
        self._pauses: set[str] = set()
        self._later: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The connection stands."""
        self._transport = transport
        transport.set_write_buffer_limits(high=self._bounds.most_unsent)
        self._tokens = self._rate() * self._bounds.burst_s
        secure = transport.get_extra_info("ssl_object")
        self.caller.secure = secure is not None
        self.caller.certificate = common_name(secure)
        _set_socket(transport, self._bounds.most_unsent)
        if not self._office.opened(self):
            self.cut("too many links")

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._later is not None:
            self._later.cancel()
        self._transport = None
        self._office.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the stream, in whatever pieces."""
        self.spoke_s = self._clock()
        if not self._splitter.held and _is_one_frame(data):
            self._frame(data)
        else:
            for piece in self._splitter.feed(data):
                if isinstance(piece, bytes):
                    self._frame(piece)
                else:
                    self._skip(piece)
        if self._splitter.held > HEAD + self._bounds.most_unit + 1:
            self.cut("a frame too long")

    def eof_received(self) -> bool:
        """The other side sends no more: close."""
        return False

    def pause_writing(self) -> None:
        """Our answers are not read: a slow reader may not fill our memory."""
        self.cut("answers are not read")

    def send(self, data: bytes) -> None:
        """Send; on a closed link nothing happens."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def cut(self, why: str) -> None:
        """Close at once, without what is still to be sent."""
        if self._transport is not None:
            self.why = why
            self._transport.abort()

    def close(self) -> None:
        """Close after what is still to be sent."""
        if self._transport is not None:
            self._transport.close()

    def pause(self, reason: str) -> None:
        """Read no more for a reason, until ``resume`` with the same."""
        if not self._pauses and self._transport is not None:
            self._transport.pause_reading()
        self._pauses.add(reason)

    def resume(self, reason: str) -> None:
        """Read again, unless there is another reason not to."""
        if reason in self._pauses:
            self._pauses.discard(reason)
            if not self._pauses and self._transport is not None:
                self._transport.resume_reading()

    def _frame(self, frame: bytes) -> None:
        if not self.is_open:
            return
        if len(frame) > HEAD + self._bounds.most_unit + 1:
            self.cut("a frame too long")
            return
        self._tokens -= 1.0
        if self._tokens < 0.0:
            self._fill()
        self._office.frame(self, frame)

    def _skip(self, skipped: Skipped) -> None:
        self._garbage += skipped.size
        self._office.skipped(self, skipped)
        if self._garbage > self._bounds.most_garbage:
            self.cut("garbage")

    def _rate(self) -> float:
        platform = self._bounds.platform_frames_per_s
        return platform if self.caller.platform else self._bounds.frames_per_s

    def _fill(self) -> None:
        """Add the tokens of the time that passed; read again when there will be some."""
        now_s, rate = self._clock(), self._rate()
        most = rate * self._bounds.burst_s
        self._tokens = min(self._tokens + (now_s - self._filled_s) * rate, most)
        self._filled_s = now_s
        if self._tokens < 0.0 and self._later is None:
            self.pause("rate")
            wait_s = -self._tokens / rate
            self._later = asyncio.get_running_loop().call_later(wait_s, self._again)

    def _again(self) -> None:
        self._later = None
        self._fill()
        if self._later is None:
            self.resume("rate")


def _is_one_frame(data: bytes) -> bool:
    """Whether a piece is exactly one frame with a right check: the usual case, kept short."""
    size = len(data)
    return (
        size > HEAD
        and data[:2] in _STARTS
        and size == HEAD + 1 + (data[22] << 8 | data[23])
        and check_byte(data[2:]) == 0
    )


def common_name(secure: Any) -> str:
    """The common name of the other side's certificate, or "" where it showed none."""
    certificate: dict[str, Any] = (secure.getpeercert() if secure is not None else None) or {}
    for part in certificate.get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return ""


def _set_socket(transport: asyncio.Transport, most_unsent: int) -> None:
    one = transport.get_extra_info("socket")
    if one is None:
        return
    # Or the system keeps megabytes of answers for somebody who does not read them.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, most_unsent)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
    for name, value in zip(names, KEEPALIVE, strict=True):
        option = getattr(socket, name, None)
        if option is not None:
            one.setsockopt(socket.IPPROTO_TCP, option, value)
