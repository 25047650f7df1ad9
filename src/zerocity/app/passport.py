"""A battery's passport as a live city has it: the fold of what the ledger says of the battery."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from zerocity.passports.lifecycle import Event
from zerocity.storage.live_tables import ledger_events

# Events of one answer; older ones are counted.
MOST_EVENTS = 500
# What shows where a vehicle was.
_WHERE = ("station", "session")


def passport(
    connection: sa.Connection, battery: str, personal: bool = False
) -> dict[str, Any] | None:
    """The passport of a battery, None where the ledger does not know it.

    Parameters
    ----------
    battery : a pack's serial number, or ``vehicle/ID`` for the battery built into a vehicle.
    personal : tell where a vehicle charged too.

    Returns
    -------
    ``stage`` of its life and the station that it was last ``seen_at`` (None: nobody said), the
    last ``check_up`` that found something, the ``events`` (the newest `MOST_EVENTS`, oldest first),
    how many there are in all, and number and hash of the last one, as `ledger.verify` checks them.
    """
    table = ledger_events.c
    mine = table.battery == battery
    count = connection.scalar(sa.select(sa.func.count()).where(mine))
    if not count:
        return None
    newest = sa.select(ledger_events).where(mine).order_by(table.seq.desc()).limit(MOST_EVENTS)
    rows = connection.execute(newest).all()[::-1]
    found: dict[str, Any] = {"battery": battery, "stage": None, "seen_at": None}
    found["check_up"] = None
    hidden = () if personal or not battery.startswith("vehicle/") else _WHERE
    events = [_event(row, hidden) for row in rows]
    for event in events:
        _fold(found, event)
    return found | {
        "events_in_all": count,
        "events": events,
        "last": {"seq": rows[-1].seq, "hash": rows[-1].hash},
    }


def _event(row: sa.Row[Any], hidden: tuple[str, ...]) -> dict[str, Any]:
    data = {name: value for name, value in (row.data or {}).items() if name not in hidden}
    return {"at": row.at.isoformat(), "event": row.event, **data}


def _fold(found: dict[str, Any], event: dict[str, Any]) -> None:
    found["stage"] = event.get("stage") or event.get("to") or found["stage"]
    found["seen_at"] = event.get("station") or found["seen_at"]
    if event["event"] == Event.CHECKED.label:
        found["check_up"] = event
