"""Commands about a station's upkeep: reset, reports, logs, firmware, display, grid support."""

from __future__ import annotations

from datetime import timedelta

from zerocity.protocols.ocpp.office.command_words import Ask, Build, Message
from zerocity.protocols.ocpp.office.firmware import update_message
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.wire_words import stamp

# Messages that 1.6 can only be asked for by the security whitepaper's extended trigger.
_EXTENDED = frozenset({"LogStatusNotification", "SignChargePointCertificate"})


def reset(ask: Ask) -> Message:
    """``when``: now (default) or idle, which waits for sessions to end; ``evse`` in 2.x."""
    when = ask.text("when", "now", one_of=("now", "idle"))
    if ask.v16:
        return "Reset", {"type": "Hard" if when == "now" else "Soft"}
    payload: Payload = {"type": "Immediate" if when == "now" else "OnIdle"}
    ask.read.add("evse")
    return "Reset", payload | ({"evseId": ask.whole("evse")} if ask.has("evse") else {})


def trigger(ask: Ask) -> Message:
    """``message``, ``evse`` (left out: all): have a message sent now."""
    word, evse = ask.text("message"), ask.whole("evse", 0)
    payload: Payload = {"requestedMessage": word}
    if ask.v16:
        action = "ExtendedTriggerMessage" if word in _EXTENDED else "TriggerMessage"
        return action, payload | ({"connectorId": evse} if evse else {})
    return "TriggerMessage", payload | ({"evse": {"id": evse}} if evse else {})


def inventory(ask: Ask) -> Message:
    """``what``: full (default), configuration or summary; in 1.6 the configuration."""
    what = ask.text("what", "full", one_of=("full", "configuration", "summary"))
    if ask.v16:
        return "GetConfiguration", {}
    payload = {"requestId": ask.request_id(), "reportBase": f"{what.capitalize()}Inventory"}
    return "GetBaseReport", payload


def monitors(ask: Ask) -> Message:
    """Ask which monitors are set (2.x)."""
    return "GetMonitoringReport", {"requestId": ask.request_id()}


def update_firmware(ask: Ask) -> Message:
    """``location``, ``at`` (default: now), ``signature`` and ``certificate`` for a signed one."""
    ask.read |= {"signature", "certificate"}
    signed = ask.has("signature") or ask.has("certificate")
    number = ask.request_id()
    ask.station.file.firmware_order = None
    return update_message(
        ask.version,
        ask.text("location"),
        ask.when("at", ask.at),
        number,
        signature=ask.text("signature") if signed else None,
        certificate=ask.text("certificate") if signed else None,
    )


def get_log(ask: Ask) -> Message:
    """``location`` to upload to, ``kind``: diagnostics or security, ``hours`` back (default 24)."""
    kind = ask.text("kind", "diagnostics", one_of=("diagnostics", "security"))
    oldest = stamp(ask.at - timedelta(hours=ask.whole("hours", 24)))
    location = ask.text("location")
    if ask.v16 and kind == "diagnostics":
        return "GetDiagnostics", {"location": location, "startTime": oldest}
    return "GetLog", {
        "logType": f"{kind.capitalize()}Log",
        "requestId": ask.request_id(),
        "log": {"remoteLocation": location, "oldestTimestamp": oldest},
    }


def customer_information(ask: Ask) -> Message:
    """``token``, ``report``, ``clear``: what a station holds of a customer (2.x)."""
    return "CustomerInformation", {
        "requestId": ask.request_id(),
        "report": ask.flag("report", True),
        "clear": ask.flag("clear", False),
        "idToken": ask.id_token(),
    }


def show_message(ask: Ask) -> Message:
    """``text``, ``id``, ``until``, ``priority``: a message on the display (2.x)."""
    words = ("AlwaysFront", "InFront", "NormalCycle")
    message: Payload = {
        "id": ask.whole("id"),
        "priority": ask.text("priority", "NormalCycle", one_of=words),
        "message": {"format": "UTF8", "content": ask.text("text")},
    }
    ask.read.add("until")
    if ask.has("until"):
        message["endDateTime"] = stamp(ask.when("until"))
    return "SetDisplayMessage", {"message": message}


def clear_message(ask: Ask) -> Message:
    """``id``: take a message from the display (2.x)."""
    return "ClearDisplayMessage", {"id": ask.whole("id")}


def shown_messages(ask: Ask) -> Message:
    """Ask which messages a display holds (2.x)."""
    return "GetDisplayMessages", {"requestId": ask.request_id()}


def grid_controls(ask: Ask) -> Message:
    """Ask which grid support controls stand (2.1)."""
    return "GetDERControl", {"requestId": ask.request_id()}


def limit_discharge(ask: Ask) -> Message:
    """``id``, ``percent`` of the most discharge power: a grid support control (2.1)."""
    return "SetDERControl", {
        "isDefault": False,
        "controlId": ask.text("id"),
        "controlType": "LimitMaxDischarge",
        "limitMaxDischarge": {"priority": 0, "pctMaxDischargePower": ask.number("percent")},
    }


def reserve_signal(ask: Ask) -> Message:
    """``signal``: the value of a frequency reserve at this moment (2.1)."""
    return "AFRRSignal", {"timestamp": stamp(ask.at), "signal": ask.whole("signal")}


BUILDERS: dict[str, Build] = {
    "reset": reset,
    "trigger": trigger,
    "inventory": inventory,
    "monitors": monitors,
    "update_firmware": update_firmware,
    "get_log": get_log,
    "customer_information": customer_information,
    "show_message": show_message,
    "clear_message": clear_message,
    "shown_messages": shown_messages,
    "grid_controls": grid_controls,
    "limit_discharge": limit_discharge,
    "reserve_signal": reserve_signal,
}
