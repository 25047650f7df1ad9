"""The compiled kernel's first steps: numbers, times, VINs and the envelope of a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.protocols.gbt32960.fleet import NO_TIME
from zerocity.protocols.gbt32960.frames import HEAD, LONGEST_UNIT

Array = npt.NDArray[Any]
Whole = Any
"""A whole number in a compiled kernel: int64 there, int or np.int64 to a type checker."""

# No reference counts: the helpers take the same arrays for every block of every frame.
kernel: Any = njit(  # type: ignore[call-overload,unused-ignore]
    cache=True, nogil=True, _nrt=False, error_model="numpy"
)


@kernel
def word(data: Array, at: Whole) -> Whole:
    """Two bytes as a number."""
    return np.int64(data[at]) << 8 | np.int64(data[at + 1])


@kernel
def dword(data: Array, at: Whole) -> Whole:
    """Four bytes as a number."""
    return word(data, at) << 16 | word(data, at + 2)


@kernel
def sound(data: Array, start: Whole, length: Whole) -> Any:
    """Whether the envelope is."""
    if length <= HEAD or length > HEAD + LONGEST_UNIT + 1:
        return False
    if data[start] != data[start + 1] or (data[start] != 0x23 and data[start] != 0x24):
        return False
    if HEAD + 1 + word(data, start + 22) != length:
        return False
    response, encryption = data[start + 3], data[start + 21]
    if response != 0xFE and (response < 1 or response > 7):
        return False
    if encryption < 0xFE and (encryption < 1 or encryption > 5):
        return False
    total = np.uint8(0)
    for at in range(start + 2, start + length):
        total ^= data[at]
    return total == 0


@kernel
def number_of(
    data: Array, starts: Array, i: Whole, out: Array, slots: Array, known: Whole
) -> Whole:
    """The number of frame i's VIN: that of an equal one before, or else the next."""
    start = starts[i] + 4
    # FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
    mixed = np.uint64(14695981039346656037)
    for at in range(start, start + 17):
        mixed = (mixed ^ np.uint64(data[at])) * np.uint64(1099511628211)
    mask = np.uint64(slots.size - 1)
    slot = (mixed ^ (mixed >> np.uint64(32))) & mask
    while slots[slot] >= 0:
        other_start = starts[slots[slot]] + 4
        same = 0
        while same < 17 and data[other_start + same] == data[start + same]:
            same += 1
        if same == 17:
            return np.int64(out[slots[slot]].vehicle)
        slot = (slot + np.uint64(1)) & mask
    slots[slot] = i
    return np.int64(known)


@kernel
def seconds(data: Array, at: Whole) -> Whole:
    """Seconds since 1970 in UTC of six bytes of Beijing time."""
    year, month, day = np.int64(data[at]), np.int64(data[at + 1]), np.int64(data[at + 2])
    hour, minute = np.int64(data[at + 3]), np.int64(data[at + 4])
    second = np.int64(data[at + 5])
    if year > 99 or month < 1 or month > 12 or day < 1:
        return NO_TIME
    longest: Whole = 30 + ((month + (month >> 3)) & 1)
    if month == 2:
        longest = 28 if year & 3 else 29
    if day > longest or hour > 23 or minute > 59 or second > 59:
        return NO_TIME
    # Days from 1 March 2000, in years that begin in March.
    since = year if month > 2 else year - 1
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 11_017 + 365 * since + (since >> 2) + of_year
    return days * 86_400 + (hour - 8) * 3_600 + minute * 60 + second
