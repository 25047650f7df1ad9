"""Where compiled kernels are kept: apart for every state of the sources.

A kernel's cache knows the file it stands in, but not the files of the kernels it calls. After an
update a caller could go on with an old callee; a folder of its own for each state rules that out.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def use_fresh_kernels() -> None:
    """Set ``NUMBA_CACHE_DIR`` for this process, unless the user has; call before kernels load."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "zerocity" / "kernels" / _state()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"zerocity-kernels-{os.getuid()}-{_state()}"
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _state() -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(PACKAGE.rglob("*.py")):
        stat = path.stat()
        digest.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\0".encode())
    return digest.hexdigest()
