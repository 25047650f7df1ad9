"""The central system's office: each message of each version goes to the one who handles it.

A station that was not accepted yet may only boot; what it may send while pending is the little that
was asked of it (OCPP 1.6 4.2; OCPP 2.0.1 part 2, B02.FR.09 and B03).
"""

from __future__ import annotations

from typing import Any

import structlog

from zerocity.protocols.ocpp.messages import Version, actions
from zerocity.protocols.ocpp.office import authorisation, blocks, boot, core_v2, core_v16, events_v2
from zerocity.protocols.ocpp.office.handling import (
    Context,
    Handler,
    Outcome,
    Payload,
    Refusal,
    Refused,
    Reply,
    Told,
    Unlawful,
)
from zerocity.storage.recorder import Row

__all__ = ["Context", "Handler", "Outcome", "Payload", "Refusal", "Unlawful"]

HANDLERS: dict[tuple[Version, str], Handler] = {
    **boot.HANDLERS,
    **authorisation.HANDLERS,
    **core_v16.HANDLERS,
    **core_v2.HANDLERS,
    **events_v2.HANDLERS,
    **blocks.HANDLERS,
}
# Their handlers take the struct of a lane as well as a dictionary, in every edition.
LANES = frozenset({"MeterValues", "TransactionEvent"})
# By the action of our own CALL; the handlers look at the context for the version.
REPLIES: dict[str, Reply] = {**blocks.REPLIES}
REFUSALS: dict[str, Refused] = {**blocks.REFUSALS}
TOLD: dict[tuple[Version, str], Told] = {**blocks.TOLD}

# Answers to what a pending station was asked for: reports, logs, and its certificate.
WHILE_PENDING = frozenset(
    {"NotifyReport", "NotifyMonitoringReport", "LogStatusNotification", "SignCertificate",
     "FirmwareStatusNotification", "DiagnosticsStatusNotification", "SecurityEventNotification",
     "SignedFirmwareStatusNotification", "NotifyCustomerInformation"}
)  # fmt: skip

log = structlog.get_logger(__name__)


def gate(context: Context, action: str) -> Refusal | None:
    """Refuse what a station may not send before it was accepted."""
    state = context.station.boot
    if action == "BootNotification" or state == "accepted":
        return None
    if state == "pending" and action in WHILE_PENDING:
        return None
    return Refusal("SecurityError", f"{action} before BootNotification was accepted ({state})")


def answer(context: Context, action: str, payload: Any) -> Outcome | Refusal:
    """Handle a schema-valid CALL of a station.

    A refusal changes nothing: NotImplemented for an action the version does not know, NotSupported
    for one that only we may send, SecurityError before acceptance, InternalError for a fault of
    ours.
    """
    refused = gate(context, action)
    if refused is not None:
        if context.station.boot == "unknown":
            boot.ask_to_boot(context)
        return refused
    handler = HANDLERS.get((context.version, action))
    if handler is None:
        known = action in actions(context.version)
        return Refusal("NotSupported" if known else "NotImplemented", f"{action} is not for us")
    try:
        outcome = handler(context, payload)
    except Unlawful as refusal:
        return Refusal(refusal.code, refusal.description)
    except Exception:
        # One message that we cannot handle must not take the station's connection with it.
        log.exception("ocpp.handler_failed", station=context.station.id, action=action)
        return Refusal("InternalError", f"{action} could not be handled")
    context.station.last_seen_s = context.now_s
    return outcome


def told(context: Context, action: str, payload: Payload) -> list[Row]:
    """Handle a SEND (OCPP 2.1); one that nobody handles is dropped."""
    handler = TOLD.get((context.version, action))
    if handler is None or gate(context, action) is not None:
        return []
    return handler(context, payload)


def replied(context: Context, token: object, action: str, payload: Payload) -> list[Row]:
    """Take the result of a CALL of ours; return what to store."""
    reply = REPLIES.get(action)
    return reply(context, token, payload) if reply is not None else []


def refused(context: Context, token: object, action: str, code: str, description: str) -> list[Row]:
    """Take the refusal, or the silence, that a CALL of ours met; return what to store."""
    handler = REFUSALS.get(action)
    return handler(context, token, code, description) if handler is not None else []
