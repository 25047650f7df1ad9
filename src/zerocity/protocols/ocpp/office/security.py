"""Security events and certificates (OCPP 2.x A01-A04, M01-M06; 1.6 security whitepaper ed. 3).

A station asks with SignCertificate, we say whether we will, and once that is stored the signed
chain goes out in CertificateSigned.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from zerocity.errors import InputError
from zerocity.live.registry import Registry
from zerocity.live.station_file import IssuedCertificate
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.certificate_status import (
    HOLDS,
    is_ours,
    ocsp_answer,
    serial_number,
)
from zerocity.protocols.ocpp.office.certificates import (
    Authority,
    Issued,
    needs_renewal,
    serial_text,
    sign_request,
)
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.orders import ALL, V2, asked, say
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import clipped, moment, stamp, status_info
from zerocity.storage.recorder import Row

# Certificates that one station gets in a day; an assumption, it needs one a year.
MOST_A_DAY = 10
STATION_CERTIFICATE = "ChargingStationCertificate"


def security_event(context: Context, payload: Payload) -> Outcome:
    """SecurityEventNotification: kept as it came (A04)."""
    at = moment(payload["timestamp"]) or context.at
    return Outcome({}, [event_row(context, payload["type"], payload.get("techInfo", ""), at)])


def sign_certificate(context: Context, payload: Payload) -> Outcome:
    """SignCertificate: sign the request if it is this station's and strong enough (A02, A03)."""
    authority = context.registry.city.authority
    kind = payload.get("certificateType", STATION_CERTIFICATE)
    if not isinstance(authority, Authority) or kind != STATION_CERTIFICATE:
        return _not_signed(context, "NoAuthority", f"nobody here signs a {kind}")
    if not _may_ask_again(context):
        return _not_signed(context, "TooManyRequests", f"more than {MOST_A_DAY} in a day")
    try:
        issued = sign_request(authority, payload["csr"], context.station.id, context.at)
    except InputError as error:
        return _not_signed(context, "InvalidCSR", str(error))
    register(context.registry, context.station.id, issued)
    signed: Payload = {"certificateChain": issued.pem + authority.certificate_pem}
    if context.version is not Version.V16:
        signed["certificateType"] = kind
    if "requestId" in payload:
        signed["requestId"] = payload["requestId"]
    after = partial(say, context, "CertificateSigned", signed)
    rows = [certificate_row(context.station.id, issued)]
    return Outcome({"status": "Accepted"}, rows, after)


def certificate_signed(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of CertificateSigned; a station that refuses it keeps its old certificate."""
    if payload["status"] == "Accepted":
        return []
    reason = payload.get("statusInfo", {}).get("reasonCode", "no reason given")
    return [event_row(context, "CertificateNotInstalled", reason, context.at)]


def certificate_status(context: Context, payload: Payload) -> Outcome:
    """GetCertificateStatus: an OCSP answer on what we signed; of others we know nothing (M06)."""
    named, city = payload["ocspRequestData"], context.registry.city
    found = None
    if isinstance(city.authority, Authority):
        revoked = {serial: issued.revoked_at for serial, issued in city.certificates.items()}
        found = ocsp_answer(city.authority, named, revoked, context.at)
    if found is None:
        info = status_info("NotOurCertificate", "no responder is asked for other authorities")
        return Outcome({"status": "Failed", "statusInfo": info})
    return Outcome({"status": "Accepted", "ocspResult": found})


def chain_status(context: Context, payload: Payload) -> Outcome:
    """GetCertificateChainStatus: Good, Revoked or Unknown of ours, Failed of others (2.1 M07)."""
    answers = []
    for request in payload["certificateStatusRequests"]:
        named = request["certificateHashData"]
        answers.append(
            {
                "certificateHashData": named,
                "source": request["source"],
                "status": _standing(context.registry, named),
                "nextUpdate": stamp(context.at + HOLDS),
            }
        )
    return Outcome({"certificateStatus": answers})


def ev_certificate(context: Context, payload: Payload) -> Outcome:
    """Get15118EVCertificate: nobody here provides contract certificates, and it says so (M01)."""
    info = status_info("NoProvider", "no contract certificate provider is connected")
    return Outcome({"status": "Failed", "exiResponse": "", "statusInfo": info})


def installed_ids(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetInstalledCertificateIds, kept as it came (M03)."""
    return [message_row(context, "GetInstalledCertificateIdsResponse", payload)]


def certificate_deleted(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of DeleteCertificate, kept with what was asked (M04)."""
    request = asked(token).get("certificateHashData", {})
    info = f"{request.get('serialNumber', '?')}: {payload['status']}"
    return [event_row(context, "CertificateDeleted", info, context.at)]


def register(registry: Registry, station: str, issued: Issued) -> None:
    """Make an issued certificate known; the station's expiry is that of its newest."""
    city = registry.city
    city.certificates[issued.serial] = IssuedCertificate(station, issued.expires_at)
    known = registry.stations.get(station)
    if known is not None:
        known.file.certificate_expires_at = issued.expires_at


def revoke(registry: Registry, serial: str, at: datetime) -> list[Row]:
    """Take a certificate back; the rows to store. InputError for a serial that is not ours."""
    found = registry.city.certificates.get(serial)
    if found is None:
        raise InputError("a serial number", serial, "one that the city's authority issued")
    found.revoked_at = found.revoked_at or at
    values = {"serial": serial, "revoked_at": found.revoked_at}
    return [Row("certificates", values)]


def due_for_renewal(registry: Registry, at: datetime) -> list[str]:
    """Stations whose certificate ends soon: ask each for a new request (A03).

    `renewal_message` is what to send them.
    """
    return [
        station.id
        for station in registry.stations.values()
        if station.file.certificate_expires_at is not None
        and needs_renewal(station.file.certificate_expires_at, at)
    ]


def renewal_message(version: Version) -> tuple[str, Payload]:
    """What makes a station send SignCertificate."""
    if version is Version.V16:
        return "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
    return "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"}


def certificate_row(station: str, issued: Issued) -> Row:
    """A certificate as it was issued."""
    return Row(
        "certificates",
        {
            "serial": issued.serial,
            "station": station,
            "kind": STATION_CERTIFICATE,
            "pem": issued.pem,
            "issued_at": issued.issued_at,
            "expires_at": issued.expires_at,
        },
    )


def event_row(context: Context, kind: str, info: str, at: datetime) -> Row:
    """A security event of a station."""
    return Row(
        "security_events",
        {"station": context.station.id, "at": at, "kind": clipped(kind, 50), "info": info},
    )


def _not_signed(context: Context, reason: str, why: str) -> Outcome:
    payload: Payload = {"status": "Rejected"}
    if context.version is not Version.V16:
        payload["statusInfo"] = status_info(reason, why)
    return Outcome(payload, [event_row(context, reason, clipped(why, 255), context.at)])


def _may_ask_again(context: Context) -> bool:
    signed = context.station.file.signed_at
    signed[:] = [at for at in signed if context.at - at < timedelta(days=1)]
    if len(signed) >= MOST_A_DAY:
        return False
    signed.append(context.at)
    return True


def _standing(registry: Registry, named: Payload) -> str:
    authority, number = registry.city.authority, serial_number(named)
    if not isinstance(authority, Authority) or not is_ours(authority, named) or number is None:
        return "Failed"
    found = registry.city.certificates.get(serial_text(number))
    if found is None:
        return "Unknown"
    return "Good" if found.revoked_at is None else "Revoked"


HANDLERS: dict[tuple[Version, str], Handler] = {
    **{(version, "SecurityEventNotification"): security_event for version in ALL},
    **{(version, "SignCertificate"): sign_certificate for version in ALL},
    **{(version, "GetCertificateStatus"): certificate_status for version in V2},
    **{(version, "Get15118EVCertificate"): ev_certificate for version in V2},
    (Version.V21, "GetCertificateChainStatus"): chain_status,
}
REPLIES: dict[str, Reply] = {
    "CertificateSigned": certificate_signed,
    "GetInstalledCertificateIds": installed_ids,
    "DeleteCertificate": certificate_deleted,
}
