"""A battery's usable capacity from one charge: energy by the meter over the rise in charge.

The vehicle tells its state of charge in steps. Where the number changes between two readings, the
true value has just passed that step, so the energy between the first and the last change belongs to
a rise that is known to much less than a step; what is not known is when between the two readings
each change came. (Coulomb and energy counting between two states of charge is the oldest capacity
estimate: Ng et al. 2009, doi:10.1016/j.apenergy.2008.11.021.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

# Time, power [kW], energy register [Wh], state of charge 0-1, voltage [V], current [A].
Point = tuple[datetime, float, float, float | None, float | None, float | None]

# Below this rise in charge the steps and the losses drown the capacity: an assumption.
LEAST_RISE = 0.20
# Largest error of the meter, as a share of what it measures: class 2 and better: an assumption.
METER_ERROR = 0.02
# A fall of the state of charge that is more than a wobble of its last digit: an assumption.
MOST_FALL = 0.011
# Both halves of the rise must give the same capacity but for this share: an assumption, that
# leaves room for losses which change with the power.
HALVES_AGREE = 0.15
# A single change that took less than one part in this of the usual energy, or more than this many
# times as much, is a correction: an assumption.
CORRECTION = 2.0
# Steps in which energy registers count [Wh]; the coarsest that fits all readings is taken.
REGISTER_STEPS_WH = (100.0, 10.0, 1.0)
# From here on the number stands still while the cells are balanced: an assumption.
FULL = 0.995


class Supply(StrEnum):
    """What the plug gives."""

    AC = "ac"
    DC = "dc"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Range:
    """A value that lies between ``low`` and ``high``; ``middle`` is the best guess."""

    low: float
    middle: float
    high: float

    @property
    def spread(self) -> float:
        """Half of its width over its middle."""
        return (self.high - self.low) / 2.0 / self.middle if self.middle else float("inf")

    def over(self, other: float) -> Range:
        """The range of the ratio to ``other``, > 0."""
        return Range(self.low / other, self.middle / other, self.high / other)


# Share of the metered energy that the battery keeps, the pack's own loss included. Assumptions: the
# meter of a direct-current charger stands at its plug, or before its rectifier; with alternating
# current the vehicle's own charger and its computers lose most (tests of cars report losses of 10
# to 20 %).
KEPT = {
    Supply.AC: Range(0.80, 0.88, 0.95),
    Supply.DC: Range(0.89, 0.95, 0.99),
    Supply.UNKNOWN: Range(0.80, 0.90, 0.99),
}


@dataclass(frozen=True, slots=True)
class CapacityFound:
    """What a charge says of the capacity.

    ``capacity_kwh`` is None where ``cannot_say`` tells why. ``rise``: of the state of charge
    between its first and its last change, 0-1; ``energy_kwh`` metered meanwhile.
    """

    capacity_kwh: Range | None
    rise: float = 0.0
    energy_kwh: float = 0.0
    cannot_say: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """The state of charge became ``soc`` while the register went from ``before`` to ``after``."""

    soc: float
    before_wh: float
    after_wh: float


def usable_capacity(curve: Sequence[Point], kept: Range) -> CapacityFound:
    """The usable capacity by one charge's curve.

    Parameters
    ----------
    curve : points in the order of time; those without a state of charge are passed over.
    kept : share of the metered energy that the battery keeps, 0-1.

    The range holds for a meter within `METER_ERROR` and ``kept`` within its range, as far as the
    vehicle's own state of charge is right.
    """
    told = [(point[3], point[2]) for point in curve if point[3] is not None]
    if len(told) < 2:
        return CapacityFound(None, cannot_say="the vehicle did not tell its state of charge")
    if any(b[1] < a[1] for a, b in pairwise(told)):
        return CapacityFound(None, cannot_say="the energy register fell")
    top = told[0][0]
    for soc, _ in told:
        if soc < top - MOST_FALL:
            return CapacityFound(None, cannot_say="the state of charge fell while charging")
        top = max(top, soc)
    changes = [change for change in _changes(told) if change.soc < FULL]
    rise = changes[-1].soc - changes[0].soc if changes else 0.0
    if rise < LEAST_RISE - 1e-9:
        return CapacityFound(
            None, rise,
            cannot_say=f"the state of charge rose by {100.0 * rise:.0f} % between changes; "
            f"at least {100.0 * LEAST_RISE:.0f} % is wanted",
        )  # fmt: skip
    blur_wh = _register_step([wh for _, wh in told])
    if not _halves_agree(changes, blur_wh) or _corrected(changes, blur_wh):
        return CapacityFound(
            None, rise,
            cannot_say="energy and state of charge do not go together: the vehicle corrected "
            "its state of charge during the session",
        )  # fmt: skip
    low, middle, high = _per_unit(changes[0], changes[-1], blur_wh)
    found = Range(
        low / (1.0 + METER_ERROR) * kept.low,
        middle * kept.middle,
        high / (1.0 - METER_ERROR) * kept.high,
    )
    return CapacityFound(found, rise, middle * rise)


def _changes(told: Sequence[tuple[float, float]]) -> list[_Change]:
    changes = []
    seen, seen_wh = told[0]
    for soc, wh in told[1:]:
        if soc > seen + 1e-9:
            changes.append(_Change(soc, seen_wh, wh))
            seen = soc
        seen_wh = wh
    return changes


def _register_step(registers: Sequence[float]) -> float:
    """The step in which the register seems to count [Wh]."""
    for step in REGISTER_STEPS_WH:
        if all(abs(wh / step - round(wh / step)) < 1e-6 for wh in registers):
            return step
    return 0.0


def _per_unit(first: _Change, last: _Change, blur_wh: float) -> tuple[float, float, float]:
    """Metered energy for the whole of the charge, least, likely and most [kWh]."""
    rise = last.soc - first.soc
    least = max(last.before_wh - first.after_wh - blur_wh, 0.0)
    most = last.after_wh - first.before_wh + blur_wh
    likely = 0.5 * (last.before_wh + last.after_wh - first.before_wh - first.after_wh)
    return least / rise / 1e3, likely / rise / 1e3, most / rise / 1e3


def _halves_agree(changes: Sequence[_Change], blur_wh: float) -> bool:
    """Whether no half of the rise took clearly more energy than the other."""
    middle = 0.5 * (changes[0].soc + changes[-1].soc)
    split = min(changes, key=lambda change: abs(change.soc - middle))
    if split in (changes[0], changes[-1]):
        # One jump over most of the rise: its two halves cannot be told apart.
        return False
    low_a, _, high_a = _per_unit(changes[0], split, blur_wh)
    low_b, _, high_b = _per_unit(split, changes[-1], blur_wh)
    room = 1.0 + HALVES_AGREE
    return low_a <= high_b * room and low_b <= high_a * room


def _corrected(changes: Sequence[_Change], blur_wh: float) -> bool:
    """Whether the number jumped without energy, or stood still with it."""
    _, usual, _ = _per_unit(changes[0], changes[-1], blur_wh)
    for before, after in pairwise(changes):
        least, _, most = _per_unit(before, after, blur_wh)
        if most * CORRECTION < usual or least > usual * CORRECTION:
            return True
    return False
