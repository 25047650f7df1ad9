"""A battery's resistance from one charge: how its voltage follows a step of the current.

Only direct current tells: with alternating current the meter sees the mains. The step between two
readings holds the ohmic part and what polarisation builds up meanwhile; the voltage at the plug
holds the cable too. It is a hint to compare with later charges, no test (a test is a pulse of known
length at a known state of charge and temperature, as in IEC 62660-1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from zerocity.aftersales.session_capacity import Point, Range

# What a step must be to count; assumptions.
LEAST_STEP_A, LEAST_STEP_SHARE, LONGEST_GAP_S = 20.0, 0.2, 60.0
LEAST_STEPS = 3
# The open-circuit voltage rises by about this share of the voltage over the whole charge: an
# assumption, a lithium-ion cell goes from some 3.3 to 4.1 V, less for LFP.
OPEN_CIRCUIT_RISE = Range(0.0, 0.1, 0.25)


@dataclass(frozen=True, slots=True)
class ResistanceFound:
    """``resistance_mohm`` of pack and cable, None where ``cannot_say`` tells why."""

    resistance_mohm: Range | None
    steps: int = 0
    cannot_say: str = ""


def step_resistance(curve: Sequence[Point]) -> ResistanceFound:
    """Resistance by the steps of the current in a direct-current charge.

    curve : points in the order of time. The range is that of the middle half of the steps and
    of what the open-circuit voltage may have done meanwhile.
    """
    found = list(_steps(curve))
    if len(found) < LEAST_STEPS:
        return ResistanceFound(
            None, len(found),
            cannot_say=f"{len(found)} steps of the current by {LEAST_STEP_A:.0f} A and more within "
            f"{LONGEST_GAP_S:.0f} s; {LEAST_STEPS} are wanted",
        )  # fmt: skip
    middle = median(one.middle for one in found)
    lows, highs = sorted(one.low for one in found), sorted(one.high for one in found)
    low, high = lows[len(lows) // 4], highs[-1 - len(highs) // 4]
    if low <= 0.0:
        return ResistanceFound(
            None, len(found), cannot_say="the voltage does not follow the current"
        )
    return ResistanceFound(Range(low, min(max(middle, low), high), high), len(found))


def _steps(curve: Sequence[Point]) -> Iterator[Range]:
    """The resistance by each step [mOhm]."""
    for a, b in pairwise(curve):
        if a[4] is None or a[5] is None or b[4] is None or b[5] is None:
            continue
        step_a = b[5] - a[5]
        large = max(LEAST_STEP_A, LEAST_STEP_SHARE * max(abs(a[5]), abs(b[5])))
        if abs(step_a) < large or not 0.0 < (b[0] - a[0]).total_seconds() <= LONGEST_GAP_S:
            continue
        charged = max((b[3] or 0.0) - (a[3] or 0.0), 0.0) if b[3] is not None else 0.01
        drift = [share * a[4] * charged for share in (
            OPEN_CIRCUIT_RISE.low, OPEN_CIRCUIT_RISE.middle, OPEN_CIRCUIT_RISE.high)]  # fmt: skip
        values = sorted(1000.0 * (b[4] - a[4] - volts) / step_a for volts in drift)
        yield Range(values[0], values[1], values[2])
