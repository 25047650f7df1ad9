"""How a simulated station obeys: remote start and stop, reset, availability, unlock, triggers.

OCPP 1.6 sections 5.2, 5.11, 5.12, 5.14, 5.17 and 5.18; 2.0.1 part 2, B11, B12, F01 to F06, G03,
G04 and E14.
"""

from __future__ import annotations

from collections.abc import Callable

from zerocity.protocols.ocpp.station import sessions
from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.files import diagnostics_status, firmware_status, log_status
from zerocity.protocols.ocpp.station.keys import sign_certificate
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.meter import sample_v2, sample_v16
from zerocity.protocols.ocpp.station.parts import Evse, Message, Payload
from zerocity.protocols.ocpp.station.smart import install
from zerocity.protocols.ocpp.wire_words import status_info

# A server may ask for a reset that never ends in idleness; the link closes this long after an
# immediate one, so that the answer and the last messages leave [s]; an assumption.
_HANG_UP_S = 1.0


def accepted(_reason: str = "") -> Payload:
    """Yes."""
    return {"status": "Accepted"}


def rejected(core: StationCore, reason: str) -> Payload:
    """No, and in 2.x why."""
    if core.is_16:
        return {"status": "Rejected"}
    return {"status": "Rejected", "statusInfo": status_info(reason)}


# Start and stop


def remote_start_v16(core: StationCore, asked: Payload) -> Payload:
    """RemoteStartTransaction."""
    evse = _to_start(core, asked.get("connectorId"), asked["idTag"])
    if evse is None:
        return rejected(core, "")
    profile = asked.get("chargingProfile")
    core.later(0.0, lambda: _start(core, evse, asked["idTag"], None, profile))
    return accepted()


def remote_start_v2(core: StationCore, asked: Payload) -> Payload:
    """RequestStartTransaction."""
    token = asked["idToken"]["idToken"]
    evse = _to_start(core, asked.get("evseId"), token)
    if evse is None:
        return rejected(core, "NoEvse")
    number, profile = asked["remoteStartId"], asked.get("chargingProfile")
    core.later(0.0, lambda: _start(core, evse, token, number, profile))
    return accepted()


def _to_start(core: StationCore, wanted: int | None, token: str) -> Evse | None:
    """The EVSE to start on: the one named, else one with a car, else a free one."""
    fit = [
        e
        for e in core.evses.values()
        if wanted in (None, 0, e.id) and e.transaction is None and usable(core, e)
    ]
    held = {r.evse for r in core.reservations.values() if token not in (r.token, r.group)}
    fit = [e for e in fit if e.id not in held and not (e.car is not None and e.finishing)]
    fit.sort(key=lambda e: e.car is None)
    return fit[0] if fit else None


def _start(
    core: StationCore, evse: Evse, token: str, number: int | None, profile: Payload | None
) -> None:
    sessions.start_remotely(core, evse, token, number)
    if profile is None or evse.transaction is None:
        return
    # Its id was unknown when the CSMS wrote the profile (1.6 5.16.2; 2.0.1 F01.FR.11).
    profile.pop("transactionId", None)
    if not core.is_16:
        profile["transactionId"] = evse.transaction.id
    install(core, profile, evse.id)


def remote_stop(core: StationCore, asked: Payload) -> Payload:
    """RemoteStopTransaction and RequestStopTransaction."""
    evse = transaction_evse(core, asked["transactionId"])
    if evse is None:
        return rejected(core, "TxNotFound")
    core.later(0.0, lambda: sessions.stop(core, evse, "RemoteStop", "Remote"))
    return accepted()


def transaction_evse(core: StationCore, transaction_id: object) -> Evse | None:
    """The EVSE on which a transaction runs, by the id on the wire."""
    for evse in core.evses.values():
        running = evse.transaction
        if running is not None and running.running(core.is_16).id == str(transaction_id):
            return evse
    return None


def unlock_v16(core: StationCore, asked: Payload) -> Payload:
    """UnlockConnector: a running transaction ends first."""
    evse = core.evses.get(asked["connectorId"])
    if evse is None:
        return {"status": "NotSupported"}
    core.later(0.0, lambda: sessions.stop(core, evse, "UnlockCommand", "UnlockCommand"))
    return {"status": "Unlocked"}


def unlock_v2(core: StationCore, asked: Payload) -> Payload:
    """UnlockConnector: refused while an authorised transaction runs (F05.FR.02)."""
    evse = core.evses.get(asked["evseId"])
    if evse is None or asked["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    if evse.transaction is not None:
        return {"status": "OngoingAuthorizedTransaction"}
    return {"status": "Unlocked"}


# Reset and availability


def reset(core: StationCore, asked: Payload) -> Payload:
    """Reset: at once, or once no transaction runs any more (2.x OnIdle)."""
    kind = asked["type"]
    if "evseId" in asked and asked["evseId"] != 0:
        return rejected(core, "NotSupported")
    busy = any(evse.transaction is not None for evse in core.evses.values())
    if kind == "OnIdle" and busy:
        core.when_idle(lambda: _reset_if_idle(core))
        return {"status": "Scheduled"}
    reason = {"Soft": "SoftReset", "Hard": "HardReset"}.get(kind, "ImmediateReset")
    core.later(0.0, lambda: _reset(core, reason))
    return accepted()


def _reset_if_idle(core: StationCore) -> bool:
    if any(evse.transaction is not None for evse in core.evses.values()):
        return False
    core.later(0.0, lambda: _reset(core, "ImmediateReset"))
    return True


def _reset(core: StationCore, reason: str) -> None:
    for evse in core.evses.values():
        sessions.stop(core, evse, "ResetCommand", reason)
    core.later(_HANG_UP_S, lambda: reboot(core, "RemoteReset"))


def reboot(core: StationCore, reason: str) -> None:
    """Go down and come back: the link closes, and the station boots again."""
    core.hang_up = True
    core.registered = "Unknown"
    core.boot_reason = reason
    core.link_from_s = core.now_s + core.make.reboot_s


def change_availability_v16(core: StationCore, asked: Payload) -> Payload:
    """ChangeAvailability of a connector, or of all for 0."""
    number = asked["connectorId"]
    if number != 0 and number not in core.evses:
        return rejected(core, "")
    return _change(core, number, asked["type"] == "Operative")


def change_availability_v2(core: StationCore, asked: Payload) -> Payload:
    """ChangeAvailability of an EVSE, or of the station where none is named."""
    number = asked.get("evse", {}).get("id", 0)
    if number != 0 and number not in core.evses:
        return rejected(core, "UnknownEvse")
    return _change(core, number, asked["operationalStatus"] == "Operative")


def _change(core: StationCore, number: int, operative: bool) -> Payload:
    def places() -> list[Evse]:
        return list(core.evses.values()) if number == 0 else [core.evses[number]]

    def busy() -> bool:
        # A pack in a slot waits for nobody: its charging ends at once.
        mine = core.make.is_swap
        return not operative and not mine and any(evse.transaction for evse in places())

    def act() -> bool:
        if busy():
            return False
        if number == 0:
            core.operative = operative
        else:
            core.evses[number].operative = operative
        if number == 0 and core.is_16:
            core.say(core.voice.status(0))
        for evse in places():
            if not usable(core, evse):
                sessions.stop(core, evse, "AbnormalCondition", "Local")
            else:
                core.wake(evse)
            sessions.tell_status(core, evse)
        return True

    core.later(0.0, lambda: core.when_idle(act))
    return {"status": "Scheduled" if busy() else "Accepted"}


# Triggers


def trigger_v16(core: StationCore, asked: Payload) -> Payload:
    """TriggerMessage and ExtendedTriggerMessage."""
    wanted, number = asked["requestedMessage"], asked.get("connectorId")
    if number is not None and number not in core.evses:
        return {"status": "Rejected"}
    numbers = list(core.evses) if number is None else [number]
    said: list[Callable[[], object]] = []
    match wanted:
        case "StatusNotification":
            said += [_saying(core, core.voice.status, n) for n in numbers]
        case "MeterValues":
            said += [_saying(core, lambda n: _meter_v16(core, n), n) for n in numbers]
        case "SignChargePointCertificate":
            said.append(lambda: sign_certificate(core))
        case "DiagnosticsStatusNotification":
            said.append(lambda: _say(core, diagnostics_status(core)))
        case _:
            said += _common(core, wanted)
    return _do(core, said)


def trigger_v2(core: StationCore, asked: Payload) -> Payload:
    """TriggerMessage (F06)."""
    wanted = asked["requestedMessage"]
    number = asked.get("evse", {}).get("id")
    if number is not None and number not in core.evses:
        return {"status": "Rejected"}
    numbers = list(core.evses) if number is None else [number]
    said: list[Callable[[], object]] = []
    match wanted:
        case "StatusNotification":
            said += [_saying(core, core.voice.status, n) for n in numbers]
        case "MeterValues":
            said += [_saying(core, lambda n: _meter_v2(core, n), n) for n in numbers]
        case "TransactionEvent":
            evses = [core.evses[n] for n in numbers]
            running = [evse for evse in evses if evse.transaction is not None]
            if not running:
                return {"status": "Rejected"}
            said.append(lambda: _meter_all(core, running))
        case "SignChargingStationCertificate":
            said.append(lambda: sign_certificate(core))
        case _:
            said += _common(core, wanted)
    return _do(core, said)


def _common(core: StationCore, wanted: str) -> list[Callable[[], object]]:
    match wanted:
        case "BootNotification":
            return [lambda: _boot_again(core)]
        case "Heartbeat":
            return [lambda: _say(core, ("Heartbeat", {}))]
        case "FirmwareStatusNotification":
            return [lambda: _say(core, firmware_status(core))]
        case "LogStatusNotification":
            return [lambda: _say(core, log_status(core))]
    return []


def _do(core: StationCore, said: list[Callable[[], object]]) -> Payload:
    if not said:
        return {"status": "NotImplemented"}
    for act in said:
        core.later(0.0, act)
    return accepted()


def _boot_again(core: StationCore) -> None:
    core.boot_reason = "Triggered"
    core.boot()


def _meter_all(core: StationCore, evses: list[Evse]) -> None:
    for evse in evses:
        sessions.meter_now(core, evse, "Trigger")


def _saying(
    core: StationCore, make: Callable[[int], Message | None], number: int
) -> Callable[[], None]:
    return lambda: _say(core, make(number))


def _say(core: StationCore, message: Message | None) -> None:
    # A pending station may say what it is asked for (1.6 4.2; 2.0.1 B02.FR.02).
    core.say(message, unregistered=True)


def _meter_v16(core: StationCore, number: int) -> Message:
    evse = core.evses[number]
    evse.settle(core.now_s)
    payload: Payload = {
        "connectorId": number,
        "meterValue": sample_v16(core, evse, "Trigger", "measurands"),
    }
    if evse.transaction is not None and evse.transaction.number is not None:
        payload["transactionId"] = evse.transaction.number
    return "MeterValues", payload


def _meter_v2(core: StationCore, number: int) -> Message:
    evse = core.evses[number]
    evse.settle(core.now_s)
    return "MeterValues", {
        "evseId": number,
        "meterValue": sample_v2(core, evse, "Trigger", "measurands"),
    }


V16: dict[str, Handler] = {
    "RemoteStartTransaction": remote_start_v16,
    "RemoteStopTransaction": remote_stop,
    "UnlockConnector": unlock_v16,
    "Reset": reset,
    "ChangeAvailability": change_availability_v16,
    "TriggerMessage": trigger_v16,
    "ExtendedTriggerMessage": trigger_v16,
}
V2: dict[str, Handler] = {
    "RequestStartTransaction": remote_start_v2,
    "RequestStopTransaction": remote_stop,
    "UnlockConnector": unlock_v2,
    "Reset": reset,
    "ChangeAvailability": change_availability_v2,
    "TriggerMessage": trigger_v2,
}
