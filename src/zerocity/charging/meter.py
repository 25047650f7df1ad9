"""What a session took, by its meter: from a register's readings to energy that may be billed.

A register that is whole needs two readings. Everything else, a register that falls, readings that
contradict each other, more than the plug can give, is named; what cannot be proved is not billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

# Between readings further apart than this the course is unknown; an assumption. The energy is
# proved all the same, only its hours are spread evenly.
GAP_S = 900.0
# A plug may give a little more than its plate says, and a reading may be late; assumptions.
PLATE_MARGIN, SLACK_KWH = 1.1, 0.1


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """A register of energy taken [Wh] at a moment (UTC)."""

    at: datetime
    wh: float


@dataclass(frozen=True, slots=True)
class Part:
    """Energy taken from ``since`` to ``until`` [kWh], >= 0; its course in between is unknown."""

    since: datetime
    until: datetime
    kwh: float


@dataclass(frozen=True, slots=True)
class Account:
    """A session's energy.

    ``energy_kwh`` by the register, of which ``held_kwh`` is not billed; ``parts`` add up to the
    energy; ``notes`` name what was found.
    """

    energy_kwh: float
    held_kwh: float
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def account(
    first: Reading | None,
    between: Sequence[Reading],
    last: Reading | None,
    most_kw: float | None = None,
) -> Account:
    """Energy of a session whose readings are these, in whatever order they came.

    Parameters
    ----------
    first, last : readings at the start and the end; None where the station gave none, then the
        earliest or latest of the others stands for it.
    between : all other readings.
    most_kw : what the plug can give [kW]; None where it is not known.

    A register that ends at or above its start gives the difference; readings outside it are left
    out. One that ends below its start was reset: each rise counts, each fall is named.
    """
    notes: list[str] = []
    chain = sorted(set(between))
    if first is None and chain:
        notes.append("no register at the start: the earliest reading stands for it")
    if last is None and chain:
        notes.append("no register at the end: the latest reading stands for it")
    chain = [*([first] if first else []), *chain, *([last] if last else [])]
    if len(chain) < 2:
        return Account(0.0, 0.0, (), (*notes, "fewer than two readings: no energy is proved"))
    if chain[-1].wh >= chain[0].wh:
        chain = _rising(chain, notes)
    parts = _parts(chain, notes)
    energy = sum(part.kwh for part in parts)
    if chain[-1].at < chain[0].at:
        notes.append("the station's clock ran backwards: the whole session counts at its start")
    held = _above_plate(chain, energy, most_kw, notes)
    return Account(round(energy, 6), round(held, 6), parts, tuple(notes))


def _rising(chain: list[Reading], notes: list[str]) -> list[Reading]:
    """The readings that rise from the first to the last; the others are counted in a note."""
    last = chain[-1]
    kept = [chain[0]]
    for reading in chain[1:-1]:
        if kept[-1].wh <= reading.wh <= last.wh:
            kept.append(reading)
    kept.append(last)
    left_out = len(chain) - len(kept)
    if left_out:
        notes.append(f"{left_out} readings contradict the register at start and end: left out")
    return kept


def _parts(chain: list[Reading], notes: list[str]) -> tuple[Part, ...]:
    parts = []
    for before, after in pairwise(chain):
        if after.wh < before.wh:
            notes.append(
                f"the register fell from {before.wh:g} to {after.wh:g} Wh at "
                f"{after.at.isoformat()}: what flowed meanwhile is not billed"
            )
        elif after.wh > before.wh:
            since = min(max(before.at, chain[0].at), after.at)
            parts.append(Part(since, after.at, (after.wh - before.wh) / 1000.0))
            gap_s = (after.at - before.at).total_seconds()
            if gap_s > GAP_S:
                notes.append(
                    f"no reading for {gap_s / 60:.0f} min from {before.at.isoformat()}: "
                    "its energy is spread evenly"
                )
    return tuple(parts)


def _above_plate(
    chain: list[Reading], energy: float, most_kw: float | None, notes: list[str]
) -> float:
    if most_kw is None or most_kw <= 0.0:
        return 0.0
    hours = max((chain[-1].at - chain[0].at).total_seconds(), 0.0) / 3600.0
    most = most_kw * hours * PLATE_MARGIN + SLACK_KWH
    if energy <= most:
        return 0.0
    notes.append(
        f"{energy:.3f} kWh are more than a plug of {most_kw:g} kW gives in {hours:.2f} h: "
        f"{energy - most:.3f} kWh are held back until somebody looks at them"
    )
    return energy - most
