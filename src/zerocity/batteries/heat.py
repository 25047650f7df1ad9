"""Pack temperature: one lump of heat capacity, one path to the ambient air.

C dT/dt = loss - G (T - ambient). Over a step with constant loss and ambient the answer is an
exponential, so the result does not depend on how a step is cut.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.measures.units import J_PER_KWH

Floats = npt.NDArray[np.float64]

HEAT_CAPACITY_J_PER_KG_K = 1000.0
"""Specific heat of a whole pack. Assumption: lithium-ion cells are commonly near 1000 J/(kg K)."""
TIME_CONSTANT_H = 8.0
"""Hours in which a resting pack's excess over ambient falls to 37 %. Assumption: a vehicle pack in
its casing with its cooling switched off."""
COOLED_TIME_CONSTANT_H = 1.0
"""The same with forced air or liquid cooling on. Assumption."""


def heat_capacity_kwh_per_k(
    mass_kg: Floats | float, specific_j_per_kg_k: float = HEAT_CAPACITY_J_PER_KG_K
) -> Floats:
    """Heat capacity of a pack of ``mass_kg`` [kWh/K]."""
    return np.asarray(np.asarray(mass_kg, dtype=np.float64) * specific_j_per_kg_k / J_PER_KWH)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def step_temperature(
    temperature_c: float,
    ambient_c: float,
    loss_kw: float,
    capacity_kwh_per_k: float,
    time_constant_h: float,
    step_h: float,
) -> float:
    """Temperature at the end of a step [degC].

    ``loss_kw`` heats the pack during the whole step; ``capacity_kwh_per_k`` and
    ``time_constant_h`` (= C / G) are above 0.
    """
    final = ambient_c + loss_kw * time_constant_h / capacity_kwh_per_k
    return final + (temperature_c - final) * math.exp(-step_h / time_constant_h)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def mean_temperature(
    temperature_c: float,
    ambient_c: float,
    loss_kw: float,
    capacity_kwh_per_k: float,
    time_constant_h: float,
    step_h: float,
) -> float:
    """Mean temperature over the step [degC], the value that ageing wants."""
    final = ambient_c + loss_kw * time_constant_h / capacity_kwh_per_k
    part = time_constant_h / step_h * (1.0 - math.exp(-step_h / time_constant_h))
    return final + (temperature_c - final) * part


def step_temperature_c(
    temperature_c: Floats,
    ambient_c: Floats | float,
    loss_kw: Floats | float,
    capacity_kwh_per_k: Floats | float,
    time_constant_h: Floats | float,
    step_h: float,
) -> Floats:
    """``step_temperature`` over arrays that broadcast [degC]."""
    final = ambient_c + np.asarray(loss_kw) * time_constant_h / capacity_kwh_per_k
    return np.asarray(
        final + (temperature_c - final) * np.exp(-step_h / np.asarray(time_constant_h))
    )


def mean_temperature_c(
    temperature_c: Floats,
    ambient_c: Floats | float,
    loss_kw: Floats | float,
    capacity_kwh_per_k: Floats | float,
    time_constant_h: Floats | float,
    step_h: float,
) -> Floats:
    """``mean_temperature`` over arrays that broadcast [degC]."""
    constant_h = np.asarray(time_constant_h)
    final = ambient_c + np.asarray(loss_kw) * constant_h / capacity_kwh_per_k
    part = constant_h / step_h * (1.0 - np.exp(-step_h / constant_h))
    return np.asarray(final + (temperature_c - final) * part)
