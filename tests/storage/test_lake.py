"""Frames are on the disk before they are acknowledged, whatever happens to the disk or to us."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zerocity.errors import RunStateError
from zerocity.storage import lake as lake_module
from zerocity.storage import lake_files, segments
from zerocity.storage.lake import SEGMENTS, Lake
from zerocity.storage.recorder import RecorderFullError

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def frame(number: int, size: int = 20) -> segments.Frame:
    return f"V{number % 7}", AT, str(number).encode().ljust(size)


def kept(folder: Path) -> list[int]:
    """The numbers of the frames in all segments."""
    paths = (folder / SEGMENTS / segments.name_of(n) for n in segments.numbers(folder / SEGMENTS))
    return [int(raw) for path in paths for _, _, raw in segments.read(path)]


def wait_for(true: Callable[[], bool], most_s: float = 10.0) -> bool:
    deadline = time.monotonic() + most_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    made = Lake(tmp_path / "lake", flush_s=0.001)
    yield made
    made.close()


def test_a_frame_is_on_the_disk_when_done_is_called(lake: Lake) -> None:
    seen: list[list[int]] = []
    done = threading.Event()
    lake.append([frame(1), frame(2)], lambda: (seen.append(kept(lake.folder)), done.set()))
    assert done.wait(5.0)
    assert seen == [[1, 2]]
    assert (lake.waiting, lake.written, lake.healthy) == (0, 2, True)


def test_many_are_kept_in_order_over_several_segments(tmp_path: Path) -> None:
    lake = Lake(tmp_path, segment_bytes=4000, flush_s=0.0)
    done: list[int] = []
    for number in range(500):
        lake.append([frame(number)], lambda n=number: done.append(n))
    assert lake.close()
    assert done == kept(tmp_path) == list(range(500))
    assert len(segments.numbers(tmp_path / SEGMENTS)) > 2


def test_the_next_start_goes_on_in_a_new_segment(tmp_path: Path) -> None:
    for number in range(3):
        lake = Lake(tmp_path)
        lake.append([frame(number)])
        assert lake.close()
    assert kept(tmp_path) == [0, 1, 2]


def test_a_number_is_not_given_twice(tmp_path: Path) -> None:
    lake_files.save(tmp_path, lake_files.Manifest(last_segment=41))
    lake = Lake(tmp_path)
    lake.append([frame(1)])
    lake.close()
    assert segments.numbers(tmp_path / SEGMENTS) == [42]


def test_rolling_closes_the_segment(lake: Lake) -> None:
    assert lake.roll() == []
    for number in range(2):
        lake.append([frame(number)])
        assert wait_for(lambda: lake.waiting == 0)
        assert len(lake.roll()) == number + 1
    assert [path.name for path in lake.roll()] == ["000000000001.seg", "000000000002.seg"]


def test_two_processes_do_not_write_one_lake(lake: Lake) -> None:
    with pytest.raises(RunStateError, match="another process"):
        Lake(lake.folder)


def test_a_frame_that_cannot_be_kept_takes_no_other_with_it(lake: Lake) -> None:
    with pytest.raises(ValueError, match="time zone"):
        lake.append([frame(1), ("v", datetime(2026, 5, 1), b"")])
    assert lake.waiting == 0


def test_a_callback_that_fails_stops_nothing(lake: Lake) -> None:
    done = threading.Event()
    lake.append([frame(1)], lambda: 1 / 0)
    lake.append([frame(2)], done.set)
    assert done.wait(5.0)


def test_no_more_waits_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lake, "_write", lambda *_: False)
    lake = Lake(tmp_path, most_waiting=10, flush_s=0.0)
    for number in range(20):
        assert lake.full == (number >= 10)
        lake.append([frame(number)])
    with pytest.raises(RecorderFullError, match="20 frames wait"):
        lake.append([frame(20)])
    assert not lake.close(0.1)
    with pytest.raises(RecorderFullError, match="closed"):
        lake.append([frame(21)])


def test_a_sync_that_fails_is_tried_again_in_a_new_segment(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([True, True])

    def sync(handle: int) -> None:
        if next(failures, False):
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(handle)

    monkeypatch.setattr(lake_module.os, "fdatasync", sync)
    done: list[int] = []
    lake.append([frame(1)], lambda: done.append(1))
    assert wait_for(lambda: lake.error == "Input/output error")
    assert not lake.healthy
    assert wait_for(lambda: done == [1])
    assert lake.healthy
    assert kept(lake.folder) == [1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where we may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(words, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def test_a_full_disk_delays_and_loses_nothing(small_disk: Path) -> None:
    lake = Lake(small_disk / "lake", flush_s=0.0)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
    done: list[int] = []
    for number in range(60):
        lake.append([frame(number, 10_000)], lambda n=number: done.append(n))
    assert wait_for(lambda: not lake.healthy)
    assert "space" in str(lake.error)
    assert set(done) <= set(kept(lake.folder))
    before = len(done)
    assert before < 60
    filler.unlink()
    assert wait_for(lambda: len(done) == 60)
    assert lake.close()
    assert sorted(set(kept(lake.folder))) == list(range(60))


WRITER = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from zerocity.storage.lake import Lake

folder, notes = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def write(first):
    lake = Lake(folder, segment_bytes=20_000, flush_s=0.0)
    for number in range(first, 1 << 30):
        while lake.waiting > 200:
            time.sleep(0.0002)
        frame = ("V", datetime(2026, 5, 1, tzinfo=UTC), b"%d" % number)
        lake.append([frame], lambda n=number: os.write(notes, b"%d\\n" % n))

for line in sys.stdin:  # each line: from which number on, and how long until the kill
    first, after_s = line.split()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # what it logs is no answer of ours
        write(int(first))
    time.sleep(float(after_s))
    os.kill(child, 9)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    notes, folder = tmp_path / "notes", tmp_path / "lake"
    notes.touch()
    draw = random.Random(5)
    known: list[int] = []
    words = [sys.executable, "-c", WRITER, str(folder), str(notes)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for _ in range(12):
            print(len(known), draw.uniform(0.0, 0.1), file=nursery.stdin, flush=True)
            assert nursery.stdout.readline() == "killed\n"
            known = [int(line) for line in notes.read_text().split()]
            assert known == list(range(len(known)))
            assert set(known) <= set(kept(folder))
        nursery.stdin.close()
    assert len(known) > 100
    Lake(folder).close()
    assert set(known) <= set(kept(folder))
