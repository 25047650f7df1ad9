"""How certificates are named and what is said of them, checked by reading the answer back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from zerocity.protocols.ocpp.office.certificate_status import (
    hash_data,
    is_ours,
    ocsp_answer,
    serial_number,
)
from zerocity.protocols.ocpp.office.certificates import (
    Authority,
    make_authority,
    make_request,
    sign_request,
)

AT = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority("Lanzhou", AT)


def issued(authority: Authority) -> x509.Certificate:
    csr, _ = make_request("CS-7")
    return x509.load_pem_x509_certificate(sign_request(authority, csr, "CS-7", AT).pem.encode())


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_the_hashes_are_those_of_an_ocsp_request(authority: Authority, algorithm: str) -> None:
    mine = issued(authority)
    named = hash_data(mine, authority.certificate, algorithm)
    kind = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}[algorithm]
    request = ocsp.OCSPRequestBuilder().add_certificate(mine, authority.certificate, kind()).build()
    assert named["issuerNameHash"] == request.issuer_name_hash.hex()
    assert named["issuerKeyHash"] == request.issuer_key_hash.hex()
    assert is_ours(authority, named)
    assert not is_ours(make_authority("Lanzhou", AT), named)


def test_good_revoked_and_unknown_are_told_apart_and_signed(authority: Authority) -> None:
    mine = issued(authority)
    named = hash_data(mine, authority.certificate)
    serial = named["serialNumber"]
    wanted = {
        ocsp.OCSPCertStatus.GOOD: {serial: None},
        ocsp.OCSPCertStatus.REVOKED: {serial: AT},
        ocsp.OCSPCertStatus.UNKNOWN: {},
    }
    for status, known in wanted.items():
        answer = ocsp_answer(authority, named, known, AT)
        assert answer is not None
        read = ocsp.load_der_ocsp_response(base64.b64decode(answer))
        assert read.certificate_status is status
        assert read.serial_number == mine.serial_number
        authority.key.public_key().verify(
            read.signature, read.tbs_response_bytes, ec.ECDSA(hashes.SHA256())
        )


def test_of_foreign_certificates_we_say_nothing(authority: Authority) -> None:
    other = make_authority("Elsewhere", AT)
    named = hash_data(issued(other), other.certificate)
    assert ocsp_answer(authority, named, {}, AT) is None
    ours = hash_data(issued(authority), authority.certificate)
    assert ocsp_answer(authority, {**ours, "serialNumber": "nothing"}, {}, AT) is None
    assert serial_number({"serialNumber": "-5"}) is None
