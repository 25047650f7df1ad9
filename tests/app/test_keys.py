"""The city's own keys: made once, kept close, renewed in time."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from zerocity.app.keys import open_authority, own_names, server_certificate, trusted_clients
from zerocity.errors import InputError
from zerocity.protocols.ocpp.server.settings import TlsFiles
from zerocity.protocols.ocpp.server.tls import server_context

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_the_authority_is_made_once_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    made = open_authority(tmp_path, "town", AT)
    assert mode(tmp_path / "keys") == 0o700
    assert mode(tmp_path / "keys" / "authority.key") == 0o600
    again = open_authority(tmp_path, "another name", AT + timedelta(days=9))
    assert again.certificate == made.certificate
    root = (tmp_path / "keys" / "authority.pem").read_text()
    assert root == made.certificate_pem
    assert "PRIVATE" not in root


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    open_authority(tmp_path, "town", AT)
    (tmp_path / "keys" / "authority.key").chmod(0o644)
    open_authority(tmp_path, "town", AT)
    assert mode(tmp_path / "keys" / "authority.key") == 0o600


def test_a_damaged_key_is_one_clear_error(tmp_path: Path) -> None:
    open_authority(tmp_path, "town", AT)
    (tmp_path / "keys" / "authority.key").write_text("nothing")
    with pytest.raises(InputError, match="authority"):
        open_authority(tmp_path, "town", AT)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        open_authority(tmp_path / "file", "town", AT)


def test_the_server_certificate_is_made_anew_when_it_must_be(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, "town", AT)

    def serial(names: list[str], at: datetime) -> int:
        file = server_certificate(tmp_path, authority, names, at)
        assert mode(file) == 0o600
        text = file.read_bytes()
        return x509.load_pem_x509_certificate(text[text.index(b"-----BEGIN CERT") :]).serial_number

    first = serial(["a.example", "127.0.0.1"], AT)
    assert serial(["127.0.0.1"], AT + timedelta(days=300)) == first
    other = serial(["b.example"], AT)
    assert other != first
    assert serial(["b.example"], AT + timedelta(days=340)) != other
    server_certificate(tmp_path, authority, ["b.example"], AT).write_text("damaged")
    assert serial(["b.example"], AT)


def test_the_files_serve_tls_and_trust_ours_and_theirs(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, "town", AT)
    theirs = open_authority(tmp_path / "other", "maker", AT)
    more = tmp_path / "other" / "keys" / "authority.pem"
    clients = trusted_clients(tmp_path, authority, more)
    own = server_certificate(tmp_path, authority, ["localhost"], AT)
    context = server_context(TlsFiles(own, own, clients))
    assert context.verify_mode is ssl.CERT_OPTIONAL
    roots = {str(root["subject"]) for root in context.get_ca_certs()}
    assert len(roots) == 2
    assert theirs.certificate_pem in clients.read_text()
    with pytest.raises(InputError, match="missing"):
        trusted_clients(tmp_path, authority, tmp_path / "missing.pem")


def test_a_server_is_called_by_its_names_and_never_by_any_address() -> None:
    assert own_names("0.0.0.0", ["a.example"])[0] == "a.example"
    assert "0.0.0.0" not in own_names("0.0.0.0", [])
    assert own_names("10.0.0.7", [])[0] == "10.0.0.7"
    assert own_names("host.example", ["host.example"]).count("host.example") == 1
