"""A session as room for a plan: the earliest and the latest it can take its energy.

Summed over the sessions of a site the two curves bound the energy that any lawful schedule has
delivered by each step: a virtual store with moving walls.
"""

from __future__ import annotations

from numba import njit

from zerocity.measures.arrays import F64


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def add_ramp(row: F64, first: int, energy_kwh: float, kwh_per_step: float) -> None:
    """Add a session's energy at full power from step ``first`` on to ``row`` (steps,) [kWh].

    What falls before step 0 counts as taken at step 0; what falls after the last step is left out.
    """
    left = energy_kwh
    step = first
    while left > 1e-9 and step < row.size:
        taken = min(left, kwh_per_step)
        row[max(step, 0)] += taken
        left -= taken
        step += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def add_session(
    early: F64,
    late: F64,
    arrive: int,
    depart: int,
    energy_kwh: float,
    kwh_per_step: float,
) -> None:
    """Add one session to a site's rows of energy per step, (steps,) [kWh] each.

    ``early`` charges at once, ``late`` as late as still ends by step ``depart`` (exclusive); a
    session that cannot finish in time charges at once in both.
    """
    if energy_kwh <= 0.0 or kwh_per_step <= 0.0:
        return
    add_ramp(early, arrive, energy_kwh, kwh_per_step)
    steps = int(energy_kwh / kwh_per_step)
    if steps * kwh_per_step < energy_kwh - 1e-9:
        steps += 1
    add_ramp(late, max(arrive, depart - steps), energy_kwh, kwh_per_step)
