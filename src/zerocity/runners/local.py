"""Work over shards on this machine: a pool of processes, or none."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from zerocity.errors import RunStateError

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalRunner:
    """``map(function, shards)`` over ``processes``, of which this one is the first.

    Functions must be pure and importable, so results do not depend on who computes them.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalRunner:
        if self.processes > 1:
            # Spawned, because threads are running: a forked child could inherit a held lock.
            context = multiprocessing.get_context("spawn")
            workers = self.processes - 1
            self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_alone)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def begin(self, function: Callable[[Item], object], item: Item) -> None:
        """Have a worker, if there is one, apply ``function`` meanwhile; nobody waits for it."""
        if self._pool is not None:
            self._pool.submit(function, item)

    def map(
        self, function: Callable[[Item], Result], shards: Iterable[Item], /
    ) -> Iterable[Result]:
        """Apply ``function`` to each shard; results in the order of the shards.

        A worker that dies takes no result with it: what is missing is computed again here.
        """
        items = list(shards)
        if self._pool is None:
            return [function(item) for item in items]
        try:
            return _Shared(self._pool, function, items).answers(self.processes - 1)
        except BrokenPipeError as error:
            raise RunStateError(f"a worker process was lost: {error}") from error
        except RuntimeError as error:
            # BrokenProcessPool: a worker was killed. Shards are pure, so they can run again.
            if type(error).__name__ != "BrokenProcessPool":
                raise
            self.__exit__(None, None, None)
            self.__enter__()
            return [function(item) for item in items]


class _Shared(Generic[Item, Result]):
    """Items that workers and this process take one by one, so that nobody waits for the slowest.

    A worker that waits for its next shard costs as much as one that computes, and this process
    would only wait: it needs no messages to take part.
    """

    def __init__(
        self, pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: list[Item]
    ) -> None:
        self._pool, self._function, self._items = pool, function, items
        self._open: Iterator[int] = iter(range(len(items)))
        self._given: dict[int, Future[Result]] = {}
        self._lock = threading.Lock()

    def answers(self, workers: int) -> list[Result]:
        """The results in the order of the items."""
        for _ in range(workers):
            self._give()
        own: dict[int, Result] = {}
        while (k := self._take()) is not None:
            own[k] = self._function(self._items[k])
        every = range(len(self._items))
        return [own[k] if k in own else self._given[k].result() for k in every]

    def _take(self) -> int | None:
        with self._lock:
            return next(self._open, None)

    def _give(self, _: object = None) -> None:
        """Hand the next item to a worker, which gets another one when it is done."""
        with self._lock:
            if (k := next(self._open, None)) is None:
                return
            try:
                self._given[k] = self._pool.submit(self._function, self._items[k])
            except RuntimeError as error:  # a broken or closed pool; whoever waits will hear it
                self._given[k] = Future()
                self._given[k].set_exception(error)
        self._given[k].add_done_callback(self._give)


def _alone() -> None:
    """Keep a worker to one thread, quiet at Ctrl-C, and no longer alive than its parent."""
    # The parent hears Ctrl-C as well; it says so once and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        # Returns when the parent is gone, killed ones included; a worker would wait for ever.
        parent.join()
        os._exit(1)
