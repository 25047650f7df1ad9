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
from zerocity.batteries.rainflow import FULL, HALF, WAIT, verdict

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
def book(m: int, queue: Array, count: Array, parameters: Array, sums: Array, flags: Array) -> None:
    """Add the queued ranges of law ``m`` to their packs, and empty its queue.

    ``sums`` gain z of cycling loss and relative resistance. A range without a moving step takes
    MOVING_C as its rate and the temperature when it closed.
    """
    q = parameters[m]
    value = queue[m]
    n = count[m]
    raised = np.empty(QUEUE, np.uint8)
    for k in range(n):
        dod = abs(value[RISE, k])
        hours = value[HOURS, k]
        rate_c = value[MOVED, k] / hours if hours > 0.0 else MOVING_C
        temperature_c = value[HEAT, k] / hours if hours > 0.0 else value[NOW_C, k]
        efc = value[SHARE, k] * dod
        value[DAMAGE, k] = efc * cycle_damage(q, dod, rate_c, temperature_c, value[SPREAD, k])
        middle = dod - 0.5
        depth = q[law.RES_D0] + q[law.RES_D1] * dod + q[law.RES_D3] * middle * middle * middle
        rate = q[law.RES_C0] + q[law.RES_C1] * rate_c
        value[RESISTANCE, k] = efc * max(rate, 0.0) * max(depth, 0.0) * value[SPREAD, k]
        fast = (value[RISE, k] > 0.0) & (rate_c > q[law.FAST_C] * (1.0 + 1e-6))
        deep = dod > q[law.DEEP_DOD] + 1e-6
        shallow = dod < q[law.SHALLOW_DOD] - 1e-6
        raised[k] = FAST * fast + DEEP * deep + SHALLOW * shallow
    for k in range(n):
        p = int(value[PACK, k])
        sums[p, Z_CYC] += value[DAMAGE, k]
        sums[p, R_CYC] += value[RESISTANCE, k]
        flags[p] |= raised[k]
    count[m] = 0


# Arrays are dear to pass on: at a turn a step, a true call would cost more than its work.
@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def close(
    p: int, m: int, spread: float, stack: Array, old: int, share: float, now_c: float,
    queue: Array, count: Array,
) -> None:  # fmt: skip
    """Queue the range from turning point ``old`` to the next, as 0.5 or 1 cycle of pack ``p``."""
    k = count[m]
    for column in range(POINT):
        queue[m, column, k] = stack[p, old + 1, column] - stack[p, old, column]
    queue[m, SHARE, k] = share
    queue[m, NOW_C, k] = now_c
    queue[m, SPREAD, k] = spread
    queue[m, PACK, k] = p
    count[m] = k + 1


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def drop_oldest(p: int, stack: Array, n: int) -> int:
    """Move all but the oldest of ``n`` turning points one place down; return how many stay."""
    for j in range(n - 1):
        for k in range(POINT):
            stack[p, j, k] = stack[p, j + 1, k]
    return n - 1


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def push(
    p: int, n: int, m: int, spread: float, stack: Array, points: Array, now_c: float,
    queue: Array, count: Array,
) -> None:  # fmt: skip
    """Close what the newest of the ``n`` turning points of pack ``p``, of law ``m``, closes.

    Sets ``points[p]``. A call queues fewer than DEPTH ranges and expects room for them.
    """
    while n >= 3:
        result = verdict(stack[p, n - 3, 0], stack[p, n - 2, 0], stack[p, n - 1, 0], n)
        if result == WAIT:
            break
        share = 0.5 if result == HALF else 1.0
        close(p, m, spread, stack, n - 3, share, now_c, queue, count)
        if result == FULL:
            for k in range(POINT):
                stack[p, n - 3, k] = stack[p, n - 1, k]
            n -= 2
        else:
            n = drop_oldest(p, stack, n)
    if n == DEPTH:
        close(p, m, spread, stack, 0, 0.5, now_c, queue, count)
        n = drop_oldest(p, stack, n)
    points[p] = n
