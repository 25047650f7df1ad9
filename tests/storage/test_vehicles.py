"""The register of vehicles: whose VIN is whose, and who may see it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.recorder import write_now
from zerocity.storage.vehicles import hidden, listed, new_vehicle, refuse_doubles, without_vehicle

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
VIN, OTHER = "LZ9ZCTYB0T1000017", "LZ9ZCTYB0T1000018"


def test_a_vehicle_comes_and_goes_and_its_number_is_free_again(engine: sa.Engine) -> None:
    write_now(engine, [new_vehicle("bus-1", VIN, "bus", AT)])
    with engine.connect() as connection:
        [row] = listed(connection)
        assert hidden(row)["vin"] == "..0017"
        refuse_doubles(connection, [new_vehicle("bus-1", VIN, "taxi", AT)])
        with pytest.raises(InputError, match="that of bus-1") as refused:
            refuse_doubles(connection, [new_vehicle("bus-2", VIN, "bus", AT)])
        assert VIN not in str(refused.value)
    write_now(engine, [without_vehicle("bus-1")])
    with engine.connect() as connection:
        assert listed(connection) == []
        refuse_doubles(connection, [new_vehicle("bus-2", VIN, "bus", AT)])


def test_two_vehicles_may_change_their_numbers_at_once(engine: sa.Engine) -> None:
    write_now(engine, [new_vehicle("a", VIN, "", AT), new_vehicle("b", OTHER, "", AT)])
    with engine.connect() as connection:
        refuse_doubles(connection, [new_vehicle("a", OTHER, "", AT), new_vehicle("b", VIN, "", AT)])
