"""Opening requests that are lawful or nearly so: what is taken is lawful by a plain look at it."""

from __future__ import annotations

import base64
import re
from random import Random

from effort import least_s

from zerocity.protocols.ocpp.server.handshake import (
    LARGEST_HEAD_BYTES,
    RefusedError,
    Request,
    canonical_request,
    read_request,
    refusal,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
STATUSES = {400, 404, 426, 431}
TOKENS = (
    b"\r\n", b"\r", b"\n", b"\0", b":", b" ", b"\t", b",", b";", b"=", b"%", b"%00", b"%2f", b"..",
    b"\xff", b"\xc3\xa9", b"websocket", b"Upgrade", b"Content-Length: 5", b"Transfer-Encoding: x",
    b"Sec-WebSocket-Key: ", KEY.encode(), b"HTTP/1.1", b"GET ", b"Basic ",
    b"Authorization: Basic x", b"permessage-deflate", b"server_max_window_bits=9", b"\r\n\r\n",
    b"A" * 60,
)  # fmt: skip


def grow(rng: Random) -> tuple[bytes, str]:
    """A lawful request and its station; case, order and spaces as a client likes them."""
    station = "".join(rng.choice("AZaz09*-_=:+|@.") for _ in range(rng.randint(1, 48)))
    target = "".join(f"%{ord(c):02X}" if rng.random() < 0.2 else c for c in station)
    login = base64.b64encode(f"{station}:secret".encode()).decode()
    lines = [
        "Host: csms",
        f"Upgrade: {rng.choice(('websocket', 'WebSocket'))}",
        f"Connection: {rng.choice(('Upgrade', 'keep-alive, Upgrade', 'upgrade,close'))}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Protocol: ocpp2.1, ocpp1.6",
        *rng.sample([f"Authorization: Basic {login}", "Cookie: a=b", "Content-Length: 0",
                     "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10",
                     "X: y"], rng.randint(0, 5)),
    ]  # fmt: skip
    rng.shuffle(lines)
    named = [line.partition(":") for line in lines]
    text = [
        f"{rng.choice((n, n.lower(), n.upper()))}:{v}{rng.choice(('', ' '))}" for n, _, v in named
    ]
    query = rng.choice(("", "", "?a=b", "?/../x"))
    head = "\r\n".join([f"GET /ocpp/{target}{query} HTTP/1.1", *text])
    return head.encode(), station


def spoil(head: bytes, rng: Random) -> bytes:
    """The request with some of its bytes changed."""
    bent = bytearray(head)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(bent) + 1)
        end = min(len(bent), at + rng.choice((0, 0, 1, 3, 20)))
        match rng.randrange(4):
            case 0:
                bent[at:end] = rng.choice(TOKENS)
            case 1:
                bent[at:at] = bent[at : at + 60]
            case 2:
                del bent[at:end]
            case _:
                bent[at:end] = rng.randbytes(end - at)
    return bytes(bent)[:LARGEST_HEAD_BYTES]


def judge(head: bytes, request: Request) -> None:
    """A plain look at what was taken."""
    line, _, rest = head.partition(b"\r\n")
    assert re.fullmatch(rb"GET /ocpp/[!-~]+ HTTP/1\.1", line)
    assert re.fullmatch(r"[A-Za-z0-9*\-_=:+|@.]{1,48}", request.station)
    assert len(base64.b64decode(request.key)) == 16
    assert canonical_request(request.key).count(b"\r\n") == 6
    lower = b"\r\n" + rest.lower()
    assert lower.count(b"\r\nsec-websocket-key:") == 1
    assert lower.count(b"\r\nauthorization:") <= 1
    assert b"\r\ntransfer-encoding:" not in lower
    assert b"\r\n\r\n" not in rest
    assert not re.search(rb"\0|\r(?!\n)|(?<!\r)\n", rest)
    assert re.search(rb"\r\nupgrade:[ \t]*websocket[ \t]*(\r\n|$)", lower)
    assert request.basic is None or b"authorization" in lower
    assert "secret" not in repr(request)


def outcome(head: bytes) -> Request | int:
    """The request, judged, or the status of its refusal."""
    try:
        request = read_request(head, "/ocpp/")
    except RefusedError as refused:
        status = refused.status
    else:
        judge(head, request)
        return request
    assert status in STATUSES
    assert refusal(status).endswith(b"\r\n\r\n")
    return int(status)


def study(inputs: int, seed: int) -> dict[int, int]:
    """How often each status was the answer, 101 for what was taken."""
    rng, found = Random(seed), dict.fromkeys((101, *STATUSES), 0)
    for _ in range(inputs):
        head, station = grow(rng)
        lawful = outcome(head)
        assert isinstance(lawful, Request), (lawful, head)
        assert (lawful.station, lawful.key) == (station, KEY)
        assert lawful.basic is None or lawful.basic.name == station.partition(":")[0]
        spoilt = outcome(spoil(head, rng))
        found[spoilt if isinstance(spoilt, int) else 101] += 1
    return found


def test_lawful_requests_are_taken_and_spoilt_ones_judged() -> None:
    found = study(2_000, 20261122)
    assert min(found[status] for status in (101, 400, 404, 426)) > 20


def test_the_longest_heads_cost_little() -> None:
    line = b"GET /ocpp/CS1 HTTP/1.1\r\n"

    def judge() -> None:
        for junk in (b"a:b\r\n", b"%41", b",", b";=", b"Connection:,,,,\r\n", b"\r\n", b":", b" "):
            for front in (line, b"GET /ocpp/", line + b"Sec-WebSocket-Extensions: ", line + b"X: "):
                head = front + junk * (LARGEST_HEAD_BYTES // len(junk))
                outcome(head[:LARGEST_HEAD_BYTES])

    assert least_s(judge) < 1.0
