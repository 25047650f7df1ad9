"""What others write into the store while a city is served: stations, tokens and vehicles.

Every command that changes them notes it in the audit log. So the platform reads from that log on
where it was, and what was changed again; nothing is asked of the large tables in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from zerocity.live.registry import LiveStation, Registry
from zerocity.live.tokens import Token
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.ocpp.office.restore import read_stations, read_tokens
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.storage.live_tables import audit_log
from zerocity.storage.vehicles import listed as listed_vehicles

log = structlog.get_logger(__name__)

FOLLOW_S = 2.0
# How each kind of change begins in the audit log: `add station`, `remove token` ...
KINDS = ("station", "token", "vehicle")

Place = Callable[[LiveStation], LiveStation | None]
"""Gives a station what follows from its site; None where the city has no such site."""


@dataclass(frozen=True)
class News:
    """What the store says now of the kinds that were changed; None of the others.

    vehicles : id, VIN and fleet of each.
    """

    stations: dict[str, LiveStation] | None = None
    tokens: list[Token] | None = None
    vehicles: list[tuple[str, str, str]] | None = None


class StoreNews:
    """Reads the news; in a thread, for the store may keep one waiting."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with engine.connect() as connection:
            self._last = connection.scalar(sa.select(sa.func.max(audit_log.c.seq))) or 0

    def read(self) -> News | None:
        """What changed since the last time; None where nothing did, or the store is away."""
        try:
            return self._read()
        except sa.exc.SQLAlchemyError as error:
            log.warning("news.not_read", why=type(error).__name__)
            return None

    def _read(self) -> News | None:
        said = audit_log.c.action.in_([f"{deed} {k}" for deed in ("add", "remove") for k in KINDS])
        asked = (
            sa.select(audit_log.c.action, sa.func.max(audit_log.c.seq))
            .where(audit_log.c.seq > self._last, said)
            .group_by(audit_log.c.action)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(asked).all()
            vehicles = any(row[0].endswith("vehicle") for row in rows)
            found = known_vehicles(connection) if vehicles else None
        if not rows:
            return None
        kinds = {row[0].rpartition(" ")[2] for row in rows}
        news = News(
            read_stations(self._engine) if "station" in kinds else None,
            read_tokens(self._engine) if "token" in kinds else None,
            found,
        )
        self._last = max(row[1] for row in rows)
        return news


def known_vehicles(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """Id, VIN and fleet of every vehicle that may report."""
    return [(v["id"], v["vin"], v["fleet"] or "") for v in listed_vehicles(connection)]


def take_stations(
    stations: dict[str, LiveStation], registry: Registry, gateway: OcppGateway, place: Place
) -> None:
    """Make new stations known, shut out those that are gone, ask the others for secrets again.

    A station that is connected or charges keeps its site and its plugs until the next start.
    """
    for name, station in list(registry.stations.items()):
        gateway.doorkeeper.forget(name)
        found = stations.get(name)
        if found is None:
            gateway.disconnect(name, "removed")
        idle = not any(seat.session for seat in station.connectors.values())
        moved = found is None or (not station.online and found.site != station.site)
        if idle and moved:
            del registry.stations[name]
    for name, found in stations.items():
        placed = place(found) if name not in registry.stations else None
        if placed is not None:
            registry.add_station(placed)


def take_tokens(tokens: list[Token], registry: Registry) -> None:
    """Replace all tokens; sessions that run go on."""
    registry.tokens.clear()
    for token in tokens:
        registry.add_token(token)


def take_vehicles(known: list[tuple[str, str, str]], vehicles: Vehicles) -> None:
    """Register the vehicles that are new or changed, and forget all others."""
    vins = {name: vin for name, vin, _ in known}
    for vehicle in list(vehicles):
        if vins.get(vehicle.id) != vehicle.vin:
            vehicles.remove(vehicle.id)
    for name, vin, fleet in known:
        vehicles.add(name, vin, fleet)
