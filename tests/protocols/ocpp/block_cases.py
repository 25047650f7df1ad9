"""A city of one station to hand messages to, and what its office said, shared by tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from zerocity.live.registry import LiveStation, Registry
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office import blocks
from zerocity.protocols.ocpp.office.handling import Context, Outcome
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.storage.live_tables import metadata
from zerocity.storage.recorder import Row

AT = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


@dataclass
class Case:
    """One station of one version, its city, and every CALL that we queued to it."""

    version: Version = Version.V21
    station: LiveStation = field(default_factory=lambda: LiveStation("S1", "site", kind="swap"))
    registry: Registry = field(default_factory=Registry)
    said: list[tuple[str, dict[str, Any], object]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.station.boot = "accepted"
        self.registry.add_station(self.station)
        self.registry.add_token(Token("T"))
        self.registry.changed = self.changes.append

    def context(self, message_id: str | None = None, at: datetime = AT) -> Context:
        return Context(
            self.station, self.registry, at, 0.0, self.version,
            message_id or f"m{next(self.numbers)}", self._say,
        )  # fmt: skip

    def _say(self, action: str, payload: dict[str, Any], token: object) -> None:
        violation = check(self.version, action, "request", payload)
        assert violation is None, (action, payload, violation)
        self.said.append((action, payload, token))

    def hear(
        self, action: str, payload: dict[str, Any], message_id: str | None = None, at: datetime = AT
    ) -> Outcome:
        """Hand a CALL in; the request and the answer must keep the schema, the rows the tables."""
        assert check(self.version, action, "request", payload) is None
        outcome = blocks.HANDLERS[self.version, action](self.context(message_id, at), payload)
        assert check(self.version, action, "response", outcome.payload) is None
        check_rows(outcome.rows)
        if outcome.after is not None:
            outcome.after()
        return outcome

    def reply(self, action: str, request: dict[str, Any], payload: dict[str, Any]) -> list[Row]:
        """Hand in the result of a CALL of ours."""
        assert check(self.version, action, "request", request) is None
        assert check(self.version, action, "response", payload) is None
        rows = blocks.REPLIES[action](self.context(), Order(action, request), payload)
        check_rows(rows)
        return rows


def check_rows(rows: list[Row]) -> None:
    """Every row names a table, its columns, and its whole key."""
    for row in rows:
        table = metadata.tables[row.table]
        assert set(row.values) <= set(table.columns.keys()), row
        if row.table not in ("ledger_events", "audit_log"):
            assert {column.name for column in table.primary_key} <= set(row.values), row


def rows_of(rows: list[Row], table: str) -> list[dict[str, Any]]:
    """The values of the rows of one table."""
    return [row.values for row in rows if row.table == table]
