"""Security profiles 2 and 3 with certificates made here: names, revocation, minimum profiles."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from gateway_world import World, add_station, ask, boot, open_world, run
from websockets.exceptions import InvalidMessage, InvalidStatus

from zerocity.errors import InputError
from zerocity.protocols.ocpp.office.certificates import serial_text
from zerocity.protocols.ocpp.server.settings import OcppSettings, TlsFiles
from zerocity.protocols.ocpp.server.tls import server_context, shown_certificate

Key = ec.EllipticCurvePrivateKey


@dataclass
class Pair:
    """A certificate and its key, in files."""

    certificate: x509.Certificate
    key: Key
    pem: Path
    key_pem: Path


class Mint:
    """Makes an authority and certificates signed by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = self.make("authority", None)

    def make(self, name: str, issuer: Pair | None, *, server: bool = False, days: int = 1) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        )
        if issuer is not None:
            usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        if server:
            local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([local]), False)
        certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        pem, key_pem = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Pair(certificate, key, pem, key_pem)

    def client(self, pair: Pair | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.pem)
        if pair is not None:
            context.load_cert_chain(pair.pem, pair.key_pem)
        return context


@pytest.fixture
def mint(tmp_path: Path) -> Mint:
    return Mint(tmp_path)


def secure_world(mint: Mint, **settings: Any) -> Any:
    server = mint.make("server", mint.authority, server=True)
    files = TlsFiles(server.pem, server.key_pem, mint.authority.pem)
    return open_world(port=None, tls_port=0, tls=files, **settings)


def secure(world: World, mint: Mint, pair: Pair | None, name: str = "CS1", **options: Any) -> Any:
    base = f"wss://127.0.0.1:{world.gateway.tls_port}/ocpp"
    return world.connect(name, base=base, ssl=mint.client(pair), **options)


def test_profile_2_a_password_over_tls(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint, least_profile=2) as world:
            add_station(world, "SAFE", profile=2)
            async with secure(world, mint, None, "SAFE") as client:
                assert (await boot(client))["status"] == "Accepted"
                assert (await ask(client, "Heartbeat", {}))[0] == 3
            with pytest.raises(InvalidStatus):
                await secure(world, mint, None, "SAFE", password="wrong")

    run(test())


def test_profile_3_the_certificate_is_the_name(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint, least_profile=3) as world:
            pair = mint.make("CS1", mint.authority)
            async with secure(world, mint, pair, password=None) as client:
                assert (await boot(client))["status"] == "Accepted"
            with pytest.raises(InvalidStatus):  # another station's name
                await secure(world, mint, pair, "CS2", password=None)
            with pytest.raises(InvalidStatus):  # a password alone is profile 2
                await secure(world, mint, None)

    run(test())


def test_a_revoked_certificate_is_refused(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint) as world:
            pair = mint.make("CS1", mint.authority)
            async with secure(world, mint, pair, password=None):
                pass
            world.book.revoked.add(serial_text(pair.certificate.serial_number))
            # Even with the right password: who shows a certificate is judged by it.
            with pytest.raises(InvalidStatus):
                await secure(world, mint, pair)

    run(test())


def test_a_pinned_certificate_admits_no_other(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint) as world:
            pair = mint.make("CS1", mint.authority)
            der = pair.certificate.public_bytes(serialization.Encoding.DER)
            add_station(world, "CS1", certificate_sha256=hashlib.sha256(der).hexdigest())
            async with secure(world, mint, pair, password=None):
                pass
            second = mint.make("CS1", mint.authority)
            with pytest.raises(InvalidStatus):
                await secure(world, mint, second, password=None)

    run(test())


@pytest.mark.parametrize("kind", ["stranger", "expired", "server"])
def test_a_certificate_that_tls_does_not_trust_never_gets_to_ask(mint: Mint, kind: str) -> None:
    async def test() -> None:
        async with secure_world(mint) as world:
            other = Mint(mint.folder / "other") if kind == "stranger" else mint
            days = -1 if kind == "expired" else 1
            pair = other.make("CS1", other.authority, days=days, server=kind == "server")
            with pytest.raises((OSError, EOFError, InvalidMessage)):
                async with secure(world, mint, pair, password=None) as client:
                    await client.recv()
            assert world.gateway.metrics.opened == 0

    (mint.folder / "other").mkdir()
    run(test())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint) as world:
            context = mint.client(None)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            base = f"wss://127.0.0.1:{world.gateway.tls_port}/ocpp"
            with pytest.raises((OSError, EOFError, InvalidMessage)):
                await world.connect("CS1", base=base, ssl=context)

    run(test())


def test_both_listeners_at_once(mint: Mint) -> None:
    async def test() -> None:
        server = mint.make("server", mint.authority, server=True)
        files = TlsFiles(server.pem, server.key_pem)
        async with (
            open_world(tls_port=0, tls=files) as world,
            world.connect("CS1"),
            secure(world, mint, None, "CS2"),
        ):
            assert world.gateway.is_online("CS1")
            assert world.gateway.is_online("CS2")

    run(test())


def test_stopping_says_goodbye_over_tls_too(mint: Mint) -> None:
    async def test() -> None:
        async with secure_world(mint) as world:
            client = await secure(world, mint, None)
            await boot(client)
            await world.gateway.stop(1.0)
            await client.wait_closed()
            assert client.close_code == 1001

    run(test())


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ocpp\.tls"):
        server_context(TlsFiles(tmp_path / "no.pem", tmp_path / "no.key"))


def test_names_come_from_subject_and_alternative_names(mint: Mint) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CS1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("CS1.example")]), False)
        .sign(key, hashes.SHA256())
    )
    shown = shown_certificate(certificate.public_bytes(serialization.Encoding.DER))
    assert shown is not None
    assert (shown.names, shown.serial) == (("CS1", "CS1.example"), "ABC")


@pytest.mark.parametrize("der", [None, b""])
def test_no_certificate_is_none(der: bytes | None) -> None:
    assert shown_certificate(der) is None


def test_an_unreadable_certificate_names_nobody() -> None:
    shown = shown_certificate(b"\x30\x00")
    assert shown is not None
    assert shown.names == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"port": None}, "port"),
        ({"tls_port": 1}, "tls"),
        ({"demo": True, "host": "0.0.0.0"}, "demo"),
        ({"path": "ocpp"}, "path"),
        ({"ping_s": 0}, "ping_s"),
        ({"burst": float("nan")}, "burst"),
        ({"least_profile": 4}, "least_profile"),
        ({"frame_bytes": 10}, "frame_bytes"),
    ],
)
def test_settings_that_cannot_be_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=rf"ocpp\.{field}"):
        OcppSettings(**change)
