"""Power at a pack's terminals and inside it: an ideal source behind one resistance.

With internal power P_i = V I and terminal power P = V I + R I^2, P = P_i + k P_i^2 where
k = R / V^2 [1/kW]. ``k`` is ``Product.loss_kw_per_kw2`` times the pack's resistance ratio. Power
into the pack is positive. The open-circuit voltage is held at its nominal value (assumption).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def internal_power(terminal_kw: float, loss_per_kw: float) -> float:
    """Power into the cells [kW] for this power into the terminals [kW]; exact root.

    ``loss_per_kw`` is k [1/kW], >= 0. A pack cannot give more than 1 / (4 k) at its terminals:
    beyond, the root is held at that point, so ask ``max_terminal_discharge_kw`` first.
    """
    return 2.0 * terminal_kw / (1.0 + math.sqrt(max(1.0 + 4.0 * loss_per_kw * terminal_kw, 0.0)))


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def terminal_power(internal_kw: float, loss_per_kw: float) -> float:
    """Power into the terminals [kW] for this power into the cells [kW]."""
    return internal_kw + loss_per_kw * internal_kw * internal_kw


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def ohmic_loss(terminal_kw: float, loss_per_kw: float) -> float:
    """Heat in the resistance [kW], >= 0: terminal minus internal power."""
    return terminal_kw - internal_power(terminal_kw, loss_per_kw)


def internal_power_kw(terminal_kw: Floats, loss_per_kw: Floats | float) -> Floats:
    """``internal_power`` over arrays that broadcast [kW]."""
    root = np.sqrt(np.maximum(1.0 + 4.0 * np.asarray(loss_per_kw) * terminal_kw, 0.0))
    return np.asarray(2.0 * np.asarray(terminal_kw) / (1.0 + root))


def terminal_power_kw(internal_kw: Floats, loss_per_kw: Floats | float) -> Floats:
    """``terminal_power`` over arrays that broadcast [kW]."""
    return np.asarray(internal_kw + np.asarray(loss_per_kw) * np.square(internal_kw))


def ohmic_loss_kw(terminal_kw: Floats, loss_per_kw: Floats | float) -> Floats:
    """``ohmic_loss`` over arrays that broadcast [kW]."""
    return np.asarray(terminal_kw) - internal_power_kw(terminal_kw, loss_per_kw)


def max_terminal_discharge_kw(loss_per_kw: Floats | float) -> Floats:
    """Largest power that can leave the terminals at all [kW], positive; infinite without loss."""
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / (4.0 * np.asarray(loss_per_kw, dtype=np.float64)))
