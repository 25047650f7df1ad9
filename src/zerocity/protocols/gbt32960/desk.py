"""What the platform does with each frame: judge, answer, and say what must be stored first.

No socket, no clock, no disk. A frame comes in with its caller; the answer and what must be on the
disk before it leaves go into a `Batch`, which the gateway carries out.

Rules of ours, where the standard is silent:

- A second link of one VIN with the same SIM card (ICCID) replaces the first, as B.2.7 says. With
  another card it is refused with 03 while the first spoke within ``alive_s``: two terminals claim
  one vehicle, and the one that works keeps the name.
- A report of a time more than ``future_s`` ahead is stored, but does not become the live picture.
- A report that was taken before (same VIN, same data unit with its time) is acknowledged again and
  stored once.
- A block of a type that the standard does not define ends the look at a report; it is kept whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.alarms import AlarmWatch
from zerocity.protocols.gbt32960.crypto import CipherError, Verdict, read_public_key, verify
from zerocity.protocols.gbt32960.entry import Entry
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    HEAD,
    Command,
    Encryption,
    FrameFault,
    Response,
    Skipped,
)
from zerocity.protocols.gbt32960.glance import Glance, glance
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.messages import PlatformLogin
from zerocity.protocols.gbt32960.peer import (
    State,
    answer_to,
    beijing_bytes,
    command_frame,
)
from zerocity.protocols.gbt32960.seats import (
    Admit,
    Batch,
    Caller,
    Counts,
    Fault,
    Policy,
    Seat,
    Seats,
    too_far_ahead,
)

# Of a bad frame so much is kept for whoever looks for the reason [bytes].
KEPT_OF_A_FAULT = 256
# Wrong passwords before a link is cut.
MOST_WRONG_PASSWORDS = 3


class Desk:
    """The platform's side of all links.

    Parameters
    ----------
    vehicles : who may report. admit : is asked about other VINs; it may register them.
    open_orders : pairs of vehicle id and alarm kind that the store has an open order of.
    """

    def __init__(
        self,
        vehicles: Vehicles,
        policy: Policy | None = None,
        *,
        admit: Admit | None = None,
        open_orders: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.vehicles, self.policy = vehicles, policy or Policy()
        self.seats, self.counts = Seats(vehicles, admit), Counts()
        self.watch = AlarmWatch(open_orders)
        self.entry = Entry(self.seats, self.policy, self.counts)

    def take(
        self, caller: Caller, frame: bytes, at: datetime, now_s: float, batch: Batch
    ) -> PlatformLogin | None:
        """Take a whole frame of a sound envelope.

        Returns a platform's login where somebody must look at the password: call
        ``platform_checked`` with the same frame, and take nothing more of this caller until then.
        """
        counts = self.counts
        counts.frames += 1
        if frame[3] != Response.COMMAND:
            return None  # an answer to a command of ours
        fault = caller.talk.ask(frame)
        if fault is not None:
            self._refuse(caller, frame, (Response.ERROR, fault), at, batch)
            return None
        plain = frame
        if frame[21] != Encryption.NONE:
            try:
                plain = _opened(caller, frame, at)
            except CipherError as error:
                fault = FrameFault("decryption", HEAD, error.rule)
                self._refuse(caller, frame, (Response.DECRYPTION, fault), at, batch)
                return None
        command = frame[2]
        if command == Command.REALTIME or command == Command.RESEND:
            self._report(caller, plain, at, now_s, batch)
            return None
        return self._other(caller, frame, plain, at, now_s, batch)

    def skipped(self, caller: Caller, skipped: Skipped, at: datetime, batch: Batch) -> None:
        """Bytes that are no frame: nobody can be answered, for nobody can be read from them."""
        self.counts.malformed += 1
        self.counts.skipped_bytes += skipped.size
        fault = skipped.fault
        batch.faults.append(
            Fault(at, caller.number, _name(caller), fault.rule, skipped.offset, fault.came)
        )

    def platform_checked(
        self, caller: Caller, frame: bytes, user: str, good: bool, at: datetime, batch: Batch
    ) -> None:
        """Somebody looked at the password of a platform's login."""
        if good:
            caller.platform = user
            self._take(caller, frame, batch)
            return
        caller.refusals += self.policy.most_refusals // MOST_WRONG_PASSWORDS
        fault = FrameFault("password", HEAD + 20, "user or password")
        self._refuse(caller, frame, (Response.ERROR, fault), at, batch)

    def gone(self, caller: Caller) -> None:
        """A link is closed."""
        self.entry.gone(caller)

    def trust(self, vehicle_id: str, public_key: bytes) -> None:
        """Know a vehicle's key again, after a restart; raises CipherError."""
        seat = self.seats.of(vehicle_id)
        if seat is not None:
            seat.public_key = read_public_key(public_key)

    def taken_before(self, vehicle_id: str, unit: bytes) -> None:
        """Know again a report that is in the store, after a restart."""
        seat = self.seats.of(vehicle_id)
        if seat is not None:
            seat.remember(hash(unit))

    def _report(
        self, caller: Caller, frame: bytes, at: datetime, now_s: float, batch: Batch
    ) -> None:
        """The way of nearly every frame; everything here is counted in microseconds."""
        counts, seat = self.counts, caller.seat
        if seat is None or caller.talk.state is not State.VEHICLE:
            seat = self.seats.find(frame[4:21])
            if seat is None:
                fault = FrameFault("unknown vin", 4, "not registered")
                self._refuse(caller, frame, (Response.VIN_UNKNOWN, fault), at, batch)
                return
        unit = frame[HEAD:-1]
        fingerprint = hash(unit)
        counts.reports += 1
        resent = frame[2] == Command.RESEND
        counts.resent += resent
        if seat.knows(fingerprint):
            counts.duplicates += 1
        else:
            edition = Edition.Y2016 if frame[0] == 0x23 else Edition.Y2025
            try:
                look = glance(unit, edition)
            except FrameFault as fault:
                refusal = Response.STRUCTURE, _told(frame, fault)
                self._refuse(caller, frame, refusal, at, batch)
                return
            if look.signed is not None or self.policy.require_signatures:
                wrong = self._wrong_signature(seat, look, edition)
                if wrong is not None:
                    self._refuse(caller, frame, (Response.SIGNATURE, wrong), at, batch)
                    return
            seat.remember(fingerprint)
            batch.frames.append((seat.live.id, at, frame))
            self._picture(seat, look, edition, resent, at, now_s, batch)
        seat.live.seen_s = now_s
        if seat.caller is None:
            # A platform may speak for a vehicle that logged in over an earlier link of its.
            seat.caller, seat.live.online = caller, True
        caller.refusals = 0
        if self.policy.answer_reports:
            batch.answers.append((caller, answer_to(frame, Response.OK)))

    def _picture(
        self,
        seat: Seat,
        look: Glance,
        edition: Edition,
        resent: bool,
        at: datetime,
        now_s: float,
        batch: Batch,
    ) -> None:
        """What a stored report says of now, and which alarms are new."""
        report = look.report
        vehicle = seat.live
        if report.alarm_level >= 0:
            rows = self.watch.take(vehicle.id, edition, report, look.levels, resent=resent)
            if rows:
                batch.rows.extend(rows)
                orders = sum(row.table == "work_orders" for row in rows)
                self.counts.orders += orders
                self.counts.alarms += len(rows) - orders
        if too_far_ahead(report.at, at, self.policy.future_s):
            self.counts.ahead_of_time += 1
        else:
            self.vehicles.report(vehicle, report, now_s)

    def _wrong_signature(self, seat: Seat, look: Glance, edition: Edition) -> FrameFault | None:
        """Why a report is not believed; None where it is, or where nobody can tell."""
        required = self.policy.require_signatures and edition is Edition.Y2025
        signed = look.signed
        if signed is None:
            return FrameFault("signature", HEAD, "none") if required else None
        verdict = verify(seat.public_key, signed.algorithm, signed.signed, signed.r, signed.s)
        if verdict is Verdict.GOOD:
            return None
        if verdict is Verdict.NOT_CHECKED and not required:
            self.counts.unchecked_signatures += 1
            return None
        came = f"{verdict} (algorithm {signed.algorithm})"
        return FrameFault("signature", HEAD + len(signed.signed), came)

    def _other(
        self,
        caller: Caller,
        frame: bytes,
        plain: bytes,
        at: datetime,
        now_s: float,
        batch: Batch,
    ) -> PlatformLogin | None:
        """Everything that is no report."""
        command, entry, answer = frame[2], self.entry, b""
        refusal = None
        if command == Command.LOGIN:
            refusal = entry.login(caller, plain, at, now_s, batch)
        elif command == Command.LOGOUT:
            refusal = entry.logout(caller, plain, at, now_s, batch)
        elif command == Command.PLATFORM_LOGIN:
            login, refusal = entry.platform(caller, plain)
            if login is not None:
                return login
        elif command == Command.PLATFORM_LOGOUT:
            entry.gone(caller)
            caller.platform = ""
        elif command == Command.ACTIVATION:
            refusal, answer = entry.activate(caller, plain, at, batch)
        elif command == Command.KEY_EXCHANGE:
            refusal = entry.exchange(caller, plain, was_closed=plain is not frame)
        elif caller.seat is not None:
            caller.seat.live.seen_s = now_s
        if refusal is not None:
            self._refuse(caller, frame, refusal, at, batch)
            return None
        time = beijing_bytes(at) if command == Command.TIME_SYNC else None
        self._take(caller, plain, batch, answer, time)
        return None

    def _take(
        self,
        caller: Caller,
        frame: bytes,
        batch: Batch,
        answer: bytes = b"",
        time: bytes | None = None,
    ) -> None:
        caller.talk.answered(frame[2], Response.OK)
        caller.refusals = 0
        if not answer and frame[2] in (Command.HEARTBEAT, Command.TIME_SYNC):
            time = time or b""
        batch.answers.append((caller, answer or answer_to(frame, Response.OK, time=time)))

    def _refuse(
        self,
        caller: Caller,
        frame: bytes,
        refusal: tuple[int, FrameFault],
        at: datetime,
        batch: Batch,
    ) -> None:
        response, fault = refusal
        counts = self.counts
        counts.refused += 1
        counts.malformed += response == Response.STRUCTURE
        counts.answers[response] = counts.answers.get(response, 0) + 1
        caller.talk.answered(frame[2], response)
        secret = frame[2] in (Command.PLATFORM_LOGIN, Command.KEY_EXCHANGE)
        raw = b"" if secret else frame[:KEPT_OF_A_FAULT]
        place = (fault.rule, fault.offset, fault.came)
        batch.faults.append(Fault(at, caller.number, _name(caller), *place, raw))
        batch.answers.append((caller, answer_to(frame, response)))
        caller.refusals += 1
        if caller.refusals >= self.policy.most_refusals:
            batch.cuts.append((caller, "refusals"))


def _opened(caller: Caller, frame: bytes, at: datetime) -> bytes:
    """The frame with its data unit decrypted, marked and checked as plain; raises CipherError."""
    unit = caller.keys.open(frame[21], frame[HEAD:-1], at)
    edition = Edition.Y2016 if frame[0] == 0x23 else Edition.Y2025
    return command_frame(edition, frame[2], frame[4:21], unit)


def _told(frame: bytes, fault: FrameFault) -> FrameFault:
    """Why a report is refused, in the words that every other reader has for it."""
    try:
        read(frame, keep_unknown=True)
    except FrameFault as told:
        return told
    return fault


def _name(caller: Caller) -> str:
    return caller.seat.live.id if caller.seat is not None else caller.platform
