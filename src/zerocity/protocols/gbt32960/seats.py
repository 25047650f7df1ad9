"""Who is on a link, which vehicle sits where, and what must be stored before an answer leaves."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zerocity.live.vehicles import LiveVehicle, Vehicles
from zerocity.protocols.gbt32960.crypto import KeyRing, PublicKey
from zerocity.protocols.gbt32960.frames import VIN_LENGTH, FrameFault
from zerocity.protocols.gbt32960.peer import Conversation
from zerocity.storage.recorder import Row

# Reports of which each vehicle's fingerprint is remembered: those that may be under way when a link
# breaks, and some more. What comes back later is found when the lake is compacted.
REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Policy:
    """What the platform allows; each default is a choice of ours.

    alive_s : a terminal that spoke within this time holds its VIN against another SIM card.
    future_s : reports further ahead are stored, but are no picture of now.
    answer_reports : answer good reports too (clause 5.2); annex B.2.1 answers bad ones only.
    require_signatures : refuse what is not signed by a known key with 05 (2025); otherwise only a
        signature that is wrong is refused, and one that cannot be checked is counted.
    keys_in_clear : take a key exchange over a link without TLS and without encryption.
    certificate_names : the common name of the client's certificate must be the VIN or the user.
    most_refusals : refused frames in a row before a link is cut.
    """

    alive_s: float = 35.0
    future_s: float = 600.0
    answer_reports: bool = True
    require_signatures: bool = False
    keys_in_clear: bool = False
    certificate_names: bool = False
    most_refusals: int = 20


class Seat:
    """A vehicle's place at the platform, kept between its links."""

    __slots__ = ("_next", "_recent", "caller", "iccid", "live", "public_key", "serial")

    def __init__(self, live: LiveVehicle) -> None:
        self.live = live
        self.caller: Caller | None = None
        self.iccid = ""
        self.serial = 0
        self.public_key: PublicKey | None = None
        self._recent = array("q")
        self._next = 0

    def knows(self, fingerprint: int) -> bool:
        """Whether a report of this fingerprint was taken lately."""
        return fingerprint in self._recent

    def remember(self, fingerprint: int) -> None:
        """Remember a report that is taken."""
        if len(self._recent) < REMEMBERED:
            self._recent.append(fingerprint)
        else:
            self._recent[self._next] = fingerprint
            self._next = (self._next + 1) % REMEMBERED


@dataclass(slots=True, eq=False)
class Caller:
    """The other end of one link.

    number : for logs. secure : the link is encrypted by TLS. certificate : common name of the
    client's certificate. platform : the user, once a platform is logged in.
    """

    number: int = 0
    secure: bool = False
    certificate: str = ""
    keys: KeyRing = field(default_factory=KeyRing)
    talk: Conversation = field(default_factory=Conversation)
    seat: Seat | None = None
    platform: str = ""
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """A frame that broke a rule, for the table of faults; ``raw`` may be cut or missing."""

    at: datetime
    link: int
    vehicle: str
    rule: str
    offset: int
    came: str
    raw: bytes = b""


def fault_row(fault: Fault) -> Row:
    """The row of a fault in the table ``frame_faults``; the same fault of one moment is one row."""
    text = f"{fault.at.isoformat()}|{fault.link}|{fault.rule}|{fault.offset}|{fault.came}"
    key = hashlib.blake2b(text.encode() + fault.raw, digest_size=16).hexdigest()
    values = {
        "key": key,
        "at": fault.at,
        "link": fault.link,
        "vehicle": fault.vehicle,
        "rule": fault.rule,
        "place": fault.offset,
        "came": fault.came,
        "raw": fault.raw.hex(),
    }
    return Row("frame_faults", values)


class Batch:
    """What came of the frames of one moment: store this, then send that."""

    __slots__ = ("answers", "cuts", "faults", "frames", "rows")

    def __init__(self) -> None:
        self.frames: list[tuple[str, datetime, bytes]] = []
        self.rows: list[Row] = []
        self.faults: list[Fault] = []
        self.answers: list[tuple[Caller, bytes]] = []
        self.cuts: list[tuple[Caller, str]] = []

    def __bool__(self) -> bool:
        return bool(self.frames or self.rows or self.answers or self.cuts or self.faults)


@dataclass(slots=True)
class Counts:
    """What the gateway has done since its start; read by the metrics."""

    frames: int = 0
    reports: int = 0
    resent: int = 0
    duplicates: int = 0
    stored: int = 0
    refused: int = 0
    malformed: int = 0
    skipped_bytes: int = 0
    unchecked_signatures: int = 0
    ahead_of_time: int = 0
    alarms: int = 0
    orders: int = 0
    logins: int = 0
    links: int = 0
    cut: dict[str, int] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)


def open_door(vehicles: Vehicles, most: int = 50_000) -> Callable[[str], LiveVehicle | None]:
    """Register every unknown VIN, up to ``most`` vehicles: for demonstrations on loopback only."""

    def admit(vin: str) -> LiveVehicle | None:
        if len(vehicles) >= most:
            return None
        return vehicles.add("v-" + hashlib.blake2b(vin.encode(), digest_size=8).hexdigest(), vin)

    return admit


Admit = Callable[[str], LiveVehicle | None]


class Seats:
    """All seats by VIN as it stands in a frame. ``admit`` decides on VINs that are not registered.

    The registry may change at any time: a vehicle removed from it has no seat any more.
    """

    def __init__(self, vehicles: Vehicles, admit: Admit | None = None) -> None:
        self.vehicles, self._admit = vehicles, admit
        self._by_vin: dict[bytes, Seat] = {}

    def find(self, vin: bytes) -> Seat | None:
        """The seat of a registered vehicle; ``vin`` : 17 bytes."""
        seat = self._by_vin.get(vin)
        if seat is not None and self.vehicles.by_id.get(seat.live.id) is seat.live:
            return seat
        live = self.vehicles.by_vin.get(vin.rstrip(b"\0 ").decode("latin-1"))
        if live is None:
            self._by_vin.pop(vin, None)
            return None
        seat = self._by_vin[vin] = Seat(live)
        return seat

    def find_or_admit(self, vin: bytes) -> Seat | None:
        """The seat of a VIN, after asking ``admit`` about one that is not registered."""
        seat = self.find(vin)
        if seat is None and self._admit is not None:
            text = vin.rstrip(b"\0 ").decode("latin-1")
            if self._admit(text) is not None:
                return self.find(vin)
        return seat

    def at(self, caller: Caller) -> list[Seat]:
        """The seats for which a caller speaks."""
        return [seat for seat in self._by_vin.values() if seat.caller is caller]

    def of(self, vehicle_id: str) -> Seat | None:
        """The seat of a vehicle by its id."""
        live = self.vehicles.by_id.get(vehicle_id)
        return None if live is None else self.find(live.vin.encode("latin-1").ljust(17, b"\0"))


def is_vin(vin: bytes) -> bool:
    """Whether 17 bytes may be a VIN: letters and digits (GB 16735 leaves out I, O and Q)."""
    return len(vin) == VIN_LENGTH and vin.isascii() and vin.isalnum()


def too_far_ahead(at: datetime, now: datetime, future_s: float) -> bool:
    """Whether a report's time lies in the future."""
    return at - now > timedelta(seconds=future_s)


Refusal = tuple[int, FrameFault]
