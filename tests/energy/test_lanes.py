"""Vectors of eight in compiled code, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from zerocity.energy.lanes import (
    LANES,
    alike,
    either,
    get,
    least,
    most,
    pick,
    put,
    same,
    some,
    turn,
)


@njit
def _work(x: Any, y: Any, out: Any) -> bool:
    a, b = get(x, 0), get(y, 0)
    results = a + b, a - b, a * b, a / b, least(a, b), most(a, b), same(2.5)
    for k in range(len(results)):
        put(out, k * LANES, results[k])
    put(out, 7 * LANES, pick(a < b, a, b))
    put(out, 8 * LANES, pick(either(b <= a, alike(a, same(1.0))), a, b))
    return bool(some(alike(a, b)))


@njit
def _turned(x: Any, stride: int, out: Any, by: int) -> None:
    turn(x, 3, stride, out, 1, by)


def test_each_lane_is_ordinary_arithmetic() -> None:
    rng = np.random.default_rng(0)
    x, y, out = rng.normal(size=LANES), rng.normal(size=LANES), np.zeros(9 * LANES)
    x[3], x[4], y[4], x[5] = 1.0, np.inf, np.inf, -np.inf
    assert _work(x, y, out)
    y[4] = 1.0
    assert not _work(x, y, out)
    wanted = [x + y, x - y, x * y, x / y, np.minimum(x, y), np.maximum(x, y), np.full(LANES, 2.5)]
    wanted += [np.where(x < y, x, y), np.where((y <= x) | (x == 1.0), x, y)]
    np.testing.assert_array_equal(out.reshape(9, LANES), wanted)


def test_a_block_is_copied_transposed() -> None:
    x, out = np.arange(200.0), np.full(120, -1.0)
    _turned(x, 17, out, 11)
    block = np.array([x[3 + 17 * k : 3 + 17 * k + LANES] for k in range(LANES)])
    for k in range(LANES):
        np.testing.assert_array_equal(out[1 + 11 * k : 1 + 11 * k + LANES], block[:, k])
    assert (out == -1.0).sum() == 120 - LANES * LANES
