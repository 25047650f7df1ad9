"""An authority, a server's and a client's certificate, made anew for each test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Made(NamedTuple):
    authority: Path
    server: Path
    client: Path


def make(folder: Path, *, server: str, client: str) -> Made:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("test authority")
    root = _builder(name, name, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    authority = folder / "authority.pem"
    authority.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    paths = []
    for common in (server, client):
        own = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_name(common), name, own.public_key()).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False
        )
        path = folder / f"{common}.pem"
        path.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        paths.append(path)
    return Made(authority, *paths)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
