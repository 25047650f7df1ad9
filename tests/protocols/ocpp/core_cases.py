"""A city of a few plugs, and messages of a session in each edition, shared by tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from zerocity.live.registry import Connector, LiveStation, Registry
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Refusal
from zerocity.protocols.ocpp.office.office import answer
from zerocity.storage.live_tables import metadata
from zerocity.storage.recorder import Row

# 09:00 in Lanzhou: flat until ten, then valley.
AT = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)
Payload = dict[str, Any]


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def station(name: str, boot: str = "accepted", kw: float = 60.0, plugs: int = 2) -> LiveStation:
    made = LiveStation(name, "site", boot=boot)
    for n in range(1, plugs + 1):
        made.connectors[n, 1] = Connector(name, n, 1, "site", kw)
    return made


@dataclass
class City:
    """Stations A and B, tokens T and BLOCKED, and every row that was to be stored."""

    version: Version = Version.V16
    registry: Registry = field(default_factory=Registry)
    rows: list[Row] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        for name in ("A", "B"):
            if name not in self.registry.stations:
                self.registry.add_station(station(name))
        self.registry.add_token(Token("T", parent="G", priority=3))
        self.registry.add_token(Token("U"))
        self.registry.add_token(Token("BLOCKED", status="blocked"))
        self.registry.add_token(Token("OLD", expires_at=AT - timedelta(days=1)))
        self.registry.finished = lambda session: self.finished.append(session.id)
        self.registry.changed = self.changes.append

    def ask(
        self, action: str, payload: Payload, *, at: datetime = AT, name: str = "A"
    ) -> Outcome | Refusal:
        """Send a message; it and its answer must keep the schema, its rows the tables."""
        assert check(self.version, action, "request", payload) is None, payload
        context = Context(
            self.registry.stations[name], self.registry, at, 0.0, self.version,
            f"m{next(self.numbers)}", lambda *_: None,
        )  # fmt: skip
        outcome = answer(context, action, payload)
        if isinstance(outcome, Outcome):
            assert check(self.version, action, "response", outcome.payload) is None
            for row in outcome.rows:
                assert set(row.values) <= set(metadata.tables[row.table].c.keys()), row
            self.rows += outcome.rows
            if outcome.after is not None:
                outcome.after()
        return outcome

    def hear(self, action: str, payload: Payload, *, at: datetime = AT, name: str = "A") -> Payload:
        """Send a message that must be answered, and return the answer."""
        outcome = self.ask(action, payload, at=at, name=name)
        assert isinstance(outcome, Outcome), outcome
        return outcome.payload

    def table(self, name: str) -> dict[Any, dict[str, Any]]:
        """The rows of a table as the store would hold them, by their keys."""
        table = metadata.tables[name]
        kept: dict[Any, dict[str, Any]] = {}
        for row in self.rows:
            if row.table == name:
                key = tuple(row.values[column.name] for column in table.primary_key)
                kept[key] = {**kept.get(key, {}), **row.values}
        return kept

    def cdr(self, session: str) -> dict[str, Any]:
        """The bill of a session, the moment of its issue left out."""
        found = dict(self.table("cdrs")[(session,)])
        del found["issued_at"]
        return found


def start_v16(tag: str = "T", wh: int = 1000, minutes: float = 0.0, connector: int = 1) -> Payload:
    return {
        "connectorId": connector, "idTag": tag, "meterStart": wh, "timestamp": iso(after(minutes)),
    }  # fmt: skip


def values_v16(
    number: int | None, readings: Iterable[tuple[float, Any]], connector: int = 1
) -> Payload:
    payload: Payload = {
        "connectorId": connector,
        "meterValue": [
            {"timestamp": iso(after(minutes)), "sampledValue": [{"value": str(wh)}]}
            for minutes, wh in readings
        ],
    }
    return payload if number is None else payload | {"transactionId": number}


def stop_v16(number: int, wh: int, minutes: float) -> Payload:
    return {"transactionId": number, "meterStop": wh, "timestamp": iso(after(minutes))}


def event(
    kind: str, seq_no: int, wh: float | None, minutes: float, *, tx: str = "tx", **more: Any
) -> Payload:
    state = more.pop("state", "Charging")
    payload: Payload = {
        "eventType": kind, "timestamp": iso(after(minutes)), "seqNo": seq_no,
        "triggerReason": "MeterValuePeriodic",
        "transactionInfo": {"transactionId": tx, "chargingState": state}, **more,
    }  # fmt: skip
    if wh is not None:
        value = {"timestamp": iso(after(minutes)), "sampledValue": [{"value": wh}]}
        payload["meterValue"] = [value]
    return payload


def started(tx: str = "tx", tag: str = "T", wh: float = 1000.0, **more: Any) -> Payload:
    return event(
        "Started", 0, wh, 0.0, tx=tx, evse={"id": 1, "connectorId": 1},
        idToken={"idToken": tag, "type": "ISO14443"}, **more,
    )  # fmt: skip
