"""A CALL of ours, kept until its result comes back."""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.protocols.ocpp.handling import Context, Payload
from zerocity.protocols.ocpp.messages import Version

V2 = (Version.V201, Version.V21)
ALL = tuple(Version)


@dataclass(frozen=True, slots=True)
class Order:
    """The token of a CALL of ours: what was asked, and who asked ("" for the server itself).

    Results name no request, so what an answer means is only known with this at hand.
    """

    action: str
    payload: Payload
    who: str = ""


def asked(token: object) -> Payload:
    """What was asked under ``token``; empty when it was sent without an `Order`."""
    return token.payload if isinstance(token, Order) else {}


def say(context: Context, action: str, payload: Payload, who: str = "") -> None:
    """Queue a CALL of ours to this station, with its `Order` as the token."""
    context.say(action, payload, Order(action, payload, who))
