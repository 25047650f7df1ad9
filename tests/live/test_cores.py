"""Threads that hand each other everything share a core; the others keep all of them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from zerocity.live import cores
from zerocity.live.cores import CORES, roam, share_core

needs_cores = pytest.mark.skipif(len(CORES) < 2, reason="this machine gives one core, or no choice")


@pytest.fixture(autouse=True)
def back() -> Iterator[None]:
    yield
    roam()


def mine() -> set[int]:
    return os.sched_getaffinity(0)


@needs_cores
def test_two_threads_share_the_callers_core() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    core = share_core([other.native_id or 0])
    assert core in CORES
    assert mine() == os.sched_getaffinity(other.native_id or 0) == {core}
    done.set()
    other.join()


@needs_cores
@pytest.mark.parametrize(
    "pool",
    [
        lambda: ThreadPoolExecutor(1, initializer=roam),
        lambda: ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=roam, initargs=(CORES,)
        ),
    ],
)  # fmt: skip
def test_work_beside_them_roams(pool: Callable[[], ThreadPoolExecutor]) -> None:
    share_core([])
    with pool() as workers:
        assert workers.submit(os.sched_getaffinity, 0).result() == CORES
    assert len(mine()) == 1


@needs_cores
def test_a_thread_that_is_gone_leaves_all_as_it_was() -> None:
    assert share_core([2**22 + 1]) is None
    assert mine() == CORES


@needs_cores
def test_work_goes_on_where_no_core_is_left_to_roam() -> None:
    share_core([])
    kept = mine()
    roam(frozenset({4000}))
    assert mine() == kept


@pytest.mark.parametrize("given", [frozenset(), frozenset({0})])
def test_nothing_is_done_where_there_is_no_choice(
    monkeypatch: pytest.MonkeyPatch, given: frozenset[int]
) -> None:
    before = mine()
    monkeypatch.setattr(cores, "CORES", given)
    assert share_core([]) is None
    assert mine() == before
