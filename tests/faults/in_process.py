"""The whole platform in the test's own event loop, and a wire to it that can be cut silently."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from served import HOST, Life

from zerocity.app.live import LivePlatform
from zerocity.protocols.sunspec.gateway import SiteAddress


@asynccontextmanager
async def served_here(life: Life, sites: Sequence[SiteAddress] = ()) -> AsyncIterator[LivePlatform]:
    """A platform that serves until the end of the block."""
    platform = LivePlatform(life.request(), list(sites))
    await platform.open()
    task = asyncio.create_task(platform.run())
    try:
        yield platform
    finally:
        platform.stop()
        await task


async def until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait until something holds, for a bounded time."""
    ends_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_s, "it did not come to hold"
        await asyncio.sleep(0.05)


class Wire:
    """Carries bytes to a port; while ``dark`` it swallows them, and no end hears of it."""

    def __init__(self, to_port: int) -> None:
        self._to, self.dark = to_port, False
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._join, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.dark:
            self._start(asyncio.sleep(3600.0))
            return
        there, to_there = await asyncio.open_connection(HOST, self._to)
        self._start(self._carry(reader, to_there))
        self._start(self._carry(there, writer))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not self.dark:
                    writer.write(data)
                    await writer.drain()
        while self.dark:  # the other end does not hear of a goodbye either
            await asyncio.sleep(0.1)
        with suppress(OSError):
            writer.close()
