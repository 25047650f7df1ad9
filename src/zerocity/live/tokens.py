"""Who may charge: the tokens that the city knows, and the verdict on one that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What is said about a token that was shown."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    BUSY = "busy"  # already charging elsewhere


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the city keeps it.

    ``kind``: the type of OCPP 2.x (ISO14443, eMAID, MacAddress ...), "" for any. ``parent``: the
    group, or None. ``priority``: -9 to 9, 0 is usual (OCPP 2.x chargingPriority). ``many``: it may
    be in several sessions at once (a fleet's card).
    """

    id: str
    kind: str = ""
    status: str = "accepted"
    expires_at: datetime | None = None
    parent: str | None = None
    priority: int = 0
    vehicle: str | None = None
    many: bool = False


def token_key(id_token: str) -> str:
    """The key of a token; case does not count (OCPP 1.6 CiString, 2.x identifierString)."""
    return id_token.casefold()


def judge(token: Token | None, at: datetime, *, kind: str = "") -> Verdict:
    """The verdict on a shown token at ``at`` (UTC); sessions elsewhere are not looked at.

    ``kind``: the type under which it was shown, "" when the version knows none.
    """
    if token is None:
        return Verdict.UNKNOWN
    if kind and token.kind and kind.casefold() != token.kind.casefold():
        return Verdict.INVALID
    if token.status.casefold() != "accepted":
        known = {"blocked": Verdict.BLOCKED, "expired": Verdict.EXPIRED}
        return known.get(token.status.casefold(), Verdict.INVALID)
    if token.expires_at is not None and _utc(token.expires_at) <= at:
        return Verdict.EXPIRED
    return Verdict.ACCEPTED


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
