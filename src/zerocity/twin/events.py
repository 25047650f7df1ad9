"""The ledger of lives while a run is under way: each step lawful, each row chained to the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F64, I64
from zerocity.measures.growing import Growing
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import (
    GENESIS,
    Event,
    Stage,
    StageArray,
    chain_texts,
    encode_events,
    next_stages,
)

_LABELS = np.array([stage.label for stage in sorted(Stage)], dtype=object)
_FIRST = min(Stage)


class LifeLedger:
    """Moves packs from stage to stage by the transition table and keeps the rows of a day."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.start = timeline.start
        self._last = GENESIS
        self._columns: dict[str, list[Any]] = {}
        self.codes = Growing[np.str_]("U24")
        self.moves: Counter[tuple[str, str]] = Counter()
        self.begin_day()

    def begin_day(self) -> None:
        """Forget the rows and moves of the day before; the chain goes on."""
        self.moves = Counter()
        names = "day battery code event from_stage to_stage soh grade reason hash"
        self._columns = {name: [] for name in names.split()}

    def date(self, day: int) -> date:
        """Calendar date of a run day."""
        return self._timeline.local_date(day)

    def note(
        self,
        packs: Packs,
        ids: I64,
        event: Event,
        day: int | I64,
        *,
        grade: Sequence[str] | str = "",
        reason: Sequence[str] | str = "",
        soh: F64 | None = None,
    ) -> None:
        """Let ``event`` happen to packs ``ids`` (n,): change their stage and write the rows.

        day : run day, one for all or (n,). grade, reason : one for all or n.
        soh : health at that time when it is not today's, (n,).
        """
        if len(ids) == 0:
            return
        before = packs.stage[ids]
        after = next_stages(before, event)
        packs.stage[ids] = after
        n = len(ids)
        numbers, of = np.unique(np.broadcast_to(np.asarray(day), n), return_inverse=True)
        date_of = [self._timeline.local_date(number) for number in numbers.tolist()]
        dates = [date_of[k] for k in of.tolist()]
        grades = [grade] * n if isinstance(grade, str) else list(grade)
        reasons = [reason] * n if isinstance(reason, str) else list(reason)
        health = np.round(packs.soh[ids] if soh is None else soh, 6)
        codes = self.codes.rows[ids].tolist()
        rows = encode_events(codes, dates, event, health.tolist(), grades, reasons)
        hashes = chain_texts(self._last, rows)
        self._last = bytes.fromhex(hashes[-1])
        add = self._columns
        add["day"] += dates
        add["battery"] += ids.tolist()
        add["code"] += codes
        add["event"] += [event.label] * n
        add["from_stage"] += _LABELS[before.astype(int) - _FIRST].tolist()
        add["to_stage"] += _LABELS[after.astype(int) - _FIRST].tolist()
        self._count_moves(before, after)
        add["soh"] += health.tolist()
        add["grade"] += grades
        add["reason"] += reasons
        add["hash"] += hashes

    def _count_moves(self, before: StageArray, after: StageArray) -> None:
        # Packs of one event come from few stages, so that there are few kinds of moves.
        for left in np.unique(before):
            for entered, count in zip(
                *np.unique(after[before == left], return_counts=True), strict=True
            ):
                if entered != left:
                    self.moves[Stage(left).label, Stage(entered).label] += int(count)

    def rows(self) -> dict[str, list[Any]]:
        """The rows since `begin_day`, by column."""
        return self._columns
