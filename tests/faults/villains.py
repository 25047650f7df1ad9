"""Ill-mannered stations in a process of their own: `python villains.py PORT NAME...`, until killed.

In turn: one that floods, one that sends garbage, one that reconnects again and again, two of one
identity, and one that asks and never reads; and strangers that open sockets and say half a word.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import websockets

HALF_OPEN = 50


def call(number: int, action: str, payload: dict[str, Any]) -> str:
    return json.dumps([2, f"m{number}", action, payload])


BOOT = call(0, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})


def meter_values(number: int, values: int) -> str:
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    sampled = [{"value": f"{number}.{k}"} for k in range(values)]
    meter = [{"timestamp": at, "sampledValue": sampled}]
    return call(number, "MeterValues", {"connectorId": 1, "meterValue": meter})


async def flood(url: str) -> None:
    """As many messages as the socket takes, without waiting for an answer."""
    async with websockets.connect(url, subprotocols=["ocpp1.6"], max_queue=None) as link:
        await link.send(BOOT)
        for number in range(1, 10**9):
            await link.send(meter_values(number, 1))
            if number % 20 == 0:
                await asyncio.sleep(0)


async def garbage(url: str) -> None:
    """Frames of no sense: not JSON, not OCPP, not text, deep, huge."""
    draw = random.Random(1)
    long = '[2,"m","BootNotification",{"x":' + "9" * 9000 + "}]"
    words = ["{", "[2", "[]", '[2,"x"]', "[" * 5000, '[3,"m",{}]', '[9,"m",{}]', "\x00",
             '[2,"m","Nothing",{}]', long]  # fmt: skip
    async with websockets.connect(url, subprotocols=["ocpp1.6"]) as link:
        while True:
            await link.send(draw.choice([*words, draw.randbytes(draw.randrange(2000))]))
            await asyncio.sleep(0.01)


async def hasty(url: str) -> None:
    """A connection, a boot, and away again."""
    async with websockets.connect(url, subprotocols=["ocpp1.6"]) as link:
        await link.send(BOOT)
        await link.recv()
    await asyncio.sleep(0.2)


async def deaf(url: str) -> None:
    """Asks, and never reads: the receive buffer is small and full at once."""
    async with websockets.connect(
        url, subprotocols=["ocpp1.6"], max_queue=1, ping_interval=None
    ) as link:
        link.transport.pause_reading()
        for number in range(1, 10**9):
            await link.send(meter_values(number, 20))
            await asyncio.sleep(0.002)


async def half_open(port: int) -> None:
    """Sockets that begin a handshake and fall silent."""
    kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(HALF_OPEN)]
    for _, writer in kept:
        writer.write(b"GET /ocpp/nobody HTTP/1.1\r\nHost: x\r\n")
    await asyncio.sleep(5.0)
    for _, writer in kept:
        writer.close()


async def for_ever(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(OSError, websockets.WebSocketException):
            await act()
        await asyncio.sleep(0.05)


async def main() -> None:
    port, names = int(sys.argv[1]), sys.argv[2:]
    urls = [f"ws://127.0.0.1:{port}/ocpp/{name}" for name in names]
    roles = [flood, garbage, hasty, deaf, hasty, hasty]
    # The last two have one identity.
    acts = [
        for_ever(lambda role=role, url=url: role(url))
        for role, url in zip(roles, [*urls[:5], urls[4]], strict=True)
    ]
    await asyncio.gather(*acts, for_ever(lambda: half_open(port)))


if __name__ == "__main__":
    asyncio.run(main())
