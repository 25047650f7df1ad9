"""Series on disk: whole under their name or not there; a full disk is said plainly."""

from __future__ import annotations

import contextlib
import errno
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zerocity.errors import RunStateError
from zerocity.storage.series import SeriesWriter, batches, open_table, read_table
from zerocity.storage.tables import SCHEMAS


def ledger(day: int, rows: int = 3) -> dict[str, Any]:
    return {
        "day": np.full(rows, day, np.int32),
        "book": ["energy_kwh"] * rows,
        "from_account": ["grid"] * rows,
        "to_account": ["packs"] * rows,
        "amount": np.arange(rows, dtype=float),
    }


def write(run: Path, *parts: str) -> SeriesWriter:
    writer = SeriesWriter(run / "series")
    for day, part in enumerate(parts):
        writer.write("ledger", part, ledger(day))
    return writer


def test_rows_come_back_in_order_one_file_a_part(tmp_path: Path) -> None:
    write(tmp_path, "2026-01", "2026-01", "2026-02").close()
    names = [path.name for path in sorted((tmp_path / "series" / "ledger").iterdir())]
    assert names == ["2026-01.parquet", "2026-02.parquet"]
    table = read_table(tmp_path, "ledger", ["day", "amount"])
    assert table["day"].to_pylist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert table["amount"].to_pylist() == [0.0, 1.0, 2.0] * 3


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    writer = write(tmp_path, "2026-01", "2026-02", "2026-02")
    folder = tmp_path / "series" / "ledger"
    while not (folder / "2026-02.part").exists():
        time.sleep(0.01)
    writer.abandon()
    assert sorted(path.name for path in folder.iterdir()) == ["2026-01.parquet", "2026-02.part"]
    with pytest.raises(RunStateError, match="stopped"):
        writer.write("ledger", "2026-03", ledger(3))


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, "x", "x").close()
    first, second = (
        (tmp_path / n / "series" / "ledger" / "x.parquet").read_bytes() for n in ("a", "b")
    )
    assert first == second


def test_a_full_disk_reaches_the_caller_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    writer = write(tmp_path, "2026-01")
    with pytest.raises(RunStateError, match=r"No space left.*Free some space"):
        writer.close()
    assert not list(tmp_path.rglob("*.parquet"))


def test_many_batches_after_an_error_do_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    writer = SeriesWriter(tmp_path)

    def write_on() -> None:
        for day in range(100_000):
            writer.write("ledger", "x", ledger(day))

    with pytest.raises(RunStateError):
        write_on()
    writer.abandon()


def test_a_wrong_column_is_our_mistake_and_is_raised(tmp_path: Path) -> None:
    writer = SeriesWriter(tmp_path)
    writer.write("ledger", "x", {"day": [1]})
    with pytest.raises(KeyError, match="book"):
        writer.close()


def test_an_absent_table_is_empty(tmp_path: Path) -> None:
    assert open_table(tmp_path, "sessions").count_rows() == 0
    assert sum(b.num_rows for b in batches(tmp_path, "sessions", ["site"])) == 0
    assert read_table(tmp_path, "sessions", ["site"]).num_rows == 0


@pytest.mark.parametrize("left", [0, 10, 200])
def test_a_cut_file_is_named(tmp_path: Path, left: int) -> None:
    write(tmp_path, "x").close()
    path = tmp_path / "series" / "ledger" / "x.parquet"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(RunStateError, match=r"x\.parquet cannot be read"):
        open_table(tmp_path, "ledger")


def test_damage_inside_a_file_is_no_traceback(tmp_path: Path) -> None:
    writer = SeriesWriter(tmp_path / "series")
    writer.write("ledger", "x", ledger(0, 5000))
    writer.close()
    path = tmp_path / "series" / "ledger" / "x.parquet"
    whole = path.read_bytes()
    for at in range(8, len(whole) - 1200, 97):
        path.write_bytes(whole[:at] + b"\xff" * 40 + whole[at + 40 :])
        with contextlib.suppress(RunStateError):
            table = read_table(tmp_path, "ledger", ["day", "book", "amount"])
            assert isinstance(table, pa.Table)


def drawn(table: str, rows: int) -> dict[str, Any]:
    """Any lawful rows of a table."""
    rng, columns = np.random.default_rng(7), {}
    for field in SCHEMAS[table]:
        if pa.types.is_string(field.type):
            columns[field.name] = [f"{n:x}" for n in rng.integers(0, 99, rows)]
        elif pa.types.is_floating(field.type):
            values = rng.standard_normal(rows).astype(field.type.to_pandas_dtype())
            values[:3] = np.nan, np.inf, -0.0
            columns[field.name] = values
        else:
            whole = np.sort(rng.integers(0, 99, rows)).astype(np.int32)
            columns[field.name] = pa.array(whole).cast(
                pa.int64() if pa.types.is_timestamp(field.type) else pa.int32()
            )
            columns[field.name] = columns[field.name].cast(field.type)
    return columns


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_table_comes_back_bit_for_bit(tmp_path: Path, table: str) -> None:
    columns = drawn(table, 500)
    writer = SeriesWriter(tmp_path / "series")
    writer.write(table, "2026-01", columns)
    writer.close()
    found = read_table(tmp_path, table, SCHEMAS[table].names)
    for field in SCHEMAS[table]:
        wanted = pa.array(columns[field.name], type=field.type)
        got = found[field.name].combine_chunks()
        if pa.types.is_floating(field.type):
            assert got.to_numpy().tobytes() == wanted.to_numpy().tobytes()
        else:
            assert got.equals(wanted)


def test_readers_may_skip_row_groups_by_time_and_place(tmp_path: Path) -> None:
    writer = SeriesWriter(tmp_path / "series")
    writer.write("site_steps", "2026-01", drawn("site_steps", 50))
    writer.close()
    group = pq.read_metadata(next(tmp_path.rglob("*.parquet"))).row_group(0)
    kept = {group.column(k).path_in_schema for k in range(11) if group.column(k).is_stats_set}
    assert {"time", "site"} <= kept
