"""The vehicles of the twin: one array a quantity, one row a vehicle."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from zerocity.measures.arrays import F64, I8, I16, I32, side_by_side
from zerocity.twin.kernel import kernel

MOST_PACKS = 3
FREE, WANTS, REFUELLING, RESTING, ROLLING = 0, 1, 2, 3, 4
# Later than any step of a day.
NEVER = 32767
ALARMS = ("wake", "leaves")


class Vehicles(NamedTuple):
    """Shape (vehicles,) each, but ``packs`` (vehicles, 3), -1 where there is none.

    base, mid, demand : the site where it may refuel between days, between legs and on demand;
        -1 where it cannot.
    start1 .. end2 : today's legs as steps of the day; start == end is no leg.
    next_start : first step of tomorrow's first leg, counted from today's midnight.
    km1, km2 : distance in each step of a leg [km].
    factor : its consumption against the fleet's. mode : FREE, WANTS or REFUELLING on
        demand, RESTING: parked without a wish for a plug until the next leg, or ROLLING: on the
        road and in need of nobody (see `road`).
    wake : step of the day at which its driver next looks around; nothing can change before.
    leaves : step of the day at which one that is RESTING sets out; `NEVER` for others.
    plugged : site of its plug, -1 none. down_until : first day on which it drives again.
    km, kwh, missed_km : today so far; kwh is taken from the packs [km, kWh, km]. While it is
        ROLLING, the road keeps them.
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
    wake: I16
    leaves: I16
    plugged: I32
    down_until: I32
    km: F64
    kwh: F64
    missed_km: F64


def _kind(name: str) -> np.dtype[Any]:
    hint = Vehicles.__annotations__[name]
    kinds = {"I8": np.int8, "I16": np.int16, "I32": np.int32, "F64": np.float64}
    kind = kinds[str(getattr(hint, "__forward_arg__", hint))]
    return np.dtype((kind, (MOST_PACKS,)) if name == "packs" else kind)


_KINDS = {name: _kind(name) for name in Vehicles._fields}


def new_vehicles(count: int) -> Vehicles:
    """``count`` vehicles, parked and without packs."""
    # A driver is looked at alone and at any time, so all of a vehicle but its alarms lies together.
    together = {name: kind for name, kind in _KINDS.items() if name not in ALARMS}
    wake, leaves = np.zeros(count, np.int16), np.full(count, NEVER, np.int16)
    cars = Vehicles(**side_by_side(count, together), wake=wake, leaves=leaves)
    for array in (cars.packs, cars.base, cars.mid, cars.demand, cars.plugged):
        array[:] = -1
    cars.factor[:] = 1.0
    return cars


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def between_legs(cars: Vehicles, v: int, step: int) -> bool:
    """Whether vehicle ``v`` is parked between its two legs at ``step``."""
    return bool(cars.end1[v] <= step < cars.start2[v])


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def parking_site(cars: Vehicles, v: int, step: int) -> int:
    """Site at which vehicle ``v``, parked at ``step``, may plug in; -1 where it cannot."""
    return int(cars.mid[v] if between_legs(cars, v, step) else cars.base[v])


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def next_leg(cars: Vehicles, v: int, step: int) -> int:
    """Step at which the next leg of vehicle ``v`` after ``step`` begins; `NEVER` if none does."""
    if cars.start1[v] > step and cars.end1[v] > cars.start1[v]:
        return int(cars.start1[v])
    if cars.start2[v] > step and cars.end2[v] > cars.start2[v]:
        return int(cars.start2[v])
    return NEVER


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def sleep(cars: Vehicles, v: int, step: int) -> None:
    """Let vehicle ``v`` rest from ``step`` until its next leg after that."""
    cars.mode[v], cars.wake[v], cars.leaves[v] = RESTING, NEVER, next_leg(cars, v, step)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def wake_up(cars: Vehicles) -> None:
    """Wake everybody at the first step but those who rest until their first leg."""
    for v in range(cars.wake.size):
        if cars.mode[v] == RESTING:
            sleep(cars, v, -1)
        else:
            cars.wake[v], cars.leaves[v] = 0, NEVER
