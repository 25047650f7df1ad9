"""Who may ask what over HTTP: API keys, passwords, and what a stranger's page may not do."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import HTTPException, Request

# Names by which a machine calls itself; any other Host header on loopback is a rebinding trick.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# What only an administrator may: nobody becomes one by sitting here.
ADMINISTRATORS = frozenset(
    {"see_personal", "see_audit", "edit_users", "edit_stations", "edit_certificates", "back_up"}
)
# What a proxy adds to a request of somebody else.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Person(Protocol):
    """Who asks."""

    @property
    def name(self) -> str:
        """What the audit log calls them."""

    def may(self, action: str) -> bool:
        """Whether they may do this."""


@dataclass(frozen=True)
class Local:
    """Whoever sits at this machine, where nobody has to sign in."""

    name: str = "local"

    def may(self, action: str) -> bool:
        """Everything but what only an administrator may."""
        return action not in ADMINISTRATORS


Check = Callable[[str, str], Awaitable[Person | None]]
"""Kind ("key" or "password NAME") and secret in, the person or None out."""


@dataclass(frozen=True)
class Access:
    """The rules of one server. ``open_locally``: callers on loopback need not sign in."""

    check: Check
    open_locally: bool

    async def person(self, request: Request) -> Person:
        """Who asks; HTTP 401 for nobody we know, 403 for a page of another site."""
        self.refuse_foreign_pages(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        found = None
        if kind.lower() == "bearer" and secret:
            found = await self.check("key", secret.strip())
        elif kind.lower() == "basic" and secret:
            name, password = _basic(secret)
            found = await self.check(f"password {name}", password)
        elif not kind and self.open_locally and _is_local(request):
            return Local()
        if found is None:
            raise HTTPException(
                401, "sign in with an API key (Authorization: Bearer KEY) or a password",
                {"WWW-Authenticate": 'Basic realm="zerocity"'},
            )  # fmt: skip
        return found

    async def allow(self, request: Request, action: str) -> Person:
        """The person, if they may do ``action``; else HTTP 403."""
        person = await self.person(request)
        if not person.may(action):
            raise HTTPException(403, f"{person.name} may not {action.replace('_', ' ')}")
        return person

    def refuse_foreign_pages(self, request: Request) -> None:
        """HTTP 403 for a request that a page of another site makes through somebody's browser."""
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if origin and origin.partition("://")[2] != host:
            raise HTTPException(403, "pages of other sites may not ask here")
        if self.open_locally and _host_name(host) not in LOOPBACK_NAMES:
            raise HTTPException(403, "this server is asked by its own name only")


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _basic(text: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError as error:  # not base64, or not UTF-8 in it
        raise HTTPException(401, "unreadable credentials") from error
    return name, password


def _is_local(request: Request) -> bool:
    """Whether the caller sits at this machine: nobody that a proxy here speaks for does."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
