"""What time does to resting and moving packs alike: calendar and resistance rates of an hour.

A rate is taken at the mean charge and temperature of half an hour. Both laws are exponentials, e^h.
Over two half hours with exponents h1 and h2 their mean is e^((h1 + h2) / 2) cosh((h1 - h2) / 2):
one exponential instead of two, and nothing left out. The cosh is a series, within 1e-6 up to
|h1 - h2| = 7 and 1e-4 up to 12, which takes a pack from empty to half full at once; that of
resistance is within 2e-5 for 20 K from one half hour to the next.

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
"""Packs side by side: their working values, some 24 KiB, must stay in the first-level cache."""
CELLS = law.SOC_CELLS

# Working values of a tile in one flat array, value ``K`` of pack ``i`` at ``K * TILE + i``: the
# offsets are literal, so the compiler can prove that the values do not overlap.
_A, _B, _C, _MIDDLE = 0 * TILE, 1 * TILE, 2 * TILE, 3 * TILE
_RE, _R0, _B0, _B1, _B2 = 4 * TILE, 5 * TILE, 6 * TILE, 7 * TILE, 8 * TILE
_COLD_C, _HOT_C = 9 * TILE, 10 * TILE
CONSTANTS = 11
_PLACE, _PLACE_2, _COLD, _HOT = 11 * TILE, 12 * TILE, 13 * TILE, 14 * TILE
_CALENDAR, _RESISTANCE = 15 * TILE, 16 * TILE
_SOC, _SOC_2, _WARM, _WARM_2 = 17 * TILE, 18 * TILE, 19 * TILE, 20 * TILE
# Sums over the steps of a half hour that has begun, and the charge at the end of the last step.
_SUM_SOC, _SUM_WARM, _NOW = 21 * TILE, 22 * TILE, 23 * TILE
REST_WORK = 24 * TILE
CALENDAR, RESISTANCE = _CALENDAR, _RESISTANCE
STEPS_COLD, STEPS_HOT = _COLD, _HOT

_F = np.float32
_ZERO, _ONE, _HALF, _CELLS = _F(0.0), _F(1.0), _F(0.5), _F(CELLS)
_LAST_CELL, _FIRST_CELL = np.int32(CELLS - 1), np.int32(0)
_T_25_C, _KELVIN = _F(25.0), _F(273.15)
_U_25 = np.float32(308.15 / 298.15)
_TWO, _6TH, _12TH, _20TH = _F(2.0), _F(1 / 6), _F(1 / 12), _F(1 / 20)
_30TH, _42ND, _56TH, _64TH = _F(1 / 30), _F(1 / 42), _F(1 / 56), _F(1 / 64)


def _constants(q: Array) -> list[float]:
    u = 308.15 / 298.15
    # f = u^m as a polynomial of v = u - u(25 degC), divided by f(25 degC).
    cubic = bool(q[law.CAL_U3])
    powers = (3 * u * u, 3 * u, 1.0) if cubic else (1.0, 0.0, 0.0)
    at_25 = q[law.CAL_U1] * u + q[law.CAL_U3] * u**3
    warm = [q[law.RES_E], q[law.RES_E] * (1.0 - u)]
    charge = [q[law.RES_B0], q[law.RES_B1], q[law.RES_B2]]
    tested = [q[law.COLD_C], q[law.HOT_C]]
    return [*(one / at_25 for one in powers), q[law.CAL_MIDDLE], *warm, *charge, *tested]


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
def begin(
    work: Array, base: Array, lo: int, n: int, model: Array, constants: Array, last: Array
) -> None:
    """Fill the constants of a tile; its sums are empty.

    last : (packs,) charge before the first step.
    """
    for i in range(n):
        m = np.int64(model[lo + i])
        base[i] = m * (CELLS + 1)
        for k in range(CONSTANTS):
            work[k * TILE + i] = constants[m, k]
        work[_COLD + i], work[_HOT + i] = _ZERO, _ZERO
        work[_SUM_SOC + i], work[_SUM_WARM + i] = _ZERO, _ZERO
        work[_NOW + i] = np.float32(last[lo + i])


@njit(cache=True, nogil=True, error_model="numpy")
def take(
    work: Array, marks: Array, soc: Array, temperature_c: Array, t: int, lo: int, n: int
) -> None:
    """Take a step into the sums of the half hour; mark the packs that it moves."""
    at, offset = np.uint64(t), np.uint64(lo)
    for i in range(n):
        was, now = work[_NOW + i], soc[at, offset + np.uint64(i)]
        warm = temperature_c[at, offset + np.uint64(i)]
        work[_SUM_SOC + i] += _HALF * (was + now)
        work[_SUM_WARM + i] += warm
        work[_COLD + i] += np.float32(warm < work[_COLD_C + i])
        work[_HOT + i] += np.float32(warm > work[_HOT_C + i])
        marks[i] = np.int32(was != now)
        work[_NOW + i] = now


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(
    work: Array, base: Array, cells: Array, pairs: Array, table: Array, steps: int, n: int
) -> None:
    """Take the means of a half hour of ``steps``, and fetch the calendar exponents around its soc.

    The half hour before it moves up. Only the scattered read is scalar, so it stands alone.
    """
    move_up(work, pairs, n)
    share = _ONE / np.float32(steps)
    for i in range(n):
        s = work[_SUM_SOC + i] * share
        work[_WARM_2 + i] = work[_SUM_WARM + i] * share
        work[_SOC_2 + i] = s
        work[_SUM_SOC + i], work[_SUM_WARM + i] = _ZERO, _ZERO
        s = _ZERO if s < _ZERO else s
        place = (_ONE if s > _ONE else s) * _CELLS
        whole = max(min(np.int32(place), _LAST_CELL), _FIRST_CELL)
        cells[i] = base[i] + whole
        work[_PLACE_2 + i] = place - np.float32(whole)
    for i in range(n):
        pairs[TILE + i] = table[np.uint64(cells[i])]


@njit(cache=True, nogil=True, error_model="numpy")
def move_up(work: Array, pairs: Array, n: int) -> None:
    """Take the half hour that was looked up last for the first one of two."""
    for i in range(n):
        work[_PLACE + i], work[_SOC + i] = work[_PLACE_2 + i], work[_SOC_2 + i]
        work[_WARM + i] = work[_WARM_2 + i]
    for i in range(n):
        pairs[i] = pairs[TILE + i]


@njit(cache=True, nogil=True, error_model="numpy")
def rest(work: Array, halves: Array, n: int) -> None:
    """Mean calendar and resistance rates of a tile over the last two half hours looked up.

    They go to `CALENDAR` and `RESISTANCE`. ``halves`` : what `look_up` fetched, as float32.
    """
    for i in range(n):
        t, t_2 = work[_WARM + i], work[_WARM_2 + i]
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
        cosh = _ONE + _HALF * d2 * (_ONE + _12TH * d2 * (_ONE + _30TH * d2 * (_ONE + _56TH * d2)))
        sinh = d * (_ONE + _6TH * d2 * (_ONE + _20TH * d2 * (_ONE + _42ND * d2)))
        mixed = (charge + charge_2) * cosh + (charge_2 - charge) * sinh
        middle = exponential32(work[_R0 + i] - _HALF * work[_RE + i] * (v + v_2))
        work[_RESISTANCE + i] = _HALF * middle * mixed
