"""How a certificate is named in OCPP, and what our authority says of one (RFC 6960)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from zerocity.protocols.ocpp.office.certificates import BACKDATED, Authority, serial_text

_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
# An answer about a certificate holds for a week (OCPP 2.0.1 M06 asks stations to refresh weekly).
HOLDS = timedelta(days=7)


def hash_data(
    certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256"
) -> dict[str, str]:
    """CertificateHashDataType: hashes of the issuer's name and key, and the serial number."""
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": _hash(issuer.subject.public_bytes(), algorithm).hex(),
        "issuerKeyHash": _hash(_key_bits(issuer.public_key()), algorithm).hex(),
        "serialNumber": serial_text(certificate.serial_number),
    }


def is_ours(authority: Authority, named: Mapping[str, Any]) -> bool:
    """True when a schema-valid CertificateHashDataType (or OCSP request) names us as issuer."""
    root = authority.certificate
    ours = hash_data(root, root, str(named["hashAlgorithm"]))
    return all(
        str(named[key]).lower() == ours[key].lower() for key in ("issuerNameHash", "issuerKeyHash")
    )


def ocsp_answer(
    authority: Authority,
    named: Mapping[str, Any],
    revoked: Mapping[str, datetime | None],
    at: datetime,
) -> str | None:
    """Our signed OCSP response on a certificate, base64 of its DER; None when it is not of ours.

    ``revoked``: each serial that we issued (as `serial_text`), with the moment at which it was
    taken back or None. A serial that we never issued is answered "unknown", not "good".
    """
    serial = serial_number(named)
    if serial is None or not is_ours(authority, named):
        return None
    known = serial_text(serial) in revoked
    moment = revoked.get(serial_text(serial))
    status = ocsp.OCSPCertStatus.GOOD if known else ocsp.OCSPCertStatus.UNKNOWN
    algorithm = str(named["hashAlgorithm"])
    root = authority.certificate
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=_hash(root.subject.public_bytes(), algorithm),
        issuer_key_hash=_hash(_key_bits(root.public_key()), algorithm),
        serial_number=serial,
        algorithm=_ALGORITHMS[algorithm],
        cert_status=status if moment is None else ocsp.OCSPCertStatus.REVOKED,
        this_update=at - BACKDATED,
        next_update=at + HOLDS,
        revocation_time=moment,
        revocation_reason=None,
    )
    response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, root).sign(
        authority.key, hashes.SHA256()
    )
    return base64.b64encode(response.public_bytes(serialization.Encoding.DER)).decode()


def serial_number(named: Mapping[str, Any]) -> int | None:
    """The serial number of a CertificateHashDataType; None when it is no hexadecimal number."""
    try:
        found = int(str(named["serialNumber"]), 16)
    except ValueError:
        return None
    return found if found > 0 else None


def _hash(data: bytes, algorithm: str) -> bytes:
    digest = hashes.Hash(_ALGORITHMS[algorithm])
    digest.update(data)
    return digest.finalize()


def _key_bits(key: Any) -> bytes:
    """The subjectPublicKey BIT STRING without tag and length (RFC 6960 4.1.1)."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1))
