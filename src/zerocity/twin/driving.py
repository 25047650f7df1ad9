"""Vehicles on the road: kilometres become energy taken from their packs."""

from __future__ import annotations

from numba import njit

from zerocity.batteries.circuit import ohmic_loss
from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F32, F64
from zerocity.twin.kernel import kernel, vector_kernel
from zerocity.twin.vehicles import FREE, MOST_PACKS, REFUELLING, WANTS, Vehicles

# The last part that a battery management system does not give; an assumption.
FLOOR_SOC = 0.03


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def drive(
    v: int,
    step: int,
    step_h: float,
    day: int,
    cars: Vehicles,
    packs: Packs,
    kwh_per_km: F64,
    reserve_soc: F64,
    soc: F32,
) -> float:
    """Drive vehicle ``v``, which is in a leg, through step ``step`` of day ``day``.

    What the packs cannot give is kilometres missed. ``kwh_per_km``, ``reserve_soc`` (fleets,);
    ``soc`` (packs,) follows the packs' energy. Returns what the packs gave [kWh].
    """
    first = cars.start1[v] <= step < cars.end1[v]
    wanted_km = cars.km1[v] if first else cars.km2[v]
    if cars.mode[v] == REFUELLING or cars.down_until[v] > day:
        cars.missed_km[v] += wanted_km
        return 0.0
    f = cars.fleet[v]
    need = wanted_km * cars.factor[v] * kwh_per_km[f]
    given = draw(cars, packs, v, need, step_h)
    share = min(given / need, 1.0) if need > 0.0 else 1.0
    cars.km[v] += wanted_km * share
    cars.kwh[v] += given
    cars.missed_km[v] += wanted_km * (1.0 - share)
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p >= 0:
            soc[p] = packs.energy_kwh[p] / packs.usable_kwh[p]
    may_refuel = cars.mode[v] == FREE and cars.demand[v] >= 0
    if may_refuel and vehicle_soc(cars, packs, v) < reserve_soc[f]:
        cars.mode[v] = WANTS
    return given


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def ohmic_loss_kw(out_kw: float, loss_per_kw: float) -> float:
    """Heat in the pack [kW] when ``out_kw`` leaves it; out of line, or kernels get much slower."""
    return ohmic_loss(-out_kw, loss_per_kw)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def draw(cars: Vehicles, packs: Packs, v: int, need_kwh: float, step_h: float) -> float:
    """Take up to ``need_kwh`` from the packs of vehicle ``v``; return what they gave [kWh].

    Packs give in proportion to what they hold above the floor, so they empty together; the ohmic
    loss of giving it comes on top and warms the pack.
    """
    free_kwh = 0.0
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p >= 0:
            free_kwh += max(packs.energy_kwh[p] - FLOOR_SOC * packs.usable_kwh[p], 0.0)
    if free_kwh <= 0.0 or need_kwh <= 0.0:
        return 0.0
    share = min(need_kwh, free_kwh) / free_kwh
    per_hour = 1.0 / step_h
    given = 0.0
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p < 0:
            continue
        out = share * max(packs.energy_kwh[p] - FLOOR_SOC * packs.usable_kwh[p], 0.0)
        lost = ohmic_loss_kw(out * per_hour, packs.loss_kw_per_kw2[p]) * step_h
        lost = min(lost, packs.energy_kwh[p] - out)
        packs.energy_kwh[p] -= out + lost
        packs.loss_kwh[p] += lost
        packs.throughput_kwh[p] += out + lost
        packs.temperature_c[p] += lost * packs.heat_k_per_kwh[p]
        given += out
    return given


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def vehicle_soc(cars: Vehicles, packs: Packs, v: int) -> float:
    """State of charge over all packs of vehicle ``v`` [0-1]; 0 without packs."""
    held, full = 0.0, 0.0
    for k in range(MOST_PACKS):
        p = cars.packs[v, k]
        if p >= 0:
            held += packs.energy_kwh[p]
            full += packs.usable_kwh[p]
    return held / full if full > 0.0 else 0.0
