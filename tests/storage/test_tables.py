"""The tables are a file format that users rely on: a change must be meant."""

from __future__ import annotations

import pyarrow as pa

from zerocity.storage.tables import SCHEMAS, SESSION_KINDS


def test_the_tables_and_their_keys() -> None:
    assert set(SCHEMAS) == {
        "sites", "batteries", "city_steps", "site_steps", "battery_days", "sessions",
        "life_events", "fleet_days", "vpp_events", "ledger", "stocks",
    }  # fmt: skip
    assert SESSION_KINDS == ("charge", "swap")


def test_units_stand_in_the_names_of_measured_columns() -> None:
    units = ("_kwh", "_kw", "_c", "_m2", "_kwp", "_cny", "_h", "_missed", "_served")
    plain = {"longitude", "latitude", "soh", "soc", "km", "kwh", "amount"}
    for table, schema in SCHEMAS.items():
        for field in schema:
            if pa.types.is_floating(field.type):
                named = field.name in plain or field.name.endswith(units)
                assert named, f"{table}.{field.name}"


def test_times_are_utc() -> None:
    for schema in SCHEMAS.values():
        for field in schema:
            if pa.types.is_timestamp(field.type):
                assert field.type.tz == "UTC"
