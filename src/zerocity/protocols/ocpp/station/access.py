"""Who may charge at a simulated station: local list, cache, reservations.

OCPP 1.6 sections 5.1, 5.4, 5.10, 5.13 and 5.15; 2.0.1 part 2, C11, D01, D02, H01 to H03.
"""

from __future__ import annotations

from zerocity.protocols.ocpp.station import sessions
from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.parts import Payload, Reservation
from zerocity.protocols.ocpp.wire_words import moment


def clear_cache(core: StationCore, asked: Payload) -> Payload:
    """ClearCache."""
    if not core.settings.yes("cache"):
        return {"status": "Rejected"}
    core.cache.clear()
    return {"status": "Accepted"}


# The local list


def list_version(core: StationCore, asked: Payload) -> Payload:
    """GetLocalListVersion; 1.6 says -1 where there is no list at all."""
    if not core.is_16:
        return {"versionNumber": core.local_list_version}
    enabled = core.settings.yes("list")
    return {"listVersion": core.local_list_version if enabled else -1}


def send_list_v16(core: StationCore, asked: Payload) -> Payload:
    """SendLocalList of 1.6."""
    if not core.settings.yes("list"):
        return {"status": "NotSupported"}
    entries = {
        entry["idTag"]: entry["idTagInfo"]["status"] if "idTagInfo" in entry else None
        for entry in asked.get("localAuthorizationList", ())
    }
    return _take_list(core, asked["listVersion"], asked["updateType"], entries)


def send_list_v2(core: StationCore, asked: Payload) -> Payload:
    """SendLocalList of 2.x."""
    if not core.settings.yes("list"):
        return {"status": "Failed"}
    entries = {
        entry["idToken"]["idToken"]: entry["idTokenInfo"]["status"]
        if "idTokenInfo" in entry
        else None
        for entry in asked.get("localAuthorizationList", ())
    }
    return _take_list(core, asked["versionNumber"], asked["updateType"], entries)


def _take_list(
    core: StationCore, version: int, kind: str, entries: dict[str, str | None]
) -> Payload:
    """A full list replaces; a differential one must be newer, and removes what has no info."""
    if len(entries) > core.settings.number("list_message"):
        return {"status": "Failed"}
    if kind == "Full":
        if any(status is None for status in entries.values()):
            return {"status": "Failed"}
        core.local_list = {token: str(status) for token, status in entries.items()}
    else:
        if version <= core.local_list_version:
            return {"status": "VersionMismatch"}
        for token, status in entries.items():
            if status is None:
                core.local_list.pop(token, None)
            else:
                core.local_list[token] = status
    core.local_list_version = version
    return {"status": "Accepted"}


# Reservations


def reserve_v16(core: StationCore, asked: Payload) -> Payload:
    """ReserveNow of 1.6."""
    return _reserve(
        core,
        Reservation(
            asked["reservationId"],
            asked["connectorId"],
            asked["idTag"],
            asked.get("parentIdTag"),
            moment(asked["expiryDate"]) or core.at,
        ),
    )


def reserve_v2(core: StationCore, asked: Payload) -> Payload:
    """ReserveNow of 2.x."""
    group = asked.get("groupIdToken")
    kind = asked.get("connectorType")
    if kind is not None and kind != core.make.connector_type and "evseId" not in asked:
        return {"status": "Rejected"}
    return _reserve(
        core,
        Reservation(
            asked["id"],
            asked.get("evseId", 0),
            asked["idToken"]["idToken"],
            None if group is None else group["idToken"],
            moment(asked["expiryDateTime"]) or core.at,
        ),
    )


def _reserve(core: StationCore, wanted: Reservation) -> Payload:
    """The state of the EVSE decides; the same id takes the place of an older claim."""
    if not core.settings.yes("reserve") or wanted.expires_at <= core.at:
        return {"status": "Rejected"}
    if wanted.evse != 0 and wanted.evse not in core.evses:
        return {"status": "Rejected"}
    places = list(core.evses.values()) if wanted.evse == 0 else [core.evses[wanted.evse]]
    others = {r.evse for r in core.reservations.values() if r.id != wanted.id}
    if all(evse.faulted for evse in places):
        return {"status": "Faulted"}
    if not any(usable(core, evse) for evse in places):
        return {"status": "Unavailable"}
    if not any(e.car is None and e.id not in others for e in places):
        return {"status": "Occupied"}
    core.reservations[wanted.id] = wanted
    wait_s = (wanted.expires_at - core.at).total_seconds()
    core.later(wait_s, lambda: _expire(core, wanted))
    core.later(0.0, lambda: _tell(core, wanted))
    return {"status": "Accepted"}


def cancel(core: StationCore, asked: Payload) -> Payload:
    """CancelReservation."""
    held = core.reservations.pop(asked["reservationId"], None)
    if held is None:
        return {"status": "Rejected"}
    core.later(0.0, lambda: _tell(core, held))
    return {"status": "Accepted"}


def _expire(core: StationCore, held: Reservation) -> None:
    if core.reservations.get(held.id) is not held:
        return
    del core.reservations[held.id]
    _tell(core, held)
    if not core.is_16:
        payload = {"reservationId": held.id, "reservationUpdateStatus": "Expired"}
        core.say(("ReservationStatusUpdate", payload))


def _tell(core: StationCore, held: Reservation) -> None:
    if held.evse != 0:
        sessions.tell_status(core, core.evses[held.evse])


V16: dict[str, Handler] = {
    "ClearCache": clear_cache,
    "GetLocalListVersion": list_version,
    "SendLocalList": send_list_v16,
    "ReserveNow": reserve_v16,
    "CancelReservation": cancel,
}
V2: dict[str, Handler] = {
    "ClearCache": clear_cache,
    "GetLocalListVersion": list_version,
    "SendLocalList": send_list_v2,
    "ReserveNow": reserve_v2,
    "CancelReservation": cancel,
}
