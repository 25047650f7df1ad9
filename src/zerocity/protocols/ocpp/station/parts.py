"""What a simulated station is made of: its make, its EVSEs, the cars at them, its transactions.

Charging is positive. Energies [Wh] are registers of the meter; times in `now_s` are monotonic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from zerocity.protocols.ocpp.station.profiles import USUAL_SUPPLY, Running, Supply, to_ms

Payload = dict[str, Any]
Message = tuple[str, Payload]

# Meter to battery, cable and rectifier: an assumption for DC charging.
CHARGE_EFFICIENCY = 0.94
# Below this a plug counts as giving nothing [kW]; an assumption, under any car's least power.
LEAST_KW = 0.05


@dataclass(frozen=True, slots=True)
class Make:
    """What is built: shared by all stations of one kind.

    ``evses`` EVSEs of one connector each, every one up to ``max_kw`` [kW]; ``voltage_v`` is what
    the meter shows on the DC side; ``step_s`` how often a car of the station's own is moved on.
    """

    vendor: str = "Zerocity"
    model: str = "Simulated charger"
    firmware: str = "1.0.0"
    evses: int = 1
    max_kw: float = 60.0
    supply: Supply = USUAL_SUPPLY
    voltage_v: float = 400.0
    is_dc: bool = True
    is_swap: bool = False
    bidirectional: bool = False
    step_s: float = 5.0
    reboot_s: float = 5.0
    phase_s: float = 2.0
    token_type: str = "ISO14443"
    connector_type: str = "cGBT-DC"


@dataclass(slots=True)
class Car:
    """Who is plugged in; ``own`` if the station itself plays its battery.

    soc 0 to 1, capacity and need [kWh] (need: left to deliver at the meter), limit [kW].
    """

    token: str | None
    soc: float
    capacity_kwh: float
    need_kwh: float | None = None
    depart_at: datetime | None = None
    limit_kw: float = math.inf
    own: bool = True


@dataclass(slots=True)
class Transaction:
    """One transaction of one EVSE; ``number`` is the id that a 1.6 server gives."""

    id: str
    evse: int
    token: str | None
    started_at: datetime
    meter_start_wh: float
    number: int | None = None
    seq_no: int = 0
    charging_state: str = "EVConnected"
    remote_start: int | None = None
    reservation: int | None = None
    stopped: str | None = None
    charging_s: float = 0.0
    invalid_from_wh: float | None = None

    def running(self, is_16: bool) -> Running:
        """As the charging profiles see it."""
        known = ("" if self.number is None else str(self.number)) if is_16 else self.id
        return Running(known, to_ms(self.started_at))


@dataclass(slots=True)
class Reservation:
    """Somebody's claim to an EVSE (0: any) until a moment."""

    id: int
    evse: int
    token: str
    group: str | None
    expires_at: datetime


@dataclass(slots=True)
class Evse:
    """One EVSE with one connector."""

    id: int
    max_kw: float
    power_kw: float = 0.0
    energy_wh: float = 0.0
    export_wh: float = 0.0
    since_s: float = 0.0
    car: Car | None = None
    transaction: Transaction | None = None
    operative: bool = True
    faulted: str | None = None
    finishing: bool = False
    remote: Remote | None = None
    told_status: str | None = None
    generation: int = 0
    """Counts plugs and unplugs, so that a timer of the past does nothing."""

    def settle(self, now_s: float) -> float:
        """Count the energy up to ``now_s``: power times time, exactly; what came in [Wh]."""
        wh = self.power_kw * 1000.0 * (now_s - self.since_s) / 3600.0
        if self.power_kw > LEAST_KW and self.transaction is not None:
            self.transaction.charging_s += now_s - self.since_s
        self.since_s = now_s
        if wh > 0.0:
            self.energy_wh += wh
        else:
            self.export_wh -= wh
        car = self.car
        if car is not None and wh:
            kwh = wh / 1000.0
            car.soc = min(max(car.soc + kwh * CHARGE_EFFICIENCY / car.capacity_kwh, 0.0), 1.0)
            if car.need_kwh is not None:
                car.need_kwh = max(car.need_kwh - kwh, 0.0)
        return wh


@dataclass(slots=True)
class Remote:
    """A remote start that waits for its car."""

    token: str
    remote_start: int | None
    until_s: float


@dataclass(slots=True)
class Keys:
    """A station's certificates: those it trusts by their kind, its own, and its private key.

    ``private`` and ``chain`` are PEM; the key never leaves the station.
    """

    trusted: list[tuple[str, str]] = field(default_factory=list)
    private: bytes = b""
    waiting: bytes = b""
    """The key of a request that the CSMS has not answered by a certificate yet."""
    chain: str = ""


OnAnswer = Callable[[Payload], None]


@dataclass(slots=True)
class Entry:
    """A queued message of a transaction; ``fill`` puts in what was not known when it was made."""

    action: str
    payload: Payload
    transaction: Transaction | None
    may_drop: bool
    on_answer: OnAnswer | None
    attempts: int = 0
    message_id: str | None = None


@dataclass(slots=True)
class Counts:
    """What a station did since it was made."""

    sent: int = 0
    received: int = 0
    answered: int = 0
    refused: int = 0
    broken: int = 0
    dropped: int = 0
    sessions: int = 0
    swaps: int = 0
    swaps_refused: int = 0
    connects: int = 0
    refusals: dict[str, int] = field(default_factory=dict)


class Voice(Protocol):
    """How a version says what happens at a station: (action, payload) in its own words."""

    def boot(self, reason: str) -> Message:
        """The station starts."""

    def status(self, evse: int) -> Message | None:
        """A connector's status, or None where nothing is to be said."""

    def connector_status(self, evse: Evse) -> str:
        """A connector's status in one word."""

    def authorize(self, token: str) -> Message:
        """May this token charge?"""

    def begin(self, transaction: Transaction, trigger: str) -> Message:
        """A transaction starts."""

    def needs(self, transaction: Transaction, car: Car) -> Message | None:
        """What the car says that it needs, where the version can tell."""

    def meter(self, transaction: Transaction, context: str) -> Message | None:
        """Its meter values."""

    def clock_meter(self, evse: Evse) -> Message:
        """Meter values of an EVSE at the clock's full interval."""

    def change(self, transaction: Transaction, trigger: str) -> Message | None:
        """Its charging state changed."""

    def end(self, transaction: Transaction, trigger: str, reason: str) -> Message:
        """It ends."""

    def token_status(self, payload: Payload) -> str | None:
        """What an answer says of the token: Accepted, Invalid, ...; None if it says nothing."""
