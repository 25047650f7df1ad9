"""The vehicles of the twin: one array a quantity, one row a vehicle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zerocity.measures.arrays import F64, I8, I32

MOST_PACKS = 3
FREE, WANTS, REFUELLING, RESTING = 0, 1, 2, 3


class Vehicles(NamedTuple):
    """Shape (vehicles,) each, but ``packs`` (vehicles, 3), -1 where there is none.

    base, mid, demand : the site where it may refuel between days, between legs and on demand;
        -1 where it cannot.
    start1 .. end2 : today's legs as steps of the day; start == end is no leg.
    next_start : first step of tomorrow's first leg, counted from today's midnight.
    km1, km2 : distance in each step of a leg [km].
    factor : its consumption against the fleet's. mode : FREE, WANTS or REFUELLING on
        demand, or RESTING: parked without a wish for a plug until the next leg.
    plugged : site of its plug, -1 none. down_until : first day on which it drives again.
    km, kwh, missed_km : today so far; kwh is taken from the packs [km, kWh, km].
    """

    fleet: I8
    packs: I32
    base: I32
    mid: I32
    demand: I32
    start1: I32
    end1: I32
    start2: I32
    end2: I32
    next_start: I32
    km1: F64
    km2: F64
    factor: F64
    mode: I8
    plugged: I32
    down_until: I32
    km: F64
    kwh: F64
    missed_km: F64


def new_vehicles(count: int) -> Vehicles:
    """``count`` vehicles, parked and without packs."""
    kinds = {"I8": np.int8, "I32": np.int32, "F64": np.float64}
    names = (getattr(k, "__forward_arg__", k) for k in Vehicles.__annotations__.values())
    arrays = dict(
        zip(Vehicles._fields, (np.zeros(count, kinds[str(n)]) for n in names), strict=True)
    )
    arrays["packs"] = np.full((count, MOST_PACKS), -1, np.int32)
    for name in ("base", "mid", "demand", "plugged"):
        arrays[name][:] = -1
    arrays["factor"][:] = 1.0
    return Vehicles(**arrays)
