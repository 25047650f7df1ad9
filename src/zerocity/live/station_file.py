"""What is remembered of a station, and of the city, beyond charging: swaps, profiles, reports.

Everything here is bounded, and small for a station that uses none of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from zerocity.swapping.swap_session import Swap

# Bounds of a station's memory; assumptions, several times what a large station needs.
MOST_SWAPS, MOST_PROFILES, MOST_REPORTS, MOST_STREAMS = 256, 512, 32, 64
MOST_CONTROLS, MOST_LIMITS = 128, 64

REQUESTS_SINCE = datetime(2025, 1, 1, tzinfo=UTC)

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Report:
    """A report that comes in parts (OCPP 2.x seqNo and tbc): which parts came, and the last one."""

    heard: set[int] = field(default_factory=set)
    last: int | None = None

    @property
    def whole(self) -> bool:
        """True when every part up to the last has come."""
        return self.last is not None and len(self.heard) > self.last

    @property
    def missing(self) -> list[int]:
        """Parts that are known to be missing."""
        top = self.last if self.last is not None else max(self.heard, default=-1)
        return [part for part in range(top + 1) if part not in self.heard]


@dataclass(slots=True)
class Stream:
    """A periodic event stream (OCPP 2.1 block N): the monitor it follows and the last value."""

    monitor: int
    interval_s: int | None = None
    values: int | None = None
    last_at: datetime | None = None
    last_value: str = ""
    pending: int = 0


@dataclass(frozen=True, slots=True)
class V2xRoom:
    """What a vehicle says that it can give back (OCPP 2.1 V2XChargingParametersType).

    Powers [kW], >= 0; energies [kWh] from now, the least below 0 where it may be discharged; None
    where it said nothing. ``control``: ScheduledControl or DynamicControl.
    """

    session: str
    max_discharge_kw: float | None = None
    min_discharge_kw: float | None = None
    max_charge_kw: float | None = None
    min_energy_kwh: float | None = None
    max_energy_kwh: float | None = None
    min_v2x_energy_kwh: float | None = None
    max_v2x_energy_kwh: float | None = None
    target_soc: float | None = None
    transfer: str = ""
    control: str = ""


@dataclass(slots=True)
class StationFile:
    """What the blocks beyond core remember of one station.

    ``profiles``: (EVSE, purpose, stack level) to the station's last word on our profile: accepted,
    rejected or unanswered. ``external_limits``: (EVSE, source) to what another than us allows [kW],
    None where no figure was given. ``rate_unit`` (W or A) and ``most_level``: what the station says
    that it takes. ``controls``: DER control id to its state. ``v2x``: EVSE to the vehicle's room.
    ``held``: slots whose battery must not be handed out.
    """

    swaps: dict[int, Swap] = field(default_factory=dict)
    profiles: dict[tuple[int, str, int], str] = field(default_factory=dict)
    reports: dict[tuple[str, int], Report] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    external_limits: dict[tuple[int, str], float | None] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    v2x: dict[int, V2xRoom] = field(default_factory=dict)
    rate_unit: str = "W"
    most_level: int | None = None
    list_version: int | None = None
    swap_order: str = "In-Out"
    held: set[int] = field(default_factory=set)
    certificate_expires_at: datetime | None = None
    signed_at: list[datetime] = field(default_factory=list)
    renewal_asked_at: datetime | None = None
    firmware_state: str = "idle"
    firmware_order: tuple[str, int | None] | None = None
    log_state: str = "idle"

    def counts_in_full(self, evse: int) -> bool:
        """True when no limit of ours is known to hold at ``evse``, though one was sent.

        Such a connector must be counted at its full default.
        """
        own = [status for (at, _, _), status in self.profiles.items() if at == evse]
        return bool(own) and "accepted" not in own

    @property
    def has_default(self) -> bool:
        """True when the station took the default for all its connectors (TxDefaultProfile)."""
        return any(
            status == "accepted"
            for (evse, purpose, _), status in self.profiles.items()
            if evse == 0 and purpose == "TxDefaultProfile"
        )

    def external_kw(self, evse: int) -> float:
        """The least that others than us allow ``evse``, infinite where nobody bounds it [kW]."""
        bounds = [
            kw for (at, _), kw in self.external_limits.items() if at in (0, evse) and kw is not None
        ]
        return min(bounds, default=math.inf)


@dataclass(slots=True)
class IssuedCertificate:
    """A certificate that the city's authority issued."""

    station: str
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(slots=True)
class CityFile:
    """What the blocks beyond core know of the whole city.

    ``packs``: serial numbers of the batteries in the city's register; None when there is no
    register, and no pack is called unknown. ``authority``: who signs station certificates
    (`zerocity.protocols.ocpp.office.certificates.Authority`), None where nobody does.
    ``check_vat``: asks a tax register for a number's company; None where none is at hand.
    """

    packs: Container[str] | None = None
    authority: object | None = None
    certificates: dict[str, IssuedCertificate] = field(default_factory=dict)
    campaigns: dict[str, object] = field(default_factory=dict)
    check_vat: Callable[[str], dict[str, str] | None] | None = None
    last_request: int = 0

    def next_request(self, at: datetime) -> int:
        """A request id that was not used before, also not before a restart; 32 bits until 2093.

        It follows the clock ``at``, so nothing needs to be stored as long as the city asks for less
        than one thing a second over the long run.
        """
        self.last_request = max(self.last_request + 1, int((at - REQUESTS_SINCE).total_seconds()))
        return self.last_request


def keep(store: dict[K, V], key: K, value: V, most: int) -> None:
    """Put ``value`` under ``key`` as the newest; the oldest goes when there are too many."""
    store.pop(key, None)
    store[key] = value
    while len(store) > most:
        del store[next(iter(store))]
