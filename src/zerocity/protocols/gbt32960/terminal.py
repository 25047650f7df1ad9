"""The vehicle's side of the conversation: log in, report, keep what is not acknowledged, resend.

Every report is kept until the platform answers it with 01. What was under way when a link broke, or
was read while there was none, goes out again as resent reports (03) between the live ones. TCP
loses nothing on a living link, so an overdue answer means a dead one: the link is given up instead
of repeating reports on it. No socket, no clock: bytes in, bytes out, ``now_s`` is monotonic.

Source: GB/T 32960.3-2016 and -2025, annex B.1 and B.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import HEAD, VIN_LENGTH, Command, Encryption, Response
from zerocity.protocols.gbt32960.peer import (
    TIME_BYTES,
    TIMINGS,
    Conversation,
    Serials,
    State,
    Timing,
    answer_to,
    beijing_bytes,
    command_frame,
)

# How many reports may wait for their answers at once: enough to fill a slow link.
WINDOW = 32


@dataclass(slots=True)
class Kept:
    """A report that is not acknowledged: data unit, its time, and when it may go (again)."""

    unit: bytes
    at: datetime
    due_s: float = 0.0
    errors: int = 0
    resent: bool = False


@dataclass(slots=True)
class Counts:
    """What became of a vehicle's reports."""

    read: int = 0  # reports handed in
    sent: int = 0  # frames on the wire, resent ones included
    acknowledged: int = 0
    resent: int = 0  # frames sent as command 03
    refused: int = 0  # given up after errors
    expired: int = 0  # older than the resend window
    dropped: int = 0  # the buffer was full
    logins: int = 0
    logins_taken: int = 0
    links_lost: int = 0


class Terminal:
    """One vehicle's terminal on one link after the other.

    Parameters
    ----------
    vin : 17 ASCII characters. login_unit : makes the login's data unit of time and serial.
    timing : of the edition unless given. most_kept : reports kept at most; the oldest go first.
    answers : the platform answers good reports too (clause 5.2); annex B.2.1 answers bad ones only,
    and then a report counts as delivered once it is sent.
    delivered : is told the data unit of each report that is acknowledged.
    close : encrypts a data unit (``KeyRing.close``); ``encryption`` is written into the frame.
    """

    def __init__(
        self,
        vin: str,
        edition: Edition,
        login_unit: Callable[[datetime, int], bytes],
        *,
        timing: Timing | None = None,
        most_kept: int = 30_000,
        answers: bool = True,
        encryption: int = Encryption.NONE,
        close: Callable[[int, bytes, datetime], bytes] | None = None,
        delivered: Callable[[bytes], None] | None = None,
    ) -> None:
        self.vin = vin.encode("ascii").ljust(VIN_LENGTH, b"\0")[:VIN_LENGTH]
        self.edition, self.timing = edition, timing or TIMINGS[edition]
        self.counts = Counts()
        self.talk = Conversation()
        self._login_unit, self._encryption, self._close = login_unit, encryption, close
        self._delivered = delivered
        self._serials, self._serial = Serials(), 0
        self._most_kept, self._answers = most_kept, answers
        self._fresh: deque[Kept] = deque()  # live reports
        self._kept: deque[Kept] = deque()  # to be resent
        self._later: deque[Kept] = deque()  # answered with an error, until they are due
        self._flying: deque[Kept] = deque()
        self._out: list[bytes] = []
        self._connected = False
        self._tries = 0
        self._asked_s: float | None = None  # when the question under way was asked
        self._oldest_s = 0.0  # when the oldest report under way was sent
        self._spoke_s = 0.0
        self.next_login_s = 0.0  # not before this should a link be opened

    @property
    def logged_in(self) -> bool:
        """Whether the platform has taken the login."""
        return self.talk.state is State.VEHICLE

    @property
    def has_left(self) -> bool:
        """Whether the link stands and the logout was taken (or the login refused)."""
        return self._connected and self.talk.state is State.STRANGER

    @property
    def waiting(self) -> int:
        """Reports that are not acknowledged."""
        return len(self._fresh) + len(self._kept) + len(self._flying) + len(self._later)

    def connected(self, at: datetime, now_s: float) -> None:
        """A link is open: log in."""
        self.talk, self._connected = Conversation(), True
        self._serial = self._serials.following(at)
        self.counts.logins += 1
        self._ask(Command.LOGIN, self._login_unit(at, self._serial), at, now_s)

    def lost(self, now_s: float) -> None:
        """The link is gone, or could not be opened: everything under way waits to be resent."""
        if self.talk.state is State.ASKING or not self._connected:
            self._login_failed(now_s)
        if self._connected and self.talk.state is not State.STRANGER:
            self.counts.links_lost += 1
        waiting = [*self._flying, *self._fresh]
        self._kept.extendleft(reversed(waiting))
        for kept in waiting:
            kept.resent = True
        self._flying.clear()
        self._fresh.clear()
        self._out.clear()
        self._asked_s = None
        self._connected, self.talk = False, Conversation()
        self._trim()

    def report(self, unit: bytes, at: datetime) -> None:
        """A live report; without a link it is kept to be resent."""
        self.counts.read += 1
        kept = Kept(unit, at)
        if self.logged_in:
            self._fresh.append(kept)
        else:
            kept.resent = True
            self._kept.append(kept)
        self._trim()

    def report_late(self, unit: bytes, at: datetime) -> None:
        """A report of before, sent as a resent one: the 30 s before a grave alarm (B.2.1)."""
        self.counts.read += 1
        self._kept.append(Kept(unit, at, resent=True))
        self._trim()

    def leave(self, at: datetime, now_s: float) -> None:
        """Log out (with the serial of the login)."""
        if self.logged_in:
            self._ask(
                Command.LOGOUT, beijing_bytes(at) + self._serial.to_bytes(2, "big"), at, now_s
            )

    def receive(self, frame: bytes, now_s: float) -> None:
        """Take a whole frame of the platform; what is not understood is ignored (B.2.3)."""
        command, response = frame[2], frame[3]
        if response == Response.COMMAND:
            # We have no parameters to show or set: an honest "error".
            self._out.append(answer_to(frame, Response.ERROR))
        elif command in (Command.REALTIME, Command.RESEND):
            self._report_answered(frame, now_s)
        elif command in (Command.LOGIN, Command.LOGOUT):
            self._asked_s = None
            if not self.talk.answered(command, response):
                return
            if command == Command.LOGIN and response == Response.OK:
                self._tries = 0
                self.counts.logins_taken += 1
            elif command == Command.LOGIN:
                self._login_failed(now_s)

    def tick(self, at: datetime, now_s: float) -> bool:
        """Let time pass; False when the link is to be given up."""
        overdue_s = now_s - self.timing.answer_s
        if self._asked_s is not None and self._asked_s < overdue_s:
            return False
        if self._flying and self._oldest_s < overdue_s:
            return False
        if self.logged_in:
            self._send_reports(at, now_s)
            if now_s - self._spoke_s >= self.timing.heartbeat_s:
                self._say(Command.HEARTBEAT, b"", at, now_s)
        # A refused login leaves a link of no use.
        return not (self._connected and self.talk.state is State.STRANGER and not self._out)

    def take(self) -> list[bytes]:
        """The frames to send now."""
        out, self._out = self._out, []
        return out

    def _ask(self, command: int, unit: bytes, at: datetime, now_s: float) -> None:
        if self._say(command, unit, at, now_s):
            self._asked_s = now_s

    def _say(self, command: int, unit: bytes, at: datetime, now_s: float) -> bool:
        method = self._encryption if unit and self._close is not None else Encryption.NONE
        if method != Encryption.NONE and self._close is not None:
            unit = self._close(method, unit, at)
        frame = command_frame(self.edition, command, self.vin, unit, method)
        if self.talk.ask(frame) is not None:
            return False
        self._out.append(frame)
        self._spoke_s = now_s
        return True

    def _send_reports(self, at: datetime, now_s: float) -> None:
        """Live reports first; resent ones fill what the window leaves."""
        oldest = at - timedelta(days=self.timing.resend_days)
        while self._later and self._later[0].due_s <= now_s:
            self._kept.append(self._later.popleft())
        for queue in (self._fresh, self._kept):
            while queue and len(self._flying) < WINDOW:
                kept = queue.popleft()
                if kept.at < oldest:
                    self.counts.expired += 1
                    continue
                self._send(kept, at, now_s)

    def _send(self, kept: Kept, at: datetime, now_s: float) -> None:
        if self._answers:
            if not self._flying:
                self._oldest_s = now_s
            self._flying.append(kept)
        self._say(Command.RESEND if kept.resent else Command.REALTIME, kept.unit, at, now_s)
        self.counts.sent += 1
        self.counts.resent += kept.resent

    def _report_answered(self, frame: bytes, now_s: float) -> None:
        """Match an answer by the report's time; answers come in the order of the reports."""
        time = frame[HEAD : HEAD + TIME_BYTES] if len(frame) > HEAD + TIME_BYTES else b""
        wanted = frame[2] == Command.RESEND
        for place, kept in enumerate(self._flying):
            # An answer to an encrypted report shows no time: then it is the oldest one's.
            if kept.resent == wanted and (kept.unit[:TIME_BYTES] == time or not time):
                del self._flying[place]
                break
        else:
            return
        self._oldest_s = now_s
        if frame[3] == Response.OK:
            self.counts.acknowledged += 1
            if self._delivered is not None:
                self._delivered(kept.unit)
            return
        kept.errors += 1
        if kept.errors > self.timing.error_tries:
            self.counts.refused += 1
            return
        kept.resent, kept.due_s = True, now_s + self.timing.error_retry_s
        self._later.append(kept)

    def _login_failed(self, now_s: float) -> None:
        self._tries += 1
        pause = self._tries >= self.timing.tries
        self.next_login_s = now_s + (self.timing.pause_s if pause else self.timing.retry_s)
        if pause:
            self._tries = 0

    def _trim(self) -> None:
        while self.waiting > self._most_kept and (self._kept or self._fresh):
            (self._kept or self._fresh).popleft()
            self.counts.dropped += 1
