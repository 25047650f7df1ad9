"""Ciphers and signatures: known answers, there and back, and every refusal."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.gbt32960.crypto import (
    Algorithm,
    CipherError,
    KeyRing,
    Mode,
    SessionKey,
    Verdict,
    read_public_key,
    sign,
    verify,
)
from zerocity.protocols.gbt32960.frames import LONGEST_UNIT, Encryption

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = bytes(range(16))
RSA = rsa.generate_private_key(65537, 2048)
ECC = ec.generate_private_key(ec.SECP256R1())
BLOCKS = [Encryption.AES, Encryption.SM4]


def der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("method", BLOCKS)
@given(data=st.binary(max_size=200))
def test_there_and_back(mode: Mode, method: Encryption, data: bytes) -> None:
    ring = KeyRing(mode=mode, aes=KEY, sm4=KEY)
    closed = ring.close(method, data, NOW)
    assert ring.open(method, closed, NOW) == data
    assert data == b"" or data not in closed or len(data) < 4


def test_known_answers() -> None:
    # GB/T 32907-2016, example 1, and FIPS 197, appendix C.1: one block, then the padding's block.
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    closed = KeyRing(sm4=key).close(Encryption.SM4, key, NOW)
    assert closed[:16].hex() == "681edf34d206965e86b3e94f536e4246"
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    closed = KeyRing(aes=KEY).close(Encryption.AES, plain, NOW)
    assert closed[:16].hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@given(st.binary(max_size=700))
def test_rsa_goes_block_by_block(data: bytes) -> None:
    ring = KeyRing(private_key=RSA, public_key=RSA.public_key())
    assert ring.open(Encryption.RSA, ring.close(Encryption.RSA, data, NOW), NOW) == data


@pytest.mark.parametrize("mode", list(Mode))
@given(data=st.binary(max_size=80))
def test_nonsense_is_refused_or_is_nonsense(mode: Mode, data: bytes) -> None:
    ring = KeyRing(mode=mode, sm4=KEY)
    with contextlib.suppress(CipherError):
        assert isinstance(ring.open(Encryption.SM4, data, NOW), bytes)


def test_a_changed_byte_is_found_by_gcm() -> None:
    ring = KeyRing(mode=Mode.GCM, aes=KEY)
    closed = bytearray(ring.close(Encryption.AES, b"soc 55 %", NOW))
    closed[14] ^= 1
    with pytest.raises(CipherError, match="does not decrypt"):
        ring.open(Encryption.AES, bytes(closed), NOW)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (Encryption.SM2, "SM2 is not in our library"),
        (Encryption.SM4, "no SM4 key agreed"),
        (Encryption.RSA, "no RSA key"),
        (0x77, "unknown method"),
    ],
)
def test_what_cannot_be_opened_says_why(method: int, words: str) -> None:
    for way in (KeyRing().open, KeyRing().close):
        with pytest.raises(CipherError, match=words):
            way(method, bytes(16), NOW)


def test_a_key_holds_for_its_time_only() -> None:
    ring = KeyRing()
    ring.put(Encryption.AES, SessionKey(KEY, NOW, NOW + timedelta(hours=1)))
    closed = ring.close(Encryption.AES, b"a", NOW)
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(hours=1)):
        with pytest.raises(CipherError, match="in force"):
            ring.open(Encryption.AES, closed, at)
    with pytest.raises(CipherError, match="wanted 16"):
        ring.put(Encryption.AES, SessionKey(KEY[:8]))
    with pytest.raises(CipherError, match="only AES and SM4"):
        ring.put(Encryption.RSA, SessionKey(KEY))
    assert KEY.hex() not in repr(ring.session_keys)
    assert str(list(KEY)) not in repr(ring.session_keys)


def test_too_long_to_close() -> None:
    with pytest.raises(CipherError, match="fit a frame"):
        KeyRing(aes=KEY).close(Encryption.AES, bytes(LONGEST_UNIT), NOW)


@pytest.mark.parametrize("key", [RSA, ECC], ids=["rsa", "ecc"])
def test_signatures(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    algorithm, r, s = sign(key, b"what was read")
    public = read_public_key(der(key))
    assert verify(public, algorithm, b"what was read", r, s) is Verdict.GOOD
    assert verify(public, algorithm, b"what was raed", r, s) is Verdict.BAD
    assert verify(public, algorithm, b"what was read", r[:-1], s) is Verdict.BAD
    assert verify(public, 9, b"what was read", r, s) is Verdict.BAD
    other = Algorithm.ECC if algorithm is Algorithm.RSA else Algorithm.RSA
    assert verify(public, other, b"what was read", r, s) is Verdict.BAD
    # Never good: SM2, which is not in our library, and a key that nobody knows.
    assert verify(public, Algorithm.SM2, b"what was read", r, s) is Verdict.NOT_CHECKED
    assert verify(None, algorithm, b"what was read", r, s) is Verdict.NOT_CHECKED


def test_public_keys_that_are_read_and_refused() -> None:
    point = ECC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert isinstance(read_public_key(point), ec.EllipticCurvePublicKey)
    for data in (b"", b"\4" + bytes(64), der(ed25519.Ed25519PrivateKey.generate())):
        with pytest.raises(CipherError):
            read_public_key(data)
    with pytest.raises(CipherError, match="1024 bits"):
        read_public_key(der(rsa.generate_private_key(65537, 1024)))
