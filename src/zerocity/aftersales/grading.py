"""From a test to a letter: what was measured, how sure, which check set the grade.

No official letter grades were found in China; the scheme is a proposal of ours. A for SoH of 90 %
and more, B from 80 % (spare for vehicles), C from 60 % (stationary), D below or after any failed
safety check (recycle). A warning holds a pack at C, a failure puts it at D.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Int8Array = npt.NDArray[np.int8]

Z_90 = 1.6448536269514722  # half width of a 90 % normal interval in standard errors


class Grade(IntEnum):
    """Best first."""

    A = 0
    B = 1
    C = 2
    D = 3


class Check(IntEnum):
    """The check that set the grade."""

    SOH = 0
    RESISTANCE = 1
    VOLTAGE_SPREAD = 2
    TEMPERATURE_SPREAD = 3
    INSULATION = 4
    SAFETY = 5


@dataclass(frozen=True)
class Limits:
    """Bounds of the checks.

    a_soh, b_soh, c_soh : lower bounds of the letters. Ours.
    resistance_warn, resistance_fail : 10 s or 18 s resistance at 50 % charge, 25 degC, over new.
        Ours.
    spread_warn_mv, spread_fail_mv : cell voltage spread, for LFP judged at the ends of charge:
        100 and 300 mV; for NMC at mid charge pass 20 and 50. Ours; 300 mV is a common warning.
    temperature_warn_k, temperature_fail_k : spread within the pack while charging. Ours.
    insulation_ohm_per_v : GB 38031-2025, at least 100 ohm/V for direct current.
    """

    a_soh: float = 0.90
    b_soh: float = 0.80
    c_soh: float = 0.60
    resistance_warn: float = 1.5
    resistance_fail: float = 2.0
    spread_warn_mv: float = 100.0
    spread_fail_mv: float = 300.0
    temperature_warn_k: float = 8.0
    temperature_fail_k: float = 15.0
    insulation_ohm_per_v: float = 100.0

    def __post_init__(self) -> None:
        if not 0.0 < self.c_soh < self.b_soh < self.a_soh <= 1.0:
            came = f"{self.a_soh}, {self.b_soh}, {self.c_soh}"
            raise InputError("grade bounds A, B, C", came, "falling fractions in (0, 1]")


@dataclass(frozen=True)
class Measured:
    """A tested SoH with its 90 % interval, all (n,)."""

    soh: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Graded:
    """Grade and limiting Check numbers, (n,) int8."""

    grade: Int8Array
    limiting: Int8Array

    @property
    def letters(self) -> npt.NDArray[np.str_]:
        """Letters A-D, (n,)."""
        return np.array([grade.name for grade in Grade])[self.grade]


def measure_soh(rng: np.random.Generator, true_soh: FloatArray, error: float) -> Measured:
    """What a test reads: the true SoH (n,) plus a normal error of standard deviation ``error``.

    The interval covers the truth in 90 % of tests.
    """
    if error < 0:
        raise InputError("test_soh_error", str(error), "0 or more")
    soh = np.maximum(true_soh + error * rng.standard_normal(np.shape(true_soh)), 0.0)
    return Measured(soh, np.maximum(soh - Z_90 * error, 0.0), soh + Z_90 * error)


def grade(
    soh: FloatArray,
    resistance_ratio: FloatArray | float = 1.0,
    *,
    spread_mv: FloatArray | float = 0.0,
    temperature_spread_k: FloatArray | float = 0.0,
    insulation_ohm_per_v: FloatArray | float = np.inf,
    safety_ok: BoolArray | bool = True,
    limits: Limits | None = None,
) -> Graded:
    """Letter of each pack and the check that set it.

    Parameters
    ----------
    soh : (n,) fraction of new. The rest (n,) or scalar: resistance over new, cell voltage spread
        [mV], temperature spread [K], insulation [ohm/V], and whether the visual and fault checks
        passed. A nan anywhere (not measured) gives D: what was not seen is not safe.
    """
    bounds = limits or Limits()
    soh = np.asarray(soh, dtype=np.float64)
    by_check = np.empty((len(Check), soh.size), dtype=np.int8)
    by_check[Check.SOH] = _letter_of_soh(soh, bounds)
    by_check[Check.RESISTANCE] = _warn_fail(
        resistance_ratio, bounds.resistance_warn, bounds.resistance_fail
    )
    by_check[Check.VOLTAGE_SPREAD] = _warn_fail(
        spread_mv, bounds.spread_warn_mv, bounds.spread_fail_mv
    )
    by_check[Check.TEMPERATURE_SPREAD] = _warn_fail(
        temperature_spread_k, bounds.temperature_warn_k, bounds.temperature_fail_k
    )
    insulated = np.asarray(insulation_ohm_per_v) >= bounds.insulation_ohm_per_v
    by_check[Check.INSULATION] = np.where(insulated, Grade.A, Grade.D)
    by_check[Check.SAFETY] = np.where(safety_ok, Grade.A, Grade.D)
    return Graded(by_check.max(axis=0), by_check.argmax(axis=0).astype(np.int8))


def _letter_of_soh(soh: FloatArray, bounds: Limits) -> Int8Array:
    steps = [soh >= bounds.a_soh, soh >= bounds.b_soh, soh >= bounds.c_soh]
    return np.select(steps, [Grade.A, Grade.B, Grade.C], Grade.D).astype(np.int8)


def _warn_fail(value: FloatArray | float, warn: float, fail: float) -> Int8Array:
    seen = np.asarray(value, dtype=np.float64)
    return np.select([seen <= warn, seen <= fail], [Grade.A, Grade.C], Grade.D).astype(np.int8)


def over_grade_rate(true_grade: Int8Array, given_grade: Int8Array) -> float:
    """Share of packs graded better than they are [0-1]; 0 for no packs."""
    return float(np.mean(given_grade < true_grade)) if np.size(true_grade) else 0.0


def uncertain(measured: Measured, limits: Limits | None = None) -> BoolArray:
    """Packs whose 90 % interval straddles a grade's bound, (n,)."""
    bounds = limits or Limits()
    low, high = _letter_of_soh(measured.low, bounds), _letter_of_soh(measured.high, bounds)
    return np.asarray(low != high)
