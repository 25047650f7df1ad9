"""Credentials out of the live store's tables, and the slow hashes that guard passwords."""

from __future__ import annotations

import sqlalchemy as sa

from zerocity.protocols.ocpp.credentials import Credential
from zerocity.storage.live_tables import certificates, stations


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
        if row is None or row.status == "removed":
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
        """Whether the certificate with this serial number (lower-case hex) is revoked."""
        columns = certificates.c
        query = sa.select(columns.revoked_at).where(columns.serial == serial)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() is not None
