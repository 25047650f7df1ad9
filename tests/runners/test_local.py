"""Work over shards: the same answers with one process or two, and when a worker dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zerocity.errors import InputError
from zerocity.runners.local import LocalRunner, available_cores

WORK = """
import multiprocessing, os, sys, time
from zerocity.errors import InputError

def square(x):
    return x * x

def die_in_a_worker(x):
    if multiprocessing.parent_process() is not None:
        os._exit(9)
    return x * x

def refuse(x):
    raise InputError("shard", str(x), "another")

def sleep(x):
    open(f"{sys.argv[1] if len(sys.argv) > 1 else x}.{os.getpid()}", "w").close()
    time.sleep(60)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Functions in a module that a spawned worker can import."""
    (tmp_path / "shard_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shard_work", raising=False)
    import shard_work  # type: ignore[import-not-found]

    return shard_work


def test_one_process_works_here() -> None:
    seen: list[int] = []
    with LocalRunner(1) as runner:
        assert list(runner.map(lambda x: seen.append(x) or -x, range(4))) == [0, -1, -2, -3]
    assert seen == [0, 1, 2, 3]


def test_two_processes_answer_in_order_and_survive_a_death(work) -> None:  # type: ignore[no-untyped-def]
    with LocalRunner(2) as runner:
        assert list(runner.map(work.square, range(20))) == [x * x for x in range(20)]
        with pytest.raises(InputError, match="shard: got"):
            runner.map(work.refuse, [1])
        assert list(runner.map(work.die_in_a_worker, range(6))) == [0, 1, 4, 9, 16, 25]
        assert list(runner.map(work.square, range(5))) == [0, 1, 4, 9, 16], "a new pool"
    assert not multiprocessing.active_children()


def test_there_is_at_least_one_core() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "shard_work.py").write_text(WORK)
    (tmp_path / "parent.py").write_text(
        "import shard_work\nfrom zerocity.runners.local import LocalRunner\n"
        "if __name__ == '__main__':\n"
        "    with LocalRunner(2) as runner:\n"
        "        runner.map(shard_work.sleep, ['a', 'b'])\n"
    )
    with subprocess.Popen([sys.executable, "parent.py"], cwd=tmp_path) as parent:
        names = wait_for(lambda: sorted(tmp_path.glob("[ab].*")), 2)
        parent.send_signal(signal.SIGKILL)
    workers = [int(name.suffix[1:]) for name in names]
    wait_for(lambda: [pid for pid in workers if not alive(pid)], 2)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_for(look, count: int, seconds: float = 20.0):  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while len(found := look()) < count:
        assert time.monotonic() < end, f"only {found}"
        time.sleep(0.05)
    return found
