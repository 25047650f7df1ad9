"""Small words that many messages share: moments, texts within their longest length, statuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from zerocity.errors import InputError

Payload = dict[str, Any]


def stamp(at: datetime) -> str:
    """A moment as OCPP writes it: RFC 3339, UTC, whole seconds, e.g. 2026-05-01T10:00:00Z."""
    if at.tzinfo is None:
        raise InputError("a moment", "no time zone", "a UTC datetime")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str | None) -> datetime | None:
    """The UTC datetime that a schema-valid date-time says; None for an absent one.

    A text without zone is read as UTC (OCPP 1.6 3.14 asks for UTC, some stations leave out the Z).
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text if text[-1:] == "Z" else text.upper())
        if at.tzinfo is UTC:
            return at
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clipped(text: str, longest: int) -> str:
    """``text`` cut to ``longest`` characters, so that a field's bound holds."""
    return text if len(text) <= longest else text[:longest]


def status_info(reason: str, more: str = "") -> Payload:
    """A 2.x StatusInfoType: reasonCode (<= 20 characters) and what more there is to say."""
    info: Payload = {"reasonCode": clipped(reason, 20)}
    if more:
        info["additionalInfo"] = clipped(more, 512)
    return info
