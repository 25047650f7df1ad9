"""The register of vehicles that may report. A VIN is personal: it is shown by its last four signs.

A vehicle that is taken out keeps its row without a VIN, so that its histories stay readable.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.live_tables import vehicles
from zerocity.storage.recorder import Row

# GB 16735 and ISO 3779: 17 digits and capitals without I, O and Q.
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def new_vehicle(vehicle: str, vin: str, fleet: str, at: datetime) -> Row:
    """Return the row of a vehicle that may report. InputError for a name or VIN that cannot be."""
    if not _ID.fullmatch(vehicle):
        raise InputError("vehicle", repr(vehicle[:70]), "1 to 64 signs of A-Z a-z 0-9 _ . : -")
    if _VIN.fullmatch(vehicle):
        raise InputError("vehicle", "a VIN", "a name of your own", "Logs show it, and no VIN")
    if not _VIN.fullmatch(vin):
        raise InputError(
            f"VIN of {vehicle}", f"{len(vin)} signs, ..{vin[-4:]}",
            "17 digits and capitals without I, O and Q",
        )  # fmt: skip
    return Row("vehicles", {"id": vehicle, "vin": vin, "fleet": fleet, "first_seen_at": at})


def without_vehicle(vehicle: str) -> Row:
    """Return the row by which a vehicle may report no more."""
    return Row("vehicles", {"id": vehicle, "vin": None})


def read_csv(lines: Iterable[str], where: str, at: datetime) -> list[Row]:
    """Read vehicles from CSV with the columns ``vehicle``, ``vin`` and, as wanted, ``fleet``.

    InputError that names the line.
    """
    found = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        words = {name: (row.get(name) or "").strip() for name in ("vehicle", "vin", "fleet")}
        try:
            found.append(new_vehicle(words["vehicle"], words["vin"], words["fleet"], at))
        except InputError as error:
            place = f"{where}, line {number}, {error.where}"
            raise InputError(place, error.came, error.wanted, error.way_out) from None
    if not found:
        raise InputError(where, "no vehicle", "CSV with the columns vehicle, vin and fleet")
    return found


def refuse_doubles(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Raise InputError where a VIN of ``rows`` belongs to another vehicle, here or in the store."""
    asked = sa.select(vehicles.c.vin, vehicles.c.id).where(vehicles.c.vin.is_not(None))
    changed = {row.values["id"] for row in rows}
    owner = {vin: name for vin, name in connection.execute(asked) if name not in changed}
    for row in rows:
        vin, name = row.values["vin"], row.values["id"]
        if owner.setdefault(vin, name) != name:
            raise InputError(f"VIN of {name}", f"..{vin[-4:]}, that of {owner[vin]}", "its own")


def listed(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the vehicles that may report, by name, with full VINs."""
    asked = sa.select(vehicles).where(vehicles.c.vin.is_not(None)).order_by(vehicles.c.id)
    return [dict(row) for row in connection.execute(asked).mappings()]


def hidden(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it may be shown to everyone."""
    return {**row, "vin": f"..{row['vin'][-4:]}"}
