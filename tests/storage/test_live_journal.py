"""The live journal is readable whatever cut it off, and never costs the city a step."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from days import made_days
from hypothesis import given, settings
from hypothesis import strategies as st
from live_cities import made_sighting

from zerocity.control.loop import plan_row
from zerocity.control.replay import PlanNote, StepNote, replay_live
from zerocity.control.sighting import say
from zerocity.energy.dispatch import plan_sites
from zerocity.errors import InputError
from zerocity.storage.live_journal import (
    MAGIC,
    MARK,
    LiveJournalWriter,
    is_live_journal,
    read_live_journal,
)

DAYS = made_days(sites=3, steps=4)
PLANS = plan_sites(DAYS)
DAY = "2026-05-04"


def write(folder: Path, steps: int, *, plan: bool = True, day: str = DAY) -> Path:
    """Write a plan and some steps; the file."""
    writer = LiveJournalWriter(folder, lambda: day)
    if plan:
        writer.plan(DAYS, PLANS)
    for number in range(steps):
        step(writer, number)
    writer.close()
    assert writer.lost == 0
    return folder / f"{day}.zcj"


def step(writer: LiveJournalWriter, number: int) -> None:
    seen, _ = made_sighting(number)
    row = plan_row(DAYS.pv_kw, PLANS, number % 4)
    writer.step(number % 4, seen, row, say(seen, row))


def steps_of(path: Path) -> list[int]:
    notes = read_live_journal(path)
    return [note.seen.snapshot.step for note in notes if isinstance(note, StepNote)]


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, 5)
    assert is_live_journal(path)
    notes = list(read_live_journal(path))
    assert isinstance(notes[0], PlanNote)
    assert steps_of(path) == list(range(5))
    found = replay_live(notes, plan_sites)
    assert found.same
    assert found.steps == 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("whole"), 4).read_bytes()


@pytest.mark.parametrize("zeros", [7, 8, 15, 100])
def test_zeros_behind_the_mark_of_a_record_are_a_tear(
    tmp_path: Path, whole: bytes, zeros: int
) -> None:
    path = tmp_path / f"{DAY}.zcj"
    path.write_bytes(whole[: whole.rindex(MARK) + len(MARK)] + bytes(zeros))
    assert steps_of(path) == [0, 1, 2]
    assert steps_of(write(tmp_path, 1)) == [0, 1, 2, 0]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_journal_cut_at_any_byte_is_read_up_to_there(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(len(MAGIC), len(whole)))
    zeros = data.draw(st.sampled_from([0, 0, 1, 15, 16, 4096]))
    path = tmp_path_factory.mktemp("cut") / f"{DAY}.zcj"
    path.write_bytes(whole[:cut] + bytes(zeros))
    found = steps_of(path)
    assert found == list(range(len(found)))
    assert len(found) >= whole[:cut].count(MARK) - 2
    # Whoever goes on behind the tear is read as well.
    write(path.parent, 2)
    assert steps_of(path) == [*found, 0, 1]
    assert replay_live(read_live_journal(path), plan_sites).same


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_told_or_cuts_off_the_last_record(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("flip") / f"{DAY}.zcj"
    path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))])
                     + whole[at + 1 :])  # fmt: skip
    if at >= whole.rindex(MARK):
        assert steps_of(path) == [0, 1, 2]
        return
    with pytest.raises(InputError, match=r"damaged|another kind"):
        steps_of(path)
    before = path.read_bytes()
    write(path.parent, 1)
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == before
    assert steps_of(path) == [0]


@pytest.mark.parametrize("head", [b"", MAGIC[:1], MAGIC[:-1]])
def test_a_file_that_was_cut_off_as_it_began_is_begun_again(tmp_path: Path, head: bytes) -> None:
    (tmp_path / f"{DAY}.zcj").write_bytes(head)
    assert steps_of(write(tmp_path, 2)) == [0, 1]
    assert list(tmp_path.glob("*.damaged-*")) == []


def test_another_file_of_that_name_is_set_aside_not_lost(tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.zcj").write_bytes(b"somebody's poem")
    assert steps_of(write(tmp_path, 1)) == [0]
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == b"somebody's poem"


def test_each_day_has_a_file_that_is_readable_by_itself(tmp_path: Path) -> None:
    today = ["2026-05-04"]
    writer = LiveJournalWriter(tmp_path, lambda: today[0])
    writer.plan(DAYS, PLANS)
    step(writer, 0)
    today[0] = "2026-05-05"
    step(writer, 1)
    today[0] = "2026-05-04"  # the clock was set back
    step(writer, 2)
    writer.close()
    for day, steps in (("2026-05-04", [0, 2]), ("2026-05-05", [1])):
        path = tmp_path / f"{day}.zcj"
        assert steps_of(path) == steps
        assert replay_live(read_live_journal(path), plan_sites).same


def test_a_plan_is_written_once(tmp_path: Path) -> None:
    notes = list(read_live_journal(write(tmp_path, 0)))
    assert len(notes) == 1


def test_a_full_disk_loses_steps_counts_them_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, room = os.write, [10**9]

    def write_a_little(file: int, data: bytes) -> int:
        some = min(len(data), room[0])
        if some == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= some
        return real(file, data[:some])

    monkeypatch.setattr(os, "write", write_a_little)
    writer = LiveJournalWriter(tmp_path, lambda: DAY)
    writer.plan(DAYS, PLANS)
    step(writer, 0)
    room[0] = 100
    for number in (1, 2, 3):
        step(writer, number)
    assert writer.lost == 3
    assert "No space left" in writer.error
    room[0] = 10**9
    step(writer, 4)
    step(writer, 5)
    assert writer.error == ""
    assert writer.lost == 3
    writer.close()
    path = tmp_path / f"{DAY}.zcj"
    assert steps_of(path) == [0, 4, 5]
    assert replay_live(read_live_journal(path), plan_sites).same


# Runs `fill` of this file where no file may grow beyond some bytes (a kernel that is compiled at
# import is kept in a larger one).
LIMITED = f"""
import importlib.util, resource, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("child", {__file__!r})
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
child.warm(Path(sys.argv[1]) / "warm")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
print(*child.fill(Path(sys.argv[1])))
"""


def warm(folder: Path) -> None:
    """Write one step: what is compiled for it is kept in a file that may grow."""
    writer = LiveJournalWriter(folder, lambda: DAY)
    writer.plan(DAYS, PLANS)
    step(writer, 0)
    writer.close()


def fill(folder: Path) -> tuple[int, int]:
    """Write steps until ten were lost; how many were written and lost."""
    writer = LiveJournalWriter(folder, lambda: DAY)
    writer.plan(DAYS, PLANS)
    written = 0
    while writer.lost < 10:
        before = writer.lost
        step(writer, written)
        written += writer.lost == before
    writer.close()
    return written, writer.lost


def test_a_file_that_may_not_grow_loses_only_what_does_not_fit(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), "60000"],
        env={**os.environ, "PYTHONPATH": f"{tests / 'energy'}:{tests / 'live'}"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    written, lost = map(int, done.stdout.split())
    assert written > 3
    assert lost == 10
    assert steps_of(tmp_path / f"{DAY}.zcj") == list(range(written))


def test_no_file_stays_open_while_the_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    writer = LiveJournalWriter(tmp_path / "file" / "journal", lambda: DAY)
    writer.plan(DAYS, PLANS)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        step(writer, number)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert writer.lost == 21
    assert "Not a directory" in writer.error
    writer.close()


@pytest.mark.parametrize("name", ["nothing", "other"])
def test_what_is_no_journal_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "other":
        path.write_bytes(b"PK\x03\x04")
        with pytest.raises(InputError, match="another kind of file"):
            list(read_live_journal(path))
    assert not is_live_journal(path)


def test_a_whole_record_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / f"{DAY}.zcj"
    body: Any = b"not packed"
    head = struct.pack("<8sII", MARK, len(body), zlib.crc32(body))
    path.write_bytes(MAGIC + head + body)
    with pytest.raises(InputError, match="record 0: got a damaged record"):
        list(read_live_journal(path))
