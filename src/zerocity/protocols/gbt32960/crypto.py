"""Encryption of the data unit and signatures of the vehicle: what the standard names, and how.

GB/T 32960.3 names the algorithms (2016: RSA, AES-128; 2025 adds SM2 and SM4) but neither mode nor
padding nor hash. Those are settings here, and their defaults are assumptions of ours:

- AES and SM4: ECB with PKCS#7, because the frame has no field for an initial vector. Equal blocks
  look equal in ECB: where secrecy counts use TLS, or agree on another mode with the other side.
- RSA: PKCS#1 v1.5, blocks of key length less 11 bytes one after the other (RFC 8017, 7.2).
- Signatures: SHA-256; RSA by PKCS#1 v1.5 with the whole signature in R; ECC as ECDSA on P-256.

SM2 is not in the library that we keep: SM2 data are refused as not decryptable, SM2 signatures
are reported as not checked, never as good.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from zerocity.protocols.gbt32960.frames import LONGEST_UNIT, Encryption

KEY_BYTES = 16
BLOCK_BYTES = 16
GCM_NONCE_BYTES = 12
GCM_TAG_BYTES = 16
# PKCS#1 v1.5 needs 11 bytes of each block (RFC 8017, 7.2.1).
RSA_OVERHEAD_BYTES = 11
# Shorter RSA keys can be broken; longer ones cost the gateway too much time. Bounds of ours.
RSA_BITS = (2048, 4096)


class Mode(StrEnum):
    """How a block cipher is run; the nonce, where there is one, goes before the data."""

    ECB = "ecb"
    CBC = "cbc"
    CTR = "ctr"
    GCM = "gcm"


class Verdict(StrEnum):
    """What is known about a signature."""

    GOOD = "good"
    BAD = "bad"
    NOT_CHECKED = "not checked"


class CipherError(Exception):
    """A data unit that cannot be opened or closed; ``rule`` says why, without any secret."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)


@dataclass(frozen=True, slots=True)
class SessionKey:
    """A key with the time it holds for (table 31); None: no bound on that side."""

    key: bytes
    starts: datetime | None = None
    ends: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the key is in force at a moment."""
        return (self.starts is None or self.starts <= at) and (self.ends is None or at < self.ends)

    def __repr__(self) -> str:
        return f"SessionKey({len(self.key)} bytes)"


class KeyRing:
    """The keys of one link, ours and the other side's.

    Parameters
    ----------
    mode : of AES and SM4; the default is an assumption, see the head of this file.
    private_key : ours, to open RSA data. public_key : the other side's, to close it.
    aes, sm4 : keys of 16 bytes agreed beforehand.
    draw : source of nonces, bytes of a given number.
    """

    __slots__ = ("draw", "mode", "private_key", "public_key", "session_keys")

    def __init__(
        self,
        *,
        mode: Mode = Mode.ECB,
        private_key: rsa.RSAPrivateKey | None = None,
        public_key: rsa.RSAPublicKey | None = None,
        aes: bytes | None = None,
        sm4: bytes | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.mode = mode
        self.private_key, self.public_key = private_key, public_key
        self.session_keys: dict[int, SessionKey] = {}
        self.draw = draw
        for method, key in ((Encryption.AES, aes), (Encryption.SM4, sm4)):
            if key is not None:
                self.put(method, SessionKey(key))

    def put(self, method: int, key: SessionKey) -> None:
        """Take a key of AES or SM4, agreed beforehand or by key exchange (command 0B).

        Raises
        ------
        CipherError : another algorithm, or not 16 bytes.
        """
        if method not in (Encryption.AES, Encryption.SM4):
            raise CipherError(f"a session key of method {method}: only AES and SM4 have one")
        if len(key.key) != KEY_BYTES:
            raise CipherError(f"a key of {len(key.key)} bytes, wanted {KEY_BYTES}")
        self.session_keys[method] = key

    def open(self, method: int, data: bytes, at: datetime) -> bytes:
        """Decrypt a data unit; ``at`` chooses the key in force.

        Raises
        ------
        CipherError : unknown method, no key, no key in force, or data that do not open.
        """
        if method == Encryption.NONE:
            return data
        if method == Encryption.RSA:
            return _open_rsa(self.private_key, data)
        return _open_blocks(self._cipher(method, at), self.mode, data)

    def close(self, method: int, data: bytes, at: datetime) -> bytes:
        """Encrypt a data unit; the same errors as ``open``, and too long a result."""
        if method == Encryption.NONE:
            return data
        if method == Encryption.RSA:
            closed = _close_rsa(self.public_key, data)
        else:
            closed = _close_blocks(self._cipher(method, at), self.mode, data, self.draw)
        if len(closed) > LONGEST_UNIT:
            raise CipherError(f"{len(closed)} encrypted bytes, at most {LONGEST_UNIT} fit a frame")
        return closed

    def _cipher(self, method: int, at: datetime) -> algorithms.AES | algorithms.SM4:
        if method not in (Encryption.AES, Encryption.SM4):
            known = "SM2 is not in our library" if method == Encryption.SM2 else "unknown method"
            raise CipherError(f"encryption {method:#04x}: {known}")
        key = self.session_keys.get(method)
        if key is None or not key.holds(at):
            raise CipherError(
                f"no {Encryption(method).name} key " + ("in force" if key else "agreed")
            )
        return algorithms.AES(key.key) if method == Encryption.AES else algorithms.SM4(key.key)


def _open_blocks(cipher: algorithms.AES | algorithms.SM4, mode: Mode, data: bytes) -> bytes:
    head, body, tag = _parts(mode, data)
    try:
        chosen: Cipher[Any] = Cipher(cipher, _library_mode(mode, head, tag))
        decryptor = chosen.decryptor()
        plain = decryptor.update(body) + decryptor.finalize()
        return _unpadded(plain) if mode in (Mode.ECB, Mode.CBC) else plain
    except (ValueError, InvalidTag) as error:
        raise CipherError("the data unit does not decrypt with the agreed key") from error


def _close_blocks(
    cipher: algorithms.AES | algorithms.SM4, mode: Mode, data: bytes, draw: Callable[[int], bytes]
) -> bytes:
    sizes = {Mode.ECB: 0, Mode.GCM: GCM_NONCE_BYTES}
    head = draw(sizes.get(mode, BLOCK_BYTES)) if mode != Mode.ECB else b""
    chosen: Cipher[Any] = Cipher(cipher, _library_mode(mode, head, None))
    encryptor = chosen.encryptor()
    body = _padded(data) if mode in (Mode.ECB, Mode.CBC) else data
    closed = encryptor.update(body) + encryptor.finalize()
    tag = encryptor.tag if mode == Mode.GCM else b""
    return head + closed + tag


def _parts(mode: Mode, data: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Nonce, body and tag of an encrypted data unit."""
    if mode == Mode.ECB:
        return b"", data, None
    size = GCM_NONCE_BYTES if mode == Mode.GCM else BLOCK_BYTES
    shortest = size + (GCM_TAG_BYTES if mode == Mode.GCM else 0)
    if len(data) < shortest:
        raise CipherError(f"{len(data)} encrypted bytes, at least {shortest} in mode {mode}")
    if mode == Mode.GCM:
        return data[:size], data[size:-GCM_TAG_BYTES], data[-GCM_TAG_BYTES:]
    return data[:size], data[size:], None


def _library_mode(mode: Mode, head: bytes, tag: bytes | None) -> modes.Mode:
    if mode == Mode.ECB:
        return modes.ECB()
    if mode == Mode.CBC:
        return modes.CBC(head)
    return modes.CTR(head) if mode == Mode.CTR else modes.GCM(head, tag)


def _padded(data: bytes) -> bytes:
    padder = PKCS7(8 * BLOCK_BYTES).padder()
    return padder.update(data) + padder.finalize()


def _unpadded(data: bytes) -> bytes:
    unpadder = PKCS7(8 * BLOCK_BYTES).unpadder()
    return unpadder.update(data) + unpadder.finalize()


def _open_rsa(key: rsa.RSAPrivateKey | None, data: bytes) -> bytes:
    if key is None:
        raise CipherError("no RSA key of ours to open the data with")
    size = key.key_size // 8
    if not data or len(data) % size:
        raise CipherError(f"{len(data)} bytes of RSA data, wanted a multiple of {size}")
    try:
        blocks = (data[start : start + size] for start in range(0, len(data), size))
        return b"".join(key.decrypt(block, padding.PKCS1v15()) for block in blocks)
    except ValueError as error:
        raise CipherError("the data unit does not decrypt with our RSA key") from error


def _close_rsa(key: rsa.RSAPublicKey | None, data: bytes) -> bytes:
    if key is None:
        raise CipherError("no RSA key of the other side to close the data with")
    size = key.key_size // 8 - RSA_OVERHEAD_BYTES
    blocks = (data[start : start + size] for start in range(0, max(len(data), 1), size))
    return b"".join(key.encrypt(block, padding.PKCS1v15()) for block in blocks)


class Algorithm(IntEnum):
    """Of a signature (2025 edition, table 8)."""

    SM2 = 1
    RSA = 2
    ECC = 3


PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def read_public_key(data: bytes) -> PublicKey:
    """Read a public key: DER (SubjectPublicKeyInfo), or a bare point of P-256.

    Raises
    ------
    CipherError : neither, or an RSA key outside 2048 to 4096 bits.
    """
    try:
        if len(data) == 65 and data[0] == 4:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
        key = serialization.load_der_public_key(data)
    except Exception as error:  # the library has several ways to refuse bytes from outside
        raise CipherError("a public key that cannot be read") from error
    if isinstance(key, rsa.RSAPublicKey) and not RSA_BITS[0] <= key.key_size <= RSA_BITS[1]:
        raise CipherError(f"an RSA key of {key.key_size} bits, wanted {RSA_BITS[0]} or more")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CipherError("a public key that is neither RSA nor ECC")
    return key


def verify(key: PublicKey | None, algorithm: int, signed: bytes, r: bytes, s: bytes) -> Verdict:
    """Check a signature of table 8 over the bytes ``signed``.

    NOT_CHECKED where the algorithm is SM2 or no key is known; BAD where key and algorithm differ.
    """
    if algorithm == Algorithm.SM2 or key is None:
        return Verdict.NOT_CHECKED
    try:
        if algorithm == Algorithm.RSA and isinstance(key, rsa.RSAPublicKey):
            key.verify(r + s, signed, padding.PKCS1v15(), hashes.SHA256())
        elif algorithm == Algorithm.ECC and isinstance(key, ec.EllipticCurvePublicKey):
            pair = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
            key.verify(pair, signed, ec.ECDSA(hashes.SHA256()))
        else:
            return Verdict.BAD
    except (InvalidSignature, ValueError):
        return Verdict.BAD
    return Verdict.GOOD


def sign(key: PrivateKey, data: bytes) -> tuple[Algorithm, bytes, bytes]:
    """Sign as a vehicle does: the algorithm, R and S of table 8."""
    if isinstance(key, rsa.RSAPrivateKey):
        return Algorithm.RSA, key.sign(data, padding.PKCS1v15(), hashes.SHA256()), b""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    size = (key.curve.key_size + 7) // 8
    return Algorithm.ECC, r.to_bytes(size, "big"), s.to_bytes(size, "big")
