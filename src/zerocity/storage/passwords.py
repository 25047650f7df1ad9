"""Secrets as they are kept: never themselves, only what they can be checked against.

What people choose is stretched by scrypt (RFC 7914). What we draw has so many bits that stretching
adds nothing, and a fleet that reconnects would pay for it; it is hashed once, with a salt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# 16 MiB and some 50 ms a guess. RFC 7914 §2 leaves N to the reader; r = 8 and p = 1 are its own.
# More memory would let a crowd of sign-ins exhaust the server's.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 14, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32
# OCPP 2.0.1 part 2, A00.FR.205: a station's password has 16 to 40 signs of this kind.
STATION_PASSWORD_SIGNS = 32
LEAST_PASSWORD_SIGNS = 10  # an assumption, above the 8 of NIST SP 800-63B §5.1.1.1
_MOST_PASSWORD_SIGNS = 256


def hash_password(password: str) -> str:
    """Return ``scrypt$N$r$p$salt$hash`` of a password that a person chose."""
    salt = secrets.token_bytes(_SALT_BYTES)
    made = _scrypt(password, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    return f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${_text(salt)}${_text(made)}"


def hash_drawn(secret: str) -> str:
    """Return ``sha256$salt$hash`` of a secret that was drawn by ``draw_secret``."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"sha256${_text(salt)}${_text(hashlib.sha256(salt + secret.encode()).digest())}"


def draw_secret(signs: int = STATION_PASSWORD_SIGNS) -> str:
    """Return random signs A-Z a-z 0-9 - _, 6 bits each."""
    return secrets.token_urlsafe(signs)[:signs]


def matches(secret: str, kept: str | None) -> bool:
    """True when the secret is the one that was kept; takes up to 50 ms for a person's password.

    Nothing kept, or kept in a form we do not know, matches nothing.
    """
    if not kept or len(secret) > _MOST_PASSWORD_SIGNS:
        return False
    kind, *parts = kept.split("$")
    try:
        if kind == "scrypt" and len(parts) == 5:
            n, r, p = (int(part) for part in parts[:3])
            salt, wanted = _bytes(parts[3]), _bytes(parts[4])
            return hmac.compare_digest(_scrypt(secret, salt, n, r, p), wanted)
        if kind == "sha256" and len(parts) == 2:
            salt, wanted = _bytes(parts[0]), _bytes(parts[1])
            return hmac.compare_digest(hashlib.sha256(salt + secret.encode()).digest(), wanted)
    except ValueError:
        return False
    return False


def is_old(kept: str) -> bool:
    """True for a password that was stretched less than is done now: hash it anew at sign-in."""
    return kept.startswith("scrypt$") and not kept.startswith(
        f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}$"
    )


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_HASH_BYTES
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
