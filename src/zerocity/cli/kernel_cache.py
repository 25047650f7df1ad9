"""Where compiled kernels are kept: apart for every state of the sources.

A kernel's cache knows the file it stands in, but not the files of the kernels it calls. After an
update a caller could go on with an old callee; a folder of its own for each state rules that out.
Folders that nobody used for long are cleared away.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
UNUSED_DAYS = 30.0
"""Kernels of other sources are kept this long after they were last used: an assumption."""


def use_fresh_kernels() -> None:
    """Set ``NUMBA_CACHE_DIR`` for this process, unless the user has; call before kernels load."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "zerocity" / "kernels" / _state()
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _hold(folder)
    except OSError:
        folder, is_new = _without_home(), False
    if is_new:
        with contextlib.suppress(OSError):  # another process may be clearing the same ones
            _clear_unused(folder)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _hold(folder: Path) -> None:
    """Mark ``folder`` as used now, and as in use until this process ends."""
    os.utime(folder)
    with contextlib.suppress(OSError):  # not every network file system knows locks
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_SH)
    # Whoever cleared it away a moment ago held the lock meanwhile.
    folder.mkdir(parents=True, exist_ok=True)


def _without_home() -> Path:
    """A folder for temporary files, that nobody else can write to: kernels are code."""
    name = f"zerocity-kernels-{os.getuid()}-{_state()}"
    folder = Path(tempfile.gettempdir()) / name
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


def _clear_unused(folder: Path) -> None:
    """Delete the folders beside ``folder`` that nobody uses and nobody used for long."""
    for other in folder.parent.iterdir():
        if time.time() - other.stat().st_mtime < UNUSED_DAYS * 86_400.0:
            continue
        held = os.open(other, os.O_RDONLY)
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(other, ignore_errors=True)
        os.close(held)


def _state() -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(PACKAGE.rglob("*.py")):
        found = path.stat()
        digest.update(f"{path}\0{found.st_mtime_ns}\0{found.st_size}\0".encode())
    return digest.hexdigest()
