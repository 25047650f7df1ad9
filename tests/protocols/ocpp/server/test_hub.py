"""Answers on their way through the store: one wake-up for many, nothing lost when it is full."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from zerocity.protocols.ocpp.server.conversation import Reply
from zerocity.protocols.ocpp.server.hub import Commits
from zerocity.storage.recorder import RecorderFullError, Row


class Answer:
    """Stands in for a reply."""

    def __init__(self) -> None:
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1

    def stored(self) -> None:
        """Not called here."""

    def failed(self, reason: str) -> None:
        """Not called here."""


class FullStore:
    waiting, full = 0, True

    def __init__(self) -> None:
        self.room = 0
        self.taken: list[Sequence[Row]] = []

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        if len(self.taken) >= self.room:
            raise RecorderFullError("full")
        self.taken.append(rows)


def test_answers_from_another_thread_are_settled_once_each_in_the_loop() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        commits = Commits(FullStore(), loop)
        answers = [Answer() for _ in range(5000)]

        def land() -> None:
            for answer in answers:
                commits.landed(cast(Reply, answer))

        thread = threading.Thread(target=land)
        thread.start()
        while thread.is_alive() or not all(answer.settled for answer in answers):
            await asyncio.sleep(0.001)
        assert {answer.settled for answer in answers} == {1}

    asyncio.run(test())


def test_rows_without_room_wait_in_order() -> None:
    store = FullStore()
    commits = Commits(store, cast(Any, None))
    rows = [[Row("stations", {"id": str(number)})] for number in range(4)]
    for one in rows:
        commits.submit(one)
    assert store.taken == []
    store.room = 2
    commits.retry()
    assert store.taken == rows[:2]
    store.room = 10
    commits.submit([])  # comes behind those that wait already
    commits.retry()
    assert store.taken == [*rows, []]


def test_a_landing_after_the_loop_has_ended_harms_nobody() -> None:
    loop = asyncio.new_event_loop()
    commits = Commits(FullStore(), loop)
    loop.close()
    commits.landed(cast(Reply, Answer()))
