"""A run's folder: one process at a time, and whole only when its manifest is there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zerocity.errors import RunStateError

MANIFEST = "manifest.json"
SUMMARY = "summary.json"
LOCK = ".lock"
SERIES = "series"
OURS = frozenset(
    {SERIES, "journal", "report", SUMMARY, MANIFEST, LOCK, f"{SUMMARY}.part", f"{MANIFEST}.part"}
)


class RunFolder:
    """A folder that one process fills. Use as a context manager.

    On entering, an unfinished run of before is cleared away, a finished one is refused unless
    ``replace``. The lock goes with the process, so a killed run leaves none behind.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        self.path = path
        self._replace = replace
        self._lock: TextIO | None = None
        self._beside = ThreadPoolExecutor(1, "file-hashes")
        self._known: Future[dict[str, dict[str, Any]]] | None = None
        self.cleared = False

    def __enter__(self) -> RunFolder:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_strangers()
            self._lock = (self.path / LOCK).open("w", encoding="utf-8")
        except OSError as error:
            raise RunStateError(f"cannot write to {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise RunStateError(
                f"another process is writing {self.path}. Wait for it, or name another folder "
                "with --out"
            ) from None
        self._make_room()
        return self

    def _refuse_strangers(self) -> None:
        """Refuse a folder that no run of ours has made, before anything in it is touched."""
        held = {path.name for path in self.path.iterdir()}
        # A folder named "report" alone is no sign of ours; the lock or a manifest is.
        strangers = held - OURS if held & {LOCK, MANIFEST} else held
        if strangers:
            raise RunStateError(
                f"{self.path} is not a run folder: it holds {sorted(strangers)[0]!r}. "
                "Name an empty or new folder with --out"
            )

    def _make_room(self) -> None:
        if is_finished(self.path) and not self._replace:
            self._release()
            raise RunStateError(
                f"{self.path} holds a finished run. Add --replace to run it again, or name "
                "another folder with --out"
            )
        # The manifest goes first: from here on the folder reads as unfinished.
        for name in (MANIFEST, *sorted(OURS - {MANIFEST, LOCK})):
            target = self.path / name
            self.cleared = self.cleared or target.exists()
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    def _release(self) -> None:
        self._beside.shutdown()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def hash_beside(self, name: str) -> None:
        """Begin to hash the files of the folder ``name``, which from now on change no more."""
        self._known = self._beside.submit(self._hashes, name)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest, last and at once: now the run is whole."""
        known = self._known.result() if self._known else {}
        files = known | self._hashes("", frozenset(known))
        write_json(self.path / MANIFEST, {**manifest, "files": dict(sorted(files.items()))})

    def _hashes(self, name: str, known: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
        """Size and hash of every file in the folder ``name`` that is not ``known``."""
        files = {str(p.relative_to(self.path)): p for p in (self.path / name).rglob("*")}
        return {
            name: {"bytes": p.stat().st_size, "sha256": _sha256(p)}
            for name, p in files.items()
            if p.is_file() and p.name != LOCK and name not in known
        }


def is_finished(path: Path) -> bool:
    """True when the folder holds a whole run."""
    return (path / MANIFEST).is_file()


def require_finished(path: Path) -> dict[str, Any]:
    """Return the manifest of a whole run, or raise RunStateError that says what is there."""
    if not path.is_dir():
        raise RunStateError(f"{path}: no such run folder. `zerocity run CITY` makes one")
    if not is_finished(path):
        raise RunStateError(
            f"{path} holds no finished run (manifest.json is missing): it was stopped or is still "
            "running. Run the same command again to redo it"
        )
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RunStateError(f"{path / MANIFEST} is not JSON: {error}") from error
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise RunStateError(f"{path / MANIFEST} is no manifest of a run. Run the city again")
    missing = [name for name in files if not (path / name).is_file()]
    if missing:
        raise RunStateError(f"{path}: {missing[0]} is missing. Run the city again")
    return dict(manifest)


def changed_files(path: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Series and summary of a run that are no longer what the manifest says, or not in it.

    The page may be written again, so it is left out.
    """
    known = manifest.get("files")
    known = known if isinstance(known, dict) else {}
    there = {str(p.relative_to(path)) for p in (path / SERIES).rglob("*") if p.is_file()}
    return sorted(
        name
        for name in {*known, *there, SUMMARY}
        if not name.startswith("report/") and not _is_as_written(path / name, known.get(name))
    )


def _is_as_written(path: Path, noted: Any) -> bool:
    return isinstance(noted, dict) and path.is_file() and _sha256(path) == noted.get("sha256")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON under its name only when it is whole and on disk; NaN is refused."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise RunStateError(f"cannot write {path}: {error.strerror}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
