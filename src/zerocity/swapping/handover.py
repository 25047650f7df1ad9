"""Which pack a driver gets: the fullest ones ready, or none."""

from __future__ import annotations

from numba import njit

from zerocity.measures.arrays import F64, I32

# A driver is not sent away with less than this; an assumption, as operators promise "full".
READY_SOC = 0.85


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def fullest(
    slots: I32,
    first: int,
    last: int,
    energy_kwh: F64,
    usable_kwh: F64,
    ready_soc: float,
    wanted: int,
    chosen: I32,
) -> int:
    """Write into ``chosen`` the slots of the ``wanted`` fullest ready packs; return how many.

    slots : pack in each slot, -1 empty; the station's are ``slots[first:last]``.
    energy_kwh, usable_kwh : (packs,) content and room when full [kWh].
    Fewer than ``wanted`` means that the driver must wait. Ties go to the lower slot.
    """
    found = 0
    for k in range(wanted):
        best, best_soc = -1, ready_soc
        for slot in range(first, last):
            pack = slots[slot]
            if pack < 0:
                continue
            soc = energy_kwh[pack] / usable_kwh[pack]
            taken = False
            for j in range(k):
                taken = taken or chosen[j] == slot
            if not taken and (soc > best_soc or (best < 0 and soc >= best_soc)):
                best, best_soc = slot, soc
        if best < 0:
            return found
        chosen[k] = best
        found += 1
    return found
