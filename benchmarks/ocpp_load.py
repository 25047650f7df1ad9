"""The load of the OCPP benchmark: many stations in one process, one CALL in flight each.

Run by ocpp_server.py. Prints `go` when all stations have booted, and at the end one line of JSON.
With a rate the stations send at set moments, and an answer's time counts from the moment at which
its message should have left, so that a slow server cannot hide behind a waiting client.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import resource
import time

import orjson
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from ocpp_words import SUBPROTOCOL, boot, measured, opening

PASSWORD = "benchmark-password-0001"
TEXT = WSMsgType.TEXT


class Station(WSListener):
    """One station: boots, opens what it needs, then sends."""

    def __init__(self, name: str, message: str, first: int) -> None:
        self.name, self.message = name, message
        self.ready = asyncio.get_running_loop().create_future()
        self.count = self.errors = 0
        self.number = first
        self.waits = False
        self.sending = False
        self.due: list[float] = []
        self.times: list[float] = []
        self.steps = [boot(message)]
        first = opening(message, name)
        if first is not None:
            self.steps.append(first)
        self.paced = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._next_step({})

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.errors += 1 if self.sending else 0
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"{self.name} was cut off"))

    def _next_step(self, answer: dict[str, object]) -> None:
        if self.steps:
            action, payload = self.steps.pop(0)
            self.transport.send(TEXT, orjson.dumps([2, f"s{len(self.steps)}", action, payload]))
            return
        self.make = measured(self.message, self.name, answer)
        self.ready.set_result(None)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            return
        if frame.msg_type != TEXT:
            return
        data = frame.get_payload_as_bytes()
        if data.startswith((b"[2,", b"[2 ")):
            call = orjson.loads(data)
            transport.send(TEXT, orjson.dumps([4, call[1], "NotSupported", "", {}]))
            return
        if not self.ready.done():
            self._next_step(orjson.loads(data)[2] if data.startswith(b"[3") else {})
            return
        self.waits = False
        self.times.append(time.monotonic() - self.due.pop(0))
        if data.startswith(b"[3"):
            self.count += 1
        else:
            self.errors += 1
        if self.sending and not self.paced:
            self.send(time.monotonic())
        elif self.due and self.sending:
            self._put()

    def send(self, due: float) -> None:
        self.due.append(due)
        if not self.waits:
            self._put()

    def _put(self) -> None:
        self.waits = True
        payload = self.make(self.number)
        text = f'[2,"{self.number:x}-{self.name}","{self.message}",'.encode() + payload + b"]"
        self.number += 1
        self.transport.send(TEXT, text)


async def connect(options: argparse.Namespace, number: int) -> Station:
    name = f"B{number:05}"
    login = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "Sec-WebSocket-Protocol": SUBPROTOCOL[options.message],
    }
    source = f"127.0.0.{2 + number // 5000}"
    _, station = await ws_connect(
        lambda: Station(name, options.message, options.first),
        f"ws://127.0.0.1:{options.port}/ocpp/{name}",
        extra_headers=headers,
        websocket_handshake_timeout=60,
        local_addr=(source, 0),
        read_buffer_init_size=2048,
    )
    await asyncio.wait_for(station.ready, 60)
    return station


async def pace(stations: list[Station], rate: float, until: float) -> None:
    step, number = 1.0 / rate, 0
    start = time.monotonic()
    while (now := time.monotonic()) < until:
        while start + number * step <= now:
            stations[number % len(stations)].send(start + number * step)
            number += 1
        await asyncio.sleep(0.001)


async def load(options: argparse.Namespace) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    stations: list[Station] = []
    for first in range(0, options.stations, 50):
        numbers = range(first, min(first + 50, options.stations))
        stations += await asyncio.gather(*(connect(options, number) for number in numbers))
    print("go", flush=True)
    began = time.monotonic()
    for station in stations:
        station.sending, station.paced = not options.idle, options.rate > 0
    if options.rate:
        await pace(stations, options.rate, began + options.seconds)
    elif not options.idle:
        for station in stations:
            station.send(time.monotonic())
    await asyncio.sleep(max(0.0, began + options.seconds - time.monotonic()))
    took = time.monotonic() - began
    count = sum(station.count for station in stations)
    for station in stations:
        station.sending = False
    print(json.dumps(result(stations, count, took)), flush=True)


def result(stations: list[Station], count: int, took: float) -> dict[str, float]:
    times = sorted(t for station in stations for t in station.times) or [0.0]
    at = lambda share: 1000 * times[min(len(times) - 1, int(share * len(times)))]  # noqa: E731
    least = min((station.count for station in stations), default=0)
    return {
        "count": count, "seconds": took, "errors": sum(s.errors for s in stations),
        "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": 1000 * times[-1], "least": least,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--message", choices=list(SUBPROTOCOL), required=True)
    parser.add_argument("--stations", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="messages/s of all; 0: no pause")
    parser.add_argument("--first", type=int, default=1, help="number of the first message")
    parser.add_argument("--idle", action="store_true", help="boot, then only stay")
    uvloop.run(load(parser.parse_args()))
