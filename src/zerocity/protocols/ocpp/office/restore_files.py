"""What the blocks beyond core knew before a restart: swaps, slots, limits, certificates ..."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from zerocity.live.registry import Registry, Slot
from zerocity.live.station_file import MOST_PROFILES, IssuedCertificate, keep
from zerocity.protocols.ocpp.office.device_model import remember
from zerocity.protocols.ocpp.office.firmware import UNDER_WAY, Campaign, Step
from zerocity.protocols.ocpp.office.swap_rows import restore_swap
from zerocity.storage import live_tables as tables
from zerocity.swapping.swap_session import ENDED

# Ended swaps that are known again, the latest of all stations: their reports may be repeated.
ENDED_SWAPS = 20_000
_IN_FORCE = frozenset({"accepted", "rejected", "unanswered"})


def load_files(engine: sa.Engine, registry: Registry) -> None:
    """Fill the files of the stations that ``registry`` knows, and the city's.

    Call it after the stations are known (`restore.load_registry`). Errors of the database pass
    through (sqlalchemy.exc.SQLAlchemyError).
    """
    with engine.connect() as connection:
        _swaps(connection, registry)
        _slots(connection, registry)
        _profiles(connection, registry)
        _variables(connection, registry)
        _certificates(connection, registry)
        _campaigns(connection, registry)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _swaps(connection: sa.Connection, registry: Registry) -> None:
    columns = tables.swaps.c
    over = [state.value for state in ENDED]
    ended = (
        sa.select(tables.swaps)
        .where(columns.status.in_(over))
        .order_by(columns.ended_at.desc())
        .limit(ENDED_SWAPS)
    )
    still_open = sa.select(tables.swaps).where(columns.status.not_in(over))
    rows = list(reversed(_rows(connection, ended)))
    # Those that are open come last: they must win over an ended one with the same request id.
    rows += _rows(connection, still_open.order_by(columns.started_at))
    for values in rows:
        station = registry.stations.get(values["station"])
        if station is not None:
            restore_swap(station, values)


def _slots(connection: sa.Connection, registry: Registry) -> None:
    for values in _rows(connection, sa.select(tables.slots)):
        station = registry.stations.get(values.pop("station"))
        if station is not None:
            station.slots[values["evse"]] = Slot(**values)


def _profiles(connection: sa.Connection, registry: Registry) -> None:
    columns = tables.charging_profiles.c
    query = sa.select(tables.charging_profiles).where(columns.status.in_(_IN_FORCE))
    for row in _rows(connection, query.order_by(columns.sent_at)):
        station = registry.stations.get(row["station"])
        if station is not None:
            place = (row["evse"], row["purpose"], row["stack_level"])
            keep(station.file.profiles, place, row["status"], MOST_PROFILES)


def _variables(connection: sa.Connection, registry: Registry) -> None:
    columns = tables.station_variables.c
    query = sa.select(tables.station_variables).where(columns.attribute == "Actual")
    for row in _rows(connection, query.where(columns.evse == 0)):
        station = registry.stations.get(row["station"])
        if station is not None:
            remember(station.file, row["component"], row["variable"], row["value"] or "")


def _certificates(connection: sa.Connection, registry: Registry) -> None:
    columns = tables.certificates.c
    for row in _rows(connection, sa.select(tables.certificates).order_by(columns.issued_at)):
        if row["expires_at"] is None:
            continue
        made = IssuedCertificate(row["station"] or "", row["expires_at"], row["revoked_at"])
        registry.city.certificates[row["serial"]] = made
        station = registry.stations.get(made.station)
        if station is not None and made.revoked_at is None:
            station.file.certificate_expires_at = made.expires_at


def _campaigns(connection: sa.Connection, registry: Registry) -> None:
    for row in _rows(connection, sa.select(tables.firmware_campaigns)):
        registry.city.campaigns[row["id"]] = Campaign(**row)
    for row in _rows(connection, sa.select(tables.firmware_updates)):
        campaign = registry.city.campaigns.get(row["campaign"])
        if not isinstance(campaign, Campaign):
            continue
        step = Step(row["status"])
        # Nobody is left to hear the answer to what was asked before the restart: ask again.
        campaign.steps[row["station"]] = Step.WAITING if step is Step.ASKED else step
        station = registry.stations.get(row["station"])
        if station is not None and campaign.steps[row["station"]] in UNDER_WAY:
            station.file.firmware_order = (campaign.id, None)
