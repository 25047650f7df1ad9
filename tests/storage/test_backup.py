"""A backup made while the platform writes restores whole, in either database, or not at all."""

from __future__ import annotations

import itertools
import json
import random
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from zerocity.errors import InputError, RunStateError
from zerocity.storage import backup as backup_module
from zerocity.storage import restore as restore_module
from zerocity.storage.backup import MANIFEST, back_up
from zerocity.storage.compaction import convert, read
from zerocity.storage.database import migrate, open_engine, schema_state
from zerocity.storage.lake import Lake
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import ledger_events, messages, metadata, sessions
from zerocity.storage.recorder import Recorder, Row, write_now
from zerocity.storage.restore import restore

AT = datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC)
KINDS = ("sqlite", "postgresql")


@pytest.fixture
def new_url(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes addresses of empty databases of either kind."""
    numbers = itertools.count()

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
        server = request.getfixturevalue("postgres_server")
        return str(server.new_database())

    return make


def rows_for(number: int) -> list[Row]:
    at = AT + timedelta(seconds=number)
    return [
        Row("messages", {"station": f"s{number % 9}", "key": f"{number:09d}", "received_at": at,
                         "payload": f'{{"n":{number},"t":"é\\\\t\\u0000"}}'}),
        Row("sessions", {"id": f"s{number // 10}", "energy_kwh": number / 7, "offline": True}),
        Row("ledger_events", {"key": f"{number:09d}", "battery": "b", "at": at, "event": "charged",
                              "data": {"kwh": number / 3}}),
    ]  # fmt: skip


def opened(url: str) -> sa.Engine:
    engine = open_engine(url)
    migrate(engine)
    return engine


def content(engine: sa.Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(
                sa.select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
        }  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a lake, half of it converted, and a journal."""
    folder = tmp_path / "data"
    lake = Lake(folder / "lake", flush_s=0.0)
    lake.append([("v1", AT, b"1"), ("v2", AT, b"2")])
    while lake.waiting:
        pass
    convert(folder / "lake", lake.roll(), decode)
    lake.append([("v3", AT, b"3")])
    lake.close()
    (folder / "journal").mkdir()
    (folder / "journal" / "2026-05-01.zcj").write_bytes(bytes(range(256)) * 100)
    return folder


def decode(frames: Any) -> pa.Table:
    rows = [{"vin": v, "at": at, "received_at": at, "soc": int(raw)} for v, at, raw in frames]
    return pa.Table.from_pylist(rows)


def files(folder: Path) -> dict[str, bytes]:
    found = (p for p in folder.rglob("*") if p.is_file() and p.name not in backup_module.PASSING)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_a_backup_made_under_load_restores_in_either_database(
    tmp_path: Path, new_url: Callable[[str], str], data: Path, source: str, target: str
) -> None:
    url = new_url(source)
    engine = opened(url)
    write_now(engine, [row for n in range(500) for row in rows_for(n)])
    recorder = Recorder(url, flush_s=0.0)
    stop = threading.Event()

    def work() -> None:
        for number in itertools.count(500):
            if stop.is_set():
                return
            while recorder.waiting > 60:
                stop.wait(0.001)
            recorder.submit(rows_for(number))

    writer = threading.Thread(target=work)
    writer.start()
    try:
        before = recorder.committed
        made = back_up(engine, data, tmp_path / "b.zip", AT)
        during = recorder.committed - before
    finally:
        stop.set()
        writer.join()
        recorder.close()
    assert during > 0
    target_engine = open_engine(new_url(target))
    found = restore(tmp_path / "b.zip", target_engine, tmp_path / "back")
    assert (found.rows, found.files, found.chains_whole) == (made.rows, made.files, True)
    with target_engine.connect() as connection:
        kept = connection.scalars(sa.select(messages.c.key).order_by(messages.c.key)).all()
        events = connection.scalars(sa.select(ledger_events.c.key)).all()
        last = connection.scalar(
            sa.select(sessions.c.energy_kwh).where(sessions.c.id == f"s{(len(kept) - 1) // 10}")
        )
        assert verify(connection).rows == len(kept) >= 500
    # One moment: a message, its event and its session come from the same commit.
    assert kept == sorted(events) == [f"{n:09d}" for n in range(len(kept))]
    assert last == (len(kept) - 1) / 7
    assert files(tmp_path / "back") == files(data)
    assert read(tmp_path / "back" / "lake", AT, AT + timedelta(hours=1)).num_rows == 2
    assert schema_state(target_engine).ready


@pytest.mark.parametrize("middle", KINDS)
def test_a_round_trip_changes_nothing(
    tmp_path: Path, new_url: Callable[[str], str], middle: str
) -> None:
    engine = opened(new_url("sqlite"))
    odd: dict[str, Any] = {"id": "odd", "site": None, "max_kw": 0.1 + 0.2, "created_at": AT,
                           "connectors": {"a": "b\\n\"'"}, "security_profile": 1 << 40}  # fmt: skip
    write_now(engine, [Row("stations", odd), Row("stations", {"id": "é\n\t\\N"})])
    write_now(engine, [row for n in range(30) for row in rows_for(n)])
    there, back = open_engine(new_url(middle)), open_engine(new_url("sqlite"))
    back_up(engine, None, tmp_path / "1.zip", AT)
    restore(tmp_path / "1.zip", there, None)
    back_up(there, None, tmp_path / "2.zip", AT)
    restore(tmp_path / "2.zip", back, None)
    assert content(back) == content(there) == content(engine)


@pytest.fixture
def backup(tmp_path: Path, data: Path) -> Path:
    engine = opened(f"sqlite:///{tmp_path / 'source.db'}")
    write_now(engine, [row for n in range(200) for row in rows_for(n)])
    back_up(engine, data, tmp_path / "good.zip", AT)
    return tmp_path / "good.zip"


def test_the_manifest_says_what_is_inside(backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        assert sorted([*manifest["parts"], MANIFEST]) == sorted(archive.namelist())
    assert manifest["parts"]["tables/messages.jsonl"]["rows"] == 200
    assert manifest["made_at"] == "2026-05-01T12:00:00.000001+00:00"
    assert manifest["database"] == "sqlite"


def untouched(database_url: str, folder: Path) -> bool:
    with open_engine(database_url).connect() as connection:
        return sa.inspect(connection).get_table_names() == [] and not any(
            path.is_file() for path in folder.rglob("*")
        )


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_backup_is_one_clear_error(tmp_path: Path, backup: Path, seed: int) -> None:
    url = f"sqlite:///{tmp_path / 'target.db'}"
    draw = random.Random(seed)
    raw = bytearray(backup.read_bytes())
    if seed % 2:
        raw = raw[: draw.randrange(len(raw))]
    else:
        # Not in the places that a reader of the format never looks at.
        with zipfile.ZipFile(backup) as archive:
            one = draw.choice([i for i in archive.infolist() if i.compress_size > 20])
        raw[one.header_offset + 30 + len(one.filename) + 20 + draw.randrange(10)] ^= 0x55
    (tmp_path / "bad.zip").write_bytes(raw)
    with pytest.raises(InputError, match=r"no backup|damaged"):
        restore(tmp_path / "bad.zip", open_engine(url), tmp_path / "back")
    assert untouched(url, tmp_path / "back")


def changed(backup: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)


CHANGES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "row": lambda n, c: c.replace(b"000000007", b"000000008") if "messages" in n else c,
    "missing": lambda n, c: None if "journal" in n else c,
    "no manifest": lambda n, c: None if n == MANIFEST else c,
    "other manifest": lambda n, c: b"[]" if n == MANIFEST else c,
    "no json": lambda n, c: b"{" if n == MANIFEST else c,
    "escape": lambda n, c: c.replace(b"data/journal", b"data/../jrnl") if n == MANIFEST else c,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_backup_that_was_changed_is_refused(tmp_path: Path, backup: Path, change: str) -> None:
    changed(backup, tmp_path / "bad.zip", CHANGES[change])
    url = f"sqlite:///{tmp_path / 'target.db'}"
    with pytest.raises(InputError, match="damaged"):
        restore(tmp_path / "bad.zip", open_engine(url), tmp_path / "back")
    assert untouched(url, tmp_path / "back")


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [(b'"format": 1', b'"format": 2', "format 2, wanted format 1"),
     (b'"schema": "', b'"schema": "9', "newer zerocity")],
)  # fmt: skip
def test_a_backup_of_a_newer_program_is_refused(
    tmp_path: Path, backup: Path, old: bytes, new: bytes, wrong: str
) -> None:
    changed(backup, tmp_path / "bad.zip", lambda n, c: c.replace(old, new) if n == MANIFEST else c)
    with pytest.raises(InputError, match=wrong):
        restore(tmp_path / "bad.zip", open_engine(tmp_path / "target.db"), tmp_path / "back")


def test_what_is_there_stays_unless_it_may_go(
    tmp_path: Path, backup: Path, database_url: str
) -> None:
    engine = opened(database_url)
    write_now(engine, rows_for(7777))
    before = content(engine)
    with pytest.raises(InputError, match=r"rows in .* wanted an empty database.*--replace"):
        restore(backup, engine, tmp_path / "back")
    assert content(engine) == before
    assert files(tmp_path / "back") == {}
    restore(backup, engine, tmp_path / "back", replace=True)
    with engine.connect() as connection:
        assert verify(connection).rows == 200
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_events")


def test_files_that_are_there_stay_unless_they_may_go(
    tmp_path: Path, backup: Path, data: Path
) -> None:
    back = tmp_path / "back"
    (back / "journal").mkdir(parents=True)
    (back / "journal" / "mine").write_text("mine")
    (back / "other").write_text("other")
    with pytest.raises(InputError, match="--replace"):
        restore(backup, open_engine(tmp_path / "1.db"), back)
    assert files(back) == {"journal/mine": b"mine", "other": b"other"}
    restore(backup, open_engine(tmp_path / "1.db"), back, replace=True)
    assert files(back) == {**files(data), "other": b"other"}


def test_a_restore_into_an_empty_lake_that_was_opened_before(tmp_path: Path, backup: Path) -> None:
    Lake(tmp_path / "back" / "lake").close()
    assert restore(backup, open_engine(tmp_path / "1.db"), tmp_path / "back").files == 4


@pytest.mark.parametrize("step", ["_fill", "upgrade", "verify", "_Files.change_places"])
def test_a_restore_that_fails_on_the_way_changes_nothing(
    tmp_path: Path, backup: Path, database_url: str, monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:  # fmt: skip
    engine = opened(database_url)
    write_now(engine, rows_for(7777))
    before = content(engine)
    back = tmp_path / "back"
    (back / "journal").mkdir(parents=True)
    (back / "journal" / "mine").write_text("mine")
    owner: Any = restore_module._Files if "." in step else restore_module
    name = step.rpartition(".")[2]
    whole, calls = getattr(owner, name), itertools.count()

    def fails(*words: Any, **more: Any) -> Any:
        made = whole(*words, **more)
        if next(calls) == (3 if name == "_fill" else 0):
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(owner, name, fails)
    with pytest.raises(KeyboardInterrupt):
        restore(backup, engine, back, replace=True)
    assert content(engine) == before
    assert files(back) == {"journal/mine": b"mine"}


def test_a_restore_that_was_killed_gives_the_old_files_back(tmp_path: Path, backup: Path) -> None:
    old = tmp_path / "back" / ".restoring" / "old" / "journal"
    old.mkdir(parents=True)
    (old / "mine").write_text("mine")
    (tmp_path / "back" / "journal").mkdir()
    (tmp_path / "back" / "journal" / "half").write_text("half")
    with pytest.raises(InputError, match="--replace"):
        restore(backup, open_engine(tmp_path / "1.db"), tmp_path / "back")
    assert files(tmp_path / "back") == {"journal/mine": b"mine"}


def test_a_running_platform_is_not_restored_over(tmp_path: Path, backup: Path) -> None:
    lake = Lake(tmp_path / "back" / "lake")
    with pytest.raises(RunStateError, match="stop it first"):
        restore(backup, open_engine(tmp_path / "1.db"), tmp_path / "back", replace=True)
    lake.close()


def test_a_locked_database_is_one_clear_error(
    tmp_path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerocity.storage.database.BUSY_S", 0.1)
    engine = opened(f"sqlite:///{tmp_path / '1.db'}")
    with engine.connect().execution_options(writes=True) as held, held.begin():
        held.exec_driver_sql("SELECT 1")
        with pytest.raises(RunStateError, match=r"locked.*stop the platform"):
            restore(backup, open_engine(tmp_path / "1.db"), tmp_path / "back", replace=True)


def test_a_backup_with_files_needs_a_folder_for_them(tmp_path: Path, backup: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        restore(backup, open_engine(tmp_path / "1.db"), None)


def test_no_backup_is_overwritten_or_left_half(
    tmp_path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(tmp_path / "source.db")
    with pytest.raises(InputError, match="exists"):
        back_up(engine, None, backup, AT)
    with pytest.raises(InputError, match=r"ends in \.zip"):
        back_up(engine, None, tmp_path / "b.tar", AT)
    with pytest.raises(InputError, match="database upgrade"):
        back_up(open_engine(tmp_path / "new.db"), None, tmp_path / "b.zip", AT)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_module.os, "fsync", full)
    with pytest.raises(RunStateError, match="No space left"):
        back_up(engine, None, tmp_path / "b.zip", AT)
    assert not list(tmp_path.glob("b.*"))


def test_the_database_in_the_data_folder_is_not_taken_as_a_file(tmp_path: Path) -> None:
    engine = opened(f"sqlite:///{tmp_path / 'live.db'}")
    write_now(engine, rows_for(1))
    (tmp_path / "note").write_text("x")
    made = back_up(engine, tmp_path, tmp_path / "backups" / "b.zip", AT)
    assert made.files == 1


def test_files_that_go_or_grow_meanwhile_do_no_harm(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(f"sqlite:///{tmp_path / '1.db'}")
    journal = data / "journal" / "2026-05-01.zcj"
    (data / "journal" / "gone").write_text("x")
    size = journal.stat().st_size

    def meddle(part: str) -> None:
        if part.endswith("gone"):
            Path(part).unlink()
        if part == str(journal):
            with journal.open("ab") as file:
                file.write(b"more")

    back_up(engine, data, tmp_path / "b.zip", AT, meddle)
    restore(tmp_path / "b.zip", open_engine(tmp_path / "2.db"), tmp_path / "back")
    assert (tmp_path / "back" / "journal" / journal.name).stat().st_size == size
    assert not (tmp_path / "back" / "journal" / "gone").exists()
