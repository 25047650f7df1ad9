"""The city's own certificate authority: keys and certificates as bytes, no file, no clock.

It signs what stations ask for (OCPP 2.0.1 part 2 block A, use cases A02 and A03; OCPP 1.6 security
whitepaper edition 3), makes the gateway's own certificate, and lists what it took back.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zerocity.errors import InputError

# 112 bits of strength and more (NIST SP 800-57 part 1, table 2), as OCPP 2.0.1 A00.FR.509 asks.
LEAST_RSA_BITS, LEAST_CURVE_BITS = 2048, 224
AUTHORITY_YEARS, STATION_DAYS, SERVER_DAYS = 20, 365, 365
# A certificate is renewed this long before it ends; an assumption.
RENEW_DAYS = 30
# A station whose clock lags behind ours must not call its new certificate "not yet valid".
BACKDATED = timedelta(hours=1)
_GOOD_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class Authority:
    """Our authority: its certificate and the key that signs. Its text never shows the key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        """Only the name."""
        return f"Authority({self.certificate.subject.rfc4514_string()})"

    @property
    def certificate_pem(self) -> str:
        """What stations and the gateway's context trust."""
        return pem_text(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """The private key, unencrypted PKCS 8: for a file that only its owner may read."""
        return _key_pem(self.key)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that we signed: its PEM, serial number (hex), and the times it holds."""

    pem: str
    serial: str
    issued_at: datetime
    expires_at: datetime


def make_authority(name: str, at: datetime) -> Authority:
    """A new authority called ``name``, good for `AUTHORITY_YEARS`, on curve P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} root"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
        ]
    )
    builder = _builder(subject, subject, key.public_key(), at, AUTHORITY_YEARS * 365)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def read_authority(certificate_pem: bytes, key_pem: bytes) -> Authority:
    """The authority from what `Authority.certificate_pem` and ``key_pem`` gave.

    Raises InputError when they are not PEM or do not belong together.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(
            "the authority's files", "no readable PEM", "a certificate and its key"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or (
        certificate.public_key() != key.public_key()
    ):
        raise InputError("the authority's key", "another key", "the key of its certificate")
    return Authority(certificate, key)


def sign_request(
    authority: Authority, csr_pem: str, station: str, at: datetime, days: int = STATION_DAYS
) -> Issued:
    """Sign a station's request, for client authentication, ``days`` long.

    Checks that the request is signed by its own key, that its common name is ``station``, that the
    key has at least 112 bits of strength and the hash is SHA-256 or better. Raises InputError that
    names what is wrong. Nothing but the key and the name is taken from the request.
    """
    request = _read_request(csr_pem)
    _refuse_weak_key(request.public_key())
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [station]:
        raise InputError(
            "the request's common name", str([name.value for name in names]), f"[{station!r}]"
        )
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, station),
            *authority.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
        ]
    )
    return _issue(authority, subject, request.public_key(), at, days, server=False, names=())


def make_server_certificate(
    authority: Authority, hosts: Sequence[str], at: datetime, days: int = SERVER_DAYS
) -> tuple[Issued, bytes]:
    """A new key and certificate for the gateway under its host names and IP addresses.

    Returns the certificate and the private key's PEM.
    """
    if not hosts:
        raise InputError("a server certificate", "no host", "at least one name or address")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    names = tuple(_general_name(host) for host in hosts)
    issued = _issue(authority, subject, key.public_key(), at, days, server=True, names=names)
    return issued, _key_pem(key)


def make_request(station: str, organisation: str = "Zerocity") -> tuple[str, bytes]:
    """A station's request and the PEM of its new key (P-256): what a station does in A02."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, station),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode(), _key_pem(key)


def revocation_list(
    authority: Authority, revoked: Iterable[tuple[str, datetime]], at: datetime, days: int = 7
) -> bytes:
    """The PEM list of (serial in hex, moment) that were taken back; good for ``days``."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(at - BACKDATED)
        .next_update(at + timedelta(days=days))
    )
    for serial, moment in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        builder = builder.add_revoked_certificate(entry.revocation_date(moment).build())
    signed = builder.sign(authority.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def common_name(certificate: bytes) -> str:
    """The one common name of a certificate in PEM or DER; InputError without exactly one."""
    try:
        read = (
            x509.load_pem_x509_certificate(certificate)
            if certificate.lstrip().startswith(b"-----")
            else x509.load_der_x509_certificate(certificate)
        )
    except ValueError:
        raise InputError("a certificate", "no readable PEM or DER", "one X.509") from None
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise InputError("a certificate's common name", f"{len(names)} of them", "one")
    return str(names[0].value)


def needs_renewal(expires_at: datetime, at: datetime, days: int = RENEW_DAYS) -> bool:
    """True when less than ``days`` are left."""
    return expires_at - at < timedelta(days=days)


def serial_text(number: int) -> str:
    """A serial number as OCPP and our table write it: hex, upper case, no leading zeros."""
    return f"{number:X}"


def pem_text(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _read_request(csr_pem: str) -> x509.CertificateSigningRequest:
    data = csr_pem.strip().encode()
    try:
        # Some stations leave the armour out and send the bare base64.
        request = (
            x509.load_pem_x509_csr(data)
            if data.startswith(b"-----")
            else x509.load_der_x509_csr(base64.b64decode(data, validate=True))
        )
        signed_well = request.is_signature_valid
        algorithm = request.signature_hash_algorithm
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        raise InputError("a signing request", "no readable PKCS 10", "PEM") from None
    if not signed_well:
        raise InputError("a signing request", "a wrong signature", "one by its own key")
    if not isinstance(algorithm, _GOOD_HASHES):
        name = algorithm.name if algorithm else "none"
        raise InputError("the request's hash", name, "SHA-256, SHA-384 or SHA-512")
    return request


def _refuse_weak_key(key: Any) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size >= LEAST_RSA_BITS:
            return
        came, wanted = f"RSA, {key.key_size} bits", f"at least {LEAST_RSA_BITS}"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size >= LEAST_CURVE_BITS:
            return
        came, wanted = f"a curve of {key.key_size} bits", f"at least {LEAST_CURVE_BITS}"
    else:
        came, wanted = type(key).__name__, "RSA or an elliptic curve"
    raise InputError("the request's key", came, wanted)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, at: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issue(
    authority: Authority,
    subject: x509.Name,
    key: Any,
    at: datetime,
    days: int,
    *,
    server: bool,
    names: Sequence[x509.GeneralName],
) -> Issued:
    issuer = authority.certificate
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    own_key = authority.key.public_key()
    builder = (
        _builder(subject, issuer.subject, key, at, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own_key), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(authority.key, hashes.SHA256())
    return Issued(pem_text(made), serial_text(made.serial_number), at, made.not_valid_after_utc)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        key_agreement=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
