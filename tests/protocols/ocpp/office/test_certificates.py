"""Our authority: what it signs verifies, what it must not sign it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zerocity.errors import InputError
from zerocity.protocols.ocpp.office.certificates import (
    AUTHORITY_YEARS,
    Authority,
    common_name,
    make_authority,
    make_request,
    make_server_certificate,
    needs_renewal,
    pem_text,
    read_authority,
    revocation_list,
    sign_request,
)

AT = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority("Lanzhou", AT)


def request_of(key: object, names: list[str], algorithm: hashes.HashAlgorithm | None) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.sign(key, algorithm)  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_signed_station_certificate_is_a_client_of_ours(authority: Authority) -> None:
    csr, _ = make_request("CS-7")
    issued = sign_request(authority, csr, "CS-7", AT)
    made = x509.load_pem_x509_certificate(issued.pem.encode())
    made.verify_directly_issued_by(authority.certificate)
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert common_name(issued.pem.encode()) == "CS-7"
    assert int(issued.serial, 16) == made.serial_number
    assert issued.expires_at - AT == timedelta(days=365)


def test_bare_base64_without_armour_is_read_too(authority: Authority) -> None:
    csr, _ = make_request("CS-7")
    bare = "".join(line for line in csr.splitlines() if "-----" not in line)
    assert sign_request(authority, bare, "CS-7", AT).serial


@pytest.mark.parametrize("station", ["CS-8", "cs-7", ""])
def test_a_request_in_another_name_is_refused(authority: Authority, station: str) -> None:
    csr, _ = make_request("CS-7")
    with pytest.raises(InputError, match="common name"):
        sign_request(authority, csr, station, AT)


def test_two_names_are_refused(authority: Authority) -> None:
    csr = request_of(ec.generate_private_key(ec.SECP256R1()), ["CS-7", "CS-8"], hashes.SHA256())
    with pytest.raises(InputError, match="common name"):
        sign_request(authority, csr, "CS-7", AT)


def test_weak_keys_and_hashes_are_refused(authority: Authority) -> None:
    weak = [
        (rsa.generate_private_key(65537, 1024), hashes.SHA256()),
        (ec.generate_private_key(ec.SECP192R1()), hashes.SHA256()),
        (ed25519.Ed25519PrivateKey.generate(), None),
        (ec.generate_private_key(ec.SECP256R1()), hashes.SHA224()),
    ]
    for key, algorithm in weak:
        with pytest.raises(InputError, match=r"request's (key|hash)"):
            sign_request(authority, request_of(key, ["CS-7"], algorithm), "CS-7", AT)


def test_a_strong_rsa_key_is_taken(authority: Authority) -> None:
    csr = request_of(rsa.generate_private_key(65537, 2048), ["CS-7"], hashes.SHA256())
    assert sign_request(authority, csr, "CS-7", AT).serial


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA"])
def test_garbage_is_refused_plainly(authority: Authority, text: str) -> None:
    with pytest.raises(InputError, match="signing request"):
        sign_request(authority, text, "CS-7", AT)


def test_a_request_signed_by_another_key_is_refused(authority: Authority) -> None:
    csr, _ = make_request("CS-7")
    data = bytearray(x509.load_pem_x509_csr(csr.encode()).public_bytes(serialization.Encoding.DER))
    data[-1] ^= 1
    try:
        changed = x509.load_der_x509_csr(bytes(data)).public_bytes(serialization.Encoding.PEM)
    except ValueError:
        pytest.skip("the changed bytes are no request at all")
    with pytest.raises(InputError, match="signature"):
        sign_request(authority, changed.decode(), "CS-7", AT)


def test_an_authority_is_read_back_and_a_foreign_key_is_not(authority: Authority) -> None:
    again = read_authority(authority.certificate_pem.encode(), authority.key_pem)
    assert again.certificate == authority.certificate
    assert again.certificate.not_valid_after_utc - AT == timedelta(days=365 * AUTHORITY_YEARS)
    other = make_authority("Elsewhere", AT)
    with pytest.raises(InputError, match="key"):
        read_authority(authority.certificate_pem.encode(), other.key_pem)
    with pytest.raises(InputError, match="files"):
        read_authority(b"no", b"no")


def test_its_text_never_shows_the_key(authority: Authority) -> None:
    assert "PRIVATE" not in f"{authority!r}"


def test_the_gateway_has_names_and_addresses(authority: Authority) -> None:
    issued, key = make_server_certificate(authority, ["city.example", "127.0.0.1"], AT)
    made = x509.load_pem_x509_certificate(issued.pem.encode())
    made.verify_directly_issued_by(authority.certificate)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["city.example"]
    assert b"PRIVATE KEY" in key
    with pytest.raises(InputError):
        make_server_certificate(authority, [], AT)


def test_what_was_taken_back_is_listed(authority: Authority) -> None:
    issued = sign_request(authority, make_request("CS-7")[0], "CS-7", AT)
    listed = x509.load_pem_x509_crl(revocation_list(authority, [(issued.serial, AT)], AT))
    assert listed.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]
    assert listed.get_revoked_certificate_by_serial_number(int(issued.serial, 16)) is not None
    assert listed.get_revoked_certificate_by_serial_number(1) is None


def test_renewal_begins_a_month_before_the_end() -> None:
    assert needs_renewal(AT + timedelta(days=29), AT)
    assert not needs_renewal(AT + timedelta(days=31), AT)


def test_a_certificate_without_one_name_is_refused(authority: Authority) -> None:
    assert common_name(authority.certificate.public_bytes(serialization.Encoding.DER))
    assert pem_text(authority.certificate).startswith("-----BEGIN")
    with pytest.raises(InputError):
        common_name(b"\x30\x03abc")
