"""Closed-form ageing laws of published cell tests: capacity lost under constant stress.

Each function is the law as published, takes scalars or arrays that broadcast, and returns a
fraction of the nameplate capacity. Temperature [degC], state of charge and depth as fractions,
charge rate [1/h], time [days], ``efc`` in equivalent full cycles (one full charge and discharge).
The laws extrapolate without complaint: each docstring names its tested range.

Valid laws for one chemistry differ by a factor of up to 3.6 at 25 degC; that spread is model
uncertainty and belongs in every statement about life.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.measures.units import HOURS_PER_DAY, KELVIN_AT_0_C

Floats = npt.NDArray[np.float64]
Number = float | Floats

R_J_PER_MOL_K = 8.314
"""Gas constant as rounded in the sources of the Wang and Schimpe laws."""
R_NAUMANN_J_PER_MOL_K = 8.3144598
"""CODATA 2014 value, which the Naumann law was evaluated with."""
F_C_PER_MOL = 96485.0
T_25_K = 298.15
T_35_K = 308.15
UA_HALF_V = 0.123
"""Graphite potential at half charge, the reference of the NMC and Schimpe laws [V]."""


def _kelvin(temperature_c: Number) -> Floats:
    return np.asarray(temperature_c, dtype=np.float64) + KELVIN_AT_0_C


def anode_potential_v(soc: Number) -> Floats:
    """Open-circuit potential of graphite against lithium [V] at a cell's state of charge.

    Safari & Delacourt 2011 (doi:10.1149/1.3567007) with the stoichiometry window
    x = 0.0085 + 0.7715 soc of Schimpe et al. 2018 (doi:10.1149/2.1181714jes). ``soc`` in 0-1.
    """
    x = 0.0085 + 0.7715 * np.asarray(soc, dtype=np.float64)
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )


def lfp250_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """250 Ah prismatic LFP/graphite cell at rest. Tested 10-45 degC, soc 0-1.

    Gasper et al. 2023 (doi:10.1016/j.est.2023.109042).
    """
    t_k = _kelvin(temperature_c)
    stress = 8.37e4 * np.exp(-5210.0 / t_k) * np.exp(-3560.0 * anode_potential_v(soc) / t_k)
    return np.asarray(stress * np.asarray(days) ** 0.526)


def lfp250_cycle(temperature_c: Number, dod: Number, rate_c: Number, efc: Number) -> Floats:
    """250 Ah prismatic LFP/graphite cell, cycled. Tested 10-45 degC, dod 0.8-1, charge <= 0.65C
    (0.16C at 10 degC).

    Gasper et al. 2023 (doi:10.1016/j.est.2023.109042). The law falls with temperature: it
    balances the calendar law over the tested range, so colder or hotter it means little.
    """
    t_k = _kelvin(temperature_c)
    thermal = np.exp(2190.0 / t_k) + np.exp(-1.55e5 / t_k)
    stress = (4.38e-8 + 1.55e-8 * np.asarray(dod) + 1.68e-7 * np.asarray(rate_c)) * thermal
    return np.asarray(stress * np.asarray(efc) ** 0.828)


def nmc_b1_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """50 Ah NMC/graphite cell "B1" at rest. Tested 10-45 degC, soc 0-1.

    NREL BLAST-Lite 1.1.1 (BSD-3), data of Gasper et al. 2023 (doi:10.1016/j.est.2023.109042).
    """
    tn = _kelvin(temperature_c) / T_35_K
    un = anode_potential_v(soc) / UA_HALF_V
    return np.asarray(
        36.2 * np.exp(-4.4 * tn**-3 * np.cbrt(un)) * (np.asarray(days) / 1e4) ** 0.708
    )


def nmc_b1_cycle(temperature_c: Number, dod: Number, rate_c: Number, efc: Number) -> Floats:
    """50 Ah NMC/graphite cell "B1", cycled. Tested 10-45 degC, dod 0.8-1, up to 1.75C.

    Source as ``nmc_b1_calendar``.
    """
    tn = _kelvin(temperature_c) / T_35_K
    stress = 0.844 * (np.asarray(dod) ** 2 * tn**3 * np.sqrt(rate_c)) ** 0.458
    return np.asarray(stress * (np.asarray(efc) / 1e5) ** 0.467)


def nmc_a_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """75 Ah long-life NMC/graphite cell "A" at rest. Tested 10-45 degC, soc 0-1.

    Source as ``nmc_b1_calendar``.
    """
    tn = _kelvin(temperature_c) / T_35_K
    un = anode_potential_v(soc) / UA_HALF_V
    stress = 8.71e-7 * np.exp(10.0 * tn**3 / np.cbrt(un))
    return np.asarray(stress * (np.asarray(days) / 1e3) ** 0.578)


def nmc_a_cycle(temperature_c: Number, dod: Number, rate_c: Number, efc: Number) -> Floats:
    """75 Ah long-life NMC/graphite cell "A", cycled: grows faster than linear.

    Tested 10-45 degC, dod 0.8-1, up to 2C. Source as ``nmc_b1_calendar``.
    """
    tn = _kelvin(temperature_c) / T_35_K
    root_dod, rate = np.sqrt(dod), np.asarray(rate_c, dtype=np.float64)
    stress = np.abs(
        0.0267
        + 1.64 * tn**3 * root_dod
        + 0.011 * np.exp(rate**2 / np.sqrt(tn))
        - 0.44 * np.exp(root_dod * tn**2 * np.sqrt(rate))
    )
    return np.asarray(stress * (np.asarray(efc) / 1e4) ** 1.11)


def naumann_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """3 Ah LFP/graphite cell (Sony/Murata) at rest. Tested 0-60 degC, soc 0-1.

    Naumann et al. 2018 (doi:10.1016/j.est.2018.01.019).
    """
    arrhenius = np.exp(-17126.0 / R_NAUMANN_J_PER_MOL_K * (1 / _kelvin(temperature_c) - 1 / T_25_K))
    charge = 2.8575 * (np.asarray(soc) - 0.5) ** 3 + 0.60225
    return np.asarray(1.2571e-5 * arrhenius * charge * np.sqrt(np.asarray(days) * 86400.0))


def naumann_cycle(dod: Number, rate_c: Number, efc: Number) -> Floats:
    """3 Ah LFP/graphite cell (Sony/Murata), cycled. Tested 0.2-1C, dod 0.05-1, 25 and 40 degC.

    Naumann et al. 2020 (doi:10.1016/j.jpowsour.2019.227666); no temperature term.
    """
    depth = 4.0253 * (np.asarray(dod) - 0.6) ** 3 + 1.0923
    return np.asarray((0.0630 * np.asarray(rate_c) + 0.0971) * depth * np.sqrt(efc) / 100.0)


def schimpe_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """3 Ah LFP/graphite cell (Sony/Murata) at rest. Tested 0-55 degC, soc 0-1.

    Schimpe et al. 2018 (doi:10.1149/2.1181714jes).
    """
    t_k = _kelvin(temperature_c)
    arrhenius = np.exp(-20592.0 / R_J_PER_MOL_K * (1 / t_k - 1 / T_25_K))
    potential = UA_HALF_V / T_25_K - anode_potential_v(soc) / t_k
    charge = (np.exp(0.384 * F_C_PER_MOL / R_J_PER_MOL_K * potential) + 0.142) / 1.142
    return np.asarray(3.694e-4 * arrhenius * charge * np.sqrt(np.asarray(days) * HOURS_PER_DAY))


def schimpe_cycle_warm(temperature_c: Number, total_ah: Number) -> Floats:
    """High-temperature cycling loss of the 3 Ah cell after ``total_ah`` charged + discharged [Ah].

    Schimpe et al. 2018 (doi:10.1149/2.1181714jes). Tested 25-55 degC.
    """
    arrhenius = np.exp(-32699.0 / R_J_PER_MOL_K * (1 / _kelvin(temperature_c) - 1 / T_25_K))
    return np.asarray(1.456e-4 * arrhenius * np.sqrt(total_ah))


def schimpe_cycle_cold(temperature_c: Number, charge_rate_c: Number, charge_ah: Number) -> Floats:
    """Lithium-plating loss of the 3 Ah cell after ``charge_ah`` charged [Ah].

    Schimpe et al. 2018 (doi:10.1149/2.1181714jes). Tested 0-25 degC; the fit's reference charge
    is 3 A, so the rate term is written as exp(2.64 (rate - 1C)).
    """
    cold = np.exp(55546.0 / R_J_PER_MOL_K * (1 / _kelvin(temperature_c) - 1 / T_25_K))
    rate = np.exp(2.64 * (np.asarray(charge_rate_c) - 1.0))
    return np.asarray(4.009e-4 * cold * rate * np.sqrt(charge_ah))


def schmalstieg_calendar(temperature_c: Number, voltage_v: Number, days: Number) -> Floats:
    """2.15 Ah NMC/graphite cell at rest at ``voltage_v``. Tested 35-50 degC, soc 0-1.

    Schmalstieg et al. 2014 (doi:10.1016/j.jpowsour.2014.02.012). An old cell: an anchor only.
    """
    arrhenius = np.exp(-6976.0 / _kelvin(temperature_c))
    voltage = 7.543 * np.asarray(voltage_v) - 23.75
    return np.asarray(voltage * 1e6 * arrhenius * np.asarray(days) ** 0.75)


def schmalstieg_cycle(mean_voltage_v: Number, dod: Number, total_ah: Number) -> Floats:
    """2.15 Ah NMC/graphite cell after ``total_ah`` charged + discharged [Ah]. Tested at 35 degC.

    Schmalstieg et al. 2014 (doi:10.1016/j.jpowsour.2014.02.012).
    """
    voltage = 7.348e-3 * (np.asarray(mean_voltage_v) - 3.667) ** 2
    return np.asarray((voltage + 7.6e-4 + 4.081e-3 * np.asarray(dod)) * np.sqrt(total_ah))


WANG_FACTOR = {0.5: 31630.0, 2.0: 21681.0, 6.0: 12934.0, 10.0: 15512.0}
"""Prefactor at each tested rate [1/h]; those of 0.5C, 6C and 10C are from memory, unconfirmed."""


def wang_cycle(temperature_c: Number, rate_c: float, discharge_ah: Number) -> Floats:
    """2.2 Ah LFP/graphite cell (A123) after ``discharge_ah`` [Ah]. Tested -30-60 degC.

    Wang et al. 2011 (doi:10.1016/j.jpowsour.2010.11.134). The prefactor is known at the tested
    rates alone: any other ``rate_c`` raises ``InputError``.
    """
    if rate_c not in WANG_FACTOR:
        raise InputError("rate_c", str(rate_c), f"one of the tested rates {sorted(WANG_FACTOR)}")
    energy = (-31700.0 + 370.3 * rate_c) / (R_J_PER_MOL_K * _kelvin(temperature_c))
    loss = WANG_FACTOR[rate_c] * np.exp(energy) * np.asarray(discharge_ah) ** 0.55
    return np.asarray(loss / 100.0)


def naumann_resistance_calendar(temperature_c: Number, soc: Number, days: Number) -> Floats:
    """Relative resistance gained at rest by the 3 Ah LFP cell. Tested 0-60 degC.

    Naumann et al. 2018 (doi:10.1016/j.est.2018.01.019). The exponent of the charge term is 2 as
    in SimSES; BLAST-Lite writes 3. Not settled against the paper: an assumption.
    """
    arrhenius = np.exp(-71827.0 / R_NAUMANN_J_PER_MOL_K * (1 / _kelvin(temperature_c) - 1 / T_25_K))
    charge = -3.3903 * (np.asarray(soc) - 0.5) ** 2 + 1.5604
    return np.asarray(3.4194e-10 * arrhenius * charge * np.asarray(days) * 86400.0)


def naumann_resistance_cycle(dod: Number, rate_c: Number, efc: Number) -> Floats:
    """Relative resistance gained by cycling the 3 Ah LFP cell; held at 0 where the fit turns
    negative (above 1.05C). Naumann et al. 2020 (doi:10.1016/j.jpowsour.2019.227666).
    """
    rate = np.maximum(-0.0020 * np.asarray(rate_c) + 0.0021, 0.0)
    depth = 6.8477 * (np.asarray(dod) - 0.5) ** 3 + 0.91882
    return np.asarray(rate * np.maximum(depth, 0.0) * np.asarray(efc) / 100.0)


def schmalstieg_resistance_calendar(
    temperature_c: Number, voltage_v: Number, days: Number
) -> Floats:
    """Relative resistance gained at rest by the 2.15 Ah NMC cell. Tested 35-50 degC.

    Schmalstieg et al. 2014 (doi:10.1016/j.jpowsour.2014.02.012).
    """
    arrhenius = np.exp(-5986.0 / _kelvin(temperature_c))
    voltage = 5.270 * np.asarray(voltage_v) - 16.32
    return np.asarray(voltage * 1e5 * arrhenius * np.asarray(days) ** 0.75)


def schmalstieg_resistance_cycle(mean_voltage_v: Number, dod: Number, total_ah: Number) -> Floats:
    """Relative resistance gained by the 2.15 Ah NMC cell over ``total_ah`` [Ah], never negative.

    Schmalstieg et al. 2014 (doi:10.1016/j.jpowsour.2014.02.012).
    """
    voltage = 2.153e-4 * (np.asarray(mean_voltage_v) - 3.725) ** 2
    slope = np.maximum(voltage - 1.521e-5 + 2.798e-4 * np.asarray(dod), 0.0)
    return np.asarray(slope * np.asarray(total_ah))
