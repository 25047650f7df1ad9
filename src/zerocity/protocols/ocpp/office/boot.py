"""Boot and heartbeat of all versions (OCPP 1.6 4.2, 4.6; OCPP 2.0.1 part 2, B01-B03, G02)."""

from __future__ import annotations

import math

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload
from zerocity.protocols.ocpp.office.rows import station_row
from zerocity.protocols.ocpp.wire_words import stamp

ANSWERS = {"accepted": "Accepted", "pending": "Pending", "rejected": "Rejected"}
# How soon a station that is not accepted may ask again; an assumption.
RETRY_S = 60


def boot_v16(context: Context, payload: Payload) -> Outcome:
    """BootNotification of OCPP 1.6."""
    station = context.station
    station.vendor = payload["chargePointVendor"]
    station.model = payload["chargePointModel"]
    station.serial = payload.get("chargePointSerialNumber") or payload.get(
        "chargeBoxSerialNumber", ""
    )
    station.firmware = payload.get("firmwareVersion", "")
    return _booted(context)


def boot_v2(context: Context, payload: Payload) -> Outcome:
    """BootNotification of OCPP 2.0.1 and 2.1."""
    station, said = context.station, payload["chargingStation"]
    station.vendor, station.model = said["vendorName"], said["model"]
    station.serial = said.get("serialNumber", "")
    station.firmware = said.get("firmwareVersion", "")
    return _booted(context)


def _booted(context: Context) -> Outcome:
    station = context.station
    station.boot = station.admission
    station.version = context.version.value
    accepted = station.boot == "accepted"
    context.registry.changed(station.site)
    payload: Payload = {
        "currentTime": stamp(context.at),
        "interval": context.registry.heartbeat_s if accepted else RETRY_S,
        "status": ANSWERS[station.boot],
    }
    return Outcome(payload, [station_row(station, context.at)])


def heartbeat(context: Context, payload: Payload) -> Outcome:
    """Heartbeat: the clock, by which stations set theirs."""
    return Outcome({"currentTime": stamp(context.at)})


def ask_to_boot(context: Context) -> None:
    """Ask a station that goes on speaking before it booted to do so (1.6 5.17; 2.x F06).

    It may have booted long ago, under a server whose memory is lost, and would not again by itself.
    Most boot as soon as their first message is refused; from the second one they are asked.
    """
    station = context.station
    if station.asked_to_boot_s is None:
        station.asked_to_boot_s = -math.inf
    elif context.now_s - station.asked_to_boot_s >= RETRY_S:
        station.asked_to_boot_s = context.now_s
        context.say("TriggerMessage", {"requestedMessage": "BootNotification"}, None)


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V16, "BootNotification"): boot_v16,
    (Version.V201, "BootNotification"): boot_v2,
    (Version.V21, "BootNotification"): boot_v2,
    (Version.V16, "Heartbeat"): heartbeat,
    (Version.V201, "Heartbeat"): heartbeat,
    (Version.V21, "Heartbeat"): heartbeat,
}
