"""The opening handshake of OCPP-J: reading the HTTP request, choosing a version, the refusals.

RFC 6455 section 4.2; OCPP-J 1.6 section 3 and OCPP 2.x part 4 section 3. Bytes in, values out.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from zerocity.protocols.ocpp.deflate import Deflate, agree

LARGEST_HEAD_BYTES = 8 * 1024  # an assumption: a browser's cookies do not belong here
_MOST_HEADERS = 64
# identifierString of OCPP 2.x; 1.6 stations use no other characters in practice. 48: OCPP 2.x.
_STATION = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}\Z")
# A request's target is printable; NUL, CR and LF have no place in a line (RFC 9110 section 5.5).
_TARGET = re.compile(rb"[!-~]+\Z")
_LINE_BREAKERS = re.compile(rb"[\0\r\n]")


class RefusedError(Exception):
    """The handshake is answered with `status`; `why` is for our own log and metrics only."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(f"{status.value}: {why}")
        self.status, self.why = status, why


@dataclass(frozen=True, slots=True)
class Basic:
    """Name and password of RFC 7617; the password as the bytes that came."""

    name: str
    password: bytes

    def __repr__(self) -> str:
        return f"Basic(name={self.name!r}, password=...)"


@dataclass(frozen=True, slots=True)
class Request:
    """What a station asked for when it opened the connection."""

    station: str
    key: str
    subprotocols: tuple[str, ...]
    deflate: Deflate | None
    basic: Basic | None


def read_request(head: bytes, path: str) -> Request:
    """Read the request head (without the empty line); `path` is the prefix before the station id.

    Raises RefusedError with the status to answer.
    """
    first, _, rest = head.partition(b"\r\n")
    target = _request_line(first)
    headers = _headers(rest)
    station = _station(target, path)
    _check_upgrade(headers)
    offered = headers.get("sec-websocket-protocol", "")
    return Request(
        station=station,
        key=_key(headers.get("sec-websocket-key", "")),
        subprotocols=tuple(name.strip() for name in offered.split(",") if name.strip()),
        deflate=agree(headers.get("sec-websocket-extensions", "")),
        basic=read_basic(headers.get("authorization")),
    )


def read_basic(header: str | None) -> Basic | None:
    """Read an Authorization header; None when there is none or it is not basic."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
        return Basic(name.decode(), password) if colon else None
    except ValueError:  # no base64, or no text
        return None


def canonical_request(key: str) -> bytes:
    """The same request in its shortest form, without anything secret, for the websocket layer."""
    return (
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def refusal(status: HTTPStatus) -> bytes:
    """The whole HTTP answer of a refusal; it tells no more than the status."""
    extra = ""
    if status is HTTPStatus.UNAUTHORIZED:
        extra = 'WWW-Authenticate: Basic realm="ocpp"\r\n'
    elif status is HTTPStatus.UPGRADE_REQUIRED:
        extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    elif status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        extra = "Retry-After: 30\r\n"
    lines = f"HTTP/1.1 {status.value} {status.phrase}\r\n{extra}"
    return f"{lines}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()


def _request_line(line: bytes) -> str:
    parts = line.split(b" ")
    if len(parts) != 3 or parts[0] != b"GET" or parts[2] != b"HTTP/1.1":
        raise RefusedError(HTTPStatus.BAD_REQUEST, "request line")
    if not _TARGET.match(parts[1]):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "request line")
    return parts[1].decode("ascii")


def _headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    lines = block.split(b"\r\n") if block else []
    if len(lines) > _MOST_HEADERS:
        raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "number of headers")
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip() or _LINE_BREAKERS.search(line):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "header line")
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")
        if key in headers and key in ("authorization", "sec-websocket-key", "content-length"):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "header given twice")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "request with a body")
    return headers


def _station(target: str, path: str) -> str:
    bare = target.partition("?")[0]
    if not bare.startswith(path):
        raise RefusedError(HTTPStatus.NOT_FOUND, "path")
    station = unquote(bare[len(path) :], errors="replace")
    if not _STATION.match(station):
        raise RefusedError(HTTPStatus.NOT_FOUND, "station name")
    return station


def _check_upgrade(headers: dict[str, str]) -> None:
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        raise RefusedError(HTTPStatus.UPGRADE_REQUIRED, "no upgrade")
    if headers.get("sec-websocket-version") != "13":
        raise RefusedError(HTTPStatus.UPGRADE_REQUIRED, "websocket version")


def _key(text: str) -> str:
    try:
        if len(base64.b64decode(text, validate=True)) == 16:
            return text
    except ValueError:
        pass
    raise RefusedError(HTTPStatus.BAD_REQUEST, "websocket key")
