"""The arguments of a person's command: read by name, and refused plainly when they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation, Registry
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.wire_words import moment

Message = tuple[str, Payload]


@dataclass(slots=True)
class Ask:
    """A command to one station; remembers which arguments were read, to refuse the others."""

    registry: Registry
    station: LiveStation
    version: Version
    name: str
    arguments: dict[str, Any]
    at: datetime
    read: set[str] = field(default_factory=set)

    @property
    def v16(self) -> bool:
        """True for OCPP 1.6."""
        return self.version is Version.V16

    def text(self, name: str, default: str | None = None, *, one_of: tuple[str, ...] = ()) -> str:
        """A text; one of ``one_of`` if any are given."""
        value = self._given(name, default)
        if not isinstance(value, str) or (one_of and value not in one_of):
            raise self._wrong(name, value, " or ".join(one_of) or "a text")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 to 2^31 - 1."""
        value = self._given(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise self._wrong(name, value, "a whole number, 0 or more")
        return value

    def number(self, name: str) -> float:
        """A number."""
        value = self._given(name, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, value, "a number")
        return float(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._given(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when it is not given."""
        value = self._given(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(name, value, "a list of texts")
        return value

    def when(self, name: str, default: datetime | None = None) -> datetime:
        """A moment: a datetime, or its text in ISO 8601."""
        value = self._given(name, default)
        found = value if isinstance(value, datetime) else moment(str(value))
        if found is None or found.tzinfo is None:
            raise self._wrong(name, value, "a moment such as 2026-05-01T10:00:00Z")
        return found

    def has(self, name: str) -> bool:
        """Whether an argument was given."""
        return self.arguments.get(name) is not None

    def request_id(self) -> int:
        """A new request id."""
        return self.registry.city.next_request(self.at)

    def id_token(self, name: str = "token") -> Payload:
        """An IdTokenType of OCPP 2.x, of the kind under which the city keeps the token."""
        text = self.text(name)
        known = self.registry.token(text)
        kind = known.kind if known is not None and known.kind else "ISO14443"
        return {"idToken": text, "type": kind}

    def session(self) -> LiveSession:
        """The open session named by ``session`` (the city's id), or the one at ``evse``."""
        seats = self.station.connectors.values()
        if self.has("session"):
            wanted = self.text("session")
            found = [s.session for s in seats if s.session and s.session.id == wanted]
        else:
            evse = self.whole("evse")
            found = [s.session for s in seats if s.session and s.evse == evse]
        if not found:
            raise InputError(
                f"{self.name} at {self.station.id}",
                str(self.arguments.get("session", self.arguments.get("evse"))),
                "an open session, or the EVSE of one",
            )
        return found[0]

    def transaction(self) -> str | int:
        """That session's transaction, as the station names it."""
        session = self.session()
        return session.number or 0 if self.v16 else session.transaction

    def refuse_unread(self) -> None:
        """Refuse arguments that the command does not know: they would be lost silently."""
        unknown = sorted(set(self.arguments) - self.read)
        if unknown:
            raise InputError(
                f"{self.name} at {self.station.id}",
                ", ".join(unknown),
                ", ".join(sorted(self.read)) or "no arguments",
            )

    def _given(self, name: str, default: Any) -> Any:
        self.read.add(name)
        value = self.arguments.get(name, default)
        if value is None:
            raise self._wrong(name, None, "a value")
        return value

    def _wrong(self, name: str, came: Any, wanted: str) -> InputError:
        # Values may be secrets: only their kind is told.
        kind = "nothing" if came is None else f"a {type(came).__name__}"
        if isinstance(came, str | int | float) and "password" not in name:
            kind = repr(came)[:80]
        return InputError(f"{self.name}: {name}", kind, wanted)


Build = Callable[[Ask], Message]
