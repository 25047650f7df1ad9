"""Which packs should come in for a look: symptoms seen from data that the pack already sends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class Symptom(IntFlag):
    """Why a pack is suspicious; several may hold at once."""

    NONE = 0
    FAST_FADE = 1
    HIGH_RESISTANCE = 2
    FAULT = 4

    @property
    def words(self) -> str:
        """For tables and reports: "fast fade, fault"."""
        names = [flag.name or "" for flag in Symptom if flag and flag in self]
        return ", ".join(name.lower().replace("_", " ") for name in names)


@dataclass(frozen=True)
class SymptomLimits:
    """Bounds of our own; no standard gives them.

    fade_ratio : fade over expected fade. resistance_ratio : over new (a test fails above 2).
    fade_floor : fade below this share of capacity never counts, since small fades are noise.
    """

    fade_ratio: float = 2.0
    resistance_ratio: float = 1.5
    fade_floor: float = 0.02


@dataclass(frozen=True)
class Suspicion:
    """``flag`` (n,) and the Symptom bits (n,) uint8."""

    flag: BoolArray
    symptoms: npt.NDArray[np.uint8]


def suspicious(
    soh: FloatArray,
    expected_soh: FloatArray,
    resistance_ratio: FloatArray,
    fault: BoolArray,
    *,
    soh_before: FloatArray | float = 1.0,
    limits: SymptomLimits | None = None,
) -> Suspicion:
    """Packs to call in.

    Parameters
    ----------
    soh, expected_soh : (n,) now, and as the ageing law expects for the pack's age and use.
    resistance_ratio : (n,) resistance over new. fault : (n,) the pack reports a fault.
    soh_before : (n,) or scalar, where both fades are counted from (1 = new, or the last check).
    """
    bounds = limits or SymptomLimits()
    fade = np.asarray(soh_before) - soh
    expected = np.maximum(np.asarray(soh_before) - expected_soh, 0.0)
    fast = (fade > bounds.fade_ratio * expected) & (fade > bounds.fade_floor)
    high = np.asarray(resistance_ratio) > bounds.resistance_ratio
    bits = (
        fast * Symptom.FAST_FADE
        + high * Symptom.HIGH_RESISTANCE
        + np.asarray(fault) * Symptom.FAULT
    ).astype(np.uint8)
    return Suspicion(bits > 0, bits)


def draw_faults(
    rng: np.random.Generator, count: int, rate_per_year: float, days: float = 1.0
) -> BoolArray:
    """Packs that develop a fault within ``days``, (count,): constant hazard ``rate_per_year``."""
    if rate_per_year < 0 or days < 0:
        raise InputError("fault rate, days", f"{rate_per_year}, {days}", "0 or more")
    chance = -np.expm1(-rate_per_year * days / 365.0)
    return np.asarray(rng.random(count) < chance)
