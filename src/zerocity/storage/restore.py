"""A backup back into an empty database and data folder: all of it or nothing.

First every part is read and its hash compared; then the rows go in within one transaction, and the
files, unpacked beside, change places with those that are there just before it is committed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
import sqlalchemy as sa

from zerocity.errors import InputError, RunStateError
from zerocity.storage import lake_files
from zerocity.storage.backup import FORMAT, LAKE, MANIFEST, PASSING, STAGE, Told
from zerocity.storage.database import revisions, upgrade
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import APPEND_ONLY, metadata

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, TypeError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
_TABLE = re.compile(r"tables/([a-z_]+)\.jsonl")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CASTS = {"moment": "timestamptz[]", "int": "bigint[]", "real": "float8[]", "flag": "boolean[]"}
_ROWS = 1000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored."""

    rows: int
    files: int
    made_at: str
    made_by: str  # version of the program
    chains_whole: bool  # ledger and audit log fit their hashes


def restore(
    source: Path,
    engine: sa.Engine,
    data: Path | None,
    *,
    replace: bool = False,
    tell: Told = lambda _: None,
) -> Restored:
    """Restore a backup. InputError for a file that is not whole, or a place that is not empty.

    ``replace``: what is there goes. The platform must not be running on either.
    """
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(
            str(source), f"no backup ({error})", "a .zip of `zerocity backup`"
        ) from None
    with archive:
        tell("checking")
        manifest = _checked(source, archive)
        names = [name for name in manifest["parts"] if name.startswith("data/")]
        if names and data is None:
            raise InputError(str(source), f"{len(names)} data files", "--data FOLDER for them")
        with contextlib.ExitStack() as kept:
            files = (
                kept.enter_context(_Files(data, replace)) if data is not None and names else None
            )
            if files is not None:
                tell("unpacking")
                files.unpack(archive, names)
            rows, whole = _load(engine, archive, manifest, files, replace, tell)
    made_by, made_at = str(manifest["program"]), str(manifest["made_at"])
    return Restored(rows, len(names), made_at, made_by, whole)


def _checked(source: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """Read every part and compare it with the manifest."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        if manifest["format"] == FORMAT:
            _compare(archive, manifest["parts"])
    except _DAMAGE as error:
        raise InputError(
            str(source), f"a damaged backup ({error})", "a whole one", "Nothing was changed"
        ) from error
    if manifest["format"] != FORMAT:
        raise InputError(str(source), f"format {manifest['format']}", f"format {FORMAT}")
    if manifest["schema"] not in (known := revisions()):
        raise InputError(
            str(source), f"schema {manifest['schema']}", f"{known[0]} or older",
            "A newer zerocity made it: install that version",
        )  # fmt: skip
    return manifest


def _compare(archive: zipfile.ZipFile, parts: dict[str, Any]) -> None:
    held = [name for name in archive.namelist() if name != MANIFEST]
    if sorted(held) != sorted(parts):
        raise ValueError("its parts are not those of its manifest")
    for name, noted in parts.items():
        path = PurePosixPath(name)
        if not (_TABLE.fullmatch(name) or (path.parts[:1] == ("data",) and _is_inside(path))):
            raise ValueError(f"{name} has no place in a backup")
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as part:
            while chunk := part.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if (size, digest.hexdigest()) != (noted["bytes"], noted["sha256"]):
            raise ValueError(f"{name} is not what was written")


def _is_inside(path: PurePosixPath) -> bool:
    return len(path.parts) > 1 and not path.is_absolute() and ".." not in path.parts


def _load(
    engine: sa.Engine,
    archive: zipfile.ZipFile,
    manifest: dict[str, Any],
    files: _Files | None,
    replace: bool,
    tell: Told,
) -> tuple[int, bool]:
    connection = engine.connect().execution_options(writes=True)
    rows = 0
    try:
        with connection, connection.begin():
            _clear(connection, [*manifest["parts"]], replace)
            upgrade(connection, manifest["schema"])
            for name in manifest["parts"]:
                if found := _TABLE.fullmatch(name):
                    tell(found[1])
                    rows += _fill(connection, found[1], archive, name)
            upgrade(connection)
            whole = all(verify(connection, table).whole for table in APPEND_ONLY)
            if files is not None:
                files.change_places()
        if files is not None:
            files.keep()
    except sa.exc.DatabaseError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise RunStateError(
            f"the database took the backup not: {reason}. Nothing was changed; stop the platform "
            "and try again"
        ) from error
    return rows, whole


def _clear(connection: sa.Connection, parts: list[str], replace: bool) -> None:
    """Drop our tables, if they are empty or may be replaced."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
    named = {found[1] for name in parts if (found := _TABLE.fullmatch(name))}
    there = [
        name
        for name in sa.inspect(connection).get_table_names()
        if name in named | set(metadata.tables) | {"alembic_version"}
    ]
    for name in there:
        held = connection.exec_driver_sql(f'SELECT 1 FROM "{name}" LIMIT 1').first()
        if held and not replace and name != "alembic_version":
            raise InputError(
                "database", f"rows in {name}", "an empty database",
                "Name another with --database, or lose what is there with --replace",
            )  # fmt: skip
    for name in there:
        connection.exec_driver_sql(f'DROP TABLE "{name}"')
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS zerocity_refuse()")


def _fill(connection: sa.Connection, table: str, archive: zipfile.ZipFile, part: str) -> int:
    count = 0
    with archive.open(part) as lines:
        columns = orjson.loads(lines.readline())
        if not all(_NAME.fullmatch(name) for name, _ in columns):
            raise InputError(part, "odd names of columns", "a backup of ours")
        statement = _statement(connection.dialect.name, table, columns)
        for rows in _batches(lines):
            count += len(rows)
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(statement, [tuple(row) for row in rows])
            else:
                arrays = tuple(map(list, zip(*rows, strict=True)))
                connection.exec_driver_sql(statement, arrays)
    return count


def _statement(dialect: str, table: str, columns: list[tuple[str, str]]) -> str:
    names = ", ".join(f'"{name}"' for name, _ in columns)
    if dialect == "sqlite":
        return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" for _ in columns)})'
    arrays = ", ".join(f"%b::{_CASTS.get(kind, 'text[]')}" for _, kind in columns)
    return f'INSERT INTO "{table}" ({names}) SELECT * FROM unnest({arrays})'


def _batches(lines: Any) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for line in lines:
        batch.append(orjson.loads(line))
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


class _Files:
    """The data folder's part of a restore: unpacked beside, then swapped, undone on an error."""

    def __init__(self, data: Path, replace: bool) -> None:
        self._data, self._replace = data, replace
        self._stage = data / STAGE
        self._new, self._old = self._stage / "new", self._stage / "old"
        self._kept = False
        self._placed: list[Path] = []

    def __enter__(self) -> _Files:
        _require_idle(self._data)
        # A restore that was killed before it was committed left the old files here.
        self._put_back()
        self._new.mkdir(parents=True)
        self._old.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept:
            shutil.rmtree(self._stage, ignore_errors=True)
        else:
            self._put_back()

    def unpack(self, archive: zipfile.ZipFile, names: list[str]) -> None:
        """Write the files beside; InputError where others are in their way."""
        tops = {PurePosixPath(name).parts[1] for name in names}
        for top in sorted(tops):
            if not self._replace and _holds(self._data / top):
                raise InputError(
                    str(self._data / top), "files", "a folder without it",
                    "Name another with --data, or lose what is there with --replace",
                )  # fmt: skip
        try:
            for name in names:
                path = self._new.joinpath(*PurePosixPath(name).parts[1:])
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as part, path.open("wb") as file:
                    shutil.copyfileobj(part, file, _CHUNK)
                    file.flush()
                    lake_files.sync_file(file)
        except OSError as error:
            raise RunStateError(
                f"cannot write to {self._data}: {error.strerror or error}. Nothing was changed"
            ) from error

    def change_places(self) -> None:
        """Put the new files where they belong, and the old ones aside."""
        try:
            for new in sorted(self._new.iterdir()):
                place = self._data / new.name
                if place.exists():
                    place.rename(self._old / new.name)
                self._placed.append(place)
                new.rename(place)
            lake_files.sync_folder(self._data)
        except OSError as error:
            raise RunStateError(
                f"cannot write to {self._data}: {error.strerror}. Nothing was changed"
            ) from error

    def keep(self) -> None:
        """The transaction is committed: the old files go."""
        self._kept = True
        shutil.rmtree(self._old, ignore_errors=True)

    def _put_back(self) -> None:
        old = list(self._old.iterdir()) if self._old.is_dir() else []
        for place in {*self._placed, *(self._data / one.name for one in old)}:
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        for one in old:
            one.rename(self._data / one.name)
        shutil.rmtree(self._stage, ignore_errors=True)


def _holds(path: Path) -> bool:
    """True where there is a file that a running platform would not make by itself."""
    found = [path] if path.is_file() else path.rglob("*")
    return any(one.is_file() and one.name not in PASSING for one in found)


def _require_idle(data: Path) -> None:
    lock = data / LAKE / ".lock"
    if not lock.exists():
        return
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunStateError(f"the platform is running on {data}: stop it first") from None
