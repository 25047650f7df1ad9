"""The envelope of GB/T 32960.3: one frame from bytes and back, and frames out of a stream.

Source: GB/T 32960.3-2016 and -2025, table 2: start (``##`` or ``$$``), command, response, VIN of 17
characters, encryption, length of the data unit, data unit, and the XOR of all between start and
check. No sockets and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.fields import Edition

HEAD = 24
"""Bytes before the data unit."""
LONGEST_UNIT = 65_531
LONGEST = HEAD + LONGEST_UNIT + 1
STARTS = {Edition.Y2016: b"##", Edition.Y2025: b"$$"}
_EDITIONS = {start: edition for edition, start in STARTS.items()}
VIN_LENGTH = 17

Sums = npt.NDArray[np.uint8]


class Command(IntEnum):
    """Command identifiers, tables 3 and B.2."""

    LOGIN = 0x01
    REALTIME = 0x02
    RESEND = 0x03
    LOGOUT = 0x04
    PLATFORM_LOGIN = 0x05
    PLATFORM_LOGOUT = 0x06
    HEARTBEAT = 0x07
    TIME_SYNC = 0x08
    ACTIVATION = 0x09
    ACTIVATION_ANSWER = 0x0A
    KEY_EXCHANGE = 0x0B
    QUERY = 0x80
    SET = 0x81
    CONTROL = 0x82


class Response(IntEnum):
    """Response flags, table 4; 4 to 7 are new in 2025."""

    OK = 0x01
    ERROR = 0x02
    VIN_DUPLICATE = 0x03
    VIN_UNKNOWN = 0x04
    SIGNATURE = 0x05
    STRUCTURE = 0x06
    DECRYPTION = 0x07
    COMMAND = 0xFE


class Encryption(IntEnum):
    """How the data unit is encrypted, table 2; SM2 and SM4 are new in 2025."""

    NONE = 0x01
    RSA = 0x02
    AES = 0x03
    SM2 = 0x04
    SM4 = 0x05
    ABNORMAL = 0xFE
    INVALID = 0xFF


# A start, and one with flags of tables 4 and 2 at their places.
_START = re.compile(rb"##|\$\$")
_LIKELY = re.compile(rb"(?:##|\$\$)(?=.[\x01-\x07\xfe].{17}[\x01-\x05\xfe\xff])", re.DOTALL)
_FLAGS_END = 22
_RESPONSES = frozenset(map(int, Response))
_ENCRYPTIONS = frozenset(map(int, Encryption))


class FrameFault(ValueError):  # noqa: N818 - a fault of the other side
    """The other side broke a rule of the standard: which, at which byte of the frame, what came."""

    def __init__(self, rule: str, offset: int, came: str) -> None:
        self.rule, self.offset, self.came = rule, offset, came
        super().__init__(f"{rule} at byte {offset}: {came}")

    def __reduce__(self) -> tuple[type[FrameFault], tuple[str, int, str]]:
        return type(self), (self.rule, self.offset, self.came)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameFault) and self.__reduce__() == other.__reduce__()

    __hash__ = ValueError.__hash__


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose envelope is sound; ``data`` is the data unit as it came.

    ``command``, ``response`` and ``encryption`` are plain numbers, for reserved ones exist.
    """

    edition: Edition
    command: int
    response: int
    vin: str
    encryption: int
    data: bytes

    @property
    def is_command(self) -> bool:
        """Whether it asks (response flag FE) and does not answer."""
        return self.response == Response.COMMAND


def check_byte(data: bytes | memoryview) -> int:
    """XOR of all bytes (BCC); 0 for none."""
    value, size = int.from_bytes(data, "big"), len(data)
    while size > 1:
        half = (size + 1) // 2
        value = value >> 8 * half ^ value & (1 << 8 * half) - 1
        size = half
    return value


def read_frame(data: bytes) -> Frame:
    """The frame that ``data`` is; raises `FrameFault`. ``data`` must hold it and nothing else."""
    _check_head(data, 0)
    unit = int.from_bytes(data[22:HEAD], "big")
    if len(data) != HEAD + unit + 1:
        came = f"a data unit of {unit} bytes in a frame of {len(data)}"
        raise FrameFault("length", 22, came)
    wanted = check_byte(data[2:-1])
    if data[-1] != wanted:
        raise FrameFault("bcc", len(data) - 1, f"{data[-1]:02X}, not {wanted:02X}")
    return Frame(
        _EDITIONS[data[:2]],
        data[2],
        data[3],
        data[4:21].decode("latin-1").rstrip("\0 "),
        data[21],
        data[HEAD:-1],
    )


def write_frame(frame: Frame) -> bytes:
    """The bytes of a frame, check included; raises `InputError` for what does not fit."""
    vin = frame.vin.encode("latin-1", "replace")
    if len(vin) > VIN_LENGTH:
        raise InputError("vin", f"{len(vin)} characters", f"at most {VIN_LENGTH}")
    if len(frame.data) > LONGEST_UNIT:
        raise InputError("data", f"{len(frame.data)} bytes", f"at most {LONGEST_UNIT}")
    body = (
        bytes((frame.command, frame.response))
        + vin.ljust(VIN_LENGTH, b"\0")
        + bytes((frame.encryption,))
        + len(frame.data).to_bytes(2, "big")
        + frame.data
    )
    return STARTS[frame.edition] + body + bytes((check_byte(body),))


def _check_head(data: bytes | bytearray, at: int) -> None:
    """Refuse a head that cannot be one; all offsets count from the frame's first byte."""
    if bytes(data[at : at + 2]) not in _EDITIONS:
        raise FrameFault("start", 0, bytes(data[at : at + 2]).hex() or "nothing")
    if len(data) - at < HEAD + 1:
        raise FrameFault("short", len(data) - at, f"{len(data) - at} bytes")
    if data[at + 3] not in _RESPONSES:
        raise FrameFault("response", 3, f"{data[at + 3]:02X}")
    if data[at + 21] not in _ENCRYPTIONS:
        raise FrameFault("encryption", 21, f"{data[at + 21]:02X}")
    if (unit := int.from_bytes(data[at + 22 : at + HEAD], "big")) > LONGEST_UNIT:
        raise FrameFault("length", 22, f"{unit} bytes")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes of a stream that are no frame: where they begin, how many, and the first fault."""

    offset: int
    size: int
    fault: FrameFault


class Splitter:
    """Cuts a stream into frames, whatever the pieces it comes in.

    A frame whose check is wrong is not trusted in its length either: the search goes on one byte
    further, so that a lost byte costs one frame and not the next ones. Never holds more than one
    frame (65,556 bytes) and the piece that came last.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._offset = 0
        self._wait = HEAD + 1
        self._bad: Skipped | None = None

    @property
    def held(self) -> int:
        """Bytes that wait for their rest."""
        return len(self._held)

    def feed(self, data: bytes) -> list[bytes | Skipped]:
        """Whole frames, check verified, and what lay between them, in the order of the stream."""
        self._held += data
        if len(self._held) < self._wait:
            return []
        return list(self._scan(final=False))

    def close(self) -> list[bytes | Skipped]:
        """What is left at the end of the stream: frames behind a false start, and remains."""
        return list(self._scan(final=True))

    def _scan(self, final: bool) -> Iterator[bytes | Skipped]:
        held = bytes(self._held)
        # Sums over the whole buffer once, so that a thousand false starts cost no thousand sums.
        sums = np.bitwise_xor.accumulate(np.frombuffer(held, np.uint8))
        at, self._wait = 0, HEAD + 1
        while at < len(held):
            # After the first fault nobody asks for the next ones: a flood of false starts is cheap.
            told = self._bad is not None and self._bad.fault.rule != "start"
            start = _next_start(held, at, likely=told)
            if start > at:
                self._skip(at, start - at, FrameFault("start", 0, held[at : at + 2].hex()))
                at = start
                continue
            size, fault = _measure(held, at)
            if fault is None and at + size > len(held) and not final:
                self._wait = size
                break
            if (fault := fault or _unsound(held, sums, at, size)) is not None:
                self._skip(at, 1, fault)
                at += 1
                continue
            yield from self._flush()
            yield held[at : at + size]
            at += size
        self._offset += at
        del self._held[:at]
        yield from self._flush()

    def _skip(self, at: int, size: int, fault: FrameFault) -> None:
        bad = self._bad
        if bad is None:
            self._bad = Skipped(self._offset + at, size, fault)
        else:
            # A false frame says more than the bytes before it, which only are no start.
            first = fault if bad.fault.rule == "start" else bad.fault
            self._bad = Skipped(bad.offset, bad.size + size, first)

    def _flush(self) -> Iterator[Skipped]:
        if self._bad is not None:
            yield self._bad
            self._bad = None


def _next_start(held: bytes, at: int, *, likely: bool) -> int:
    """Where the next start may be; a last lone ``#`` or ``$`` may be one.

    ``likely``: pass over starts whose flags cannot be right, without a word on why.
    """
    if likely:
        if found := _LIKELY.search(held, at):
            return found.start()
        at = max(at, len(held) - _FLAGS_END + 1)
    if found := _START.search(held, at):
        return found.start()
    return len(held) - 1 if held[-1:] in (b"#", b"$") else len(held)


def _measure(held: bytes, at: int) -> tuple[int, FrameFault | None]:
    """Size of the frame that begins at ``at``, as far as its head tells."""
    if len(held) - at < HEAD + 1:
        return HEAD + 1, None
    try:
        _check_head(held, at)
    except FrameFault as fault:
        return 0, fault
    return HEAD + int.from_bytes(held[at + 22 : at + HEAD], "big") + 1, None


def _unsound(held: bytes, sums: Sums, at: int, size: int) -> FrameFault | None:
    """What is wrong with the frame of ``size`` bytes at ``at``, whose head is sound."""
    if at + size > len(held):
        return FrameFault("short", len(held) - at, f"{len(held) - at} of {size} bytes")
    wanted, came = int(sums[at + size - 2] ^ sums[at + 1]), held[at + size - 1]
    if came != wanted:
        return FrameFault("bcc", size - 1, f"{came:02X}, not {wanted:02X}")
    return None


def mask_vin(vin: str) -> str:
    """The VIN with all but its last four characters hidden, safe for logs and terminals.

    >>> mask_vin("LZYTAGBW2E1000001")
    '*************0001'
    """
    shown = "".join(c if c.isascii() and c.isalnum() else "?" for c in vin[-4:])
    return "*" * max(len(vin) - 4, 0) + shown
