"""Reading the opening request: what is taken, what is refused and how."""

from __future__ import annotations

import contextlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.server.handshake import (
    RefusedError,
    canonical_request,
    read_basic,
    read_request,
    refusal,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
LINES = {
    "Host": "csms",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": "ocpp2.1, ocpp1.6",
    "Authorization": "Basic Q1MxOnBhc3M6d29yZA==",
}


def head(target: str = "/ocpp/CS1", drop: str = "", **change: str) -> bytes:
    lines = {name: text for name, text in LINES.items() if name != drop}
    lines |= {name.replace("_", "-"): text for name, text in change.items()}
    text = "\r\n".join(f"{name}: {value}" for name, value in lines.items())
    return f"GET {target} HTTP/1.1\r\n{text}".encode("latin-1")


def test_a_request_is_read() -> None:
    request = read_request(head(), "/ocpp/")
    assert (request.station, request.key) == ("CS1", KEY)
    assert request.subprotocols == ("ocpp2.1", "ocpp1.6")
    assert request.basic is not None
    assert (request.basic.name, request.basic.password) == ("CS1", b"pass:word")
    assert "pass:word" not in repr(request)


@pytest.mark.parametrize(
    ("target", "station"),
    [
        ("/ocpp/RDAM%7C123", "RDAM|123"),
        ("/ocpp/CS.1*2-3_4=5:6+7@8", "CS.1*2-3_4=5:6+7@8"),
        ("/ocpp/CS1?token=x", "CS1"),
        ("/ocpp/" + "A" * 48, "A" * 48),
    ],
)
def test_names_may_be_percent_encoded(target: str, station: str) -> None:
    assert read_request(head(target), "/ocpp/").station == station


@pytest.mark.parametrize(
    "target",
    ["/", "/ocpp", "/ocpp/", "/ocpp/a/b", "/ocpp/%2e%2e%2f", "/ocpp/%00", "/ocpp/é".encode().decode(
        "latin-1"), "/ocpp/" + "A" * 49, "/OCPP/CS1", "http://x/ocpp/CS1"],
)  # fmt: skip
def test_other_paths_are_refused(target: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(head(target), "/ocpp/")
    assert refused.value.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(drop="Upgrade"), 426),
        (head(Connection="close"), 426),
        (head(Sec_WebSocket_Version="8"), 426),
        (head(drop="Sec-WebSocket-Key"), 400),
        (head(Sec_WebSocket_Key="c2hvcnQ="), 400),
        (head(Sec_WebSocket_Key="ü"), 400),
        (head(Content_Length="1"), 400),
        (head(Transfer_Encoding="chunked"), 400),
        (head() + b"\r\nAuthorization: Basic eDp5", 400),
        (head() + b"\r\n folded: x", 400),
        (head() + b"\r\nno colon", 400),
        (head("/ocpp/CS1?a\nb"), 400),
        (head(Cookie="a\rb"), 400),
        (head(Upgrade="websocket\xa0"), 426),
        (head().replace(b"GET", b"POST"), 400),
        (head().replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        (b"", 400),
    ],
)
def test_other_requests_are_refused(request_head: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(request_head, "/ocpp/")
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_no_bytes_bring_it_down(data: bytes) -> None:
    for request_head in (data, b"GET /ocpp/CS1 HTTP/1.1\r\n" + data, head() + b"\r\n" + data):
        with contextlib.suppress(RefusedError):
            read_request(request_head, "/ocpp/")


@given(st.text(max_size=60))
def test_no_authorization_brings_it_down(header: str) -> None:
    read_basic(header)
    read_basic(f"Basic {header}")


def test_a_refusal_says_how_to_log_in_and_nothing_else() -> None:
    text = refusal(HTTPStatus.UNAUTHORIZED)
    assert text.startswith(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic")
    assert text.endswith(b"Content-Length: 0\r\n\r\n")
    assert b"Retry-After" in refusal(HTTPStatus.SERVICE_UNAVAILABLE)


def test_the_canonical_request_carries_no_secret() -> None:
    assert b"Authorization" not in canonical_request(KEY)
    assert KEY.encode() in canonical_request(KEY)
