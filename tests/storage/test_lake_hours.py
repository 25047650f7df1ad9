"""What lies in a lake is counted from its list of files, while others write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from zerocity.errors import RunStateError
from zerocity.storage import lake_files
from zerocity.storage.compaction import convert
from zerocity.storage.lake import Lake
from zerocity.storage.lake_hours import hours, waiting
from zerocity.storage.segments import Frame

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def decode(frames: Sequence[Frame]) -> pa.Table:
    rows = [{"vin": vin, "at": at, "received_at": at} for vin, at, _ in frames]
    return pa.Table.from_pylist(rows)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Three hours: two reports each of a, one of b at noon; and one that is no file yet."""
    writer = Lake(tmp_path, flush_s=0.0)
    stored = [("a", NOON + timedelta(minutes=30 * n), b"%d" % n) for n in range(6)]
    writer.append([*stored, ("b", NOON, b"b")])
    while writer.waiting:
        pass
    convert(tmp_path, writer.roll(), decode)
    writer.append([("a", NOON, b"late")])
    writer.close()
    return tmp_path


def test_hours_are_listed_with_rows_and_sizes(lake: Path) -> None:
    found = hours(lake)
    assert [(each.start.hour, each.rows, each.files) for each in found] == [
        (12, 3, 1), (13, 2, 1), (14, 2, 1),
    ]  # fmt: skip
    there = sum(path.stat().st_size for path in lake.glob("date=*/hour=*/*.parquet"))
    assert sum(each.size_bytes for each in found) == there


@pytest.mark.parametrize(
    ("since_min", "until_min", "wanted"),
    [(0, 60, [12]), (30, 61, [12, 13]), (60, 60, []), (119, 600, [13, 14]), (180, 600, [])],
)
def test_a_span_takes_the_hours_that_overlap(
    lake: Path, since_min: int, until_min: int, wanted: list[int]
) -> None:
    since, until = (NOON + timedelta(minutes=at) for at in (since_min, until_min))
    assert [each.start.hour for each in hours(lake, since, until)] == wanted


def test_one_vehicle_is_counted_alone(lake: Path) -> None:
    assert [(each.start.hour, each.rows) for each in hours(lake, vehicle="b")] == [(12, 1)]
    assert hours(lake, vehicle="' OR 1=1 --") == []


def test_what_is_no_file_yet_is_told(lake: Path) -> None:
    count, size = waiting(lake)
    assert count == 1
    assert size > 0
    manifest = lake_files.load(lake)
    manifest.converted = [2]  # killed between the list of files and the deletion
    lake_files.save(lake, manifest)
    assert waiting(lake) == (0, 0)


def test_a_missing_file_is_one_clear_error(lake: Path) -> None:
    next(lake.glob("date=*/hour=13/*.parquet")).unlink()
    with pytest.raises(RunStateError, match="hour=13"):
        hours(lake)


def test_a_damaged_file_is_one_clear_error(lake: Path) -> None:
    next(lake.glob("date=*/hour=12/*.parquet")).write_bytes(b"no parquet")
    with pytest.raises(RunStateError, match="hour=12"):
        hours(lake, vehicle="a")


def test_an_empty_lake_has_no_hours(tmp_path: Path) -> None:
    assert hours(tmp_path / "new") == []
    assert waiting(tmp_path / "new") == (0, 0)
