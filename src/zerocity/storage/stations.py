"""Which stations may connect, and with which secrets: shown once, kept as hashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.live_tables import stations
from zerocity.storage.passwords import draw_secret, hash_drawn, hash_password, matches
from zerocity.storage.recorder import Row

KINDS = ("charger", "swap")
REMOVED = "removed"
# OCPP-J 1.6 §3.1.1 and OCPP 2.1 part 4 §3.1: the identity is part of a URL. 48 signs and this
# set hold for every version.
_IDENTITY = re.compile(r"[A-Za-z0-9_.:*|@=-]{1,48}")
# Between what a station may be asked to keep by version: OCPP 2.0.1 part 2, A00.FR.205.
_LEAST_SIGNS, _MOST_SIGNS = 16, 40


class Access(StrEnum):
    """With what a station proved who it is."""

    PASSWORD = "password"
    ONE_TIME = "one_time"  # give it a password of its own now


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret to be shown once."""

    kind: Access
    value: str
    until: datetime | None = None


def new_station(
    station: str,
    site: str,
    at: datetime,
    *,
    kind: str = "charger",
    max_kw: float = 60.0,
    connectors: int = 1,
    profile: int = 1,
) -> Row:
    """Return the row of a station that may connect, without a secret. InputError for bad words.

    ``profile``: OCPP security profile 1 (password), 2 (password over TLS) or 3 (certificate).
    ``max_kw``: of the whole station; each of its ``connectors`` is given an EVSE of its own.
    """
    if not _IDENTITY.fullmatch(station):
        wanted = "1 to 48 signs of A-Z a-z 0-9 _ . : * | @ = -"
        raise InputError("station", repr(station), wanted)
    if kind not in KINDS:
        raise InputError("kind", kind, " or ".join(KINDS))
    if profile not in {1, 2, 3}:
        raise InputError("security profile", str(profile), "1, 2 or 3")
    if not 0.0 < max_kw <= 10_000.0:
        raise InputError("max power", f"{max_kw} kW", "above 0, at most 10,000 kW")
    if not 1 <= connectors <= 200:
        raise InputError("connectors", str(connectors), "1 to 200")
    parts = [{"evse": n + 1, "connector": 1, "max_kw": max_kw} for n in range(connectors)]
    values: dict[str, Any] = {
        "id": station, "site": site, "kind": kind, "security_profile": profile, "max_kw": max_kw,
        "connectors": parts, "created_at": at, "status": "expected",
    }  # fmt: skip
    return Row("stations", values)


def with_password(station: str, password: str | None = None) -> tuple[Secret, Row]:
    """Return a station's password, drawn unless given, and the row that keeps its hash."""
    if password is None:
        password = draw_secret()
        kept = hash_drawn(password)
    elif _LEAST_SIGNS <= len(password) <= _MOST_SIGNS and password.isprintable():
        kept = hash_password(password)
    else:
        wanted = f"{_LEAST_SIGNS} to {_MOST_SIGNS} printable signs"
        raise InputError("station password", f"{len(password)} signs", wanted)
    # A station that has its own password needs no other way in.
    values = {"id": station, "password_hash": kept, "one_time_hash": None, "one_time_until": None}
    return Secret(Access.PASSWORD, password), Row("stations", values)


def with_one_time(station: str, at: datetime, valid: timedelta) -> tuple[Secret, Row]:
    """Return a password for the first connection only, and the row that keeps its hash."""
    password = draw_secret()
    until = at + valid
    values = {"id": station, "one_time_hash": hash_drawn(password), "one_time_until": until}
    return Secret(Access.ONE_TIME, password, until), Row("stations", values)


def without_station(station: str) -> Row:
    """Return the row that shuts a station out; what it did stays in the histories."""
    secrets = dict.fromkeys(
        ("password_hash", "one_time_hash", "one_time_until", "certificate_sha256")
    )
    return Row("stations", {"id": station, "status": REMOVED, **secrets})


def access(
    password: str,
    *,
    password_hash: str | None,
    one_time_hash: str | None,
    one_time_until: datetime | None,
    at: datetime,
) -> Access | None:
    """Return with what the station proved itself, None where it did not.

    Microseconds for a drawn password, 50 ms for one that a person chose.
    """
    if matches(password, password_hash):
        return Access.PASSWORD
    if one_time_until is not None and at < one_time_until and matches(password, one_time_hash):
        return Access.ONE_TIME
    return None


def listed(connection: sa.Connection, *, removed: bool = False) -> Sequence[dict[str, Any]]:
    """Return all stations by identity, without their secrets."""
    secrets = {"password_hash", "one_time_hash", "certificate_sha256"}
    columns = [column for column in stations.columns if column.name not in secrets]
    asked = sa.select(*columns).order_by(stations.c.id)
    if not removed:
        asked = asked.where(stations.c.status.is_distinct_from(REMOVED))
    return [dict(row) for row in connection.execute(asked).mappings()]
