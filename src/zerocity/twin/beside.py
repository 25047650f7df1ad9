"""One more hand: a thread that works beside its maker, for tasks shorter than a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Does what it is told in the order in which it was told; without ``thread``, at once.

    A pool's futures cost some ten microseconds each for what nobody asks of them here; a step
    begins several works, and they last a few hundred.
    """

    def __init__(self, thread: bool) -> None:
        self.threaded = thread
        self._tasks: SimpleQueue[Any] | None = SimpleQueue() if thread else None
        if thread:
            self._thread = Thread(target=self._work, name="beside", daemon=True)
            self._thread.start()

    def begin(self, work: Callable[[], T]) -> Callable[[], T]:
        """Start ``work``; what comes back waits until it is done and gives its result, once.

        An error of the work is raised there.
        """
        if self._tasks is None:
            result = work()
            return lambda: result
        answer: SimpleQueue[Any] = SimpleQueue()
        self._tasks.put((work, answer))
        return lambda: _open(answer.get())

    def _work(self) -> None:
        assert self._tasks is not None
        while (task := self._tasks.get()) is not None:
            work, answer = task
            try:
                answer.put((work(), None))
            except BaseException as error:
                answer.put((None, error))
            # Nothing of a day may be kept alive until the next one comes.
            del task, work, answer

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        if self._tasks is not None:
            self._tasks.put(None)
            self._thread.join()


def _open(said: tuple[Any, BaseException | None]) -> Any:
    result, error = said
    if error is not None:
        raise error
    return result
