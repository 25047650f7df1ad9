"""Coming and going at the platform: logins, logouts, activation, keys. No socket, no clock.

Each method takes a plain frame that the conversation's table allows, and returns None when it is
taken, or the answer code and the rule that it breaks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.crypto import (
    CipherError,
    PublicKey,
    SessionKey,
    Verdict,
    read_public_key,
    verify,
)
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import HEAD, Command, FrameFault, Response, read_frame
from zerocity.protocols.gbt32960.message_reader import read_message
from zerocity.protocols.gbt32960.message_writer import write
from zerocity.protocols.gbt32960.peer import LAST_SERIAL
from zerocity.protocols.gbt32960.seats import (
    Batch,
    Caller,
    Counts,
    Policy,
    Refusal,
    Seat,
    Seats,
    is_vin,
)
from zerocity.storage.recorder import Row

KEY_KIND = "vehicle key"
_SERIAL_AT = HEAD + 6
_ACTIVATED, _NOT_ACTIVATED = 1, 2
_DONE, _CHIP_IN_USE, _VIN_IN_USE = 0, 1, 2


class Entry:
    """The doorkeeper: knows the seats and the policy."""

    def __init__(self, seats: Seats, policy: Policy, counts: Counts) -> None:
        self.seats, self.policy, self.counts = seats, policy, counts

    def login(
        self, caller: Caller, frame: bytes, at: datetime, now_s: float, batch: Batch
    ) -> Refusal | None:
        """A vehicle's login, of its own or passed on by its platform."""
        login, fault = _read(frame, m.Login)
        if login is None:
            return Response.STRUCTURE, fault
        vin = frame[4:21]
        if not 1 <= login.serial <= LAST_SERIAL:
            return Response.ERROR, FrameFault("serial", _SERIAL_AT, f"{login.serial}")
        seat = self.seats.find_or_admit(vin) if is_vin(vin) else None
        if seat is None:
            return Response.VIN_UNKNOWN, FrameFault("unknown vin", 4, "not registered")
        if not self._is_named(caller, vin.decode("ascii")):
            return Response.ERROR, FrameFault("certificate", 4, "of another name than the VIN")
        other = seat.caller
        if other is not None and other is not caller:
            if seat.iccid != login.iccid and now_s - seat.live.seen_s <= self.policy.alive_s:
                return Response.VIN_DUPLICATE, FrameFault("duplicate vin", 4, "another SIM card")
            if not other.platform:
                batch.cuts.append((other, "replaced"))
                other.seat = None
        _sit(seat, caller, login, now_s)
        self.counts.logins += 1
        seen = {"id": seat.live.id, "vin": seat.live.vin, "last_seen_at": at}
        batch.rows.append(Row("vehicles", seen))
        return None

    def logout(
        self, caller: Caller, frame: bytes, at: datetime, now_s: float, batch: Batch
    ) -> Refusal | None:
        """A vehicle's logout; a wrong serial is noted, the vehicle leaves all the same."""
        logout, fault = _read(frame, m.Logout)
        if logout is None:
            return Response.STRUCTURE, fault
        seat = caller.seat or self.seats.find(frame[4:21])
        if seat is None:
            return Response.VIN_UNKNOWN, FrameFault("unknown vin", 4, "not registered")
        if seat.caller is caller:
            seat.live.seen_s = now_s
            leave(seat)
        caller.seat = None
        batch.rows.append(Row("vehicles", {"id": seat.live.id, "last_seen_at": at}))
        return None

    def activate(
        self, caller: Caller, frame: bytes, at: datetime, batch: Batch
    ) -> tuple[Refusal | None, bytes]:
        """A vehicle's chip shows its key (2025, B.3.5.5); the second value is our 0A.

        A key is trusted on first use, for a registered vehicle, when it signs its own message.
        """
        asked, fault = _read(frame, m.Activation)
        if asked is None:
            return (Response.STRUCTURE, fault), b""
        seat = self.seats.find_or_admit(frame[4:21])
        if seat is None or asked.vin != seat.live.vin:
            return (Response.VIN_UNKNOWN, FrameFault("unknown vin", 4, "not registered")), b""
        key, wrong = _proven_key(asked, frame)
        if key is None:
            return (Response.SIGNATURE, wrong), b""
        known = seat.public_key
        if known is not None:
            info = _CHIP_IN_USE if _der(known) == _der(key) else _VIN_IN_USE
            return None, _activation_answer(frame, _NOT_ACTIVATED, info)
        seat.public_key = key
        batch.rows.append(_key_row(seat, asked.chip, key, at))
        return None, _activation_answer(frame, _ACTIVATED, _DONE)

    def exchange(self, caller: Caller, frame: bytes, was_closed: bool) -> Refusal | None:
        """A key of the data units to come (2025, 7.6)."""
        asked, fault = _read(frame, m.KeyExchange)
        if asked is None:
            return Response.STRUCTURE, fault
        if not (caller.secure or was_closed or self.policy.keys_in_clear):
            return Response.ERROR, FrameFault("key in clear", HEAD, "neither TLS nor encryption")
        starts, ends = asked.valid_from.utc(), asked.valid_until.utc()
        if starts is None or ends is None or ends <= starts:
            return Response.STRUCTURE, FrameFault("time", HEAD + 3 + len(asked.key), "no span")
        try:
            caller.keys.put(asked.kind, SessionKey(asked.key, starts, ends))
        except CipherError as error:
            return Response.DECRYPTION, FrameFault("key", HEAD, error.rule)
        return None

    def platform(self, caller: Caller, frame: bytes) -> tuple[m.PlatformLogin | None, Refusal]:
        """A platform's login, still without a look at the password, or why it is refused."""
        login, fault = _read(frame, m.PlatformLogin)
        if login is None:
            return None, (Response.STRUCTURE, fault)
        serial_fault = FrameFault("serial", _SERIAL_AT, f"{login.serial}")
        if not 1 <= login.serial <= LAST_SERIAL:
            return None, (Response.ERROR, serial_fault)
        if not self._is_named(caller, login.user):
            fault = FrameFault("certificate", HEAD + 8, "of another name than the user")
            return None, (Response.ERROR, fault)
        return login, (Response.ERROR, FrameFault("password", HEAD + 20, "user or password"))

    def gone(self, caller: Caller) -> None:
        """A link is closed: nobody sits there any more."""
        if caller.seat is not None and caller.seat.caller is caller:
            leave(caller.seat)
        caller.seat = None
        if caller.platform:
            for seat in self.seats.at(caller):
                leave(seat)

    def _is_named(self, caller: Caller, name: str) -> bool:
        return not self.policy.certificate_names or caller.certificate == name


def leave(seat: Seat) -> None:
    """Nobody speaks for this vehicle any more."""
    seat.caller = None
    seat.live.online = False


def _sit(seat: Seat, caller: Caller, login: m.Login, now_s: float) -> None:
    seat.caller, seat.iccid, seat.serial = caller, login.iccid, login.serial
    seat.live.online, seat.live.seen_s = True, now_s
    if not caller.platform:
        caller.seat = seat


def _read(frame: bytes, wanted: type[Any]) -> tuple[Any, FrameFault]:
    """The message of a plain frame, or None and the rule that it breaks."""
    try:
        message = read_message(read_frame(frame))
    except FrameFault as fault:
        return None, fault
    if not isinstance(message, wanted):
        return None, FrameFault("message", HEAD, f"no {wanted.__name__}")
    clock = getattr(message, "clock", None)
    if isinstance(clock, m.Clock) and clock.utc() is None:
        return None, FrameFault("time", HEAD, bytes(clock).hex())
    return message, FrameFault("", 0, "")


def _proven_key(asked: m.Activation, frame: bytes) -> tuple[PublicKey | None, FrameFault]:
    """The key that an activation shows, if it signed the message, or what is wrong."""
    try:
        key = read_public_key(asked.public_key)
    except CipherError as error:
        return None, FrameFault("public key", HEAD + 22, error.rule)
    signed, signature = frame[HEAD : HEAD + asked.signed_size], asked.signature
    verdict = verify(key, signature.algorithm, signed, signature.r, signature.s)
    came = f"{verdict} (algorithm {signature.algorithm})"
    return key if verdict is Verdict.GOOD else None, FrameFault("signature", HEAD, came)


def _der(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_row(seat: Seat, chip: str, key: PublicKey, at: datetime) -> Row:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    values = {
        "serial": f"chip-{seat.live.id}-{chip}",
        "station": seat.live.id,
        "kind": KEY_KIND,
        "pem": pem,
        "issued_at": at.astimezone(UTC),
    }
    return Row("certificates", values)


def _activation_answer(frame: bytes, state: int, info: int) -> bytes:
    vin = frame[4:21].rstrip(b"\0 ").decode("latin-1")
    message = m.ActivationAnswer(state, info)
    response = int(Response.OK if state == _ACTIVATED else Response.ERROR)
    return write(vin, Command.ACTIVATION_ANSWER, message, Edition.Y2025, response=response)
