"""Who a station is: passwords, one-time passwords, certificates, and how often one may try.

Every refusal looks the same from outside and comes after the same time, so that nobody can ask
which stations exist.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol, TypeVar

import structlog

from zerocity.live.cores import roam
from zerocity.protocols.ocpp.server.handshake import Basic, RefusedError
from zerocity.protocols.ocpp.server.limits import LoginLimits
from zerocity.protocols.ocpp.server.settings import OcppSettings

_T = TypeVar("_T")

log = structlog.get_logger(__name__)

# Two checks at a time: more would take the processor from the stations that are already in.
_CHECKERS = 2
# Checks that may wait; beyond this the server asks the stations to come back later.
_MOST_WAITING = 512


@dataclass(frozen=True, slots=True)
class Credential:
    """What the store knows of a station's identity. `profile`: its lowest security profile."""

    station: str
    profile: int = 1
    password_hash: str | None = None
    one_time_hash: str | None = None
    one_time_until: datetime | None = None
    certificate_sha256: str | None = None

    def __repr__(self) -> str:
        return f"Credential(station={self.station!r}, profile={self.profile})"


class CredentialSource(Protocol):
    """Where credentials are kept; called in a thread, may wait for a database."""

    def find(self, station: str) -> Credential | None:
        """The credential of a station, None when it is unknown."""
        ...

    def is_revoked(self, serial: str) -> bool:
        """Whether the certificate with this serial number (upper-case hex) is revoked."""
        ...


class Passwords(Protocol):
    """Hashes of passwords, some of them slow; called in a thread."""

    def hash(self, password: str) -> str:
        """The hash to keep of a password that we drew."""
        ...

    def verify(self, password: str, kept: str) -> bool:
        """Whether the password has this hash, in constant time."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands at the door: address, TLS or not, and the certificate if one was shown."""

    address: str
    loopback: bool = False
    secure: bool = False
    certificate: ShownCertificate | None = None

    def block(self) -> str:
        """What is counted for failed logins: an IPv4 address or an IPv6 /64."""
        try:
            address = ipaddress.ip_address(self.address.partition("%")[0])
        except ValueError:
            return self.address
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, 64), strict=False))


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A client certificate whose chain TLS has verified: names (CN, DNS), serial [hex], digest."""

    names: tuple[str, ...]
    serial: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A station that may come in, by which profile.

    `one_time`: it needs a key of its own; `took_offer`: it came with the key that was on offer.
    """

    station: str
    profile: int
    one_time: bool = False
    took_offer: bool = False


def _denied(why: str) -> RefusedError:
    return RefusedError(HTTPStatus.UNAUTHORIZED, why)


class Doorkeeper:
    """Checks who a station is. `now_s` is monotonic seconds, `at` the time in UTC."""

    def __init__(
        self,
        source: CredentialSource,
        passwords: Passwords,
        settings: OcppSettings,
        now_s: Callable[[], float],
        at: Callable[[], datetime],
    ) -> None:
        self._source, self._passwords, self._settings = source, passwords, settings
        self._now_s, self._at = now_s, at
        self._limits = LoginLimits(settings.login_tries, settings.login_forgive_s)
        self._pool = ThreadPoolExecutor(_CHECKERS, "ocpp-login", initializer=roam)
        self._waiting = 0
        self._found: dict[str, tuple[float, Credential]] = {}
        self._used: set[str] = set()
        self._offered: dict[str, str] = {}
        # Passwords that were verified before, as digests under a key of this process only.
        self._secret = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}

    async def admit(self, station: str, basic: Basic | None, caller: Caller) -> Admitted:
        """Admit the station or raise RefusedError."""
        if caller.certificate is not None:
            return await self._by_certificate(station, caller.certificate)
        if basic is None:
            return self._without_password(station, caller)
        return await self._by_password(station, basic, caller)

    def _without_password(self, station: str, caller: Caller) -> Admitted:
        if self._settings.demo and caller.loopback:
            return Admitted(station, 0)
        raise _denied("no password")

    async def _by_certificate(self, station: str, shown: ShownCertificate) -> Admitted:
        if station not in shown.names:
            raise _denied("certificate of another name")
        credential = await self._find(station)
        if credential is None:
            raise _denied("unknown station")
        if await self.in_thread(self._source.is_revoked, shown.serial):
            raise _denied("certificate revoked")
        pinned = credential.certificate_sha256
        if pinned and not hmac.compare_digest(pinned.lower(), shown.sha256):
            raise _denied("another certificate than agreed")
        return Admitted(station, 3)

    async def _by_password(self, station: str, basic: Basic, caller: Caller) -> Admitted:
        profile = 2 if caller.secure else 1
        credential = await self._find(station)
        named = basic.name == station
        if named and credential is not None and self._was_verified(credential, basic.password):
            return self._checked(credential, profile)
        if not self._limits.may_try(caller.block(), self._now_s()):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too many failed logins")
        began_s = self._now_s()
        try:
            if credential is None or not named:
                raise _denied("unknown station or another user name")
            return await self._check(credential, basic.password, profile)
        except RefusedError as refused:
            if refused.status is HTTPStatus.UNAUTHORIZED:
                self._limits.failed(caller.block(), self._now_s())
                # A check takes as long as its hash is slow; to the asker all take the same.
                step_s = self._settings.refusal_s
                await asyncio.sleep(step_s - (self._now_s() - began_s) % step_s)
            raise

    async def _check(self, credential: Credential, password: bytes, profile: int) -> Admitted:
        station, kept = credential.station, credential.password_hash
        if kept and await self._is(password, kept):
            self._verified[station] = self._digest(kept, password)
            return self._checked(credential, profile)
        once, until = credential.one_time_hash, credential.one_time_until
        fresh = until is not None and self._at() < until and once not in self._used
        if once and fresh and await self._is(password, once):
            admitted = self._checked(credential, profile)
            self._used.add(once)
            return Admitted(admitted.station, admitted.profile, one_time=True)
        offered = self._offered.get(station)
        if offered and await self._is(password, offered):
            self._verified[station] = self._digest(offered, password)
            admitted = self._checked(credential, profile)
            return Admitted(admitted.station, admitted.profile, took_offer=True)
        # Its password may have been changed a moment ago: look again when it comes next.
        self._found.pop(station, None)
        raise _denied("wrong password")

    def _checked(self, credential: Credential, profile: int) -> Admitted:
        if profile < max(credential.profile, self._settings.least_profile):
            raise _denied("security profile too low")
        return Admitted(credential.station, profile)

    async def _is(self, password: bytes, kept: str) -> bool:
        return await self.in_thread(self._matches, password, kept)

    def _matches(self, password: bytes, kept: str) -> bool:
        return any(self._passwords.verify(text, kept) for text in spellings(password))

    def _digest(self, kept: str, password: bytes) -> bytes:
        return hashlib.blake2b(kept.encode() + b"\0" + password, key=self._secret).digest()

    def _was_verified(self, credential: Credential, password: bytes) -> bool:
        known = self._verified.get(credential.station)
        kept = credential.password_hash
        if known is None or not kept:
            return False
        return hmac.compare_digest(known, self._digest(kept, password))

    async def _find(self, station: str) -> Credential | None:
        now_s = self._now_s()
        found = self._found.get(station)
        if found is not None and now_s - found[0] < self._settings.credential_age_s:
            return found[1]
        credential = await self.in_thread(self._source.find, station)
        if credential is None:
            self.forget(station)
        else:
            self._found[station] = (now_s, credential)
        return credential

    def forget(self, station: str) -> None:
        """Ask the store again when this station comes next."""
        self._found.pop(station, None)
        self._verified.pop(station, None)

    async def offer(self, station: str, password: str) -> str:
        """Hash a password that is about to be given to a station, and return the hash.

        Until `keep` or `withdraw` the station may log in with it: it may have taken the password
        although its answer was lost.
        """
        kept = await self.in_thread(self._passwords.hash, password)
        self._offered[station] = kept
        return kept

    def offered(self, station: str) -> str | None:
        """The hash of the password on offer to this station, if there is one."""
        return self._offered.get(station)

    def keep(self, station: str) -> None:
        """The station took the password on offer; its hash is in the store now."""
        self._offered.pop(station, None)
        self._found.pop(station, None)

    def withdraw(self, station: str) -> None:
        """The station refused the password on offer."""
        self._offered.pop(station, None)

    async def in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        """Let a worker thread ask the store; RefusedError 503 when too many wait or it fails."""
        if self._waiting >= _MOST_WAITING:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "too many logins at once")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)
        except Exception:
            # A store that is away lets nobody in, and nobody is told that a password was wrong.
            log.exception("ocpp.login_check_failed")
            why = "the login check failed"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Stop the checking threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def spellings(password: bytes) -> tuple[str, ...]:
    """The texts that a password may stand for.

    An AuthorizationKey is configured in hex, and stations differ in whether they then log in with
    the text or with its 20 bytes (OCPP-J 1.6 section 6.2, security whitepaper ed. 3 A00.FR.205).
    """
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return (password.hex(),)
    return (text, password.hex()) if len(password) == 20 else (text,)
