"""Who gets in: nobody from outside without a sign-in, nobody by a stranger's page."""

from __future__ import annotations

import asyncio
import base64

import pytest
from fastapi import HTTPException, Request
from hypothesis import given
from hypothesis import strategies as st

from zerocity.storage.users import ROLES
from zerocity.web.access import FORWARDED, Access, Local

KEYS = {"key-of-ann": "ann"}
PASSWORDS = {("ann", "long enough")}


class Known:
    name = "ann"

    def may(self, action: str) -> bool:
        return action == "see"


async def check(kind: str, secret: str) -> Known | None:
    if kind == "key":
        return Known() if secret in KEYS else None
    return Known() if (kind.removeprefix("password "), secret) in PASSWORDS else None


OPEN, SHUT = Access(check, True), Access(check, False)


def request(client: str | None = "127.0.0.1", **headers: str) -> Request:
    """A request; ``host`` is localhost if it is not given."""
    named = {"host": "localhost:9300", **{k.replace("_", "-"): v for k, v in headers.items()}}
    raw = [(k.encode(), v.encode("latin-1")) for k, v in named.items()]
    return Request(
        {"type": "http", "headers": raw, "client": None if client is None else (client, 5555)}
    )


def asks(access: Access, asked: Request, action: str = "see") -> str | int:
    """The name of who may, or the code of the refusal."""
    try:
        return asyncio.run(access.allow(asked, action)).name
    except HTTPException as error:
        return error.status_code


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1"])
def test_whoever_sits_here_need_not_sign_in(client: str) -> None:
    assert asks(OPEN, request(client)) == "local"
    assert asks(SHUT, request(client)) == 401


@pytest.mark.parametrize("client", ["10.0.0.7", "192.168.1.1", "2001:db8::1", "testclient", None])
def test_a_stranger_must_sign_in(client: str | None) -> None:
    assert asks(OPEN, request(client)) == 401
    assert asks(SHUT, request(client)) == 401
    assert asks(OPEN, request(client, authorization="Bearer key-of-ann")) == "ann"


@pytest.mark.parametrize("header", FORWARDED)
def test_whom_a_proxy_speaks_for_is_a_stranger(header: str) -> None:
    assert asks(OPEN, request(**{header: "127.0.0.1"})) == 401


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Bearer key-of-ann", "ann"),
        ("bearer  key-of-ann ", "ann"),
        ("Bearer key-of-bob", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        (basic("ann:long enough"), "ann"),
        (basic("ann:wrong"), 401),
        (basic("bob:long enough"), 401),
        (basic("ann"), 401),
        ("Basic !!!", 401),
        ("Basic \xe9\xe9", 401),
        ("Basic /w==", 401),
        ("Digest whatever", 401),
        ("key-of-ann", 401),
    ],
)
def test_keys_and_passwords(text: str, wanted: str | int) -> None:
    assert asks(SHUT, request("10.0.0.7", authorization=text)) == wanted
    # A wrong sign-in is not made good by sitting here.
    assert asks(OPEN, request(authorization=text)) == wanted


@pytest.mark.parametrize(
    ("origin", "host", "wanted"),
    [
        ("http://localhost:9300", "localhost:9300", "local"),
        ("http://evil.example", "localhost:9300", 403),
        ("http://localhost:9301", "localhost:9300", 403),
        ("null", "localhost:9300", 403),
        ("http://localhost:9300.evil.example", "localhost:9300", 403),
        ("", "localhost:9300", "local"),
    ],
)
def test_a_page_of_another_site_may_not_ask(origin: str, host: str, wanted: str | int) -> None:
    assert asks(OPEN, request(origin=origin, host=host)) == wanted
    signed = request("10.0.0.7", origin=origin, host=host, authorization="Bearer key-of-ann")
    assert asks(SHUT, signed) == ("ann" if wanted == "local" else 403)


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("localhost", "local"), ("127.0.0.1:9300", "local"), ("[::1]:9300", "local"),
        ("LOCALHOST:1", "local"), ("evil.example", 403), ("evil.example:9300", 403), ("", 403),
        ("localhost.evil.example", 403), ("[::2]:9300", 403), ("127.0.0.1.evil.example", 403),
    ],
)  # fmt: skip
def test_on_loopback_it_is_asked_by_its_own_name(host: str, wanted: str | int) -> None:
    assert asks(OPEN, request(host=host)) == wanted


def test_a_role_has_its_bounds() -> None:
    signed = request("10.0.0.7", authorization="Bearer key-of-ann")
    assert asks(SHUT, signed, "see") == "ann"
    assert asks(SHUT, signed, "set_limit") == 403


@pytest.mark.parametrize("action", sorted(ROLES["admin"] - ROLES["operator"] - ROLES["technician"]))
def test_sitting_here_does_not_make_an_administrator(action: str) -> None:
    assert not Local().may(action)
    assert asks(OPEN, request(), action) == 403


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_header_breaks_the_door(text: str) -> None:
    for access in (OPEN, SHUT):
        assert asks(access, request("10.0.0.7", authorization=text)) in (401, "ann")
        assert asks(access, request(origin=text, host="localhost")) in (401, 403, "local")
        assert asks(access, request(host=text)) in (401, 403, "local")
