"""Names for the array types that cross room borders, and rows that lie well in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I16 = npt.NDArray[np.int16]
I8 = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

# Bytes of a line of the processor's cache.
LINE = 64


def side_by_side(count: int, kinds: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Zeros by name, (count, ...) each, whose values of one row lie side by side in memory.

    A row begins with a line of the cache, so that who asks for much of one row waits for the fewest
    lines. ``kinds`` : dtype of each name, which may have a shape.
    """
    kind = np.dtype(list(kinds.items()), align=True)
    each = -(-kind.itemsize // LINE) * LINE
    room = np.zeros((count + 1) * each, np.uint8)
    begin = -room.ctypes.data % LINE
    rows = room[begin : begin + count * each].reshape(count, each)[:, : kind.itemsize]
    table = rows.view(kind)[:, 0]
    return {name: table[name] for name in kinds}
