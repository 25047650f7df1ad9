"""Who gets which pack."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.swapping.handover import FULL_SOC, fullest


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.integers(1, 3), st.integers(0, 11)
)
def test_full_packs_first_then_the_fullest(socs: list[float], wanted: int, begin: int) -> None:
    energy = np.array(socs)
    slots = np.arange(len(socs), dtype=np.int32)
    chosen = np.full(3, -1, np.int32)
    found = fullest(
        slots, 0, len(socs), begin % len(socs), energy, np.ones(len(socs)), 0.85, wanted, chosen
    )
    taken = chosen[:found]
    assert found == min(wanted, int((energy >= 0.85).sum()))
    assert len(set(taken.tolist())) == found
    assert np.all(energy[taken] >= 0.85)
    left = np.delete(energy, taken)
    if left.size and found:
        # Nobody gets a pack that is not full while a fuller one stays behind.
        assert energy[taken].min() >= min(left.max(), FULL_SOC)


def test_empty_slots_and_other_stations_are_left_alone() -> None:
    slots = np.array([0, -1, 1], np.int32)
    chosen = np.full(3, -1, np.int32)
    assert fullest(slots, 1, 2, 1, np.ones(2), np.ones(2), 0.5, 1, chosen) == 0


def test_the_search_begins_at_its_turn() -> None:
    slots = np.arange(4, dtype=np.int32)
    chosen = np.full(3, -1, np.int32)
    assert fullest(slots, 0, 4, 2, np.ones(4), np.ones(4), 0.85, 3, chosen) == 3
    assert chosen.tolist() == [2, 3, 0]
