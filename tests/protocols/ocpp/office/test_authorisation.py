"""What a station is told of a token and of a contract certificate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from core_cases import AT, City, start_v16
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import Version


def authorize(city: City, token: str, kind: str = "ISO14443", **more: Any) -> dict[str, Any]:
    return city.hear("Authorize", {"idToken": {"idToken": token, "type": kind}, **more})


def contract(ends: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CNABC123")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(ends - timedelta(days=9)).not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("token", "status"),
    [("T", "Accepted"), ("t", "Accepted"), ("BLOCKED", "Blocked"), ("OLD", "Expired"),
     ("nobody", "Unknown")],
)  # fmt: skip
def test_tokens_of_2x(token: str, status: str) -> None:
    for version in (Version.V201, Version.V21):
        assert authorize(City(version), token)["idTokenInfo"]["status"] == status


def test_all_that_is_known_of_a_token() -> None:
    city = City(Version.V201)
    ends = AT + timedelta(days=1)
    city.registry.add_token(Token("X", "eMAID", expires_at=ends, parent="G", priority=-40))
    assert authorize(city, "X", "eMAID")["idTokenInfo"] == {
        "status": "Accepted", "cacheExpiryDateTime": "2026-05-02T01:00:00Z",
        "groupIdToken": {"idToken": "G", "type": "eMAID"}, "chargingPriority": -9,
    }  # fmt: skip
    assert authorize(city, "X", "ISO14443")["idTokenInfo"]["status"] == "Invalid"


def test_group_too_long_for_16_is_left_out() -> None:
    city = City()
    city.registry.add_token(Token("X", parent="g" * 21))
    assert city.hear("Authorize", {"idTag": "X"})["idTagInfo"] == {"status": "Accepted"}


def test_nobody_charges_only_where_charging_is_free() -> None:
    city = City(Version.V201)
    assert authorize(city, "", "NoAuthorization")["idTokenInfo"]["status"] == "Invalid"
    city.registry.stations["A"].free_vend = True
    assert authorize(city, "", "NoAuthorization")["idTokenInfo"]["status"] == "Accepted"


def test_where_charging_is_free_any_unknown_token_will_do() -> None:
    for version in (Version.V201, Version.V21):
        city = City(version)
        city.registry.stations["A"].free_vend = True
        assert authorize(city, "stranger")["idTokenInfo"]["status"] == "Accepted"
        assert authorize(city, "BLOCKED")["idTokenInfo"]["status"] == "Blocked"
    city = City()
    city.registry.stations["A"].free_vend = True
    assert city.hear("Authorize", {"idTag": "stranger"})["idTagInfo"]["status"] == "Accepted"
    assert city.hear("StartTransaction", start_v16("x"))["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    ("pem", "status"),
    [
        (contract(AT + timedelta(days=1)), "CertChainError"),
        (contract(AT - timedelta(days=1)), "CertificateExpired"),
        ("no certificate", "SignatureError"),
        ("", "SignatureError"),
    ],
)
def test_no_contract_is_accepted_that_cannot_be_proved(pem: str, status: str) -> None:
    told = authorize(City(Version.V21), "T", certificate=pem)
    assert told["certificateStatus"] == status
    assert told["idTokenInfo"]["status"] == "Invalid"


def test_hashes_alone_prove_nothing() -> None:
    data = {
        "hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b",
        "serialNumber": "c", "responderURL": "http://x",
    }  # fmt: skip
    told = authorize(City(Version.V201), "BLOCKED", iso15118CertificateHashData=[data])
    assert told["certificateStatus"] == "NoCertificateAvailable"
    assert told["idTokenInfo"]["status"] == "Blocked"
