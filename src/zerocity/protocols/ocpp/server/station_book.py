"""Credentials out of the live store's tables, checked against the hashes that it keeps."""

from __future__ import annotations

import sqlalchemy as sa

from zerocity.protocols.ocpp.server.credentials import Credential
from zerocity.storage.live_tables import certificates, stations
from zerocity.storage.passwords import hash_drawn, matches
from zerocity.storage.stations import REMOVED


class StorePasswords:
    """The hashes of the live store."""

    def hash(self, password: str) -> str:
        """The hash to keep of a password that we drew."""
        return hash_drawn(password)

    def verify(self, password: str, kept: str) -> bool:
        """Whether the password has this hash, in constant time; up to 50 ms."""
        return matches(password, kept)


class StationBook:
    """Reads the tables `stations` and `certificates`; called in threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, station: str) -> Credential | None:
        """The credential of a station, None when it is unknown or was taken out of service."""
        columns = stations.c
        query = sa.select(
            columns.security_profile,
            columns.password_hash,
            columns.one_time_hash,
            columns.one_time_until,
            columns.certificate_sha256,
            columns.status,
        ).where(columns.id == station)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.status == REMOVED:
            return None
        return Credential(
            station,
            1 if row.security_profile is None else row.security_profile,
            row.password_hash,
            row.one_time_hash,
            row.one_time_until,
            row.certificate_sha256,
        )

    def is_revoked(self, serial: str) -> bool:
        """Whether the certificate with this serial number (upper-case hex) is revoked."""
        columns = certificates.c
        query = sa.select(columns.revoked_at).where(columns.serial == serial)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() is not None
