"""What time does to resting and moving packs alike: calendar and resistance rates of two steps.

Both laws are exponentials, e^h. Over two steps with exponents h1 and h2 their mean is
e^((h1 + h2) / 2) cosh((h1 - h2) / 2): one exponential instead of two, and nothing left out. The
cosh is a series, within 1e-6 up to |h1 - h2| = 7 and 1e-4 up to 12, which takes a pack from empty
to half full in a step; that of resistance is within 2e-5 for 20 K from one step to the next.

Single precision, sixteen packs at once, stays within 1e-6 of the laws because every exponent is
taken relative to 25 degC and half charge, where it is small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries import ageing_models as law
from zerocity.batteries.branchless import exponential32

Array = npt.NDArray[Any]
Floats32 = npt.NDArray[np.float32]

TILE = 128
"""Packs side by side: their working values, some 12 KiB, must stay in the first-level cache."""
CELLS = law.SOC_CELLS

# Working values of a tile in one flat array, value ``K`` of pack ``i`` at ``K * TILE + i``: the
# offsets are literal, so the compiler can prove that the values do not overlap.
_A, _B, _C, _MIDDLE = 0 * TILE, 1 * TILE, 2 * TILE, 3 * TILE
_RE, _R0, _B0, _B1, _B2 = 4 * TILE, 5 * TILE, 6 * TILE, 7 * TILE, 8 * TILE
CONSTANTS = 9
_PLACE, _PLACE_2, _COLDEST, _HOTTEST = 9 * TILE, 10 * TILE, 11 * TILE, 12 * TILE
_CALENDAR, _RESISTANCE = 13 * TILE, 14 * TILE
_SOC, _SOC_2 = 15 * TILE, 16 * TILE
REST_WORK = 17 * TILE
CALENDAR, RESISTANCE = _CALENDAR, _RESISTANCE
COLDEST, HOTTEST = _COLDEST, _HOTTEST

_F = np.float32
_ZERO, _ONE, _HALF, _CELLS = _F(0.0), _F(1.0), _F(0.5), _F(CELLS)
_LAST_CELL, _FIRST_CELL = np.int32(CELLS - 1), np.int32(0)
_T_25_C, _KELVIN = _F(25.0), _F(273.15)
_U_25 = np.float32(308.15 / 298.15)
_TWO, _6TH, _12TH, _20TH = _F(2.0), _F(1 / 6), _F(1 / 12), _F(1 / 20)
_30TH, _56TH, _64TH = _F(1 / 30), _F(1 / 56), _F(1 / 64)


def _constants(q: Array) -> list[float]:
    u = 308.15 / 298.15
    # f = u^m as a polynomial of v = u - u(25 degC), divided by f(25 degC).
    cubic = bool(q[law.CAL_U3])
    powers = (3 * u * u, 3 * u, 1.0) if cubic else (1.0, 0.0, 0.0)
    at_25 = q[law.CAL_U1] * u + q[law.CAL_U3] * u**3
    warm = [q[law.RES_E], q[law.RES_E] * (1.0 - u)]
    charge = [q[law.RES_B0], q[law.RES_B1], q[law.RES_B2]]
    return [*(one / at_25 for one in powers), q[law.CAL_MIDDLE], *warm, *charge]


def _pairs(q: Array, exponents: Array) -> Floats32:
    # The exponent at 25 degC on a cell's left, and its rise over the cell.
    u = 308.15 / 298.15
    at_25 = q[law.CAL_U1] * u + q[law.CAL_U3] * u**3
    left = exponents * at_25 - q[law.CAL_MIDDLE]
    return np.stack([left, np.append(np.diff(left), 0.0)], axis=1).astype(np.float32)


REST: Floats32 = np.array([_constants(q) for q in law.PARAMETERS], np.float32)
"""Shape (models, CONSTANTS)."""
CELL_PAIRS: npt.NDArray[np.int64] = np.concatenate(
    [_pairs(*one) for one in zip(law.PARAMETERS, np.split(law.EXPONENTS, len(REST)), strict=True)]
).view(np.int64)[:, 0]
"""Shape (models * (SOC_CELLS + 1),): two float32 in each, so that one read fetches both."""


@njit(cache=True, nogil=True, error_model="numpy")
def begin(work: Array, base: Array, lo: int, n: int, model: Array, constants: Array) -> None:
    """Fill the constants of a tile; its coldest and hottest are open."""
    for i in range(n):
        m = np.int64(model[lo + i])
        base[i] = m * (CELLS + 1)
        for k in range(CONSTANTS):
            work[k * TILE + i] = constants[m, k]
        work[_COLDEST + i], work[_HOTTEST + i] = np.float32(1e9), np.float32(-1e9)


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(
    work: Array, base: Array, cells: Array, pairs: Array, table: Array, before: Array,
    soc: Array, first: int, last: int, lo: int, n: int,
) -> None:  # fmt: skip
    """Fetch the calendar exponents around the middle soc of two steps of the tile from pack ``lo``.

    The steps are rows ``first`` and ``last`` of ``soc``, one behind the other, or one and the same
    step twice; ``before`` : soc at its start. Only the scattered reads are scalar, so they stand
    in loops of their own.
    """
    at, then, offset, alone = np.uint64(first), np.uint64(last), np.uint64(lo), first == last
    for i in range(n):
        begun, middle = before[i], soc[at, offset + np.uint64(i)]
        ended = soc[then, offset + np.uint64(i)]
        s, s_2 = _HALF * (begun + middle), _HALF * ((begun if alone else middle) + ended)
        work[_SOC + i], work[_SOC_2 + i] = s, s_2
        s, s_2 = _ZERO if s < _ZERO else s, _ZERO if s_2 < _ZERO else s_2
        place = (_ONE if s > _ONE else s) * _CELLS
        place_2 = (_ONE if s_2 > _ONE else s_2) * _CELLS
        whole = max(min(np.int32(place), _LAST_CELL), _FIRST_CELL)
        whole_2 = max(min(np.int32(place_2), _LAST_CELL), _FIRST_CELL)
        cells[i] = base[i] + whole
        cells[TILE + i] = base[i] + whole_2
        work[_PLACE + i] = place - np.float32(whole)
        work[_PLACE_2 + i] = place_2 - np.float32(whole_2)
        before[i] = ended
    for i in range(n):
        pairs[i] = table[np.uint64(cells[i])]
    for i in range(n):
        pairs[TILE + i] = table[np.uint64(cells[TILE + i])]


@njit(cache=True, nogil=True, error_model="numpy")
def rest(
    work: Array, halves: Array, temperature_c: Array, first: int, last: int, lo: int, n: int
) -> None:
    """Mean calendar and resistance rates of a tile over two steps, at `CALENDAR` and `RESISTANCE`.

    Coldest and hottest follow. ``halves`` : what `look_up` fetched, as float32.
    """
    at, then, offset = np.uint64(first), np.uint64(last), np.uint64(lo)
    for i in range(n):
        t = temperature_c[at, offset + np.uint64(i)]
        t_2 = temperature_c[then, offset + np.uint64(i)]
        # v = u - u(25 degC), and f = u^m / u^m(25 degC) - 1.
        v = _U_25 * (_T_25_C - t) / (t + _KELVIN)
        v_2 = _U_25 * (_T_25_C - t_2) / (t_2 + _KELVIN)
        a, b, c = work[_A + i], work[_B + i], work[_C + i]
        f, f_2 = v * (a + v * (b + v * c)), v_2 * (a + v_2 * (b + v_2 * c))
        e = halves[2 * i] + work[_PLACE + i] * halves[2 * i + 1]
        e_2 = halves[2 * TILE + 2 * i] + work[_PLACE_2 + i] * halves[2 * TILE + 2 * i + 1]
        h, h_2 = e + f * (e + work[_MIDDLE + i]), e_2 + f_2 * (e_2 + work[_MIDDLE + i])
        d2 = _64TH * (h_2 - h) * (h_2 - h)
        # cosh((h_2 - h) / 2) - 1: a series at a quarter of the angle, doubled twice.
        wide = _ONE + _12TH * d2 * (_ONE + _30TH * d2 * (_ONE + _56TH * d2))
        wide = _HALF * d2 * wide
        wide = _TWO * wide * (wide + _TWO)
        wide = _TWO * wide * (wide + _TWO)
        middle = exponential32(_HALF * (h + h_2))
        work[_CALENDAR + i] = middle + middle * wide
        s, s_2 = work[_SOC + i], work[_SOC_2 + i]
        b0, b1, b2 = work[_B0 + i], work[_B1 + i], work[_B2 + i]
        charge, charge_2 = b0 + s * (b1 + s * b2), b0 + s_2 * (b1 + s_2 * b2)
        d = _HALF * work[_RE + i] * (v - v_2)
        d2 = d * d
        cosh = _ONE + _HALF * d2 * (_ONE + _12TH * d2 * (_ONE + _30TH * d2))
        sinh = d * (_ONE + _6TH * d2 * (_ONE + _20TH * d2))
        mixed = (charge + charge_2) * cosh + (charge_2 - charge) * sinh
        middle = exponential32(work[_R0 + i] - _HALF * work[_RE + i] * (v + v_2))
        work[_RESISTANCE + i] = _HALF * middle * mixed
        work[_COLDEST + i] = min(work[_COLDEST + i], min(t, t_2))
        work[_HOTTEST + i] = max(work[_HOTTEST + i], max(t, t_2))
