"""The three editions of OCPP that are spoken here, and the two sides of a connection.

Source: Open Charge Alliance, OCPP-J 1.6 clause 3.1.2 and OCPP 2.0.1 and 2.1 Part 4 clause 3.2 for
the names of the WebSocket subprotocols.
"""

from __future__ import annotations

from enum import StrEnum


class Version(StrEnum):
    """An edition of OCPP."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"


class Role(StrEnum):
    """One side of a connection: the charging station management system, or the station."""

    CSMS = "csms"
    STATION = "station"

    @property
    def other(self) -> Role:
        """The side at the far end."""
        return Role.STATION if self is Role.CSMS else Role.CSMS


SUBPROTOCOLS: dict[str, Version] = {
    "ocpp1.6": Version.V16,
    "ocpp2.0.1": Version.V201,
    "ocpp2.1": Version.V21,
}
