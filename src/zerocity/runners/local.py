"""Work over shards on this machine: a pool of processes, or none."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import TypeVar

from zerocity.errors import RunStateError

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalRunner:
    """``map(function, shards)`` over ``processes``; with one, in this process.

    Functions must be pure and importable, so results do not depend on who computes them.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalRunner:
        if self.processes > 1:
            # Spawned, because threads are running: a forked child could inherit a held lock.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.processes, mp_context=context, initializer=_alone)
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
            return list(self._pool.map(function, items))
        except BrokenPipeError as error:
            raise RunStateError(f"a worker process was lost: {error}") from error
        except RuntimeError as error:
            # BrokenProcessPool: a worker was killed. Shards are pure, so they can run again.
            if type(error).__name__ != "BrokenProcessPool":
                raise
            self.__exit__(None, None, None)
            self.__enter__()
            return [function(item) for item in items]


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
