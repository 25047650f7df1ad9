"""The HTTP server inside the platform's own event loop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from zerocity.errors import InputError

BACKLOG = 128


class _Guest(uvicorn.Server):
    """A server that leaves signals to its host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: the platform ends it."""
        yield


class WebServer:
    """Serves an application on an open port. ``port``: where."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._socket = _open(host, port)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2,
            server_header=False, h11_max_incomplete_event_size=16_384, limit_concurrency=200,
        )  # fmt: skip
        self._server = _Guest(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Finish what is being answered, then end `run`."""
        self._server.should_exit = True


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        # Whoever is told the address before `run` begins waits, and is not turned away.
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise InputError(
            "web address", f"{host}:{port}", "an address of this machine that is free",
            f"The system says: {error.strerror}. Choose another with --web-port",
        ) from error  # fmt: skip
    return made
