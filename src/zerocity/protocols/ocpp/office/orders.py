"""A CALL of ours, kept until its result comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Payload, Refused, Reply
from zerocity.protocols.ocpp.office.rows import digest
from zerocity.storage.recorder import Row

V2 = (Version.V201, Version.V21)
ALL = tuple(Version)


@dataclass(frozen=True, slots=True)
class Order:
    """The token of a CALL of ours: what was asked, and who asked ("" for the server itself).

    Results name no request, so what an answer means is only known with this at hand. ``then`` is
    told the result once it was taken: its payload, or None when the CALL was refused or timed out.
    """

    action: str
    payload: Payload
    who: str = ""
    then: Callable[[Payload | None], None] | None = None


def asked(token: object) -> Payload:
    """What was asked under ``token``; empty when it was sent without an `Order`."""
    found: Any = getattr(token, "payload", None)
    return found if isinstance(found, dict) else {}


def say(context: Context, action: str, payload: Payload, who: str = "") -> None:
    """Queue a CALL of ours to this station, with its `Order` as the token."""
    context.say(action, payload, Order(action, payload, who))


def audited(action: str, reply: Reply | None) -> Reply:
    """``reply``, followed by the audit row of a person's order and the order's ``then``."""

    def take(context: Context, token: object, payload: Payload) -> list[Row]:
        rows = reply(context, token, payload) if reply is not None else []
        outcome = str(payload.get("status", "answered"))
        return rows + _finish(context, token, action, outcome, payload)

    return take


def audited_refusal(action: str, refused: Refused | None) -> Refused:
    """``refused``, followed by the audit row of a person's order and the order's ``then``."""

    def take(context: Context, token: object, code: str, description: str) -> list[Row]:
        rows = refused(context, token, code, description) if refused is not None else []
        return rows + _finish(context, token, action, code, None)

    return take


def _finish(
    context: Context, token: object, action: str, outcome: str, payload: Payload | None
) -> list[Row]:
    if not isinstance(token, Order):
        return []
    if token.then is not None:
        token.then(payload)
    if not token.who:
        return []
    # Never the payload: orders carry passwords and keys.
    values = {
        "key": digest(context.station.id.encode(), action.encode(), context.message_id.encode()),
        "at": context.at,
        "who": token.who,
        "action": action,
        "target": context.station.id,
        "outcome": outcome,
        "details": {"version": context.version.value},
    }
    return [Row("audit_log", values)]
