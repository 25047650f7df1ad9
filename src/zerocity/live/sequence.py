"""Which numbers of a sequence were seen, kept as runs, so that hours of messages fit in one."""

from __future__ import annotations

from bisect import bisect_right

Runs = list[tuple[int, int]]

# More runs than this are no sequence; the oldest are then joined as if nothing were missing.
MOST_RUNS = 200


def add(runs: Runs, number: int) -> bool:
    """Note a number; False when it was there. ``runs`` are (first, last), in order, apart."""
    place = bisect_right(runs, (number, number))
    # The run that may hold the number begins at or before it.
    if place > 0 and runs[place - 1][1] >= number:
        return False
    if place < len(runs) and runs[place][0] == number:
        return False
    low = high = number
    if place < len(runs) and runs[place][0] == number + 1:
        high = runs.pop(place)[1]
    if place > 0 and runs[place - 1][1] == number - 1:
        place -= 1
        low = runs.pop(place)[0]
    runs.insert(place, (low, high))
    if len(runs) > MOST_RUNS:
        runs[:2] = [(runs[0][0], runs[1][1])]
    return True


def gaps(runs: Runs, first: int = 0) -> list[tuple[int, int]]:
    """The runs of numbers that are missing from ``first`` up to the last seen."""
    missing = []
    expected = first
    for low, high in runs:
        if low > expected:
            missing.append((expected, low - 1))
        expected = max(expected, high + 1)
    return missing
