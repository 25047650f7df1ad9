"""Certificates at a simulated station: requests, new ones, trusted roots.

OCPP 1.6 security whitepaper edition 3, 5.6 to 5.10; 2.0.1 part 2, A02, A03, M03 to M05.
"""

from __future__ import annotations

from datetime import UTC

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zerocity.protocols.ocpp.office.certificate_status import hash_data, serial_number
from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.parts import Payload
from zerocity.protocols.ocpp.wire_words import status_info


def sign_certificate(core: StationCore) -> None:
    """Make a key and ask the CSMS to sign it: common name is the station's id (A02.FR.06)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, core.id),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, core.settings.text("organisation")),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    core.keys.waiting = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    payload: Payload = {"csr": request.public_bytes(serialization.Encoding.PEM).decode()}
    if not core.is_16:
        payload["certificateType"] = "ChargingStationCertificate"
    core.say(("SignCertificate", payload))


def certificate_signed(core: StationCore, asked: Payload) -> Payload:
    """CertificateSigned: taken if it is for our key, our name and now; else a security event."""
    problem = _problem(core, asked["certificateChain"])
    if problem is not None:
        core.later(0.0, lambda: security_event(core, "InvalidChargingStationCertificate", problem))
        return _rejected(core, "InvalidCertificate")
    core.keys.chain, core.keys.private = asked["certificateChain"], core.keys.waiting
    core.keys.waiting = b""
    return {"status": "Accepted"}


def install_certificate(core: StationCore, asked: Payload) -> Payload:
    """InstallCertificate: a root to trust."""
    found = _load(asked["certificate"])
    if found is None:
        return _rejected(core, "InvalidCertificate")
    if found.not_valid_after_utc < core.at.astimezone(UTC):
        return _rejected(core, "CertificateExpired")
    if len(core.keys.trusted) >= core.settings.number("store_most"):
        return _rejected(core, "OutOfStorage")
    entry = (asked["certificateType"], asked["certificate"])
    if entry not in core.keys.trusted:
        core.keys.trusted.append(entry)
    return {"status": "Accepted"}


def delete_certificate(core: StationCore, asked: Payload) -> Payload:
    """DeleteCertificate: by its hashes; the station's own cannot be deleted (M04.FR.06)."""
    wanted = asked["certificateHashData"]
    own = _load(core.keys.chain)
    if own is not None and serial_number(wanted) == own.serial_number:
        return {"status": "Failed"}
    for entry in core.keys.trusted:
        found = _load(entry[1])
        if found is not None and _same(hash_data(found, found, wanted["hashAlgorithm"]), wanted):
            core.keys.trusted.remove(entry)
            return {"status": "Accepted"}
    return {"status": "NotFound"}


def installed_v16(core: StationCore, asked: Payload) -> Payload:
    """GetInstalledCertificateIds of 1.6."""
    found = [h for kind, h in _hashes(core) if kind == asked["certificateType"]]
    if not found:
        return {"status": "NotFound"}
    return {"status": "Accepted", "certificateHashData": found}


def installed_v2(core: StationCore, asked: Payload) -> Payload:
    """GetInstalledCertificateIds of 2.x (M03)."""
    wanted = asked.get("certificateType")
    found = [
        {"certificateType": kind, "certificateHashData": hashed}
        for kind, hashed in _hashes(core)
        if wanted is None or kind in wanted
    ]
    if not found:
        return {"status": "NotFound"}
    return {"status": "Accepted", "certificateHashDataChain": found}


def security_event(core: StationCore, kind: str, info: str) -> None:
    """SecurityEventNotification; it is kept while the link is away (A04.FR.02)."""
    payload = {"type": kind, "timestamp": core.stamp(), "techInfo": info[:255]}
    core.post(("SecurityEventNotification", payload), None)


def _hashes(core: StationCore) -> list[tuple[str, Payload]]:
    found = []
    for kind, pem in core.keys.trusted:
        certificate = _load(pem)
        if certificate is not None:
            found.append((kind, hash_data(certificate, certificate)))
    return found


def _problem(core: StationCore, chain: str) -> str | None:
    """Why a signed certificate cannot be ours, or None."""
    leaf = _load(chain)
    if leaf is None or not core.keys.waiting:
        return "unreadable, or nothing was asked"
    key = serialization.load_pem_private_key(core.keys.waiting, password=None)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        return "not for the key of the request"
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names or names[0].value != core.id:
        return "common name is not the station's id"
    at = core.at.astimezone(UTC)
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        return "not valid now"
    return None


def _load(pem: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def _same(one: Payload, other: Payload) -> bool:
    """Whether two hash data name one certificate; hexadecimals may differ in case and zeros."""
    return all(
        str(one[key]).lower().lstrip("0") == str(other[key]).lower().lstrip("0")
        for key in ("issuerNameHash", "issuerKeyHash", "serialNumber")
    )


def _rejected(core: StationCore, reason: str) -> Payload:
    if core.is_16:
        return {"status": "Rejected"}
    return {"status": "Rejected", "statusInfo": status_info(reason)}


V16: dict[str, Handler] = {
    "CertificateSigned": certificate_signed,
    "InstallCertificate": install_certificate,
    "DeleteCertificate": delete_certificate,
    "GetInstalledCertificateIds": installed_v16,
}
V2: dict[str, Handler] = {
    "CertificateSigned": certificate_signed,
    "InstallCertificate": install_certificate,
    "DeleteCertificate": delete_certificate,
    "GetInstalledCertificateIds": installed_v2,
}
