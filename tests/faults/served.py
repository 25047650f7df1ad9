"""The whole platform in a process of its own, one life after another, each begun in a moment.

A nursery has everything imported and the kernels loaded; it forks a platform for each life, on the
same ports and the same data folder, so that a platform can be killed hundreds of times.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from zerocity.app.live import LivePlatform, ServeRequest, served_city
from zerocity.app.outlook import TypicalOutlook
from zerocity.app.serving import _log_plainly
from zerocity.city.thin import Size
from zerocity.cli.kernel_cache import use_fresh_kernels
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.protocols.sunspec.gateway import SiteAddress

CITY = "starter"
HOST = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
START_S = 300.0


@dataclass(frozen=True)
class Life:
    """What a platform is told; ``size``: chargers, swap stations, vehicles."""

    data: str
    ports: tuple[int, int, int]
    database: str = ""
    size: tuple[int, int, int] = (8, 1, 12)
    ocpp: dict[str, Any] = field(default_factory=dict)
    sites: tuple[tuple[str, str, int], ...] = ()

    def request(self) -> ServeRequest:
        """The same as the command line makes for a demonstration."""
        ocpp = OcppSettings(
            **{"host": HOST, "port": self.ports[0], "demo": True, "least_profile": 0, **self.ocpp}
        )
        return ServeRequest(
            CITY, Path(self.data), self.database, HOST, *self.ports, size=Size(*self.size),
            demo=True, ocpp=ocpp,
        )  # fmt: skip


def free_ports() -> tuple[int, int, int]:
    """Three ports that nobody listens on now."""
    tried = [socket.socket() for _ in range(3)]
    try:
        for one in tried:
            one.bind((HOST, 0))
        first, second, third = (int(one.getsockname()[1]) for one in tried)
    finally:
        for one in tried:
            one.close()
    return first, second, third


class Nursery:
    """Forks platforms. Their warnings go to ``log``."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.pid = 0
        use_fresh_kernels()  # the child finds the folder in its environment
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=said, text=True,
            )  # fmt: skip
        if self._read() != "ready":
            raise RuntimeError(f"the nursery did not start: {log.read_text()[-2000:]}")

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20.0)

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def birth(self, life: Life) -> int:
        """Begin a life; its process number."""
        assert self._process.stdin is not None
        print(json.dumps(asdict(life)), file=self._process.stdin, flush=True)
        self.pid = int(self._read())
        return self.pid

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End the life at once, or gently by SIGTERM; its exit status (negative: by a signal)."""
        if not self.pid:
            return 0
        with suppress(ProcessLookupError):
            os.kill(self.pid, how)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the life; its exit status."""
        self.pid = 0
        return int(self._read())

    def troubles(self) -> list[str]:
        """What was logged as an error, or fell through."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"error"' in line or line.startswith("Traceback")]


def wait_open(port: int, within_s: float = START_S) -> None:
    """Wait until somebody listens there."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if is_open(port):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on port {port}")


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection((HOST, port), 1.0):
        return True
    return False


def resident_mib(pid: int) -> float:
    """Memory of a process [MiB]."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _live(life: Life) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    addresses = [SiteAddress(*site) for site in life.sites]
    request = life.request()

    async def serve() -> None:
        platform = LivePlatform(request, addresses)
        await platform.open()
        await platform.run()

    uvloop.run(serve())


def _begin(words: str) -> int:
    """Fork a life; its process number."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        told = json.loads(words)
        life = replace(
            Life("", (0, 0, 0)),
            **told | {name: tuple(told[name]) for name in ("ports", "size", "sites")},
        )
        _live(life)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _warm() -> None:
    """Load what a start runs, so that each fork has it."""
    with tempfile.TemporaryDirectory() as folder:
        city = served_city(Life(folder, (0, 0, 0)).request())
        TypicalOutlook(city)(datetime.now(UTC).replace(minute=0, second=0, microsecond=0), 96)


def main() -> None:
    """Fork a platform for each line that comes in."""
    _log_plainly()
    _warm()
    print("ready", flush=True)
    for words in sys.stdin:
        child = _begin(words)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
