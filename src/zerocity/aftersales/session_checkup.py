"""The check-up that every charge gives for free: what its curve says of the battery, and how sure.

It measures nothing that a test centre measures. Where the curve does not carry a statement, the
check-up says so and why; every statement carries its range, its evidence and its assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from zerocity.aftersales.grading import Limits
from zerocity.aftersales.session_capacity import (
    KEPT,
    METER_ERROR,
    CapacityFound,
    Point,
    Range,
    Supply,
    usable_capacity,
)
from zerocity.aftersales.session_resistance import ResistanceFound, step_resistance

# A plug with alternating current gives no more than three phases of 63 A (IEC 61851-1), 43.6 kW;
# and the mean of its phases stays below this voltage (IEC 60038, 230 V + 10 %, with some room).
MOST_AC_KW, MOST_AC_V = 44.0, 280.0
# Half-width over the middle up to which a capacity is called well known, or fairly; assumptions.
GOOD, FAIR = 0.05, 0.12


class Sure(StrEnum):
    """How sure a check-up is of the capacity."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NONE = "none"


class Sign(StrEnum):
    """What a check-up finds wrong."""

    LOW_CAPACITY = "low capacity"
    VERY_LOW_CAPACITY = "very low capacity"
    HIGH_RESISTANCE = "high resistance"


GRAVE = frozenset({Sign.VERY_LOW_CAPACITY, Sign.HIGH_RESISTANCE})


@dataclass(frozen=True, slots=True)
class Rated:
    """What the battery had when it was new; None where nobody knows it.

    resistance_mohm : of the whole pack. source : who says so.
    """

    capacity_kwh: float | None = None
    resistance_mohm: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class SessionCheckUp:
    """What a charge says of the battery.

    ``capacity_ratio`` and ``resistance_ratio``: over what the battery had when new. Statements that
    the curve does not carry are None, and ``cannot_say`` tells why.
    """

    capacity_kwh: Range | None
    capacity_ratio: Range | None
    resistance_mohm: Range | None
    resistance_ratio: Range | None
    signs: tuple[Sign, ...]
    sure: Sure
    evidence: tuple[str, ...]
    cannot_say: tuple[str, ...]
    assumptions: tuple[str, ...]

    @property
    def grave(self) -> bool:
        """Whether somebody should look at the battery soon."""
        return any(sign in GRAVE for sign in self.signs)

    def sentence(self) -> str:
        """The check-up for the driver, in one or two sentences."""
        if self.capacity_kwh is None:
            return f"Battery check-up: nothing can be said, because {self.cannot_say[0]}."
        c = self.capacity_kwh
        text = f"Battery check-up: usable capacity {c.low:.0f} to {c.high:.0f} kWh"
        if self.capacity_ratio is not None:
            r = self.capacity_ratio
            text += f", {100.0 * r.low:.0f} to {100.0 * r.high:.0f} % of new"
        text += f" ({_HOW_SURE[self.sure]})."
        if self.signs:
            text += f" Found: {', '.join(self.signs)}; have the battery looked at."
        return text

    def data(self) -> dict[str, Any]:
        """The check-up as plain data for the store; numbers with four digits."""
        ranges = ("capacity_kwh", "capacity_ratio", "resistance_mohm", "resistance_ratio")
        found: dict[str, Any] = {}
        for name in ranges:
            value: Range | None = getattr(self, name)
            found[name] = value and {k: float(f"{v:.4g}") for k, v in asdict(value).items()}
        found |= {"signs": [str(sign) for sign in self.signs], "grave": self.grave}
        found |= {"sure": str(self.sure), "method": "energy over rise in charge"}
        for name in ("evidence", "cannot_say", "assumptions"):
            found[name] = list(getattr(self, name))
        return found


_HOW_SURE = {
    Sure.GOOD: "well known", Sure.FAIR: "fairly known", Sure.POOR: "roughly known",
    Sure.NONE: "not known",
}  # fmt: skip


def supply_of(curve: Sequence[Point]) -> Supply:
    """What the plug gave, as far as power and voltage tell."""
    if any(point[1] > MOST_AC_KW or (point[4] or 0.0) > MOST_AC_V for point in curve):
        return Supply.DC
    return Supply.UNKNOWN


def check_up(
    curve: Sequence[Point],
    *,
    supply: Supply | None = None,
    rated: Rated | None = None,
    kept: Range | None = None,
    limits: Limits | None = None,
) -> SessionCheckUp:
    """Look at a charge's curve.

    Parameters
    ----------
    curve : points in the order of time.
    supply : what the plug gave; None to tell it from the curve.
    rated : the battery when new. limits : bounds of the grades.
    kept : share of the metered energy that the battery keeps; None for an assumption by supply.
    """
    supply = supply_of(curve) if supply is None else supply
    rated, limits = rated or Rated(), limits or Limits()
    capacity = usable_capacity(curve, kept or KEPT[supply])
    resistance = ResistanceFound(None, cannot_say=_NOT_DC)
    if supply is Supply.DC:
        resistance = step_resistance(curve)
    c, r = capacity.capacity_kwh, resistance.resistance_mohm
    capacity_ratio = c.over(rated.capacity_kwh) if c and rated.capacity_kwh else None
    resistance_ratio = r.over(rated.resistance_mohm) if r and rated.resistance_mohm else None
    return SessionCheckUp(
        c, capacity_ratio, r, resistance_ratio, _signs(capacity_ratio, resistance_ratio, limits),
        _sure(c), _evidence(capacity, resistance, rated, capacity_ratio),
        tuple(text for text in (capacity.cannot_say, resistance.cannot_say) if text),
        _assumptions(supply, kept) if c else (),
    )  # fmt: skip


_NOT_DC = "the resistance needs direct current: with alternating current the meter sees the mains"


def _signs(capacity: Range | None, resistance: Range | None, limits: Limits) -> tuple[Sign, ...]:
    """Only what the whole range shows is a sign."""
    found = []
    if capacity is not None and capacity.high < limits.c_soh:
        found.append(Sign.VERY_LOW_CAPACITY)
    elif capacity is not None and capacity.high < limits.b_soh:
        found.append(Sign.LOW_CAPACITY)
    if resistance is not None and resistance.low > limits.resistance_fail:
        found.append(Sign.HIGH_RESISTANCE)
    return tuple(found)


def _sure(capacity: Range | None) -> Sure:
    if capacity is None:
        return Sure.NONE
    if capacity.spread <= GOOD:
        return Sure.GOOD
    return Sure.FAIR if capacity.spread <= FAIR else Sure.POOR


def _evidence(
    capacity: CapacityFound, resistance: ResistanceFound, rated: Rated, ratio: Range | None
) -> tuple[str, ...]:
    found = []
    if capacity.capacity_kwh is not None:
        found.append(
            f"{capacity.energy_kwh:.1f} kWh by the meter while the state of charge rose by "
            f"{100.0 * capacity.rise:.0f} %"
        )
    if resistance.resistance_mohm is not None:
        r = resistance.resistance_mohm
        found.append(
            f"{resistance.steps} steps of the current: {r.low:.0f} to {r.high:.0f} mOhm of pack "
            "and cable"
        )
    if ratio is not None:
        found.append(f"{rated.capacity_kwh:.1f} kWh when new, by {rated.source or 'the caller'}")
    return tuple(found)


def _assumptions(supply: Supply, kept: Range | None) -> tuple[str, ...]:
    share = kept or KEPT[supply]
    who = "the charger's own figure" if kept else f"assumed for supply {supply}"
    return (
        f"the battery keeps {100.0 * share.low:.0f} to {100.0 * share.high:.0f} % of the metered "
        f"energy ({who})",
        f"the meter is right within {100.0 * METER_ERROR:.0f} %",
        "the vehicle's own state of charge is right; its error is not in the range",
    )
