"""The ledger of lives while it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import (
    GENESIS,
    Event,
    Stage,
    broken_link,
    encode_event,
    fold_lives,
)
from zerocity.twin.events import LifeLedger
from zerocity.twin.population import Population

NUMBERS = {event.label: int(event) for event in Event}


@pytest.fixture
def ledger(people: Population, timeline: Timeline) -> LifeLedger:
    made = LifeLedger(timeline)
    made.codes.add(np.array([f"CODE{p:020d}" for p in range(people.packs.size)]))
    return made


def test_an_unlawful_step_raises_and_changes_nothing(
    ledger: LifeLedger, people: Population
) -> None:
    before = people.packs.stage.copy()
    with pytest.raises(InputError, match="processed when in_service"):
        ledger.note(people.packs, np.array([0, 1]), Event.PROCESSED, 0)
    np.testing.assert_array_equal(people.packs.stage, before)
    assert ledger.rows()["event"] == []


def test_a_lawful_step_moves_the_packs_and_counts_the_move(
    ledger: LifeLedger, people: Population, timeline: Timeline
) -> None:
    ids = np.array([3, 5])
    ledger.note(people.packs, ids, Event.RETIRED, 1, reason=["old", "weak"])
    assert (people.packs.stage[ids] == Stage.RETIRED).all()
    rows = ledger.rows()
    assert rows["battery"] == [3, 5]
    assert rows["day"] == [timeline.local_date(1)] * 2
    assert rows["from_stage"] == ["in_service"] * 2
    assert rows["to_stage"] == ["retired"] * 2
    assert rows["reason"] == ["old", "weak"]
    assert dict(ledger.moves) == {("in_service", "retired"): 2}


def test_a_check_is_an_event_but_no_move(ledger: LifeLedger, people: Population) -> None:
    ledger.note(people.packs, np.array([3]), Event.CHECKED, 0)
    assert ledger.rows()["event"] == ["checked"]
    assert not ledger.moves


def test_nobody_is_no_event(ledger: LifeLedger, people: Population) -> None:
    ledger.note(people.packs, np.zeros(0, np.int64), Event.PROCESSED, 0)
    assert ledger.rows()["event"] == []


def test_a_new_day_forgets_the_rows_but_not_the_chain(
    ledger: LifeLedger, people: Population, timeline: Timeline
) -> None:
    ledger.note(people.packs, np.array([3]), Event.CHECKED, 0)
    first = ledger.rows()["hash"][-1]
    ledger.begin_day()
    assert not ledger.rows()["hash"]
    ledger.note(people.packs, np.array([3]), Event.CHECKED, 1)
    details = {"soh": round(float(people.packs.soh[3]), 6), "grade": "", "reason": ""}
    row = encode_event(str(ledger.codes.rows[3]), timeline.local_date(1), Event.CHECKED, details)
    link = [ledger.rows()["hash"][-1].encode()]
    assert broken_link(bytes.fromhex(first), [row], link) is None
    assert broken_link(GENESIS, [row], link) == 0


def test_lives_of_a_run_fold_to_where_the_packs_stand(hard_times: Any) -> None:
    batteries = hard_times.column("life_events", "battery")
    events = np.array([NUMBERS[e] for e in hard_times.column("life_events", "event")])
    packs = hard_times.twin.people.packs
    folded = fold_lives(batteries, events, packs.size)
    pool = np.isin(packs.stage, (Stage.IN_SERVICE, Stage.SWAP_POOL))  # custody, not life
    np.testing.assert_array_equal(folded[~pool], packs.stage[~pool])
    assert np.isin(folded[pool], (Stage.IN_SERVICE, Stage.SWAP_POOL)).all()


def test_the_chain_of_a_run_holds_and_a_changed_row_breaks_it(
    hard_times: Any, live: Callable[..., Any]
) -> None:
    names = ("code", "day", "event", "soh", "grade", "reason")
    columns = [hard_times.column("life_events", name).tolist() for name in names]
    rows = [
        encode_event(code, day, Event(NUMBERS[event]), {"soh": s, "grade": g, "reason": r})
        for code, day, event, s, g, r in zip(*columns, strict=True)
    ]
    hashes = [h.encode() for h in hard_times.column("life_events", "hash").tolist()]
    assert len(rows) > 200
    assert broken_link(GENESIS, rows, hashes) is None
    rows[100] = rows[100].replace(b'"soh":', b'"soh":1')
    assert broken_link(GENESIS, rows, hashes) == 100
