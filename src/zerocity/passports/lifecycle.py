"""A battery's life: the lawful steps in one table, and the chain that guards the ledger.

Two rules. A step that is not in TRANSITIONS is unlawful and raises. A battery that sits in the
swap pool moves between vehicle and pool at each swap: that is custody, not life, so it leaves no
event and is listed apart in CUSTODY_MOVES.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import IntEnum
from math import isfinite

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

StageArray = npt.NDArray[np.int8]


class Stage(IntEnum):
    """Where a battery stands in its life; the number is what run tables store (int8)."""

    UNMADE = -1
    MADE = 0
    IN_SERVICE = 1
    SWAP_POOL = 2
    STORAGE = 3
    REPAIR = 4
    RETIRED = 5
    AT_CENTRE = 6
    SECOND_LIFE = 7
    QUEUED = 8
    RECYCLED = 9
    LOST = 10

    @property
    def label(self) -> str:
        """Lower-case name for tables and pages."""
        return self.name.lower()


class Event(IntEnum):
    """What can happen to a battery."""

    MADE = 0
    INSTALLED_IN_VEHICLE = 1
    PLACED_IN_POOL = 2
    INSTALLED_AT_STATION = 3
    CHECKED = 4
    REPAIR_STARTED = 5
    REPAIRED = 6
    REPAIRED_FOR_POOL = 7
    REPAIRED_FOR_STATION = 8
    RETIRED = 9
    COLLECTED = 10
    LEAKED = 11
    TESTED = 12
    GRADED = 13
    SECOND_LIFE_INSTALLED = 14
    SECOND_LIFE_RETIRED = 15
    QUEUED = 16
    PROCESSED = 17

    @property
    def label(self) -> str:
        """Lower-case name for tables and pages."""
        return self.name.lower()


AT_WORK = (Stage.IN_SERVICE, Stage.SWAP_POOL, Stage.STORAGE)

TRANSITIONS: dict[tuple[Stage, Event], Stage] = {
    (Stage.UNMADE, Event.MADE): Stage.MADE,
    (Stage.MADE, Event.INSTALLED_IN_VEHICLE): Stage.IN_SERVICE,
    (Stage.MADE, Event.PLACED_IN_POOL): Stage.SWAP_POOL,
    (Stage.MADE, Event.INSTALLED_AT_STATION): Stage.STORAGE,
    **{(stage, Event.CHECKED): stage for stage in (*AT_WORK, Stage.SECOND_LIFE)},
    **{(stage, Event.REPAIR_STARTED): Stage.REPAIR for stage in AT_WORK},
    (Stage.REPAIR, Event.REPAIRED): Stage.IN_SERVICE,
    (Stage.REPAIR, Event.REPAIRED_FOR_POOL): Stage.SWAP_POOL,
    (Stage.REPAIR, Event.REPAIRED_FOR_STATION): Stage.STORAGE,
    **{(stage, Event.RETIRED): Stage.RETIRED for stage in (*AT_WORK, Stage.REPAIR)},
    (Stage.RETIRED, Event.COLLECTED): Stage.AT_CENTRE,
    (Stage.RETIRED, Event.LEAKED): Stage.LOST,
    (Stage.AT_CENTRE, Event.TESTED): Stage.AT_CENTRE,
    (Stage.AT_CENTRE, Event.GRADED): Stage.AT_CENTRE,
    (Stage.AT_CENTRE, Event.SECOND_LIFE_INSTALLED): Stage.SECOND_LIFE,
    (Stage.AT_CENTRE, Event.QUEUED): Stage.QUEUED,
    (Stage.SECOND_LIFE, Event.SECOND_LIFE_RETIRED): Stage.RETIRED,
    (Stage.QUEUED, Event.PROCESSED): Stage.RECYCLED,
}

CUSTODY_MOVES: frozenset[tuple[Stage, Stage]] = frozenset(
    {(Stage.IN_SERVICE, Stage.SWAP_POOL), (Stage.SWAP_POOL, Stage.IN_SERVICE)}
)

_UNLAWFUL = -2


def _as_array() -> StageArray:
    # Row 0 is UNMADE (-1), so a stage's row is its number plus one.
    table = np.full((len(Stage), len(Event)), _UNLAWFUL, dtype=np.int8)
    for (stage, event), to in TRANSITIONS.items():
        table[stage + 1, event] = to
    return table


_TABLE = _as_array()


def next_stages(
    stages: npt.NDArray[np.integer], event: Event | npt.NDArray[np.integer]
) -> StageArray:
    """Stages after ``event``, shape (n,) int8.

    Parameters
    ----------
    stages : (n,) Stage numbers before.
    event : one Event for all, or (n,) Event numbers.

    Raises InputError that names the first battery (by position) whose step is not lawful.
    """
    before = np.asarray(stages)
    after: StageArray = np.asarray(_TABLE[before + 1, np.asarray(event)])
    unlawful = np.flatnonzero(after == _UNLAWFUL)
    if unlawful.size:
        at = int(unlawful[0])
        stage = Stage(int(before[at]))
        came = Event(int(np.broadcast_to(np.asarray(event), before.shape)[at]))
        lawful = [e.label for (s, e) in TRANSITIONS if s == stage]
        raise InputError(
            f"battery {at} ({unlawful.size} of {before.size} unlawful)",
            f"{came.label} when {stage.label}",
            " or ".join(lawful) if lawful else "no event: the life has ended",
        )
    return after


def fold(events: Iterable[int]) -> Stage:
    """The stage that one life's events lead to, from UNMADE on; raises at an unlawful one."""
    stage = Stage.UNMADE
    for place, number in enumerate(events):
        event = Event(number)
        after = TRANSITIONS.get((stage, event))
        if after is None:
            raise InputError(
                f"event {place} of the life",
                f"{event.label} when {stage.label}",
                "a step of the life-cycle table",
            )
        stage = after
    return stage


def fold_lives(
    batteries: npt.NDArray[np.integer], events: npt.NDArray[np.integer], count: int
) -> StageArray:
    """Stages of ``count`` batteries after a ledger of mixed lives, shape (count,).

    ``batteries`` (n,) holds numbers 0..count-1 and ``events`` (n,) Event numbers in the order in
    which they happened. Batteries without an event are UNMADE.
    """
    stages: StageArray = np.full(count, Stage.UNMADE, dtype=np.int8)
    order = np.argsort(batteries, kind="stable")
    sorted_batteries = np.asarray(batteries)[order]
    starts = np.flatnonzero(np.r_[True, sorted_batteries[1:] != sorted_batteries[:-1]])
    lengths = np.diff(np.r_[starts, sorted_batteries.size])
    nth = np.arange(sorted_batteries.size) - np.repeat(starts, lengths)
    for turn in range(int(nth.max()) + 1 if nth.size else 0):
        rows = order[nth == turn]
        who = np.asarray(batteries)[rows]
        stages[who] = next_stages(stages[who], np.asarray(events)[rows])
    return stages


GENESIS = bytes(32)
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_text = json.encoder.encode_basestring


def encode_event(
    code: str, day: date, event: Event, details: Mapping[str, str | float | int | None]
) -> bytes:
    """One ledger row as canonical bytes: JSON with sorted keys, UTF-8, no blanks."""
    row = {"code": code, "day": day.isoformat(), "event": event.label, "details": dict(details)}
    return _CANONICAL.encode(row).encode()


def encode_events(
    codes: Sequence[str],
    days: Sequence[date],
    event: Event,
    soh: Sequence[float],
    grades: Sequence[str],
    reasons: Sequence[str],
) -> list[bytes]:
    """Many rows of one event with the details grade, reason and soh, as `encode_event` has them."""
    if not all(map(isfinite, soh)):
        raise InputError("soh", "nan or infinite", "finite numbers")
    end = f',"event":{_text(event.label)}}}'
    written = {day: _text(day.isoformat()) for day in set(days)}
    said = {
        (grade, reason): f'"grade":{_text(grade)},"reason":{_text(reason)}'
        for grade, reason in set(zip(grades, reasons, strict=True))
    }
    return [
        f'{{"code":{_text(code)},"day":{written[day]},"details":{{{said[words]},"soh":{health!r}}}'
        f"{end}".encode()
        for code, day, health, words in zip(
            codes, days, soh, zip(grades, reasons, strict=True), strict=True
        )
    ]


def chain_hashes(previous: bytes, rows: Sequence[bytes]) -> npt.NDArray[np.bytes_]:
    """SHA-256 chain over ``rows``: digest i = SHA256(digest i-1 + row i); hex, shape (n,) S64.

    ``previous`` is the 32-byte digest before the first row (GENESIS for a new ledger). A change,
    removal or swap of any row changes every digest after it (FIPS 180-4).
    """
    _require_digest(previous)
    return np.array(_chained(previous, rows), dtype="S64")


def chain_texts(previous: bytes, rows: Sequence[bytes]) -> list[str]:
    """As `chain_hashes`, the digests as text."""
    _require_digest(previous)
    return _chained(previous, rows)


def _chained(last: bytes, rows: Sequence[bytes]) -> list[str]:
    digests: list[str] = []
    sha256, add = hashlib.sha256, digests.append
    for row in rows:
        made = sha256(last + row)
        last = made.digest()
        add(last.hex())
    return digests


def _require_digest(previous: bytes) -> None:
    if len(previous) != 32:
        raise InputError(
            "previous hash",
            f"{len(previous)} bytes",
            "32 bytes",
            "Use GENESIS for a new ledger, bytes.fromhex() for a stored digest",
        )


def chain_lives(
    last: Mapping[int, bytes], batteries: npt.NDArray[np.integer], rows: Sequence[bytes]
) -> tuple[npt.NDArray[np.bytes_], dict[int, bytes]]:
    """One chain a battery over a ledger of mixed lives.

    Parameters
    ----------
    last : battery number to its digest so far (32 bytes); a battery that is absent starts anew.
    batteries : (n,) battery numbers of ``rows``, in the order in which things happened.

    Returns the digests, hex, (n,) S64, and ``last`` carried on. A passport that holds only its own
    battery's rows can so be verified alone.
    """
    ends = dict(last)
    digests: list[str] = []
    for battery, row in zip(np.asarray(batteries).tolist(), rows, strict=True):
        ends[battery] = hashlib.sha256(ends.get(battery, GENESIS) + row).digest()
        digests.append(ends[battery].hex())
    return np.array(digests, dtype="S64"), ends


def broken_link(
    previous: bytes, rows: Sequence[bytes], hashes: Sequence[bytes] | npt.NDArray[np.bytes_]
) -> int | None:
    """Position of the first row that does not fit its stored hash; None when the chain holds."""
    if len(rows) != len(hashes):
        return min(len(rows), len(hashes))
    wrong = np.flatnonzero(chain_hashes(previous, rows) != np.asarray(hashes, dtype="S64"))
    return int(wrong[0]) if wrong.size else None


def mermaid() -> str:
    """The life-cycle table as a mermaid state diagram, for the handbook."""
    lines = ["stateDiagram-v2"]
    for (stage, event), to in TRANSITIONS.items():
        start = "[*]" if stage == Stage.UNMADE else stage.label
        lines.append(f"    {start} --> {to.label}: {event.label}")
    ends = [stage for stage in Stage if not any(s == stage for s, _ in TRANSITIONS)]
    lines += [f"    {stage.label} --> [*]" for stage in ends]
    return "\n".join(lines) + "\n"
