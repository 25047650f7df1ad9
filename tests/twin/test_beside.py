"""Another hand: the same answers with a thread and without, in order, and errors are told."""

from __future__ import annotations

import threading

import pytest

from zerocity.twin.beside import Beside


@pytest.mark.parametrize("thread", [False, True])
def test_works_are_done_in_their_order_and_answered(thread: bool) -> None:
    hand, seen = Beside(thread), list[int]()

    def work(k: int) -> int:
        seen.append(k)
        return -k

    waits = [hand.begin(lambda k=k: work(k)) for k in range(20)]  # type: ignore[misc]
    assert [wait() for wait in reversed(waits)] == [-k for k in reversed(range(20))]
    assert seen == list(range(20))
    hand.close()


def test_an_error_is_raised_where_the_work_is_waited_for() -> None:
    hand = Beside(True)

    def fail() -> None:
        raise ValueError("a work that fails")

    first, second = hand.begin(fail), hand.begin(lambda: 2)
    with pytest.raises(ValueError, match="fails"):
        first()
    assert second() == 2
    hand.close()


def test_close_finishes_what_was_begun_and_ends_the_thread() -> None:
    before = threading.active_count()
    hand, done = Beside(True), list[int]()
    for k in range(5):
        hand.begin(lambda k=k: done.append(k))  # type: ignore[misc]
    hand.close()
    assert done == [0, 1, 2, 3, 4]
    assert threading.active_count() == before
