"""Certificates are asked for, signed, refused, taken back; events are kept."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from block_cases import AT, Case, rows_of
from cryptography import x509
from cryptography.x509 import ocsp

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.certificate_status import hash_data
from zerocity.protocols.ocpp.office.certificates import Authority, make_authority, make_request
from zerocity.protocols.ocpp.office.security import (
    MOST_A_DAY,
    due_for_renewal,
    renewal_message,
    revoke,
)


def with_authority(version: Version) -> tuple[Case, Authority]:
    case, authority = Case(version), make_authority("Lanzhou", AT)
    case.registry.city.authority = authority
    return case, authority


@pytest.mark.parametrize("version", list(Version))
def test_a_good_request_is_signed_once_it_is_stored(version: Version) -> None:
    case, authority = with_authority(version)
    outcome = case.hear("SignCertificate", {"csr": make_request("S1")[0]})
    assert outcome.payload == {"status": "Accepted"}
    ((action, payload, token),) = case.said
    assert action == "CertificateSigned"
    mine, root = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
    mine.verify_directly_issued_by(root)
    assert root == authority.certificate
    (row,) = rows_of(outcome.rows, "certificates")
    assert int(row["serial"], 16) == mine.serial_number
    assert case.reply(action, payload, {"status": "Accepted"}) == []
    (event,) = case.reply(action, payload, {"status": "Rejected"})
    assert event.values["kind"] == "CertificateNotInstalled"
    assert token is not None


@pytest.mark.parametrize("version", list(Version))
def test_another_stations_request_is_refused_and_kept(version: Version) -> None:
    case, _ = with_authority(version)
    outcome = case.hear("SignCertificate", {"csr": make_request("S2")[0]})
    assert outcome.payload["status"] == "Rejected"
    assert [row["kind"] for row in rows_of(outcome.rows, "security_events")] == ["InvalidCSR"]
    assert case.said == []


def test_without_an_authority_or_for_a_vehicle_nothing_is_signed() -> None:
    assert Case().hear("SignCertificate", {"csr": "x"}).payload["status"] == "Rejected"
    case, _ = with_authority(Version.V21)
    told = {"csr": make_request("S1")[0], "certificateType": "V2GCertificate"}
    assert case.hear("SignCertificate", told).payload["status"] == "Rejected"


def test_the_request_id_of_2_1_comes_back() -> None:
    case, _ = with_authority(Version.V21)
    case.hear("SignCertificate", {"csr": make_request("S1")[0], "requestId": 4})
    assert case.said[0][1]["requestId"] == 4


def test_a_station_cannot_ask_without_end() -> None:
    case, _ = with_authority(Version.V21)
    csr = {"csr": make_request("S1")[0]}
    said = [case.hear("SignCertificate", csr).payload["status"] for _ in range(MOST_A_DAY + 1)]
    assert said == ["Accepted"] * MOST_A_DAY + ["Rejected"]
    later = case.hear("SignCertificate", csr, at=AT + timedelta(days=2))
    assert later.payload["status"] == "Accepted"


def signed(case: Case, authority: Authority) -> dict[str, Any]:
    case.hear("SignCertificate", {"csr": make_request("S1")[0]})
    mine = x509.load_pem_x509_certificates(case.said[-1][1]["certificateChain"].encode())[0]
    return hash_data(mine, authority.certificate)


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_status_of_our_own_before_and_after_it_is_taken_back(version: Version) -> None:
    case, authority = with_authority(version)
    named = signed(case, authority)
    request = {"ocspRequestData": named | {"responderURL": "http://ocsp.example"}}

    def status() -> ocsp.OCSPCertStatus:
        answer = case.hear("GetCertificateStatus", request).payload
        return ocsp.load_der_ocsp_response(
            base64.b64decode(answer["ocspResult"])
        ).certificate_status

    assert status() is ocsp.OCSPCertStatus.GOOD
    (row,) = revoke(case.registry, named["serialNumber"], AT)
    assert row.values["revoked_at"] == AT
    assert status() is ocsp.OCSPCertStatus.REVOKED
    with pytest.raises(InputError):
        revoke(case.registry, "ABC", AT)


def test_of_foreign_certificates_we_answer_honestly() -> None:
    case, authority = with_authority(Version.V21)
    ours = signed(case, authority)
    other = make_authority("Elsewhere", AT)
    foreign = hash_data(other.certificate, other.certificate)
    request = {"ocspRequestData": foreign | {"responderURL": "http://ocsp.example"}}
    assert case.hear("GetCertificateStatus", request).payload["status"] == "Failed"
    asked = [
        {"certificateHashData": named, "source": "OCSP", "urls": ["http://ocsp.example"]}
        for named in (ours, foreign, ours | {"serialNumber": "1"})
    ]
    answer = case.hear("GetCertificateChainStatus", {"certificateStatusRequests": asked}).payload
    assert [one["status"] for one in answer["certificateStatus"]] == ["Good", "Failed", "Unknown"]


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_no_contract_certificates_here(version: Version) -> None:
    request = {"iso15118SchemaVersion": "urn:x", "action": "Install", "exiRequest": "AA=="}
    assert Case(version).hear("Get15118EVCertificate", request).payload["status"] == "Failed"


def test_stations_are_asked_to_renew_a_month_before() -> None:
    case, authority = with_authority(Version.V21)
    signed(case, authority)
    assert due_for_renewal(case.registry, AT) == []
    assert due_for_renewal(case.registry, AT + timedelta(days=340)) == ["S1"]
    for version in Version:
        action, payload = renewal_message(version)
        assert check(version, action, "request", payload) is None


@pytest.mark.parametrize("version", list(Version))
def test_events_and_deletions_are_kept(version: Version) -> None:
    case = Case(version)
    told = {"type": "TamperDetectionActivated", "timestamp": AT.isoformat(), "techInfo": "door"}
    (row,) = rows_of(case.hear("SecurityEventNotification", told).rows, "security_events")
    assert (row["kind"], row["info"]) == ("TamperDetectionActivated", "door")
    named = {
        "hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b",
        "serialNumber": "1F",
    }  # fmt: skip
    (gone,) = case.reply(
        "DeleteCertificate", {"certificateHashData": named}, {"status": "Accepted"}
    )
    assert gone.values["info"] == "1F: Accepted"
