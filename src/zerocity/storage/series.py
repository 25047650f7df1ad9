"""Series on disk: Parquet, one file a table and month, written in the background.

A file appears under its name only when it is whole: it is written beside as ``.part`` and renamed.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from zerocity.errors import RunStateError
from zerocity.storage.runs import SERIES
from zerocity.storage.tables import SCHEMAS

_STOP = object()

_APART: Mapping[str, Sequence[str]] = {
    "battery_days": ("soh", "soc", "temperature_c", "throughput_kwh"),
    "sessions": ("battery", "vehicle", "energy_kwh"),
    "site_steps": ("import_kwh", "load_kwh", "planned_import_kwh"),
}
"""The tables that grow most each day, and their columns whose bytes are stored apart: all first
ones, then all second ones. LZ4 then needs half of Zstandard's time, and no more room than
Zstandard without that."""
_RISING: Mapping[str, Sequence[str]] = {"battery_days": ("battery",)}
"""Columns that rise row by row; stored as differences."""


class SeriesWriter:
    """Writes batches of rows to ``folder/<table>/<part>.parquet`` in the order they were given.

    A table's file of one ``part`` (a month, say) is closed when the next part of it begins.
    Errors of the writing thread, a full disk for one, reach the caller at the next call.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[str, pq.ParquetWriter]] = {}
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=4)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="series-writer", daemon=True)
        self._thread.start()

    def write(self, table: str, part: str, columns: Mapping[str, Any]) -> None:
        """Append rows given as arrays by column; the arrays must not change afterwards."""
        self._raise()
        self._queue.put((table, part, columns))

    def close(self) -> None:
        """Write what is left and close every file."""
        self._queue.put(_STOP)
        self._thread.join()
        self._raise()

    def abandon(self) -> None:
        """Stop without finishing; part files stay parts."""
        self._error = self._error or RunStateError("the run was stopped")
        self._queue.put(_STOP)
        self._thread.join(timeout=10)

    def _raise(self) -> None:
        if isinstance(self._error, OSError):
            raise RunStateError(
                f"cannot write to {self._folder}: {self._error}. "
                "Free some space or name another folder with --out, then run again"
            ) from self._error
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (item := self._queue.get()) is not _STOP:
            if self._error is None:
                try:
                    self._append(*item)
                except BaseException as error:
                    self._error = error
        if self._error is None:
            try:
                for table in list(self._open):
                    self._finish(table)
            except BaseException as error:
                self._error = error
        for _, writer in self._open.values():
            # After an error the parts are left behind; closing them may fail for the same reason.
            with contextlib.suppress(Exception):
                writer.close()

    def _append(self, table: str, part: str, columns: Mapping[str, Any]) -> None:
        schema = SCHEMAS[table]
        if table in self._open and self._open[table][0] != part:
            self._finish(table)
        if table not in self._open:
            path = self._path(table, part)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[table] = (part, _writer(path.with_suffix(".part"), table))
        arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
        self._open[table][1].write_table(pa.Table.from_arrays(arrays, schema=schema))

    def _finish(self, table: str) -> None:
        part, writer = self._open.pop(table)
        writer.close()
        path = self._path(table, part)
        path.with_suffix(".part").replace(path)

    def _path(self, table: str, part: str) -> Path:
        return self._folder / table / f"{part}.parquet"


def _writer(path: Path, table: str) -> pq.ParquetWriter:
    """A file of ``table``; readers may skip by any column but measured numbers."""
    schema, apart = SCHEMAS[table], _APART.get(table, ())
    return pq.ParquetWriter(
        path,
        schema,
        compression="lz4" if apart else "zstd",
        compression_level=None if apart else 1,
        use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
        write_statistics=[field.name for field in schema if not pa.types.is_floating(field.type)],
        column_encoding={
            **dict.fromkeys(apart, "BYTE_STREAM_SPLIT"),
            **dict.fromkeys(_RISING.get(table, ()), "DELTA_BINARY_PACKED"),
        },
    )


def open_table(run_dir: Path, table: str) -> ds.Dataset:
    """Return a run's table as a dataset to read from; an absent one is empty.

    A file that cannot be read raises RunStateError with its name.
    """
    schema = SCHEMAS[table]
    files = sorted((run_dir / SERIES / table).glob("*.parquet"))
    if not files:
        return ds.dataset(schema.empty_table())
    try:
        for file in files:
            pq.read_schema(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise RunStateError(f"{file} cannot be read: {error}. Run the city again") from error
    return ds.dataset(files, schema=schema, format="parquet")


def batches(run_dir: Path, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield a table piece by piece, so that a year fits into little memory."""
    try:
        yield from open_table(run_dir, table).to_batches(columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise RunStateError(
            f"{run_dir}: a file of {table} cannot be read: {error}. Run the city again"
        ) from error


def read_table(run_dir: Path, table: str, columns: Sequence[str]) -> pa.Table:
    """Return some columns of a table whole; errors as of `batches`."""
    schema = pa.schema([SCHEMAS[table].field(name) for name in columns])
    return pa.Table.from_batches(batches(run_dir, table, columns), schema)
