"""The HTTP server in its host's event loop: it answers, it ends, and a taken port is told."""

from __future__ import annotations

import asyncio
import socket

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from zerocity.errors import InputError
from zerocity.web.access import Access
from zerocity.web.api import make_app
from zerocity.web.server import WebServer


class Idle:
    def health(self) -> dict[str, object]:
        return {"ready": True, "problems": []}


async def nobody(kind: str, secret: str) -> None:
    return None


def made(host: str = "127.0.0.1", port: int = 0) -> WebServer:
    app = make_app(Idle(), Access(nobody, True), CollectorRegistry())  # type: ignore[arg-type]
    return WebServer(app, host, port)


def test_it_answers_and_ends_when_told() -> None:
    async def play() -> None:
        server = made()
        running = asyncio.create_task(server.run())
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            async with asyncio.timeout(5.0):
                while True:
                    try:
                        found = await client.get("/ready")
                        break
                    except httpx2.ConnectError:
                        await asyncio.sleep(0.02)
            assert found.json() == {"ready": True, "problems": []}
            assert "server" not in found.headers
        server.stop()
        async with asyncio.timeout(5.0):
            await running

    asyncio.run(play())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_told(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip("no such family here")
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"{port}.*--web-port"):
            made(host, port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told(host: str) -> None:
    with pytest.raises(InputError, match="--web-port"):
        made(host)
