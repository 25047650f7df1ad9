"""The control loop's limits on their way to stations: profiles of each edition, and their defaults.

Every station gets a standing default once it is accepted (its TxDefaultProfile), so that it knows
what to do alone. A limit of the moment is a lease: it ends by itself when the link is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Protocol

from zerocity.live.grants import LEASE_S
from zerocity.live.registry import LiveStation, Registry
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.charging_limits import limit_orders
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.smart_charging import default_messages
from zerocity.protocols.ocpp.office.upkeep import first_questions

# A default that was refused is tried again after this long; an assumption.
RETRY_S = 60.0


class Caller(Protocol):
    """The part of the gateway that reaches stations."""

    def call(self, station: str, action: str, payload: Payload, token: object) -> bool:
        """Call a station; False when it is not connected."""

    def is_online(self, station: str) -> bool:
        """Whether the station is connected."""


class StationReach:
    """Limits of sessions and defaults of stations, by OCPP."""

    def __init__(
        self,
        registry: Registry,
        caller: Caller,
        now_s: Callable[[], float],
        utc: Callable[[], datetime],
    ) -> None:
        self._registry, self._caller = registry, caller
        self._now_s, self._utc = now_s, utc
        self._greeted: dict[str, float] = {}
        self.sent = self.refused = 0

    def limit(self, session: LiveSession, kw: float, done: Callable[[bool], None]) -> None:
        """Bound a session to ``kw`` for a lease; ``done`` hears whether its station took it."""
        station = self._registry.stations.get(session.station)
        if station is None:
            done(False)
            return
        orders = limit_orders(
            station,
            session.evse,
            max(kw, 0.0),
            at=self._utc(),
            valid_s=LEASE_S,
            session=session,
            phases=0 if station.file.rate_unit == "W" else 3,
            then=partial(self._heard, done),
        )
        for order in orders:
            self.sent += 1
            if not self._caller.call(station.id, order.action, order.payload, order):
                done(False)
                return

    def _heard(self, done: Callable[[bool], None], result: Payload | None) -> None:
        taken = result is not None and result.get("status") == "Accepted"
        self.refused += not taken
        done(taken)

    def greet(self) -> None:
        """Give every station its default that came in since the last time."""
        now_s = self._now_s()
        for station in self._registry.stations.values():
            if not station.online or station.boot != "accepted":
                self._greeted.pop(station.id, None)
            elif now_s >= self._greeted.get(station.id, 0.0):
                first = station.id not in self._greeted
                self._greeted[station.id] = float("inf")
                self._give_default(station)
                if first:
                    self.send(station.id, first_questions(self._registry, station, self._utc()))

    def send(self, station: str, orders: Iterable[Order]) -> None:
        """Send orders to a station, each with itself as the token."""
        for order in orders:
            self._caller.call(station, order.action, order.payload, order)

    def _give_default(self, station: LiveStation) -> None:
        messages = default_messages(
            Version(station.version or Version.V16),
            station.default_kw,
            at=self._utc(),
            phases=0 if station.file.rate_unit == "W" else 3,
            rate_unit=station.file.rate_unit,
        )
        for action, payload in messages:
            order = Order(action, payload, "", partial(self._default_heard, station.id))
            if not self._caller.call(station.id, action, payload, order):
                self._greeted.pop(station.id, None)

    def _default_heard(self, station: str, result: Payload | None) -> None:
        if result is None or result.get("status") != "Accepted":
            self._greeted[station] = self._now_s() + RETRY_S
