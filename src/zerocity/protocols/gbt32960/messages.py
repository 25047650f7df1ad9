"""The messages of GB/T 32960.3: what a frame's data unit says, read and written in both roles.

Source: GB/T 32960.3-2016 chapter 7 and annex B, GB/T 32960.3-2025 chapter 7 and annex B. Times on
the wire are Beijing time (UTC+8) in six plain bytes; `Clock.utc` is what the program works with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.blocks import Block
from zerocity.protocols.gbt32960.frames import Encryption

BEIJING = timezone(timedelta(hours=8), "Beijing")
ICCID_LENGTH, USER_LENGTH, PASSWORD_LENGTH, CHIP_LENGTH, VIN_LENGTH = 20, 12, 20, 16, 17
PACK_CODE_LENGTH = 24
"""A pack's code by GB/T 34014, table 6 of 2025."""


class Clock(NamedTuple):
    """A time as sent: Beijing time, year from 2000. May be no time at all: see `utc`."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @classmethod
    def of(cls, at: datetime) -> Clock:
        """The clock of an aware time between 2000 and 2099; parts of a second are dropped."""
        there = at.astimezone(BEIJING)
        if not 2000 <= there.year <= 2099:
            raise InputError("at", f"{at}", "a time from 2000 to 2099")
        return cls(there.year - 2000, *there.timetuple()[1:6])

    def utc(self) -> datetime | None:
        """The time in UTC, or None where the six bytes are no time (month 13, all FF)."""
        if self.year > 99:
            return None
        try:
            return datetime(2000 + self.year, *self[1:], tzinfo=BEIJING).astimezone(UTC)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Signature:
    """A vehicle's signature, table 8 of 2025: algorithm 1 SM2, 2 RSA (``s`` empty), 3 ECC."""

    algorithm: int
    r: bytes
    s: bytes


@dataclass(frozen=True, slots=True)
class Login:
    """A vehicle logs in, table 6.

    2016: ``codes`` are all of ``code_length`` characters, one for each of ``subsystems``; a
    length of 0 sends none. 2025: codes of 24 characters, ``packs_per_bms`` for each of the BMS.
    """

    clock: Clock
    serial: int
    iccid: str
    codes: tuple[str, ...] = ()
    subsystems: int = 0
    code_length: int = 0
    packs_per_bms: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Readings, as they are taken or sent again later (the frame's command tells which).

    ``signed_size`` is how many bytes of the data unit the signature covers (2025).
    """

    clock: Clock
    blocks: tuple[Block, ...] = ()
    signature: Signature | None = None
    signed_size: int = 0

    def of(self, kind: type[Any]) -> list[Any]:
        """All blocks of a class, in their order."""
        return [block for block in self.blocks if isinstance(block, kind)]


@dataclass(frozen=True, slots=True)
class Logout:
    """A vehicle or a platform logs out; ``serial`` is that of its login."""

    clock: Clock
    serial: int


@dataclass(frozen=True, slots=True)
class PlatformLogin:
    """A platform logs in to the one above it."""

    clock: Clock
    serial: int
    user: str
    password: str = field(repr=False)
    encryption: int = int(Encryption.NONE)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The link lives. The unit is empty; what some terminals put there is kept."""

    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class TimeSync:
    """A terminal asks for the time. The unit is empty; what some terminals put there is kept."""

    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Activation:
    """A security chip and its public key (2025, table B.3)."""

    clock: Clock
    chip: str
    public_key: bytes
    vin: str
    signature: Signature
    signed_size: int = 0


@dataclass(frozen=True, slots=True)
class ActivationAnswer:
    """``state`` 1 activated, 2 not; ``info`` 0 done, 1 chip is active already, 2 VIN is known."""

    state: int
    info: int


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """The key of the data units and from when to when it holds (2025, table 31)."""

    kind: int
    key: bytes = field(repr=False)
    valid_from: Clock
    valid_until: Clock


@dataclass(frozen=True, slots=True)
class Query:
    """The platform asks for parameters, table B.9 (2025: B.5)."""

    clock: Clock
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters as raw items: to be set, or asked for and answered. `parameters` reads them."""

    clock: Clock
    count: int
    items: bytes


@dataclass(frozen=True, slots=True)
class Control:
    """The platform commands a terminal, tables B.14 and B.15 (2025: B.10 and B.11)."""

    clock: Clock
    command: int
    arguments: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; its response flag is the frame's. ``clock`` is None where the unit is empty."""

    clock: Clock | None = None
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A unit that is encrypted: decrypt ``frame.data``, set ``encryption`` to 1, read again."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """A unit that the standard leaves to others: reserved and private commands."""

    data: bytes


Message = (
    Login
    | Report
    | Logout
    | PlatformLogin
    | Heartbeat
    | TimeSync
    | Activation
    | ActivationAnswer
    | KeyExchange
    | Query
    | Settings
    | Control
    | Answer
    | Sealed
    | Raw
)
