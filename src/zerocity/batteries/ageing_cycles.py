"""Closing charge cycles: a rainflow stack per pack, and damage booked for many cycles at once.

A closed range is first queued with those of other packs of its law; ``book`` then runs a full
queue on vector registers, which is several times cheaper than a logarithm at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries import ageing_models as law
from zerocity.batteries.ageing_columns import (
    DEEP,
    DEPTH,
    FAST,
    MOVING_C,
    POINT,
    R_CYC,
    SHALLOW,
    Z_CYC,
)
from zerocity.batteries.branchless import exponential, logarithm
from zerocity.batteries.rainflow import FULL, WAIT, verdict

Array = npt.NDArray[Any]

QUEUE = 64
"""Closed ranges that wait per law; small, so that the queue stays in the nearest cache."""
# A queue has the shape (laws, FIELDS, QUEUE), its count (laws,). The first four fields are
# differences between the columns of two stack points.
RISE, MOVED, HOURS, HEAT, SHARE, NOW_C, SPREAD, PACK, DAMAGE, RESISTANCE = range(10)
FIELDS = 10


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def cycle_damage(q: Array, dod: float, rate_c: float, temperature_c: float, spread: float) -> float:
    """(spread k)^(1/p) per equivalent full cycle of this depth, rate [1/h] and temperature.

    ``q`` is a row of ``ageing_models.PARAMETERS``.
    """
    t_k = temperature_c + 273.15
    stress = spread * (q[law.CYC_A0] + q[law.CYC_A1] * dod + q[law.CYC_A2] * rate_c)
    log_k = logarithm(stress) + q[law.CYC_E] / t_k
    log_k += q[law.CYC_ND] * logarithm(dod) + q[law.CYC_NT] * logarithm(t_k / 308.15)
    log_k += q[law.CYC_NR] * logarithm(rate_c)
    power = log_k * q[law.CYC_INVERSE]
    # No depth or no rate is no damage: keep the exponent in the range of ``exponential``.
    return float(q[law.CYC_PER_EFC] * exponential(-700.0 if power < -700.0 else power))


@njit(cache=True, nogil=True, error_model="numpy")
def cycle_damages(
    model: Array, parameters: Array, dod: Array, rate_c: Array, temperature_c: Array, spread: Array,
    damage: Array,
) -> None:  # fmt: skip
    """Write `cycle_damage` of each pack into ``damage``; all (packs,) but ``parameters``."""
    for p in range(damage.size):
        damage[p] = cycle_damage(
            parameters[model[p]], dod[p], rate_c[p], temperature_c[p], spread[p]
        )


@njit(cache=True, nogil=True, error_model="numpy")
def book(m: int, queue: Array, count: Array, parameters: Array, sums: Array, flags: Array) -> None:
    """Add the queued ranges of law ``m`` to their packs, and empty its queue.

    ``sums`` gain z of cycling loss and relative resistance. A range without a moving step takes
    MOVING_C as its rate and the temperature when it closed.
    """
    q = parameters[m]
    # Flat, with literal offsets: so the compiler sees that the fields do not overlap.
    value = queue[m].reshape(FIELDS * QUEUE)
    n = count[m]
    raised = np.empty(QUEUE, np.uint8)
    for k in range(n):
        dod = abs(value[RISE * QUEUE + k])
        hours = value[HOURS * QUEUE + k]
        rate_c = value[MOVED * QUEUE + k] / hours if hours > 0.0 else MOVING_C
        temperature_c = value[HEAT * QUEUE + k] / hours if hours > 0.0 else value[NOW_C * QUEUE + k]
        efc = value[SHARE * QUEUE + k] * dod
        value[DAMAGE * QUEUE + k] = efc * cycle_damage(
            q, dod, rate_c, temperature_c, value[SPREAD * QUEUE + k]
        )
        middle = dod - 0.5
        depth = q[law.RES_D0] + q[law.RES_D1] * dod + q[law.RES_D3] * middle * middle * middle
        rate = q[law.RES_C0] + q[law.RES_C1] * rate_c
        value[RESISTANCE * QUEUE + k] = (
            efc * max(rate, 0.0) * max(depth, 0.0) * value[SPREAD * QUEUE + k]
        )
        fast = (value[RISE * QUEUE + k] > 0.0) & (rate_c > q[law.FAST_C] * (1.0 + 1e-6))
        deep = dod > q[law.DEEP_DOD] + 1e-6
        shallow = dod < q[law.SHALLOW_DOD] - 1e-6
        raised[k] = FAST * fast + DEEP * deep + SHALLOW * shallow
    for k in range(n):
        p = int(value[PACK * QUEUE + k])
        sums[Z_CYC, p] += value[DAMAGE * QUEUE + k]
        sums[R_CYC, p] += value[RESISTANCE * QUEUE + k]
        flags[p] |= raised[k]
    count[m] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def push(
    p: int, n: int, m: int, spread: float, now_c: float, stack: Array, points: Array,
    queue: Array, count: Array,
) -> None:  # fmt: skip
    """Close what the newest of the ``n`` turning points of pack ``p``, of law ``m``, closes.

    Sets ``points[p]``. A call queues fewer than DEPTH ranges and expects room for them. Written in
    one piece: handing arrays on costs more than the work on them.

    stack : (packs, DEPTH, POINT).
    """
    k = count[m]
    while n >= 3:
        result = verdict(stack[p, n - 3, 0], stack[p, n - 2, 0], stack[p, n - 1, 0], n)
        full = n == DEPTH
        if result == WAIT and not full:
            break
        # A full stack books its oldest range, as a range that holds the oldest point is booked.
        old = n - 3 if result != WAIT else 0
        for column in range(POINT):
            queue[m, column, k] = stack[p, old + 1, column] - stack[p, old, column]
        queue[m, SHARE, k] = 1.0 if result == FULL else 0.5
        queue[m, NOW_C, k], queue[m, SPREAD, k], queue[m, PACK, k] = now_c, spread, p
        k += 1
        if result == FULL:
            for column in range(POINT):
                stack[p, n - 3, column] = stack[p, n - 1, column]
            n -= 2
            continue
        n -= 1
        for j in range(n):
            for column in range(POINT):
                stack[p, j, column] = stack[p, j + 1, column]
        if result == WAIT:
            break
    count[m] = k
    points[p] = n
