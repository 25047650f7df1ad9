"""Decide a journal again: the same pictures must give the same commands, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from zerocity.control.decide import decide
from zerocity.control.limits import limit
from zerocity.control.loop import plan_row
from zerocity.control.ports import Planner
from zerocity.control.sighting import Sighting, say
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.site_days import SiteDays, SitePlans

MOST_DIFFERENCES = 10


@dataclass(frozen=True)
class Replayed:
    """What was decided again. ``differences`` names the first values that came out otherwise.

    left_out_bytes : the torn end of a journal, which nobody could decide.
    """

    steps: int
    commands: int
    differences: tuple[str, ...]
    left_out_bytes: int = 0

    @property
    def same(self) -> bool:
        """True when every plan and command came out the same to the bit."""
        return not self.differences


def replay_day(
    days: SiteDays,
    plans: SitePlans,
    steps: Iterable[tuple[Snapshot, PlanRow, Commands]],
    planner: Planner,
) -> Replayed:
    """Plan the day and decide each step again, and compare with what was written."""
    again = planner(days)
    found = _differences("plan", again, plans)
    count = commands = 0
    for number, (snapshot, row, said) in enumerate(steps):
        if number == days.steps:
            found.append(f"the journal has more than the {days.steps} steps of its plan")
            break
        found += _differences(f"step {number}, plan row", plan_row(days.pv_kw, again, number), row)
        now = limit(snapshot, decide(snapshot, row))
        found += _differences(f"step {number}", now, said)
        count += 1
        commands += sum(getattr(said, one.name).size for one in fields(Commands))
    if count < days.steps:
        found.append(f"the journal has {count} of the {days.steps} steps of its plan")
    return Replayed(count, commands, tuple(found[:MOST_DIFFERENCES]))


@dataclass(frozen=True)
class PlanNote:
    """A plan of a live journal and what it was made from."""

    days: SiteDays
    plans: SitePlans


@dataclass(frozen=True)
class StepNote:
    """A step of a live journal; ``column`` is the one of the last plan that it followed."""

    column: int
    seen: Sighting
    row: PlanRow
    commands: Commands


def replay_live(notes: Iterable[PlanNote | StepNote], planner: Planner) -> Replayed:
    """Make every plan and decide every step of a live journal again, and compare."""
    found: list[str] = []
    count = commands = 0
    days: SiteDays | None = None
    for note in notes:
        if isinstance(note, PlanNote):
            again = planner(note.days)
            found += _differences(f"plan before step {count}", again, note.plans)
            days, plans = note.days, again
            continue
        if days is None:
            found.append(f"step {count} comes before the first plan")
            break
        if not 0 <= note.column < days.steps:
            found.append(f"step {count} follows column {note.column} of {days.steps} of its plan")
            break
        row = plan_row(days.pv_kw, plans, note.column)
        found += _differences(f"step {count}, plan row", row, note.row)
        found += _differences(f"step {count}", say(note.seen, note.row), note.commands)
        count += 1
        commands += sum(getattr(note.commands, one.name).size for one in fields(Commands))
        if len(found) >= MOST_DIFFERENCES:
            break
    return Replayed(count, commands, tuple(found[:MOST_DIFFERENCES]))


def _differences(where: str, mine: object, theirs: object) -> list[str]:
    found = []
    for one in fields(mine):  # type: ignore[arg-type]
        a, b = np.asarray(getattr(mine, one.name)), np.asarray(getattr(theirs, one.name))
        if a.shape != b.shape:
            found.append(f"{where}: {one.name} has shape {a.shape}, the journal {b.shape}")
        elif a.tobytes() != b.tobytes():
            at = np.unravel_index(int(np.argmax(a != b)), a.shape)
            place = tuple(int(i) for i in at)
            found.append(
                f"{where}: {one.name}{list(place)} is {a[at]!r}, the journal has {b[at]!r}"
            )
    return found
