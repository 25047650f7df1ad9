"""Cell chemistries: what is in them, what making them emits, and where their ageing was tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

METALS: tuple[str, ...] = ("Li", "Ni", "Co", "Mn", "Fe", "P", "Cu", "Al", "graphite")
"""Order of the material columns everywhere; graphite and phosphorus ride along with the metals."""

MATERIAL_SOURCE = (
    "EverBatt 2023 (Argonne National Laboratory) with BatPaC 5.0 default 0.25 kWh cells; lithium "
    "includes the LiPF6 salt; packs in the field differ by about 20 %"
)


@dataclass(frozen=True, slots=True)
class TestedRange:
    """Where the ageing tests behind a law were run; outside it the law extrapolates.

    Attributes
    ----------
    cold_c, hot_c : cell temperature [degC].
    charge_c : largest charge rate [1/h].
    shallow_dod, deep_dod : smallest and largest depth of discharge, fractions.
    source : the publication.
    """

    cold_c: float
    hot_c: float
    charge_c: float
    shallow_dod: float
    deep_dod: float
    source: str


@dataclass(frozen=True, slots=True)
class Chemistry:
    """One cell chemistry.

    Attributes
    ----------
    key, title : short name in data, name for people.
    gbt34014 : battery-type letter of the GB/T 34014-2017 identity code.
    ageing_model : key of ``zerocity.batteries.ageing_models.MODELS``.
    tested : range of the ageing model.
    material_kg_per_kwh : kg per nameplate kWh at cell level, in the order of ``METALS``.
    cell_kg_per_kwh, pack_kg_per_kwh : mass [kg/kWh].
    embodied_kgco2e_per_kwh : making a new cell in China [kgCO2e/kWh], EverBatt 2023.
    heat_capacity_j_per_kg_k : of a whole pack [J/(kg K)]. Assumption, see ``heat``.
    source : of the material figures.
    """

    key: str
    title: str
    gbt34014: str
    ageing_model: str
    tested: TestedRange
    material_kg_per_kwh: tuple[float, ...]
    cell_kg_per_kwh: float
    pack_kg_per_kwh: float
    embodied_kgco2e_per_kwh: float
    heat_capacity_j_per_kg_k: float = 1000.0
    source: str = MATERIAL_SOURCE

    def material_kg(self, metal: str) -> float:
        """Content of one of ``METALS`` [kg per nameplate kWh]."""
        if metal not in METALS:
            raise InputError("metal", repr(metal), f"one of {', '.join(METALS)}")
        return self.material_kg_per_kwh[METALS.index(metal)]


LFP_TESTED = TestedRange(
    10.0, 45.0, 0.65, 0.8, 1.0, "Gasper et al. 2023, doi:10.1016/j.est.2023.109042 (250 Ah LFP)"
)
NMC_TESTED = TestedRange(
    10.0, 45.0, 1.75, 0.8, 1.0, "experimental range of NREL BLAST-Lite 1.1.1, 50 Ah NMC-Gr cell B1"
)


def _ternary(
    key: str, title: str, material: tuple[float, ...], cell_kg: float, pack_kg: float, co2: float
) -> Chemistry:
    # One NMC ageing law stands for every nickel chemistry: the only large-format law at hand.
    return Chemistry(key, title, "E", "nmc_b1", NMC_TESTED, material, cell_kg, pack_kg, co2)


_ALL = (
    Chemistry(
        key="lfp",
        title="lithium iron phosphate",
        gbt34014="B",
        ageing_model="lfp250",
        tested=LFP_TESTED,
        material_kg_per_kwh=(0.0887, 0.0, 0.0, 0.0, 0.685, 0.396, 0.408, 0.251, 0.955),
        cell_kg_per_kwh=4.24,
        pack_kg_per_kwh=6.49,
        embodied_kgco2e_per_kwh=56.2,
    ),
    _ternary(
        "nmc111",
        "nickel manganese cobalt 1:1:1",
        (0.117, 0.322, 0.323, 0.301, 0.0, 0.012, 0.275, 0.177, 0.862),
        3.41,
        5.38,
        70.7,
    ),
    _ternary(
        "nmc532",
        "nickel manganese cobalt 5:3:2",
        (0.107, 0.443, 0.178, 0.249, 0.0, 0.011, 0.258, 0.167, 0.866),
        3.23,
        5.19,
        68.2,
    ),
    _ternary(
        "nmc622",
        "nickel manganese cobalt 6:2:2",
        (0.105, 0.519, 0.174, 0.162, 0.0, 0.011, 0.254, 0.165, 0.866),
        3.19,
        5.15,
        68.7,
    ),
    _ternary(
        "nmc811",
        "nickel manganese cobalt 8:1:1",
        (0.0934, 0.616, 0.0773, 0.0721, 0.0, 0.011, 0.232, 0.153, 0.866),
        2.98,
        4.89,
        67.9,
    ),
    _ternary(
        "nca",
        "nickel cobalt aluminium",
        (0.100, 0.662, 0.125, 0.0, 0.0, 0.011, 0.238, 0.176, 0.869),
        3.08,
        4.99,
        72.9,
    ),
)

CHEMISTRIES: Mapping[str, Chemistry] = MappingProxyType({one.key: one for one in _ALL})
CHEMISTRY_KEYS: tuple[str, ...] = tuple(CHEMISTRIES)
"""Order of the rows where arrays hold one row per chemistry."""


def chemistry(key: str) -> Chemistry:
    """Look one up; an unknown key raises ``InputError`` that lists the known ones."""
    if key not in CHEMISTRIES:
        raise InputError("chemistry", repr(key), f"one of {', '.join(CHEMISTRIES)}")
    return CHEMISTRIES[key]


def material_table() -> npt.NDArray[np.float64]:
    """Material at cell level [kg/kWh], shape (chemistries, metals)."""
    return np.array([one.material_kg_per_kwh for one in _ALL], dtype=np.float64)
