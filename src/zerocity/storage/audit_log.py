"""Who did what to what, and how it ended: an append-only log, chained by hashes.

Secrets never enter it, and a vehicle's number only by its last four signs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zerocity.storage.live_tables import audit_log
from zerocity.storage.recorder import Row

HIDDEN = "***"
_SECRET = re.compile(
    r"passw|secret|credential|private|api_?key|auth(orization)?_?key|pem|^key$|^pin$", re.I
)
# ISO 3779: 17 digits and capitals without I, O and Q. A run of digits alone is a number.
_VIN = re.compile(r"\b(?=[0-9]*[A-HJ-NPR-Z])[A-HJ-NPR-Z0-9]{17}\b")


def entry(
    at: datetime,
    who: str,
    action: str,
    target: str = "",
    outcome: str = "done",
    details: Mapping[str, Any] | None = None,
) -> Row:
    """Return the row that notes a deed; hand it to the recorder with the rows of the deed itself.

    ``details`` may hold what the deed was given: values under names like ``password`` are hidden.
    """
    values = {
        "at": at, "who": who, "action": action, "target": without_vins(target),
        "outcome": outcome, "details": cleaned(details or {}),
    }  # fmt: skip
    return Row("audit_log", values)


def cleaned(value: Any) -> Any:
    """Return JSON without secrets and full vehicle numbers."""
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _SECRET.search(str(name)) else cleaned(part)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [cleaned(part) for part in value]
    return without_vins(value) if isinstance(value, str) else value


def without_vins(text: str) -> str:
    """Return the text with every vehicle number cut to its last four signs."""
    return _VIN.sub(lambda found: f"…{found[0][-4:]}", text)


def entries(
    connection: sa.Connection, *, most: int = 100, before: int | None = None, who: str | None = None
) -> list[dict[str, Any]]:
    """Return the newest entries first; ``before`` is the number of the last one already seen."""
    asked = sa.select(audit_log).order_by(audit_log.c.seq.desc()).limit(most)
    if before is not None:
        asked = asked.where(audit_log.c.seq < before)
    if who is not None:
        asked = asked.where(audit_log.c.who == who)
    return [dict(row) for row in connection.execute(asked).mappings()]
