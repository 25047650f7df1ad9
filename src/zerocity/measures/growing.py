"""Arrays that grow at their end, a little at a time, without being copied each time."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Kind = TypeVar("Kind", bound=np.generic)
# Spare room as a share of what there is, when an array must move.
SPARE = 16


class Growing(Generic[Kind]):
    """Rows of one kind. ``rows`` (n,) is a view that holds until the next `add`."""

    def __init__(self, kind: type[Kind] | str) -> None:
        self._room: npt.NDArray[Kind] = np.zeros(0, kind)
        self._size = 0

    @property
    def rows(self) -> npt.NDArray[Kind]:
        """All rows, in the order in which they came."""
        return self._room[: self._size]

    def add(self, rows: npt.NDArray[Kind]) -> None:
        """Put ``rows`` (k,) behind the others."""
        size = self._size + rows.size
        if size > self._room.size:
            room = np.zeros(size + size // SPARE, self._room.dtype)
            room[: self._size] = self.rows
            self._room = room
        self._room[self._size : size] = rows
        self._size = size
