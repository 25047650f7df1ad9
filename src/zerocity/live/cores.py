"""On which processor cores the platform's threads run.

Python lets one of its threads run at a time. Where two of them that hand each other every message,
as the event loop and the store's writer do, sit on two cores, each has to fetch from the other's
cache what that one wrote: a fifth of all time and more. On one core they lose nothing by it.
Work beside them roams over all cores; a new thread or process begins where its maker is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_THIS_THREAD = Path("/proc/thread-self/stat")
# The field of that file which says the core, counted from the first one behind the name in
# brackets (proc(5): the 39th of all).
_CORE_FIELD = 36


def _allowed() -> frozenset[int]:
    try:
        return frozenset(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not Linux, or not permitted
        return frozenset()


CORES = _allowed()
"""What this process was given at its start; empty where threads cannot be kept."""


def share_core(threads: Iterable[int]) -> int | None:
    """Keep the calling thread and ``threads`` (system ids) on the core where it runs now.

    Returns the core; None, and nothing is changed, where there is no choice of cores.
    """
    if len(CORES) < 2:
        return None
    try:
        fields = _THIS_THREAD.read_text().rpartition(")")[2].split()
        core = int(fields[_CORE_FIELD])
        for thread in (0, *threads):
            os.sched_setaffinity(thread, {core})
    except (OSError, ValueError, IndexError):
        roam()
        return None
    return core


def roam(cores: frozenset[int] = CORES) -> None:
    """Let the calling thread run on every core of ``cores``: a new process must be told them.

    It stays where it is when the system has taken them all away since.
    """
    if cores:
        with suppress(OSError):
            os.sched_setaffinity(0, cores)
