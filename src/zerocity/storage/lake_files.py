"""Which Parquet files make up the telemetry lake: one list, replaced at once.

A file counts when the manifest names it. It is written beside and renamed, so a reader sees the
lake before a conversion or after it, and a killed process leaves files that nobody reads.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from zerocity.errors import RunStateError

MANIFEST = "manifest.json"
_FORMAT = 1
_MAINTENANCE = ".maintenance"


@dataclass(slots=True)
class Manifest:
    """The list of the lake's files, and how far the segments are converted."""

    files: dict[str, int] = field(default_factory=dict)  # path within the lake: rows
    converted: list[int] = field(default_factory=list)  # segments that may be deleted
    last_segment: int = 0  # no segment gets a number up to this one again

    def partitions(self) -> dict[str, list[str]]:
        """Return the files of each hour, ``date=2026-05-01/hour=13``, oldest hour first."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.files):
            found.setdefault(name.rpartition("/")[0], []).append(name)
        return found


def start_of(partition: str) -> datetime:
    """When the hour of ``date=2026-05-01/hour=13`` begins, UTC."""
    return datetime.strptime(partition, "date=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)


def load(lake: Path) -> Manifest:
    """Return the manifest of a lake; an empty one where nothing was converted yet."""
    path = lake / MANIFEST
    if not path.exists():
        return Manifest()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise RunStateError(f"{path}: format {content['format']}, this program reads {_FORMAT}")
        files = {str(name): int(rows) for name, rows in content["files"].items()}
        return Manifest(files, [int(n) for n in content["converted"]], int(content["last_segment"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunStateError(
            f"{path} is damaged ({error}). Restore the lake from a backup"
        ) from error


def save(lake: Path, manifest: Manifest) -> None:
    """Replace the manifest at once; on the disk when this returns."""
    content = {
        "format": _FORMAT, "last_segment": manifest.last_segment,
        "converted": manifest.converted, "files": dict(sorted(manifest.files.items())),
    }  # fmt: skip
    part = lake / f"{MANIFEST}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(lake / MANIFEST)
    sync_folder(lake)


@contextlib.contextmanager
def maintenance(lake: Path, *, reading: bool = False) -> Iterator[None]:
    """Hold the lake's list of files still: one writer of it, or any number of readers."""
    lake.mkdir(parents=True, exist_ok=True)
    with (lake / _MAINTENANCE).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_SH if reading else fcntl.LOCK_EX)
        yield


def sync_file(file: IO[bytes]) -> None:
    """Put the content of a file on the disk."""
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
