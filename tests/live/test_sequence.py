"""Runs of numbers behave as the set of the numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zerocity.live.sequence import MOST_RUNS, Runs, add, gaps


@given(numbers=st.lists(st.integers(0, 40)))
def test_runs_are_the_set(numbers: list[int]) -> None:
    runs: Runs = []
    seen: set[int] = set()
    for number in numbers:
        assert add(runs, number) is (number not in seen)
        seen.add(number)
    held = [n for low, high in runs for n in range(low, high + 1)]
    assert held == sorted(seen)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(runs))
    missing = {n for low, high in gaps(runs) for n in range(low, high + 1)}
    assert missing == set(range(max(seen, default=-1) + 1)) - seen


def test_runs_are_bounded() -> None:
    runs: Runs = []
    for number in range(0, 10 * MOST_RUNS, 2):
        add(runs, number)
    assert len(runs) == MOST_RUNS
