"""Rainflow counting of charge cycles: ASTM E1049-85 (2017), clause 5.4.4, as a stream.

Turning points go onto a stack one by one. With X the last range and Y the one before: X < Y
waits; X >= Y closes Y, as a half cycle if it holds the oldest point (which is then dropped), as a
full cycle otherwise (both its points go). What stays is a row of shrinking ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from numba import njit

WAIT, HALF, FULL = 0, 1, 2


@njit(cache=True, nogil=True)
def verdict(before: float, middle: float, last: float, points: int) -> int:
    """What the last three of ``points`` turning points on the stack close.

    Returns WAIT, HALF (the oldest range ends as a half cycle) or FULL (the range before the last
    is a whole cycle). Values in any one unit.
    """
    if abs(last - middle) < abs(middle - before):
        return WAIT
    return HALF if points == 3 else FULL


def turning_points(values: Iterable[float], hysteresis: float = 0.0) -> list[float]:
    """Extremes of a series, both ends included; swings below ``hysteresis`` are passed over.

    ``hysteresis`` in the unit of the values, >= 0.
    """
    points: list[float] = []
    extreme, direction = 0.0, 0
    for value in values:
        if not points:
            points, extreme = [value], value
        elif direction == 0:
            if abs(value - extreme) > hysteresis:
                direction, extreme = (1 if value > extreme else -1), value
        elif direction * (value - extreme) > 0:
            extreme = value
        elif value != extreme and direction * (extreme - value) >= hysteresis:
            points.append(extreme)
            direction, extreme = -direction, value
    return [*points, extreme] if direction else points


def count_cycles(points: Sequence[float]) -> list[tuple[float, float]]:
    """Count a finished history: (range, 0.5 or 1.0) in the order in which they close.

    ``points`` are turning points; the ranges left at the end count as half cycles, as the standard
    asks.
    """
    closed: list[tuple[float, float]] = []
    stack: list[float] = []
    for point in points:
        stack.append(point)
        while len(stack) >= 3:
            result = verdict(stack[-3], stack[-2], stack[-1], len(stack))
            if result == WAIT:
                break
            closed.append((abs(stack[-2] - stack[-3]), 0.5 if result == HALF else 1.0))
            del stack[-3 : (-2 if result == HALF else -1)]
    return closed + [(abs(b - a), 0.5) for a, b in pairwise(stack)]
