"""Which pack a driver gets: a full one, else the fullest that is ready, else none."""

from __future__ import annotations

from numba import njit

from zerocity.measures.arrays import F64, I32

# A driver is not sent away with less than this; an assumption, as operators promise "full".
READY_SOC = 0.85
# From here on a pack counts as full, and the search need not go on.
FULL_SOC = 0.97


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def fullest(
    slots: I32,
    first: int,
    last: int,
    begin: int,
    energy_kwh: F64,
    usable_kwh: F64,
    ready_soc: float,
    wanted: int,
    chosen: I32,
) -> int:
    """Write into ``chosen`` the slots of ``wanted`` packs to hand over; return how many.

    slots : pack in each slot, -1 empty; the station's are ``slots[first:last]``.
    begin : slot at which to begin to look, going round; stations take turns, so that every pack
        is used. The first full pack is taken; without one, the fullest that is ready.
    energy_kwh, usable_kwh : (packs,) content and room when full [kWh].
    Fewer than ``wanted`` means that the driver must wait.
    """
    found = 0
    for k in range(wanted):
        best, best_soc = -1, ready_soc
        slot = begin - 1
        for _ in range(last - first):
            slot = slot + 1 if slot + 1 < last else first
            pack = slots[slot]
            if pack < 0:
                continue
            soc = energy_kwh[pack] / usable_kwh[pack]
            if soc < best_soc or (soc == best_soc and best >= 0):
                continue
            taken = False
            for j in range(k):
                taken = taken or chosen[j] == slot
            if taken:
                continue
            best, best_soc = slot, soc
            if soc >= FULL_SOC:
                break
        if best < 0:
            return found
        chosen[k] = best
        found += 1
    return found
