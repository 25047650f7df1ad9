"""Plugs and swaps: the hands at every station, one vehicle after the other.

A vehicle plugs in between its legs and at its base when its charge is below what it likes; on
the road it charges or swaps when it is low. Order is the order of the vehicles, so a run is the
same every time.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from zerocity.batteries.state import Packs
from zerocity.charging.acceptance import hours_to_charge
from zerocity.charging.envelope import add_session
from zerocity.measures.arrays import F64, I8, I32, Bools
from zerocity.measures.prefetch import prefetch
from zerocity.swapping.handover import READY_SOC, fullest
from zerocity.swapping.restocking import due_in_steps
from zerocity.twin.berths import Berths, dock, undock
from zerocity.twin.driving import vehicle_soc
from zerocity.twin.kernel import AHEAD, kernel
from zerocity.twin.sessions import CHARGE, SWAP, Log, note
from zerocity.twin.vehicles import (
    FREE,
    MOST_PACKS,
    REFUELLING,
    WANTS,
    Vehicles,
    between_legs,
    next_leg,
    parking_site,
    sleep,
)

# A fast charge on the road ends here or after an hour, whichever comes first; an assumption.
FAST_TARGET_SOC = 0.85
FAST_HOURS = 1.0
ALMOST_ONE = 0.999


class Stations(NamedTuple):
    """Sites as the vehicles meet them, shape (sites,) but for ``slots``.

    free : plugs not in use. plug_kw, slot_kw : power of one plug and of one pack place [kW].
    first_slot, last_slot : its part of ``slots`` (the pack in each place, -1 empty).
    cursor : slot at which the next driver's search begins.
    swaps_left : handovers its bays still manage in this step.
    swaps : handovers begun in each step today; expected : on an ordinary day (sites, steps).
    early, late : AC energy that today's arrivals take in each step when they charge at once or as
    late as they may (sites, steps) [kWh].
    due, due_for : in how many steps a pack that comes back now is needed, and for which step and
        number of packs that was found.
    chosen : slots of the packs being handed over, (MOST_PACKS,); scratch.
    """

    free: I32
    plug_kw: F64
    slot_kw: F64
    first_slot: I32
    last_slot: I32
    slots: I32
    cursor: I32
    swaps_left: F64
    swaps: F64
    expected: F64
    early: F64
    late: F64
    due: I32
    due_for: I32
    chosen: I32


class FleetRules(NamedTuple):
    """What the drivers of each fleet do, shape (fleets,); ``efficiency`` (1,) of the chargers."""

    plug_below_soc: F64
    target_soc: F64
    swaps: Bools
    efficiency: F64
    step_h: F64


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def expect(
    packs: Packs, at: Stations, rules: FleetRules, p: int, site: int, now: int, depart: int
) -> None:
    """Note what the arrival of pack ``p`` leaves a plan to choose."""
    efficiency, step_h = rules.efficiency[0], rules.step_h[0]
    need = (packs.target_soc[p] * packs.usable_kwh[p] - packs.energy_kwh[p]) / efficiency
    soc, target, usable = (
        packs.energy_kwh[p] / packs.usable_kwh[p],
        packs.target_soc[p],
        packs.usable_kwh[p],
    )
    plug_kw = packs.plug_kw[p] * efficiency
    hours = hours_to_charge(soc, target, usable, packs.charge_limit_kw[p], plug_kw)
    rate = need / max(hours, 1e-9) * step_h
    step = now % at.early.shape[1]
    add_session(at.early[site], at.late[site], step, step + depart - now, need, rate)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def plug_in(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    rules: FleetRules,
    v: int,
    site: int,
    now: int,
    depart: int,
    soc: float,
) -> None:
    """Connect vehicle ``v`` at ``site`` until step ``depart``; its packs share the plug."""
    at.free[site] -= 1
    cars.plugged[v] = site
    count = 0
    for k in range(MOST_PACKS):
        if cars.packs[v, k] >= 0:
            count += 1
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p >= 0:
            packs.place[p] = site
            packs.plug_kw[p] = at.plug_kw[site] / count
            packs.depart_step[p] = depart
            packs.target_soc[p] = soc
            packs.session_start[p] = now
            packs.session_kwh[p] = 0.0
            expect(packs, at, rules, p, site, now, depart)
            dock(berths, packs, p)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def unplug(
    cars: Vehicles, packs: Packs, at: Stations, berths: Berths, log: Log, v: int, now: int
) -> None:
    """Disconnect vehicle ``v`` and write its session down."""
    site = cars.plugged[v]
    at.free[site] += 1
    cars.plugged[v] = -1
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p >= 0:
            undock(berths, packs, p)
            if packs.session_kwh[p] > 0.0:
                start = packs.session_start[p]
                energy = packs.session_kwh[p]
                note(log, start, now, site, p, v, cars.fleet[v], CHARGE, energy)
            packs.place[p] = -1
            packs.plug_kw[p] = 0.0


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def hand_over(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    log: Log,
    v: int,
    place: int,
    slot: int,
    site: int,
    now: int,
    stages: I8,
) -> None:
    """Exchange one pack of vehicle ``v`` with the pack in ``slot``, and write it down."""
    old, new = cars.packs[v, place], at.slots[slot]
    undock(berths, packs, new)
    gained = packs.energy_kwh[new] - packs.energy_kwh[old]
    note(log, now, now, site, new, v, cars.fleet[v], SWAP, gained)
    cars.packs[v, place], at.slots[slot] = new, old
    packs.vehicle[new], packs.vehicle[old] = v, -1
    packs.fleet[new] = packs.fleet[old]
    packs.stage[new], packs.stage[old] = stages[0], stages[1]
    packs.place[new], packs.place[old] = -1, site
    packs.plug_kw[new], packs.plug_kw[old] = 0.0, at.slot_kw[site]
    packs.target_soc[old] = 1.0
    packs.session_kwh[old] = 0.0


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def swap(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    rules: FleetRules,
    log: Log,
    v: int,
    site: int,
    now: int,
    step: int,
    stages: I8,
) -> bool:
    """Exchange all packs of vehicle ``v`` at ``site``; False when it must wait.

    stages : value of (in service, swap pool).
    """
    count = 0
    for k in range(MOST_PACKS):
        if cars.packs[v, k] >= 0:
            count += 1
    lo, hi = at.first_slot[site], at.last_slot[site]
    chosen = at.chosen
    if at.swaps_left[site] < 1.0:
        return False
    ready = fullest(
        at.slots,
        lo,
        hi,
        at.cursor[site],
        packs.energy_kwh,
        packs.usable_kwh,
        READY_SOC,
        count,
        chosen,
    )
    if ready < count:
        # Nothing gets fuller within a step, so those behind need not look.
        at.swaps_left[site] = min(at.swaps_left[site], ALMOST_ONE)
        return False
    at.swaps_left[site] -= 1.0
    at.swaps[site, step] += 1.0
    last = chosen[count - 1] + 1
    at.cursor[site] = last if last < hi else lo
    key = now * (MOST_PACKS + 1) + count
    if at.due_for[site] != key:
        at.due_for[site] = key
        at.due[site] = due_in_steps(at.expected[site], step, (hi - lo) // count)
    due = now + at.due[site]
    k = 0
    for place in range(MOST_PACKS):
        if cars.packs[v, place] >= 0:
            hand_over(cars, packs, at, berths, log, v, place, chosen[k], site, now, stages)
            old = at.slots[chosen[k]]
            packs.depart_step[old] = due
            expect(packs, at, rules, old, site, now, due)
            dock(berths, packs, old)
            k += 1
    return True


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def on_the_road(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    rules: FleetRules,
    log: Log,
    v: int,
    now: int,
    step: int,
    stages: I8,
) -> None:
    """Serve a vehicle that is low, or let one go that has charged enough."""
    site = cars.demand[v]
    f = cars.fleet[v]
    if cars.mode[v] == WANTS:
        if rules.swaps[f]:
            if swap(cars, packs, at, berths, rules, log, v, site, now, step, stages):
                cars.mode[v] = FREE
        elif at.free[site] > 0:
            until = now + int(FAST_HOURS / rules.step_h[0] + 0.5)
            plug_in(cars, packs, at, berths, rules, v, site, now, until, FAST_TARGET_SOC)
            cars.mode[v] = REFUELLING
    elif vehicle_soc(cars, packs, v) >= FAST_TARGET_SOC - 0.01 or _is_due(cars, packs, v, now):
        unplug(cars, packs, at, berths, log, v, now)
        cars.mode[v] = FREE


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _is_due(cars: Vehicles, packs: Packs, v: int, now: int) -> bool:
    return bool(packs.depart_step[cars.packs[v, 0]] <= now)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def park(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    rules: FleetRules,
    v: int,
    now: int,
    step: int,
    steps_per_day: int,
) -> None:
    """Plug a parked vehicle in, let it wait for a plug, or let it rest."""
    site = parking_site(cars, v, step)
    if site < 0 or vehicle_soc(cars, packs, v) >= rules.plug_below_soc[cars.fleet[v]]:
        # A parked pack keeps its charge, so the question need not be asked again.
        sleep(cars, v, step)
        return
    if at.free[site] <= 0:
        return
    if between_legs(cars, v, step):
        leave = cars.start2[v]
    elif step < cars.start1[v]:
        leave = cars.start1[v]
    else:
        leave = steps_per_day + cars.next_start[v]
    target = rules.target_soc[cars.fleet[v]]
    plug_in(cars, packs, at, berths, rules, v, site, now, now - step + leave, target)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def approach(cars: Vehicles, packs: Packs, at: Stations, who: I32, k: int, count: int) -> None:
    """Have at hand what the vehicles after the ``k``-th of ``who`` are going to need."""
    v = who[min(k + 2 * AHEAD, count - 1)]
    prefetch(cars.fleet, v)
    prefetch(cars.mode, v)
    v = who[min(k + AHEAD, count - 1)]
    p = cars.packs[v, 0]
    if p >= 0:
        have_at_hand(packs, p)
    site = cars.demand[v]
    if cars.mode[v] == WANTS and at.first_slot[site] < at.last_slot[site]:
        # The pack that it will most likely be given.
        q = at.slots[at.cursor[site]]
        if q >= 0:
            have_at_hand(packs, q)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def have_at_hand(packs: Packs, p: int) -> None:
    """Fetch what plugging in, unplugging or swapping pack ``p`` reads and writes."""
    prefetch(packs.plug_kw, p)  # and all that lies beside it
    prefetch(packs.energy_kwh, p)
    prefetch(packs.usable_kwh, p)
    prefetch(packs.place, p)
    prefetch(packs.loss_kwh, p)
    prefetch(packs.throughput_kwh, p)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def serve(
    cars: Vehicles,
    packs: Packs,
    at: Stations,
    berths: Berths,
    rules: FleetRules,
    log: Log,
    movers: I32,
    now: int,
    step: int,
    steps_per_day: int,
    stages: I8,
) -> int:
    """Plug in, unplug and swap all vehicles that are awake at the beginning of a step.

    now : step of the run. step : step of the day.
    Writes those that are in a leg into ``movers`` (vehicles,) and returns how many: they are to be
    driven through this step. All others sleep until something can happen to them; who rests sets
    out by itself (see `road`).
    """
    awake = 0
    for v in range(cars.wake.size):
        if cars.wake[v] <= step:
            movers[awake] = v
            awake += 1
    n = 0
    for k in range(awake):
        approach(cars, packs, at, movers, k, awake)
        v = movers[k]
        mode = cars.mode[v]
        one = cars.start1[v] <= step < cars.end1[v]
        two = cars.start2[v] <= step < cars.end2[v]
        if mode in (WANTS, REFUELLING):
            on_the_road(cars, packs, at, berths, rules, log, v, now, step, stages)
            cars.wake[v] = step + 1
        elif one or two:
            cars.mode[v] = FREE
            if cars.plugged[v] >= 0:
                unplug(cars, packs, at, berths, log, v, now)
        else:
            if mode == FREE and cars.plugged[v] < 0:
                park(cars, packs, at, berths, rules, v, now, step, steps_per_day)
            if cars.mode[v] == FREE:
                cars.wake[v] = step + 1 if cars.plugged[v] < 0 else next_leg(cars, v, step)
        if one or two:
            movers[n] = v
            n += 1
    return n
