"""The life-cycle table, its fold and its chain."""

from __future__ import annotations

import hashlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.passports.lifecycle import (
    CUSTODY_MOVES,
    GENESIS,
    TRANSITIONS,
    Event,
    Stage,
    broken_link,
    chain_hashes,
    chain_lives,
    chain_texts,
    encode_event,
    encode_events,
    fold,
    fold_lives,
    mermaid,
    next_stages,
)

ENDS = {Stage.RECYCLED, Stage.LOST}
LIFE = [
    Event.MADE, Event.INSTALLED_IN_VEHICLE, Event.CHECKED, Event.REPAIR_STARTED, Event.REPAIRED,
    Event.RETIRED, Event.COLLECTED, Event.TESTED, Event.GRADED, Event.SECOND_LIFE_INSTALLED,
    Event.SECOND_LIFE_RETIRED, Event.COLLECTED, Event.QUEUED, Event.PROCESSED,
]  # fmt: skip


def test_the_vectorised_step_is_the_table() -> None:
    for stage in Stage:
        for event in Event:
            wanted = TRANSITIONS.get((stage, event))
            if wanted is None:
                with pytest.raises(InputError):
                    next_stages(np.array([stage]), event)
            else:
                assert next_stages(np.array([stage]), event)[0] == wanted


def test_every_stage_can_be_reached_and_every_event_happens() -> None:
    reached, before = {Stage.UNMADE}, set[Stage]()
    while reached != before:
        before = set(reached)
        reached |= {to for (stage, _), to in TRANSITIONS.items() if stage in before}
    assert reached == set(Stage)
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {s for s in Stage if not any(s == stage for stage, _ in TRANSITIONS)} == ENDS


def test_from_every_stage_a_life_can_end() -> None:
    ending = set(ENDS)
    for _ in Stage:
        ending |= {stage for (stage, _), to in TRANSITIONS.items() if to in ending}
    assert ending == set(Stage)


def test_a_swap_is_custody_and_no_event() -> None:
    moves = {(stage, to) for (stage, _), to in TRANSITIONS.items()}
    assert not moves & CUSTODY_MOVES


def test_an_unlawful_step_names_the_battery_and_the_way_out() -> None:
    stages = np.array([Stage.IN_SERVICE, Stage.RECYCLED], dtype=np.int8)
    with pytest.raises(InputError, match=r"battery 1 .*checked when recycled.*life has ended"):
        next_stages(stages, Event.CHECKED)
    with pytest.raises(InputError, match="collected or leaked"):
        next_stages(np.array([Stage.RETIRED]), Event.PROCESSED)


def test_events_may_differ_by_battery() -> None:
    stages = np.array([Stage.MADE, Stage.RETIRED])
    events = np.array([Event.PLACED_IN_POOL, Event.LEAKED])
    assert next_stages(stages, events).tolist() == [Stage.SWAP_POOL, Stage.LOST]
    assert next_stages(np.array([], dtype=np.int8), Event.MADE).size == 0


def test_a_whole_life_folds() -> None:
    assert fold(LIFE) is Stage.RECYCLED
    assert fold([]) is Stage.UNMADE
    with pytest.raises(InputError, match="event 1 of the life"):
        fold([Event.MADE, Event.RETIRED])


@given(st.lists(st.integers(0, 4), max_size=60), st.data())
def test_mixed_lives_fold_as_single_ones(order: list[int], data: st.DataObject) -> None:
    stages, batteries, events = [Stage.UNMADE] * 5, [], []
    for battery in order:
        lawful = [event for (stage, event) in TRANSITIONS if stage == stages[battery]]
        if lawful:
            event = data.draw(st.sampled_from(lawful))
            stages[battery] = TRANSITIONS[stages[battery], event]
            batteries.append(battery)
            events.append(event)
    folded = fold_lives(np.array(batteries, dtype=np.int64), np.array(events, dtype=np.int64), 5)
    assert folded.tolist() == stages
    for battery in range(5):
        own = [e for b, e in zip(batteries, events, strict=True) if b == battery]
        assert fold(own) == stages[battery]


def rows() -> list[bytes]:
    return [
        encode_event("001PB24", date(2026, 1, 1 + i), e, {"soh": 0.9}) for i, e in enumerate(LIFE)
    ]


def test_the_chain_is_sha256_over_digest_and_row() -> None:
    one, two = rows()[:2]
    first = hashlib.sha256(GENESIS + one).digest()
    wanted = [first.hex(), hashlib.sha256(first + two).hexdigest()]
    assert [digest.decode() for digest in chain_hashes(GENESIS, [one, two])] == wanted
    continued = chain_hashes(first, [two])
    assert continued[0].decode() == wanted[1]
    assert chain_hashes(GENESIS, []).size == 0


def test_every_tampering_is_found_where_it_happens() -> None:
    honest = rows()
    hashes = chain_hashes(GENESIS, honest)
    assert broken_link(GENESIS, honest, hashes) is None
    for at in range(len(honest) - 1):
        forged = list(honest)
        forged[at] += b" "
        assert broken_link(GENESIS, forged, hashes) == at
        swapped = list(honest)
        swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
        assert broken_link(GENESIS, swapped, hashes) == at
    assert broken_link(GENESIS, honest[:-1], hashes) == len(honest) - 1
    assert broken_link(b"\1" * 32, honest, hashes) == 0


def test_mixed_lives_have_a_chain_each() -> None:
    ledger = rows()
    batteries = np.arange(len(ledger)) % 3
    head, carried = chain_lives({}, batteries[:5], ledger[:5])
    tail, _ = chain_lives(carried, batteries[5:], ledger[5:])
    hashes = np.concatenate([head, tail])
    for battery in range(3):
        own = [row for row, b in zip(ledger, batteries, strict=True) if b == battery]
        assert broken_link(GENESIS, own, hashes[batteries == battery]) is None


def test_a_hash_of_wrong_length_is_refused() -> None:
    with pytest.raises(InputError, match="GENESIS"):
        chain_hashes(b"", [])


def test_an_event_has_one_encoding() -> None:
    day = date(2026, 4, 1)
    row = encode_event("c", day, Event.GRADED, {"b": 1, "a": None})
    assert row == encode_event("c", day, Event.GRADED, {"a": None, "b": 1})
    assert row == (b'{"code":"c","day":"2026-04-01","details":{"a":null,"b":1},"event":"graded"}')
    with pytest.raises(ValueError, match="JSON"):
        encode_event("c", day, Event.GRADED, {"soh": float("nan")})


@given(
    st.lists(
        st.tuples(
            st.text(max_size=9), st.dates(), st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=9), st.text(max_size=9),
        )
    ),
    st.sampled_from(list(Event)),
)  # fmt: skip
def test_many_events_are_encoded_as_each_alone(
    lives: list[tuple[str, date, float, str, str]], event: Event
) -> None:
    columns = [list(column) for column in zip(*lives, strict=True)] or [[] for _ in range(5)]
    codes, days, health, grades, reasons = columns
    rows = encode_events(codes, days, event, health, grades, reasons)
    assert rows == [
        encode_event(code, day, event, {"soh": soh, "grade": grade, "reason": reason})
        for code, day, soh, grade, reason in lives
    ]
    assert chain_texts(GENESIS, rows) == [h.decode() for h in chain_hashes(GENESIS, rows)]


def test_no_health_no_row() -> None:
    with pytest.raises(InputError, match="soh"):
        encode_events(["c"], [date(2026, 1, 1)], Event.MADE, [float("nan")], [""], [""])


def test_the_diagram_shows_each_step() -> None:
    drawing = mermaid()
    assert drawing.startswith("stateDiagram-v2\n")
    assert drawing.count("-->") == len(TRANSITIONS) + len(ENDS)
    assert "    [*] --> made: made\n" in drawing
    assert "    recycled --> [*]\n" in drawing
