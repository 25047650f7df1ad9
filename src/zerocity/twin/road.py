"""The road: vehicles under way that need nobody until they are low or at the end of their leg.

Most of a day's work is driving, one vehicle as the other. What a step needs of a vehicle is
therefore copied together when it sets out and written back when it leaves the road: value ``K`` of
the vehicle in lane ``i`` of a tile lies at ``K * TILE + i``. Offsets are literal constants, so the
compiler can prove that the values do not overlap and uses vector registers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F32, F64, I8, I32
from zerocity.measures.prefetch import prefetch
from zerocity.twin.driving import FLOOR_SOC, drive, ohmic_loss_kw
from zerocity.twin.kernel import AHEAD, kernel, vector_kernel
from zerocity.twin.vehicles import (
    FREE,
    NEVER,
    RESTING,
    ROLLING,
    WANTS,
    Vehicles,
    parking_site,
    sleep,
)

TILE = 128
_ENERGY, _USABLE, _OHMIC, _HEAT = 0 * TILE, 1 * TILE, 2 * TILE, 3 * TILE
_LOW, _KM, _WORK, _LOST, _MISSED = 4 * TILE, 5 * TILE, 6 * TILE, 7 * TILE, 8 * TILE
FIELDS = 9
# What only matters within a step lies in one tile that all share, so that it stays in the cache.
_NEED, _WARMER, _SOC, _OUT = 0 * TILE, 1 * TILE, 2 * TILE, 3 * TILE
PASSING = 4


class Road(NamedTuple):
    """Room for every vehicle; the first ``used[0]`` lanes are in use.

    starting : scratch for who sets out, (room,).
    leaving : lanes whose vehicles leave after this step, rising; ``used[1]`` of them.
    vehicle, pack, since, until : who it is, and the steps at which it set out and at which its leg
        ends, (room,). fleet : (room,).
    work : (tiles, fields * TILE), passing : (fields * TILE,), see above.
    """

    used: I32
    starting: I32
    leaving: I32
    vehicle: I32
    pack: I32
    since: I32
    until: I32
    fleet: I8
    work: F64
    passing: F64


def new_road(vehicles: int) -> Road:
    """An empty road with room for ``vehicles``."""
    tiles = -(-vehicles // TILE)
    return Road(
        used=np.zeros(2, np.int32),
        starting=np.zeros(vehicles + 1, np.int32),
        leaving=np.zeros(vehicles + 1, np.int32),
        vehicle=np.zeros(vehicles, np.int32),
        pack=np.zeros(vehicles, np.int32),
        since=np.zeros(vehicles, np.int32),
        until=np.zeros(vehicles, np.int32),
        fleet=np.zeros(vehicles, np.int8),
        work=np.zeros((tiles, FIELDS * TILE)),
        passing=np.zeros(PASSING * TILE),
    )


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def set_out(road: Road, cars: Vehicles, packs: Packs, v: int, step: int, reserve_soc: F64) -> None:
    """Let vehicle ``v``, which has one pack, onto the road until its leg ends."""
    n = road.used[0]
    road.used[0] = n + 1
    p, f = cars.packs[v, 0], cars.fleet[v]
    first = cars.start1[v] <= step < cars.end1[v]
    road.vehicle[n], road.pack[n], road.fleet[n] = v, p, f
    road.since[n], road.until[n] = step, cars.end1[v] if first else cars.end2[v]
    w, i = road.work[n // TILE], n % TILE
    w[_ENERGY + i], w[_USABLE + i] = packs.energy_kwh[p], packs.usable_kwh[p]
    w[_OHMIC + i], w[_HEAT + i] = packs.loss_kw_per_kw2[p], packs.heat_k_per_kwh[p]
    # Who has nowhere to refuel is never low.
    w[_LOW + i] = reserve_soc[f] if cars.demand[v] >= 0 else -1.0
    w[_KM + i] = cars.km1[v] if first else cars.km2[v]
    w[_WORK + i] = w[_KM + i] * cars.factor[v]
    w[_LOST + i], w[_MISSED + i] = 0.0, 0.0
    cars.mode[v], cars.wake[v], cars.leaves[v] = ROLLING, road.until[n], NEVER


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def leave(road: Road, cars: Vehicles, packs: Packs, lane: int, mode: int, wake: int) -> None:
    """Take the vehicle in ``lane`` off the road; the last one fills the gap."""
    v, p = road.vehicle[lane], road.pack[lane]
    w, i = road.work[lane // TILE], lane % TILE
    # The pack's energy is still that of the moment when it set out.
    through, lost, missed = packs.energy_kwh[p] - w[_ENERGY + i], w[_LOST + i], w[_MISSED + i]
    packs.energy_kwh[p] = w[_ENERGY + i]
    packs.loss_kwh[p] += lost
    packs.throughput_kwh[p] += through
    cars.kwh[v] += through - lost
    cars.km[v] += w[_KM + i] * (wake - road.since[lane]) - missed
    cars.missed_km[v] += missed
    cars.mode[v], cars.wake[v] = mode, wake
    last = road.used[0] - 1
    road.used[0] = last
    road.vehicle[lane], road.pack[lane] = road.vehicle[last], road.pack[last]
    road.since[lane], road.until[lane] = road.since[last], road.until[last]
    road.fleet[lane] = road.fleet[last]
    other, j = road.work[last // TILE], last % TILE
    for k in range(FIELDS):
        w[k * TILE + i] = other[k * TILE + j]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def arrive(
    road: Road, cars: Vehicles, packs: Packs, lane: int, step: int, soc: float, plug_below_soc: F64
) -> None:
    """End the leg of the vehicle in ``lane`` with ``step``; who likes no plug sleeps at once."""
    v = road.vehicle[lane]
    leave(road, cars, packs, lane, FREE, step + 1)
    if parking_site(cars, v, step + 1) < 0 or soc >= plug_below_soc[cars.fleet[v]]:
        sleep(cars, v, step)


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def advance(w: F64, passing: F64, n: int, step_h: float) -> float:
    """Move the first ``n`` lanes of a tile on by one step: `driving.draw` for one pack each.

    Returns what the packs gave [kWh].
    """
    per_hour = 1.0 / step_h
    for i in range(n):
        energy, need = w[_ENERGY + i], passing[_NEED + i]
        free = max(energy - FLOOR_SOC * w[_USABLE + i], 0.0)
        out = min(need, free) / free * free if free > 0.0 else 0.0
        lost = ohmic_loss_kw(out * per_hour, w[_OHMIC + i]) * step_h
        lost = min(lost, energy - out)
        share = min(out / need, 1.0) if need > 0.0 else 1.0
        w[_ENERGY + i] = energy - (out + lost)
        w[_LOST + i] += lost
        passing[_WARMER + i] = lost * w[_HEAT + i]
        passing[_OUT + i] = out
        w[_MISSED + i] += w[_KM + i] * (1.0 - share)
        passing[_SOC + i] = w[_ENERGY + i] / w[_USABLE + i]
    # Apart from the loop above: a sum must keep its order, so it cannot go on vector registers.
    given = 0.0
    for i in range(n):
        given += passing[_OUT + i]
    return given


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _advance_lanes(
    road: Road, first: int, step: int, step_h: float, packs: Packs, kwh_per_km: F64, soc: F32
) -> float:
    """Drive the lanes from ``first`` on through a step, and list who leaves the road after it."""
    given, lane, leaving, passing = 0.0, first, road.used[1], road.passing
    while lane < road.used[0]:
        start = lane % TILE
        n = min(TILE - start, road.used[0] - lane)
        w = road.work[lane // TILE][start:]
        for i in range(n):
            prefetch(packs.temperature_c, road.pack[lane + i])
            prefetch(soc, road.pack[lane + i])
            passing[_NEED + i] = w[_WORK + i] * kwh_per_km[road.fleet[lane + i]]
        given += advance(w, passing, n, step_h)
        for i in range(n):
            p, now = road.pack[lane + i], passing[_SOC + i]
            packs.temperature_c[p] += passing[_WARMER + i]
            soc[p] = now
            # Without a branch: the few who leave come at any time.
            road.leaving[leaving] = lane + i
            leaving += (now < w[_LOW + i]) | (road.until[lane + i] <= step + 1)
        lane += n
    road.used[1] = leaving
    return given


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _begin_legs(
    who: I32,
    step: int,
    step_h: float,
    day: int,
    road: Road,
    cars: Vehicles,
    packs: Packs,
    kwh_per_km: F64,
    reserve_soc: F64,
    soc: F32,
) -> float:
    """Let vehicles ``who`` onto the road, or drive them one by one who cannot go there."""
    given = 0.0
    for k in range(who.size):
        v = who[min(k + 2 * AHEAD, who.size - 1)]
        prefetch(cars.fleet, v)
        prefetch(cars.mode, v)
        p = cars.packs[who[min(k + AHEAD, who.size - 1)], 0]
        if p >= 0:
            prefetch(packs.energy_kwh, p)
            prefetch(packs.usable_kwh, p)
            prefetch(packs.loss_kw_per_kw2, p)
        v = who[k]
        if cars.mode[v] == RESTING:
            cars.mode[v], cars.leaves[v] = FREE, NEVER
        whole = cars.mode[v] == FREE and cars.down_until[v] <= day
        if whole and cars.packs[v, 0] >= 0 and cars.packs[v, 1] < 0 and cars.packs[v, 2] < 0:
            set_out(road, cars, packs, v, step, reserve_soc)
        else:
            given += drive(v, step, step_h, day, cars, packs, kwh_per_km, reserve_soc, soc)
            cars.wake[v] = step + 1
    return given


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def roll_on(
    step: int,
    step_h: float,
    day: int,
    road: Road,
    cars: Vehicles,
    packs: Packs,
    kwh_per_km: F64,
    reserve_soc: F64,
    soc: F32,
) -> float:
    """Drive all who need no station through step ``step`` of day ``day``: first part of three.

    They are on the road already, or rest until now. Touches nobody else, so others may be served
    at the same time. `set_off` and `pull_over` follow.
    kwh_per_km, reserve_soc : (fleets,). soc : charge of every pack, (packs,).
    Returns what the packs gave [kWh].
    """
    road.used[1] = n = 0
    for v in range(cars.leaves.size):
        if cars.leaves[v] == step:
            road.starting[n] = v
            n += 1
    given = _begin_legs(
        road.starting[:n], step, step_h, day, road, cars, packs, kwh_per_km, reserve_soc, soc
    )
    given += _advance_lanes(road, 0, step, step_h, packs, kwh_per_km, soc)
    return float(given)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def set_off(
    movers: I32,
    step: int,
    step_h: float,
    day: int,
    road: Road,
    cars: Vehicles,
    packs: Packs,
    kwh_per_km: F64,
    reserve_soc: F64,
    soc: F32,
) -> float:
    """Drive ``movers``, after `roll_on`; parameters as there.

    movers : vehicles in a leg that are not on the road yet and do not rest, (n,). Those with one
    pack that want nothing and are whole go onto it; the others are driven one by one and stay
    awake. Returns what the packs gave [kWh].
    """
    first = road.used[0]
    given = _begin_legs(movers, step, step_h, day, road, cars, packs, kwh_per_km, reserve_soc, soc)
    given += _advance_lanes(road, first, step, step_h, packs, kwh_per_km, soc)
    return float(given)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def pull_over(step: int, road: Road, cars: Vehicles, packs: Packs, plug_below_soc: F64) -> None:
    """Let those leave the road who are low or at the end of their leg, after `set_off`.

    plug_below_soc : (fleets,).
    """
    # From behind, so that the lane that fills a gap is one that stays.
    for k in range(road.used[1] - 1, -1, -1):
        ahead = road.leaving[max(k - AHEAD, 0)]
        prefetch(cars.fleet, road.vehicle[ahead])
        prefetch(cars.mode, road.vehicle[ahead])
        prefetch(packs.energy_kwh, road.pack[ahead])
        prefetch(packs.loss_kwh, road.pack[ahead])
        prefetch(packs.throughput_kwh, road.pack[ahead])
        prefetch(cars.km, road.vehicle[ahead])
        lane = road.leaving[k]
        w, i = road.work[lane // TILE], lane % TILE
        now = w[_ENERGY + i] / w[_USABLE + i]
        if now < w[_LOW + i]:
            leave(road, cars, packs, lane, WANTS, step + 1)
        else:
            arrive(road, cars, packs, lane, step, now, plug_below_soc)
