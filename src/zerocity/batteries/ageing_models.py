"""The fleet's ageing laws as data, in the linear form that the kernel sums.

A loss y = k x^p under a changing stress k grows by dy = k p (y / k)^((p - 1) / p) dx. With
z = y^(1/p) this is dz = k^(1/p) dx: linear, independent of order and exact for stress that is
constant within a step. So the state holds z, and loss is read as z^p.

Calendar: ln k = c + u^m g(soc) with u = 308.15 K / T. Cycles: ln k = ln(a0 + a1 dod + a2 rate)
+ e/T + n_d ln(dod) + n_t ln(T / 308.15 K) + n_r ln(rate). Any law of this shape fits by adding a
``KernelModel``; its rows reach the kernel through ``PARAMETERS`` and ``EXPONENTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from zerocity.batteries.ageing import (
    R_NAUMANN_J_PER_MOL_K,
    T_25_K,
    T_35_K,
    UA_HALF_V,
    Floats,
    anode_potential_v,
)
from zerocity.batteries.chemistries import CHEMISTRIES, LFP_TESTED, NMC_TESTED, TestedRange

SOC_CELLS = 2000
"""Cells of the table of g over soc; 0.5, 0.9 and 1.0 fall on its nodes. Between nodes linear
interpolation moves a rate by less than 2e-5 above soc 0.1, 1e-4 above 0.05 and 2e-3 below."""


@dataclass(frozen=True, slots=True)
class Resistance:
    """Relative gain of resistance: y_cal^(1/power) = rate exp(e (1 - u)) (b0 + b1 s + b2 s^2) t.

    ``e`` is the activation temperature over 308.15 K, ``rate`` per day at 35 degC. Cycling adds
    max(c0 + c1 rate, 0) max(d0 + d1 dod + d3 (dod - 0.5)^3, 0) per equivalent full cycle.
    """

    power: float
    rate_per_day: float
    activation: float
    charge: tuple[float, float, float]
    cycle_rate: tuple[float, float]
    cycle_depth: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class KernelModel:
    """One law; see the module's head for the symbols."""

    key: str
    title: str
    tested: TestedRange
    calendar_power: float
    calendar_log: float
    calendar_days: float
    temperature_power: int
    charge_exponent: Callable[[Floats], Floats]
    cycle_power: float
    cycle_sum: tuple[float, float, float]
    cycle_activation_k: float
    cycle_exponents: tuple[float, float, float]
    cycle_efc: float
    resistance: Resistance


# At 318 K the second Arrhenius term of the published law, exp(-1.55e5 / T), is 1e-212: left out.
_LFP250 = KernelModel(
    key="lfp250",
    title="250 Ah prismatic LFP/graphite (Gasper et al. 2023, doi:10.1016/j.est.2023.109042)",
    tested=LFP_TESTED,
    calendar_power=0.526,
    calendar_log=float(np.log(8.37e4)),
    calendar_days=1.0,
    temperature_power=1,
    charge_exponent=lambda soc: -(5210.0 + 3560.0 * anode_potential_v(soc)) / T_35_K,
    cycle_power=0.828,
    cycle_sum=(4.38e-8, 1.55e-8, 1.68e-7),
    cycle_activation_k=2190.0,
    cycle_exponents=(0.0, 0.0, 0.0),
    cycle_efc=1.0,
    # Naumann et al. 2018 and 2020; (soc - 0.5)^2 written out. Exponent 2 is an assumption, see
    # ageing.naumann_resistance_calendar.
    resistance=Resistance(
        power=1.0,
        rate_per_day=3.4194e-10
        * 86400.0
        * float(np.exp(-71827.0 / R_NAUMANN_J_PER_MOL_K * (1 / T_35_K - 1 / T_25_K))),
        activation=71827.0 / R_NAUMANN_J_PER_MOL_K / T_35_K,
        charge=(1.5604 - 3.3903 * 0.25, 3.3903, -3.3903),
        cycle_rate=(2.1e-5, -2.0e-5),
        cycle_depth=(0.91882, 0.0, 6.8477),
    ),
)

# Assumption: an NMC cell's open-circuit voltage is taken as 3.4 V + 0.75 V soc, and its mean
# voltage in a cycle as 3.725 V, to feed Schmalstieg's resistance law from a state of charge.
NMC_EMPTY_V, NMC_WINDOW_V = 3.4, 0.75
_CHARGE_NODES = np.linspace(0.0, 1.0, 101)
_NMC_RESISTANCE_CHARGE = np.polyfit(
    _CHARGE_NODES,
    ((5.270 * (NMC_EMPTY_V + NMC_WINDOW_V * _CHARGE_NODES) - 16.32) * 1e5) ** (4.0 / 3.0),
    2,
)

_NMC_B1 = KernelModel(
    key="nmc_b1",
    title="50 Ah NMC/graphite cell B1 (BLAST-Lite 1.1.1; doi:10.1016/j.est.2023.109042)",
    tested=NMC_TESTED,
    calendar_power=0.708,
    calendar_log=float(np.log(36.2)),
    calendar_days=1e4,
    temperature_power=3,
    charge_exponent=lambda soc: -4.4 * np.cbrt(anode_potential_v(soc) / UA_HALF_V),
    cycle_power=0.467,
    cycle_sum=(0.844, 0.0, 0.0),
    cycle_activation_k=0.0,
    cycle_exponents=(2 * 0.458, 3 * 0.458, 0.5 * 0.458),
    cycle_efc=1e5,
    # Schmalstieg et al. 2014, doi:10.1016/j.jpowsour.2014.02.012, 2.15 Ah cell: 4.3 Ah per cycle.
    resistance=Resistance(
        power=0.75,
        rate_per_day=float(np.exp(-5986.0 / T_35_K / 0.75)),
        activation=5986.0 / T_35_K / 0.75,
        charge=(
            float(_NMC_RESISTANCE_CHARGE[2]),
            float(_NMC_RESISTANCE_CHARGE[1]),
            float(_NMC_RESISTANCE_CHARGE[0]),
        ),
        cycle_rate=(4.3, 0.0),
        cycle_depth=(-1.521e-5, 2.798e-4, 0.0),
    ),
)

MODELS: Mapping[str, KernelModel] = MappingProxyType({m.key: m for m in (_LFP250, _NMC_B1)})
MODEL_KEYS: tuple[str, ...] = tuple(MODELS)
MODEL_OF_CHEMISTRY: Mapping[str, int] = MappingProxyType(
    {key: MODEL_KEYS.index(one.ageing_model) for key, one in CHEMISTRIES.items()}
)
"""Row of the ageing law of each chemistry: the ``model_index`` of a pack."""


def exponent(model: KernelModel, soc: Floats) -> Floats:
    """The calendar exponent of z: g(soc) / power, any shape."""
    return np.asarray(model.charge_exponent(soc) / model.calendar_power)


def _row(model: KernelModel) -> list[float]:
    warm = (T_35_K / T_25_K) ** model.temperature_power
    middle = warm * float(exponent(model, np.array([0.5]))[0])
    log_rate = model.calendar_log / model.calendar_power + middle
    r = model.resistance
    return [
        1.0 / model.calendar_power,
        float(np.exp(log_rate)) / model.calendar_days,
        middle,
        float(model.temperature_power == 1),
        float(model.temperature_power == 3),
        1.0 / model.cycle_power,
        *model.cycle_sum,
        model.cycle_activation_k,
        *model.cycle_exponents,
        1.0 / model.cycle_efc,
        1.0 / r.power,
        r.rate_per_day,
        r.activation,
        *r.charge,
        *r.cycle_rate,
        *r.cycle_depth,
        *astuple(model.tested)[:5],
    ]


# Columns of PARAMETERS. The calendar rate is kept relative to 25 degC and half charge
# (CAL_RATE per day, CAL_MIDDLE the exponent there) so that exponents stay small.
CAL_INVERSE, CAL_RATE, CAL_MIDDLE, CAL_U1, CAL_U3 = 0, 1, 2, 3, 4
CYC_INVERSE, CYC_A0, CYC_A1, CYC_A2, CYC_E = 5, 6, 7, 8, 9
CYC_ND, CYC_NT, CYC_NR, CYC_PER_EFC = 10, 11, 12, 13
RES_INVERSE, RES_RATE, RES_E, RES_B0, RES_B1, RES_B2 = 14, 15, 16, 17, 18, 19
RES_C0, RES_C1, RES_D0, RES_D1, RES_D3 = 20, 21, 22, 23, 24
COLD_C, HOT_C, FAST_C, SHALLOW_DOD, DEEP_DOD = 25, 26, 27, 28, 29

PARAMETERS: npt.NDArray[np.float64] = np.array([_row(m) for m in MODELS.values()])
"""Shape (models, 30)."""

EXPONENTS: npt.NDArray[np.float64] = np.concatenate(
    [exponent(m, np.linspace(0.0, 1.0, SOC_CELLS + 1)) for m in MODELS.values()]
)
"""Shape (models * (SOC_CELLS + 1),), one model after the other."""
