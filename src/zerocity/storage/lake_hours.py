"""What lies in a telemetry lake: hours, rows and sizes, and what waits to become files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from zerocity.errors import RunStateError
from zerocity.storage import lake_files, segments

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of samples: when it begins (UTC), its rows, files and their size [bytes]."""

    start: datetime
    rows: int
    files: int
    size_bytes: int


def hours(
    lake: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    vehicle: str | None = None,
    column: str = "vin",
) -> list[Hour]:
    """The hours that overlap ``since <= t < until``, oldest first.

    ``vehicle``: count its rows only, by ``column``, and leave out the hours without any. Raises
    `RunStateError` for a file that is missing or damaged.
    """
    found = []
    with lake_files.maintenance(lake, reading=True):
        manifest = lake_files.load(lake)
        for partition, names in manifest.partitions().items():
            start = lake_files.start_of(partition)
            if (until is not None and start >= until) or (
                since is not None and start + HOUR <= since
            ):
                continue
            paths = [lake / name for name in names]
            try:
                size = sum(path.stat().st_size for path in paths)
                rows = sum(manifest.files[name] for name in names)
                if vehicle is not None:
                    rows = _rows_of(paths, column, vehicle)
            except (OSError, ValueError) as error:
                raise RunStateError(f"{partition} cannot be read: {error}") from error
            if rows or vehicle is None:
                found.append(Hour(start, rows, len(names), size))
    return found


def waiting(lake: Path) -> tuple[int, int]:
    """How many segments are no files yet, and their size [bytes]."""
    done = set(lake_files.load(lake).converted)
    sizes = [path.stat().st_size for path in _segments(lake, done)]
    return len(sizes), sum(sizes)


def _segments(lake: Path, done: set[int]) -> Iterator[Path]:
    folder = lake / "segments"
    for number in segments.numbers(folder):
        # One may be converted and deleted while we look.
        if number not in done and (path := folder / segments.name_of(number)).exists():
            yield path


def _rows_of(paths: list[Path], column: str, vehicle: str) -> int:
    found = ds.dataset([str(path) for path in paths], format="parquet")
    count: int = found.count_rows(filter=pc.field(column) == vehicle)
    return count
