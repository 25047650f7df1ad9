"""What the city knows of its stations right now; touched in the event loop's thread only.

A connector is named by (EVSE, connector) as in OCPP 2.x. Connector n of an OCPP 1.6 station is
(n, 1): there each connector charges by itself.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zerocity.charging.billing import Bill, SellingTariff
from zerocity.charging.session import State
from zerocity.live.sessions import LiveSession
from zerocity.live.station_file import CityFile, StationFile
from zerocity.live.tokens import Token, Verdict, judge, token_key

# A connector that a station reports and nobody described; an assumption, a slow AC plug.
UNDESCRIBED_KW = 7.0
# More than any cabinet has; keeps a station that counts up from filling the memory.
MOST_CONNECTORS, HIGHEST_NUMBER = 256, 9_999
# Ended sessions kept whole for messages that come late, and those of which only the key is kept.
MOST_ENDED = 2_000
MOST_FORGOTTEN = 100_000


@dataclass(slots=True)
class Connector:
    """A plug, or a slot of a swap cabinet. ``power_at_s`` is monotonic, nan before the first."""

    station: str
    evse: int
    connector: int
    site: str
    max_kw: float
    status: str = "available"
    session: LiveSession | None = None
    power_kw: float = 0.0
    power_at_s: float = math.nan
    reservation: int | None = None
    status_at: datetime | None = None


@dataclass(slots=True)
class Slot:
    """A slot of a swap station and the pack in it. ``soc`` and ``soh`` are fractions 0-1."""

    evse: int
    serial: str | None = None
    soc: float | None = None
    soh: float | None = None
    changed_at: datetime | None = None


@dataclass(slots=True)
class LiveStation:
    """A station as the server sees it.

    ``boot``: unknown, pending, accepted or rejected; ``admission``: what its next boot is answered.
    ``default_kw``: what each connector falls back to when the link is lost [kW]. ``free_vend``:
    charging is free here, so that a token which nobody knows will do.
    """

    id: str
    site: str
    kind: str = "charger"
    version: str | None = None
    online: bool = False
    last_seen_s: float = math.nan
    boot: str = "unknown"
    admission: str = "accepted"
    default_kw: float = 0.0
    connectors: dict[tuple[int, int], Connector] = field(default_factory=dict)
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    status: str = "available"
    free_vend: bool = False
    asked_to_boot_s: float | None = None
    slots: dict[int, Slot] = field(default_factory=dict)
    file: StationFile = field(default_factory=StationFile)


@dataclass(slots=True)
class Reservation:
    """A plug kept for a token until ``expires_at``; EVSE 0 means any plug of the station."""

    id: int
    station: str
    evse: int
    connector: int
    token: str
    expires_at: datetime
    status: str = "active"
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is kept of a session that ended long ago."""

    station: str
    start_key: str
    cost: float | None


def _nobody(site: str) -> None:
    """Hear nothing."""


def _nowhere(session: LiveSession) -> None:
    """Send an ended session nowhere."""


def _nothing(session: LiveSession, bill: Bill, at: datetime) -> Sequence[Any]:
    """Add nothing to what an ended session leaves."""
    return ()


@dataclass(slots=True)
class Registry:
    """Stations, sessions, tokens, reservations.

    ``changed`` is told a site where something happened that matters to the control loop;
    ``finished`` each session that ended, once that is stored. ``ended_hook`` gives the rows that an
    ended session leaves beside its own, at each end and each settling anew: stored with them.
    ``starts`` leads from a station and the key of a start to the session, so that a start told
    twice opens one.
    """

    stations: dict[str, LiveStation] = field(default_factory=dict)
    sessions: dict[str, LiveSession] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    reservations: dict[int, Reservation] = field(default_factory=dict)
    changed: Callable[[str], None] = _nobody
    finished: Callable[[LiveSession], None] = _nowhere
    ended_hook: Callable[[LiveSession, Bill, datetime], Sequence[Any]] = _nothing
    city: CityFile = field(default_factory=CityFile)
    tariffs: dict[str, SellingTariff] = field(default_factory=dict)
    default_tariff: SellingTariff = field(default_factory=SellingTariff.gansu)
    last_number: int = 0
    heartbeat_s: int = 300
    starts: dict[tuple[str, str], str] = field(default_factory=dict)
    ended: OrderedDict[str, LiveSession] = field(default_factory=OrderedDict)
    forgotten: OrderedDict[str, Forgotten] = field(default_factory=OrderedDict)
    busy: dict[str, set[str]] = field(default_factory=dict)

    def add_station(self, station: LiveStation) -> LiveStation:
        """Make a station known."""
        self.stations[station.id] = station
        return station

    def add_token(self, token: Token) -> None:
        """Make a token known, or replace it."""
        self.tokens[token_key(token.id)] = token

    def token(self, id_token: str | None) -> Token | None:
        """The token of that identifier, whatever its case."""
        return None if id_token is None else self.tokens.get(token_key(id_token))

    def tariff(self, site: str) -> SellingTariff:
        """What a site charges."""
        return self.tariffs.get(site, self.default_tariff)

    def connector(self, station: LiveStation, evse: int, connector: int) -> Connector | None:
        """The connector, made when the station reports one that nobody described.

        None for numbers out of 1 to `HIGHEST_NUMBER`, and when the station has `MOST_CONNECTORS`
        already.
        """
        found = station.connectors.get((evse, connector))
        if found is not None:
            return found
        numbered = 1 <= evse <= HIGHEST_NUMBER and 1 <= connector <= HIGHEST_NUMBER
        if not numbered or len(station.connectors) >= MOST_CONNECTORS:
            return None
        known = [c.max_kw for c in station.connectors.values()]
        kw = max(known, default=UNDESCRIBED_KW)
        made = Connector(station.id, int(evse), int(connector), station.site, kw)
        station.connectors[evse, connector] = made
        return made

    def verdict(self, id_token: str, at: datetime, *, kind: str = "") -> Verdict:
        """The verdict on a token that is shown at ``at`` (UTC)."""
        return judge(self.token(id_token), at, kind=kind)

    def open_elsewhere(
        self, id_token: str, but: str | None, place: tuple[str, int, int] | None = None
    ) -> bool:
        """Whether a token that may be in one session only is in another than ``but``.

        A session at the same ``place`` (station, EVSE, connector) does not count: a plug holds one
        car, so that session's end was lost.
        """
        token = self.token(id_token)
        if token is None or token.many:
            return False
        others = self.busy.get(token_key(id_token), set()) - {but or ""}
        open_ones = (self.sessions.get(name) for name in others)
        return any(
            one is None or (one.station, one.evse, one.connector) != place for one in open_ones
        )

    def next_number(self) -> int:
        """A transaction number for OCPP 1.6 that the city never gave before."""
        self.last_number += 1
        return self.last_number

    def open(self, session: LiveSession) -> None:
        """Take a new session in, at its connector too."""
        self.sessions[session.id] = session
        self.starts[session.station, session.start_key] = session.id
        self.hold(session)
        self.seat(session)

    def hold(self, session: LiveSession) -> None:
        """Note that the session's token is in use."""
        if session.token is not None and session.state not in (State.ENDED, State.REFUSED):
            self.busy.setdefault(token_key(session.token), set()).add(session.id)

    def release(self, session: LiveSession) -> None:
        """Note that the session's token is free again."""
        if session.token is None:
            return
        held = self.busy.get(token_key(session.token))
        if held is not None:
            held.discard(session.id)
            if not held:
                del self.busy[token_key(session.token)]

    def seat(self, session: LiveSession) -> None:
        """Put an open session at its connector; the newest started one has the seat."""
        station = self.stations.get(session.station)
        if station is None or session.state is State.ENDED:
            return
        seat = self.connector(station, session.evse, session.connector)
        if seat is None:
            return
        session.limit_kw = min(session.limit_kw, seat.max_kw)
        there = seat.session
        if there is None or there is session or there.started_at <= session.started_at:
            if there is not None and there is not session:
                self.release(there)
            seat.session = session

    def close(self, session: LiveSession) -> None:
        """Take an ended session from its connector; it is kept for messages that come late."""
        self.sessions.pop(session.id, None)
        self.release(session)
        station = self.stations.get(session.station)
        for seat in station.connectors.values() if station else ():
            if seat.session is session:
                seat.session, seat.power_kw = None, 0.0
        self.ended[session.id] = session
        if len(self.ended) > MOST_ENDED:
            old_id, old = self.ended.popitem(last=False)
            self.forget(old_id, old.station, old.start_key, old.cost_cny)

    def forget(self, session: str, station: str, start_key: str, cost: float | None) -> None:
        """Keep of an ended session only what answers a message that is told again."""
        self.starts[station, start_key] = session
        self.forgotten[session] = Forgotten(station, start_key, cost)
        if len(self.forgotten) > MOST_FORGOTTEN:
            _, old = self.forgotten.popitem(last=False)
            self.starts.pop((old.station, old.start_key), None)

    def find(self, station: str, session_id: str) -> LiveSession | None:
        """A session of this station, open or ended not long ago."""
        session = self.sessions.get(session_id) or self.ended.get(session_id)
        return session if session is not None and session.station == station else None
