"""What the world does before and after a decision, each in one go.

One thread serves the drivers and moves the packs in berths, another one may drive those on the road
at the same time, and age packs when nobody waits for it. They tell each other how far they are by
``turns``, without the interpreter's lock: asking for that lock, or being woken, would take longer
than what there is to wait for.
"""

from __future__ import annotations

from numba import njit

from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F32, F64, I8, I32, I64
from zerocity.twin.berths import Berths, charge, wanting
from zerocity.twin.day_ageing import DayAgeing, age_slice
from zerocity.twin.kernel import announce, kernel, turn_at, wait_until
from zerocity.twin.pack_physics import rest
from zerocity.twin.road import Road, pull_over, roll_on, set_off
from zerocity.twin.sessions import Log
from zerocity.twin.stations import FleetRules, Stations, serve
from zerocity.twin.vehicles import Vehicles

# Places in ``turns`` (TURNS,): the turns that have begun and in which drivers were served, how many
# of them set out then, and the turns up to which everybody was driven and had time to leave the
# road. What two threads write lies in cache lines of their own.
BEGUN, SERVED, MOVERS, DRIVEN, LEFT, TURNS = 0, 1, 2, 16, 17, 32
# The turn at which nobody drives any more.
OVER = 1 << 62


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def before(
    turns: I64, turn: int, cars: Vehicles, packs: Packs, at: Stations, berths: Berths,
    rules: FleetRules, log: Log, movers: I32, now: int, step: int, steps_per_day: int, stages: I8,
) -> int:  # fmt: skip
    """`serve` the drivers, let those on the road go, and find what packs want; returns how many."""
    announce(turns, BEGUN, turn)
    wait_until(turns, LEFT, turn - 1)
    turns[MOVERS] = serve(
        cars, packs, at, berths, rules, log, movers, now, step, steps_per_day, stages
    )
    announce(turns, SERVED, turn)
    return int(wanting(rules.step_h[0], rules.efficiency[0], berths, packs))


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def drive_in_turn(
    turns: I64, turn: int, movers: I32, step: int, step_h: float, day: int, road: Road,
    cars: Vehicles, packs: Packs, kwh_per_km: F64, reserve_soc: F64, plug_below_soc: F64, soc: F32,
    traction_kwh: F64,
) -> None:  # fmt: skip
    """Drive everyone through a step, beside another thread; ``traction_kwh[step]`` is the answer.

    Those on the road already need nobody; the others go when the drivers of ``turn`` are served.
    """
    given = roll_on(step, step_h, day, road, cars, packs, kwh_per_km, reserve_soc, soc)
    wait_until(turns, SERVED, turn)
    if turns[SERVED] < OVER:
        given += set_off(
            movers[: turns[MOVERS]], step, step_h, day, road, cars, packs, kwh_per_km,
            reserve_soc, soc,
        )  # fmt: skip
    traction_kwh[step] = given
    announce(turns, DRIVEN, turn)
    pull_over(step, road, cars, packs, plug_below_soc)
    announce(turns, LEFT, turn)


@njit(cache=True, nogil=True)  # not a `kernel`: ageing makes arrays
def drive_day(
    turns: I64, turn: int, movers: I32, step_h: float, day: int, road: Road, cars: Vehicles,
    packs: Packs, kwh_per_km: F64, reserve_soc: F64, plug_below_soc: F64, soc: F32,
    traction_kwh: F64, ageing: DayAgeing,
) -> None:  # fmt: skip
    """`drive_in_turn` through all steps of a day, the first of them in ``turn``, in a thread's own.

    kwh_per_km : (steps, fleets). traction_kwh : (steps,). What there is to age is aged as long as
    nobody waits for it, which at the end of the day somebody does.
    """
    steps, aged = traction_kwh.size, 0
    for step in range(steps):
        wait_until(turns, BEGUN, turn + step)
        if turn_at(turns, BEGUN) >= OVER:
            return
        drive_in_turn(
            turns, turn + step, movers, step, step_h, day, road, cars, packs, kwh_per_km[step],
            reserve_soc, plug_below_soc, soc, traction_kwh,
        )  # fmt: skip
        last = aged if step + 1 == steps else ageing.done.size
        while aged < last and turn_at(turns, BEGUN) <= turn + step:
            age_slice(ageing, aged)
            aged += 1


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def after(
    turns: I64, turn: int, berths: Berths, battery_kw: F64, stores: Berths, store_kw: F64,
    step_h: float, charge_efficiency: float, discharge_efficiency: float, outdoor_c: float,
    packs: Packs, soc: F32, soc_row: F32, temperature_row: F32,
) -> None:  # fmt: skip
    """`charge` berths and stores, and once everybody is driven let temperatures follow.

    battery_kw, store_kw : power into the packs of ``berths`` and ``stores``, berth by berth [kW].
    Other parameters as in `rest` and `charge`.
    """
    for own, ac_kw in ((berths, battery_kw), (stores, store_kw)):
        charge(ac_kw, step_h, charge_efficiency, discharge_efficiency, own, packs, soc)
    wait_until(turns, DRIVEN, turn)
    rest(step_h, outdoor_c, packs.place, packs.temperature_c, soc, soc_row, temperature_row)
