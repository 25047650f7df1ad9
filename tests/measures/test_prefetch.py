"""Asking for memory changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zerocity.measures.prefetch import prefetch
from zerocity.twin.kernel import kernel


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _ask(array: Any) -> int:
    for i in range(array.shape[0]):
        prefetch(array, i)
        if array.ndim > 1:
            prefetch(array, (i, 1))
    return int(array.shape[0])


@pytest.mark.parametrize("shape", [(0,), (5,), (5, 3)])
def test_asking_for_memory_changes_nothing(shape: tuple[int, ...]) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    before = array.copy()
    assert _ask(array) == shape[0]
    assert _ask(array[::2]) == array[::2].shape[0]
    np.testing.assert_array_equal(array, before)
