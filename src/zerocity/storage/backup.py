"""A backup: the live store at one moment and the data folder, in one file that proves itself.

A ``.zip`` with a part for each table (``tables/NAME.jsonl``: the columns with their kinds, then a
row a line), each file of the data folder (``data/...``), and last ``manifest.json`` with size and
SHA-256 of every part. No part belongs to one kind of database, so it restores into either.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from zerocity.errors import InputError, RunStateError
from zerocity.storage import lake_files
from zerocity.storage.database import require_schema, schema_state
from zerocity.storage.live_tables import Json, Moment, metadata, moment_text

FORMAT = 1
MANIFEST = "manifest.json"
SUFFIX = ".zip"
LAKE = "lake"
# What a running platform makes again by itself.
PASSING = (".lock", ".maintenance")
# Where a restore unpacks.
STAGE = ".restoring"
_CHUNK = 1 << 20

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds."""

    path: Path
    rows: int
    files: int
    size_bytes: int


def back_up(
    engine: sa.Engine, data: Path | None, target: Path, at: datetime, tell: Told = lambda _: None
) -> Made:
    """Write a backup while the platform runs; whole under its name, or not there.

    The tables are read as they were at one moment (a read transaction in SQLite's WAL mode,
    REPEATABLE READ in PostgreSQL); writers go on. Files that grow are taken up to their size when
    they were listed; the lake is not converted meanwhile. ``at`` goes into the manifest. ``tell``
    hears of each part.
    """
    if target.suffix != SUFFIX:
        raise InputError("backup", target.name, f"a name that ends in {SUFFIX}")
    if target.exists():
        raise InputError("backup", f"{target}, which exists", "a new file", "Name another")
    require_schema(engine)
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            # It holds hashes of passwords, personal data, and the city's own keys.
            os.fchmod(file.fileno(), 0o600)
            parts = _write(file, engine, data, at, tell)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        lake_files.sync_folder(target.parent)
    except OSError as error:
        raise RunStateError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    rows = sum(one.get("rows", 0) for one in parts.values())
    files = sum(name.startswith("data/") for name in parts)
    return Made(target, rows, files, target.stat().st_size)


def _write(
    file: Any, engine: sa.Engine, data: Path | None, at: datetime, tell: Told
) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with _snapshot(engine) as connection:
            for table in metadata.sorted_tables:
                tell(table.name)
                name = f"tables/{table.name}.jsonl"
                rows = _Counted(_lines(connection, table))
                parts[name] = _add(archive, name, rows) | {"rows": rows.count - 1}
        if data is not None:
            for path, size in _listed(data, _own_files(engine)):
                tell(str(path))
                name = f"data/{path.relative_to(data).as_posix()}"
                # A file may go while we read, e.g. a segment that became Parquet before we began.
                if (added := _add_file(archive, name, path, size)) is not None:
                    parts[name] = added
        state = schema_state(engine)
        content = {
            "format": FORMAT, "program": version("zerocity"), "schema": state.newest,
            "database": state.kind, "made_at": moment_text(at), "parts": parts,
        }  # fmt: skip
        archive.writestr(MANIFEST, json.dumps(content, indent=1))
    return parts


def _snapshot(engine: sa.Engine) -> sa.Connection:
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return connection.execution_options(stream_results=True, yield_per=2000)


def _lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    kinds = {column.name: kind_of(column) for column in table.columns}
    yield orjson.dumps(list(kinds.items())) + b"\n"
    # JSON as the text it is, so that what was sealed by a hash stays as it was.
    asked = [
        sa.type_coerce(c, sa.Text()).label(c.name) if isinstance(c.type, Json) else c
        for c in table.columns
    ]
    for row in connection.execute(sa.select(*asked).order_by(*table.primary_key)):
        plain = [moment_text(v) if isinstance(v, datetime) else v for v in row]
        yield orjson.dumps(plain) + b"\n"


def kind_of(column: sa.Column[Any]) -> str:
    """Return how a column's values are spelled in a backup."""
    if isinstance(column.type, Moment):
        return "moment"
    names = {sa.BigInteger: "int", sa.Double: "real", sa.Boolean: "flag"}
    return next((name for kind, name in names.items() if isinstance(column.type, kind)), "text")


class _Counted:
    """Counts what passes through."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source, self.count = source, 0

    def __iter__(self) -> Iterator[bytes]:
        for one in self._source:
            self.count += 1
            yield one


def _add(archive: zipfile.ZipFile, name: str, content: Iterable[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name)
    # Parquet and zstd do not shrink again.
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as part:
        for chunk in content:
            part.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _add_file(archive: zipfile.ZipFile, name: str, path: Path, size: int) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            return _add(archive, name, _chunks(file, size))
    except FileNotFoundError:
        return None


def _chunks(file: Any, size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


def _listed(data: Path, own: frozenset[Path]) -> Iterator[tuple[Path, int]]:
    """Yield the files of the data folder, the lake's held still while they are read."""
    with lake_files.maintenance(data / LAKE, reading=True):
        found = [path for path in sorted(data.rglob("*")) if _belongs(path, own)]
        for path in found:
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                continue
            yield path, size


def _belongs(path: Path, own: frozenset[Path]) -> bool:
    if path.name in PASSING or path.suffix in {".part", SUFFIX} or not path.is_file():
        return False
    return not path.is_symlink() and STAGE not in path.parts and path.resolve() not in own


def _own_files(engine: sa.Engine) -> frozenset[Path]:
    """Return the files of the database itself, which may lie in the data folder."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return frozenset()
    path = Path(engine.url.database).resolve()
    return frozenset(path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal"))
