"""Who gets which pack."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.swapping.handover import fullest


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.integers(1, 3))
def test_the_fullest_ready_packs_are_handed_over(socs: list[float], wanted: int) -> None:
    energy = np.array(socs)
    slots = np.arange(len(socs), dtype=np.int32)
    chosen = np.full(3, -1, np.int32)
    found = fullest(slots, 0, len(socs), energy, np.ones(len(socs)), 0.85, wanted, chosen)
    ready = np.sort(energy[energy >= 0.85])[::-1]
    assert found == min(wanted, ready.size)
    assert np.array_equal(energy[chosen[:found]], ready[:found])
    assert len(set(chosen[:found].tolist())) == found


def test_empty_slots_and_other_stations_are_left_alone() -> None:
    slots = np.array([0, -1, 1], np.int32)
    chosen = np.full(3, -1, np.int32)
    assert fullest(slots, 1, 2, np.ones(2), np.ones(2), 0.5, 1, chosen) == 0
