"""Packs under power: energy, loss and temperature over one step."""

from __future__ import annotations

import math

from zerocity.batteries.heat import COOLED_TIME_CONSTANT_H, TIME_CONSTANT_H
from zerocity.measures.arrays import F32, F64, I32
from zerocity.twin.kernel import kernel, vector_kernel

# A pack that is plugged in or stands in a station is kept in this band by its own thermal
# management, whose energy is part of the charger's loss; an assumption.
KEPT_COLDEST_C = 10.0
KEPT_WARMEST_C = 32.0


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def follow_share(step_h: float, time_constant_h: float) -> float:
    """Share of the way to its surroundings that a pack's temperature goes in one step [0-1]."""
    return 1.0 - math.exp(-step_h / time_constant_h)


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def rest(
    step_h: float,
    outdoor_c: float,
    place: I32,
    temperature_c: F64,
    soc: F32,
    soc_row: F32,
    temperature_row: F32,
) -> None:
    """Let every pack's temperature follow its surroundings for one step, and note it.

    Who stands at a site is kept there, all others follow the air; heat of driving and charging is
    in their temperature already.
    soc : charge now. soc_row, temperature_row : this step's histories. All (packs,).
    """
    kept_c = min(max(outdoor_c, KEPT_COLDEST_C), KEPT_WARMEST_C)
    kept_share = follow_share(step_h, COOLED_TIME_CONSTANT_H)
    share = follow_share(step_h, TIME_CONSTANT_H)
    for p in range(place.size):
        held = place[p] >= 0
        around, part = kept_c if held else outdoor_c, kept_share if held else share
        temperature_c[p] += (around - temperature_c[p]) * part
        temperature_row[p] = temperature_c[p]
        soc_row[p] = soc[p]
