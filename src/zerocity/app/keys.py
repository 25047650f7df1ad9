"""The city's own certificate authority and server certificate: files in the data folder.

`keys/authority.key` holds the authority's key, and only its owner may read it; `keys/authority.pem`
is what stations and vehicles are to trust. Whoever has the key can pretend to be any station.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509

from zerocity.errors import InputError
from zerocity.protocols.ocpp.office.certificates import (
    Authority,
    make_authority,
    make_server_certificate,
    needs_renewal,
    read_authority,
)

log = structlog.get_logger(__name__)

FOLDER = "keys"
AUTHORITY, ROOT, SERVER, CLIENTS = "authority.key", "authority.pem", "server.key", "clients.pem"
_BEGIN = b"-----BEGIN CERTIFICATE-----"


def open_authority(data: Path, city: str, at: datetime) -> Authority:
    """The city's authority, made when there is none; InputError for files that cannot be used."""
    folder = data / FOLDER
    file = folder / AUTHORITY
    with _told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            made = make_authority(city, at)
            _write(file, made.key_pem + made.certificate_pem.encode())
            log.info("keys.authority_made", file=str(file))
        found = _read(file)
        key, begin, certificate = found.partition(_BEGIN)
        authority = read_authority(begin + certificate, key)
        _write(folder / ROOT, authority.certificate_pem.encode(), 0o644)
    return authority


def server_certificate(
    data: Path, authority: Authority, names: Sequence[str], at: datetime
) -> Path:
    """A file with a key and a certificate of ours under ``names``; made anew near its end.

    ``names``: host names and IP addresses by which stations and vehicles call this server.
    """
    file = data / FOLDER / SERVER
    with _told(file):
        if not file.exists() or not _serves(_read(file), authority, names, at):
            issued, key = make_server_certificate(authority, names, at)
            _write(file, key + issued.pem.encode())
            log.info("keys.server_made", names=list(names), until=str(issued.expires_at))
    return file


def trusted_clients(data: Path, authority: Authority, more: Path | None) -> Path:
    """A file of the roots whose clients may come in: our own, and those in ``more``."""
    file = data / FOLDER / CLIENTS
    with _told(file):
        others = more.read_bytes() if more is not None else b""
        _write(file, authority.certificate_pem.encode() + others, 0o644)
    return file


def own_names(host: str, names: Sequence[str]) -> list[str]:
    """What a server is called: as given, by its address, and as this machine calls itself."""
    try:
        listens = [] if ipaddress.ip_address(host).is_unspecified else [host]
    except ValueError:
        listens = [host]
    found = [*names, *listens, socket.gethostname(), "localhost", "127.0.0.1"]
    return list(dict.fromkeys(name for name in found if name))


def _serves(found: bytes, authority: Authority, names: Sequence[str], at: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(_BEGIN + found.partition(_BEGIN)[2])
        certificate.verify_directly_issued_by(authority.certificate)
        shown = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever is wrong with it, a new one is right
        return False
    known = {*shown.get_values_for_type(x509.DNSName)}
    known |= {str(address) for address in shown.get_values_for_type(x509.IPAddress)}
    return known >= set(names) and not needs_renewal(certificate.not_valid_after_utc, at)


def _read(file: Path) -> bytes:
    if file.stat().st_mode & 0o077:
        log.warning("keys.closed", file=str(file), why="others could read it")
        file.chmod(0o600)
    return file.read_bytes()


def _write(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all, never readable by others before its mode is set."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(made, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            str(error.filename or place), error.strerror or "an error", "a file of keys to use"
        ) from error
