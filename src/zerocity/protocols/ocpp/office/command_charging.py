"""Commands about charging and swapping: start, stop, limit, priority, reserve, swap, tariff."""

from __future__ import annotations

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.authorisation import LONGEST_ID_TAG
from zerocity.protocols.ocpp.office.charging_limits import limit_orders
from zerocity.protocols.ocpp.office.command_words import Ask, Build, Message
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.office.reservations import reserve
from zerocity.protocols.ocpp.office.smart_charging import composite_message
from zerocity.protocols.ocpp.office.swap import begin_swap


def start(ask: Ask) -> Message:
    """``token``, ``evse`` (left out: the station chooses): begin a session."""
    evse = ask.whole("evse", 0)
    if ask.v16:
        payload: Payload = {"idTag": ask.text("token")} | ({"connectorId": evse} if evse else {})
        return "RemoteStartTransaction", payload
    payload = {"idToken": ask.id_token(), "remoteStartId": ask.request_id()}
    return "RequestStartTransaction", payload | ({"evseId": evse} if evse else {})


def stop(ask: Ask) -> Message:
    """``session`` or ``evse``: end a session."""
    if ask.v16:
        return "RemoteStopTransaction", {"transactionId": ask.transaction()}
    return "RequestStopTransaction", {"transactionId": ask.transaction()}


def limit(ask: Ask) -> Message:
    """``evse``, ``kw`` (left out: take the limit back), ``valid_s``: bound a plug by hand."""
    evse = ask.whole("evse")
    kw = ask.number("kw") if ask.has("kw") else None
    ask.read.add("kw")
    seats = [s for s in ask.station.connectors.values() if s.evse == evse and s.session]
    session = seats[0].session if seats else None
    valid_s = ask.whole("valid_s", 3600)
    (made,) = limit_orders(ask.station, evse, kw, at=ask.at, valid_s=valid_s, session=session)
    return made.action, made.payload


def composite(ask: Ask) -> Message:
    """``evse``, ``duration_s``: ask what a plug is allowed."""
    return composite_message(
        ask.version, ask.whole("evse"), ask.whole("duration_s", 3600), ask.station.file.rate_unit
    )


def profiles(ask: Ask) -> Message:
    """``evse`` (left out: all): ask which charging profiles are installed (2.x)."""
    ask.read.add("evse")
    # The criterion must not be empty (OCPP 2.0.1 K09.FR.03); this one holds for every profile.
    every = {"chargingLimitSource": ["CSO", "EMS", "SO", "Other"]}
    payload: Payload = {"requestId": ask.request_id(), "chargingProfile": every}
    if ask.has("evse"):
        payload["evseId"] = ask.whole("evse")
    return "GetChargingProfiles", payload


def priority(ask: Ask) -> Message:
    """``session`` or ``evse``, ``active``: serve a session first (2.1)."""
    payload = {"transactionId": ask.transaction(), "activate": ask.flag("active", True)}
    return "UsePriorityCharging", payload


def status(ask: Ask) -> Message:
    """``session``: ask whether messages of a session still wait at the station (2.x)."""
    named = ask.has("session") or ask.has("evse")
    return "GetTransactionStatus", {"transactionId": ask.transaction()} if named else {}


def book(ask: Ask) -> Message:
    """``token``, ``until``, ``evse`` (left out: any plug): keep a plug."""
    token, evse, until = ask.text("token"), ask.whole("evse", 0), ask.when("until")
    if ask.v16 and len(token) > LONGEST_ID_TAG:
        raise InputError("the token", f"{len(token)} characters", f"at most {LONGEST_ID_TAG}")
    ask.refuse_unread()
    return reserve(ask.registry, ask.station, ask.version, token, evse, until, ask.at)


def unbook(ask: Ask) -> Message:
    """``reservation``: let a reservation go."""
    number = ask.whole("reservation")
    kept = ask.registry.reservations.get(number)
    if kept is None or kept.station != ask.station.id:
        raise InputError(f"reservation at {ask.station.id}", str(number), "one that is kept there")
    return "CancelReservation", {"reservationId": number}


def swap(ask: Ask) -> Message:
    """``token``: ask a swap station to change a battery (2.1)."""
    token = ask.text("token")
    if ask.version is not Version.V21:
        raise InputError(
            f"swap at {ask.station.id}", f"OCPP {ask.version.value}", "a station that speaks 2.1"
        )
    ask.refuse_unread()
    _, payload = begin_swap(ask.registry, ask.station, token, ask.at)
    return "RequestBatterySwap", payload


def cost(ask: Ask) -> Message:
    """``session`` or ``evse``, ``cost``: show what a session costs so far (2.x)."""
    payload = {"transactionId": ask.transaction(), "totalCost": ask.number("cost")}
    return "CostUpdated", payload


BUILDERS: dict[str, Build] = {
    "start": start,
    "stop": stop,
    "limit": limit,
    "composite": composite,
    "profiles": profiles,
    "priority": priority,
    "transaction_status": status,
    "reserve": book,
    "cancel_reservation": unbook,
    "swap": swap,
    "show_cost": cost,
}
