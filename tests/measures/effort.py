"""What work costs a processor at best, however busy the machine and large the test process is."""

from __future__ import annotations

import time
from collections.abc import Callable


def least_s(work: Callable[[], object], rounds: int = 5) -> float:
    """The processor time of the quickest of some rounds [s].

    Whatever else runs, or a collection of all the garbage of a long test process, which takes a
    second, can only make a round slower.
    """
    spent = []
    for _ in range(rounds):
        began_s = time.thread_time()
        work()
        spent.append(time.thread_time() - began_s)
    return min(spent)
