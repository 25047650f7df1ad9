"""Tokens by which drivers charge: cards, app accounts, contracts. Rows in, rows out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.live_tables import tokens
from zerocity.storage.recorder import Row

# OCPP 2.1 IdTokenType.idToken; OCPP 1.6 sends at most 20 signs.
MOST_SIGNS = 255
# OCPP 2.0.1 IdTokenEnumType, of which 2.1 made a list that may grow.
KINDS = (
    "Central", "DirectPayment", "eMAID", "EVCCID", "ISO14443", "ISO15693", "KeyCode", "Local",
    "MacAddress", "NoAuthorization", "VIN",
)  # fmt: skip
STATES = ("accepted", "blocked")
REMOVED = "removed"


def new_token(
    token: str,
    *,
    kind: str = "",
    status: str = "accepted",
    expires_at: datetime | None = None,
    parent: str | None = None,
    priority: int = 0,
    vehicle: str | None = None,
) -> Row:
    """Return the row of a token, new or changed. InputError for what no station could show.

    ``kind``: its type in OCPP 2.x, "" for any. ``parent``: the group that may stop its sessions.
    ``priority``: -9 to 9, 0 is usual (OCPP 2.x chargingPriority).
    """
    for where, text in (("token", token), ("parent", parent or "x")):
        if not 1 <= len(text) <= MOST_SIGNS or not text.isprintable() or text != text.strip():
            raise InputError(where, repr(text[:40]), f"1 to {MOST_SIGNS} printable signs")
    if kind and kind not in KINDS:
        raise InputError("kind of token", kind, f"one of {', '.join(KINDS)}, or none for any")
    if status not in STATES:
        raise InputError("status of token", status, " or ".join(STATES))
    if not -9 <= priority <= 9:
        raise InputError("priority", str(priority), "-9 to 9")
    values: dict[str, Any] = {
        "id_token": token, "kind": kind, "status": status, "expires_at": expires_at,
        "parent": parent, "priority": priority, "vehicle": vehicle,
    }  # fmt: skip
    return Row("tokens", values)


def without_token(token: str) -> Row:
    """Return the row by which a token charges no more; its sessions stay in the histories."""
    return Row("tokens", {"id_token": token, "status": REMOVED})


def read_csv(lines: Iterable[str], where: str) -> list[Row]:
    """Read tokens from CSV with the column ``token`` and, as wanted, ``kind``, ``parent``,
    ``priority``, ``vehicle``. InputError that names the line.
    """
    found = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        place = f"{where}, line {number}"
        priority = (row.get("priority") or "0").strip()
        if not priority.lstrip("-").isdigit():
            raise InputError(f"{place}, priority", repr(priority), "-9 to 9")
        try:
            made = new_token(
                (row.get("token") or "").strip(), kind=(row.get("kind") or "").strip(),
                parent=(row.get("parent") or "").strip() or None, priority=int(priority),
                vehicle=(row.get("vehicle") or "").strip() or None,
            )  # fmt: skip
        except InputError as error:
            raise InputError(
                f"{place}, {error.where}", error.came, error.wanted, error.way_out
            ) from None
        found.append(made)
    if not found:
        raise InputError(where, "no token", "CSV with a column token and a row for each")
    return found


def listed(connection: sa.Connection, *, removed: bool = False) -> Sequence[dict[str, Any]]:
    """Return all tokens by name."""
    asked = sa.select(tokens).order_by(tokens.c.id_token)
    if not removed:
        asked = asked.where(tokens.c.status.is_distinct_from(REMOVED))
    return [dict(row) for row in connection.execute(asked).mappings()]
