"""Seeded streams depend on their name alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.measures.seeds import stream


@given(st.integers(0, 2**63), st.text(max_size=20), st.integers(0, 400))
def test_same_name_same_numbers(seed: int, name: str, day: int) -> None:
    first = stream(seed, name, day).random(5)
    stream(seed, "other").random(100)
    assert np.array_equal(first, stream(seed, name, day).random(5))


def test_other_names_are_independent() -> None:
    assert not np.array_equal(stream(1, "a").random(5), stream(1, "b").random(5))
    assert not np.array_equal(stream(1, "a", 12).random(5), stream(1, "a1", 2).random(5))
