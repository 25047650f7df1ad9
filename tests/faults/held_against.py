"""What the store has, held against what the devices know of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from townspeople import Account, Traffic

from zerocity.protocols.gbt32960.frames import HEAD, Command
from zerocity.protocols.ocpp.office.rows import canonical
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.storage import live_tables as tables
from zerocity.storage import segments
from zerocity.storage.ledger import verify

# A 1.6 start and stop tell whole watt-hours; meter values have three digits.
NEAR_WH = {True: 1.01, False: 0.01}
# A bill tells whole watt-hours.
BILL_WH = 0.51
# Counts of a study that must be 0.
WRONG = (
    "lost_after_a_kill", "logged_errors", "messages_missing", "messages_lost", "messages_doubled",
    "messages_strange", "sessions_wrong", "sessions_unbilled", "sessions_doubled",
    "sessions_open_wrong", "bills_strange", "swaps_wrong", "ledger_wrong", "chains_broken",
    "rows_refused", "reports_missing", "reports_lost", "reports_doubled", "reports_strange",
    "dropped", "exit_status",
)  # fmt: skip
Said = Counter[tuple[str, str, str]]


def stored_messages(connection: sa.Connection) -> Said:
    """Station, action and content of every message, and how often."""
    columns = tables.messages.c
    rows = connection.execute(sa.select(columns.station, columns.action, columns.payload))
    return Counter(
        (row.station, row.action, canonical(orjson.loads(row.payload)).decode()) for row in rows
    )


def stored_reports(lake: Path) -> Counter[bytes]:
    """The reports in the lake: VIN and data unit, and how often."""
    found: Counter[bytes] = Counter()
    for path in sorted((lake / "segments").glob(f"*{segments.SUFFIX}")):
        for _, _, frame in segments.read(path):
            if frame[2] in (Command.REALTIME, Command.RESEND):
                found[frame[4:21] + frame[HEAD:-1]] += 1
    return found


def acknowledged(accounts: Sequence[Account]) -> Said:
    """What all stations know to be safe."""
    return Counter(
        {(a.station.id, *text): count for a in accounts for text, count in a.acknowledged.items()}
    )


def sums(
    engine: sa.Engine, lake: Path, accounts: Sequence[Account], traffic: Traffic
) -> dict[str, Any]:
    """All counts; every one but the sizes should be 0."""
    said = Counter({(a.station.id, *t): n for a in accounts for t, n in a.texts().items()})
    safe = acknowledged(accounts)
    with engine.connect() as connection:
        found = stored_messages(connection)
        actions = {action for _, action, _ in said}
        result = {
            "messages": sum(said.values()),
            "messages_missing": len(set(said) - set(found)),
            "messages_lost": len(set(safe) - set(found)),
            # Nothing may be there more often than it was said. What is not put by to be said again
            # (needs that two cars have alike) is counted by nobody.
            "messages_doubled": sum(
                max(n - max(said[key], 1), 0) for key, n in found.items() if key[1] in actions
            ),
            "messages_strange": len({key for key in set(found) - set(said) if key[1] in actions}),
            **_sessions(connection, accounts),
            **_swaps(connection, accounts),
            "chains_broken": sum(
                not verify(connection, table).whole for table in tables.APPEND_ONLY
            ),
            "rows_refused": connection.scalar(
                sa.select(sa.func.count()).select_from(tables.refused_rows)
            ),
        }
    reports = stored_reports(lake)
    return result | {
        "reports": sum(traffic.read.values()),
        "reports_missing": len(set(traffic.read) - set(reports)),
        "reports_lost": len(set(traffic.safe) - set(reports)),
        "reports_doubled": sum(n - 1 for n in reports.values()),
        "reports_strange": len(set(reports) - set(traffic.read)),
    }


def _sessions(connection: sa.Connection, accounts: Sequence[Account]) -> dict[str, Any]:
    rows = {row.id: row for row in connection.execute(sa.select(tables.sessions))}
    bills = {row.session: row for row in connection.execute(sa.select(tables.cdrs))}
    by_key = {(row.station, row.start_key): row for row in rows.values()}
    wrong = unbilled = count = opened = 0
    worst_wh = 0.0
    for account in accounts:
        station = account.station
        opened += sum(evse.transaction is not None for evse in station.evses.values())
        for transaction, wh in account.ended:
            count += 1
            name = f"~{transaction.number or 0:010d}"
            row = rows.get(name) if station.is_16 else by_key.get((station.id, transaction.id))
            if row is None or row.energy_kwh is None or row.ended_at is None:
                wrong += 1
                continue
            off_wh = abs(row.meter_end_wh - row.meter_start_wh - wh)
            billed_off_wh = abs(1000.0 * row.energy_kwh - wh)
            worst_wh = max(worst_wh, off_wh, billed_off_wh)
            near_wh = NEAR_WH[station.is_16]
            wrong += off_wh > near_wh or billed_off_wh > near_wh + BILL_WH
            bill = bills.get(row.id)
            unbilled += bill is None or abs(bill.energy_kwh - row.energy_kwh) > 1e-9
    ended = sum(row.ended_at is not None for row in rows.values())
    return {
        "sessions": count,
        "sessions_wrong": wrong,
        "sessions_unbilled": unbilled,
        "sessions_doubled": ended - count,
        "sessions_open_wrong": len(rows) - ended - opened,
        "bills_strange": len(bills) - count + unbilled,
        "worst_wh": round(worst_wh, 3),
    }


def _swaps(connection: sa.Connection, accounts: Sequence[Account]) -> dict[str, Any]:
    moved = [
        (a.station.id, entry.payload["eventType"], entry.payload["requestId"])
        for a in accounts
        if isinstance(a.station, SwapCabinet)
        for entry in a.said
        if entry.action == "BatterySwap"
    ]
    rows = connection.execute(sa.select(tables.swaps)).all()
    known = {(row.station, row.request_id) for row in rows}
    whole = sum(bool(row.packs_in) and bool(row.packs_out) for row in rows)
    events = connection.scalar(sa.select(sa.func.count()).select_from(tables.ledger_events)) or 0
    asked = {(station, number) for station, _, number in moved}
    return {
        "swaps": len(asked),
        "swaps_wrong": len(asked ^ known) + len(rows) - whole,
        "ledger_events": events,
        "ledger_wrong": events - len(moved),
    }
