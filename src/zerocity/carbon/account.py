"""Carbon of a run: operation, avoided, embodied, and the credit of recycling by one named method.

Studies of the recycling credit differ by their method far more than by their plants (10 to
394 kg/kWh), so the method is always named, and credits of two methods are never added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


class Method(StrEnum):
    """How recycling is credited.

    CUT_OFF : no credit; the next user of the metals has the benefit. The plant's own emissions
        count where they happen. The default of a careful account.
    SYSTEM_EXPANSION : the recovered salts replace virgin ones in new cathodes; difference of
        virgin and recycled cathode in China, EverBatt 2023. The plant's emissions are inside it.
    PLANT_SURVEY : share of a new pack's footprint avoided, measured at 46 Chinese plants (Liu et
        al. 2026): LFP 11 %, NCM811 24 %. The plant's emissions are inside it.
    """

    CUT_OFF = "cut_off"
    SYSTEM_EXPANSION = "system_expansion"
    PLANT_SURVEY = "plant_survey"


# Cathode carbon [kgCO2e/kg], China, EverBatt 2023: virgin, from pyro, hydro, direct products.
# LFP has no pyro or hydro route back to cathode.
_CATHODE: dict[str, tuple[float, float, float, float]] = {
    "nmc111": (21.3606302, 21.987281, 20.8791043, 8.1380002),
    "nmc532": (22.0169186, 22.3997401, 21.2641023, 8.2344569),
    "nmc622": (22.8660704, 22.9761659, 21.8796964, 8.2511004),
    "nmc811": (25.4885034, 25.5568067, 24.190605, 8.3843481),
    "nca": (27.0328783, 26.669731, 25.2955973, 8.3207211),
    "lfp": (9.4453939, 9.4453939, 9.4453939, 7.4490339),
}
_PROCESSES = ("pyro", "hydro", "direct")
# Recovered share of the cathode's metals, EverBatt 2023: Ni for the salts, the cathode for direct.
_CATHODE_YIELD = {"pyro": 0.950, "hydro": 0.931, "direct": 0.855}
# Liu et al. 2026: ranges 2-14 % and 12-27 %. The other ternaries take NCM811's share: assumed.
_AVOIDED_SHARE = {"lfp": 0.11, "nmc": 0.24, "nca": 0.24}

SOURCES: dict[Method, str] = {
    Method.CUT_OFF: "cut-off allocation: no credit",
    Method.SYSTEM_EXPANSION: "EverBatt 2023, China, virgin less recycled cathode",
    Method.PLANT_SURVEY: "Liu et al. 2026, 46 Chinese plants, share of the pack's footprint",
}


@dataclass(frozen=True)
class Credit:
    """Recycling in the carbon account: ``burden_kg`` counts, ``credit_kg`` is taken off [kgCO2e].

    A negative credit is possible: pyro salts make dearer cathodes than virgin ones.
    """

    method: Method
    burden_kg: float
    credit_kg: float

    @property
    def net_kg(self) -> float:
        """Burden less credit [kgCO2e]."""
        return self.burden_kg - self.credit_kg

    @property
    def source(self) -> str:
        """Where the method and its figures come from."""
        return SOURCES[self.method]


def operational_kg(import_kwh: FloatArray | float, kgco2_per_kwh: float) -> FloatArray:
    """Carbon of energy taken from the grid [kgCO2], average factor of the region."""
    return np.asarray(import_kwh, dtype=np.float64) * kgco2_per_kwh


def avoided_kg(export_kwh: FloatArray | float, kgco2_per_kwh: float) -> FloatArray:
    """Carbon that exported solar energy avoids elsewhere [kgCO2]: shown apart, never netted
    against the city's own emissions (GHG Protocol, Scope 2 Guidance)."""
    return np.asarray(export_kwh, dtype=np.float64) * kgco2_per_kwh


def embodied_kg(kwh: FloatArray | float, kgco2e_per_kwh: FloatArray | float) -> FloatArray:
    """Carbon of making new packs [kgCO2e]: rated energy [kWh] times the chemistry's figure."""
    return np.asarray(np.asarray(kwh, dtype=np.float64) * np.asarray(kgco2e_per_kwh))


def recycling_credit(
    method: Method | str,
    *,
    chemistry: str,
    process: str,
    kwh: float,
    cathode_kg_per_kwh: float,
    embodied_kgco2e_per_kwh: float,
    process_kgco2: float,
) -> Credit:
    """Burden and credit of recycling packs of one chemistry.

    Parameters
    ----------
    kwh : rated (new) energy recycled [kWh]. cathode_kg_per_kwh : from ``cathode_kg_per_kwh``.
    embodied_kgco2e_per_kwh : of a new cell. process_kgco2 : the plant's emissions for this feed.
    """
    chosen = _method(method)
    if chosen is Method.CUT_OFF:
        return Credit(chosen, process_kgco2, 0.0)
    if process not in _PROCESSES:
        raise InputError("process", repr(process), "one of " + ", ".join(_PROCESSES))
    if chosen is Method.PLANT_SURVEY:
        share = next(
            (s for start, s in _AVOIDED_SHARE.items() if chemistry.startswith(start)), None
        )
        if share is None:
            raise _unknown(chemistry, chosen)
        return Credit(chosen, 0.0, share * embodied_kgco2e_per_kwh * kwh)
    if chemistry not in _CATHODE:
        raise _unknown(chemistry, chosen)
    virgin, *recycled = _CATHODE[chemistry]
    saved = virgin - recycled[_PROCESSES.index(process)]
    return Credit(chosen, 0.0, saved * cathode_kg_per_kwh * _CATHODE_YIELD[process] * kwh)


# Molar mass [g/mol] of a layered oxide per mole of its transition metals, and of LiFePO4.
_LFP_MOLAR, _FE_MOLAR = 157.757, 55.845
_LI_O2_MOLAR = 6.941 + 2 * 15.999
_METAL_MOLAR = {"Ni": 58.693, "Co": 58.933, "Mn": 54.938}


def cathode_kg_per_kwh(materials_kg_per_kwh: dict[str, float]) -> float:
    """Cathode mass [kg/kWh] from the metals in it: LiFePO4 by iron, else LiMO2 by Ni, Co, Mn.

    Leaves out the aluminium of NCA (about 1 % of the cathode), which the foil's hides.
    """
    iron = materials_kg_per_kwh.get("Fe", 0.0)
    if iron > 0.0:
        return iron * _LFP_MOLAR / _FE_MOLAR
    held = {metal: materials_kg_per_kwh.get(metal, 0.0) for metal in _METAL_MOLAR}
    moles = sum(mass / _METAL_MOLAR[metal] for metal, mass in held.items())
    return sum(held.values()) + moles * _LI_O2_MOLAR


def total_credit(parts: Iterable[Credit]) -> Credit:
    """Sum of credits of one method; InputError when two methods meet, or for none."""
    rows = list(parts)
    methods = {row.method for row in rows}
    if len(methods) != 1:
        raise InputError("recycling credits", f"methods {sorted(methods)}", "one method")
    return Credit(
        rows[0].method, sum(row.burden_kg for row in rows), sum(row.credit_kg for row in rows)
    )


def _method(name: Method | str) -> Method:
    try:
        return Method(name)
    except ValueError:
        wanted = "one of " + ", ".join(Method)
        raise InputError("recycling credit method", repr(str(name)), wanted) from None


def _unknown(chemistry: str, method: Method) -> InputError:
    return InputError(
        "chemistry", repr(chemistry), f"one with a figure for {method}", "Use the method cut_off"
    )
