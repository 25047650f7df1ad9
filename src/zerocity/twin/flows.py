"""What one day and its night moved, before it is posted into the books."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zerocity.batteries.chemistries import CHEMISTRY_KEYS, METALS, material_table
from zerocity.batteries.pack import Product
from zerocity.measures.arrays import F64

MATERIALS = (*METALS, "other")


def _zeros() -> F64:
    return np.zeros(len(MATERIALS))


@dataclass
class NightFlows:
    """Amounts of one night: energy [kWh], money [CNY], carbon [kgCO2e], material [kg].

    Material arrays are in the order of `MATERIALS`.
    """

    delivered_kwh: float = 0.0
    leaked_kwh: float = 0.0
    dismantled_kwh: float = 0.0
    purchase_cny: float = 0.0
    centre_cny: float = 0.0
    repack_cny: float = 0.0
    haulage_cny: float = 0.0
    plant_cost_cny: float = 0.0
    plant_revenue_cny: float = 0.0
    embodied_kg: float = 0.0
    haulage_kg: float = 0.0
    plant_burden_kg: float = 0.0
    plant_credit_kg: float = 0.0
    new_kg: F64 = field(default_factory=_zeros)
    reused_kg: F64 = field(default_factory=_zeros)
    leaked_kg: F64 = field(default_factory=_zeros)
    collected_kg: F64 = field(default_factory=_zeros)
    processed_kg: F64 = field(default_factory=_zeros)
    recovered_kg: F64 = field(default_factory=_zeros)
    residue_kg: F64 = field(default_factory=_zeros)
    tests: int = 0
    checks: int = 0
    repairs: int = 0


def pack_materials(products: tuple[Product, ...]) -> F64:
    """Material in one pack of each product, (products, materials) [kg].

    "other" is the rest of the pack's mass: housing, plastics, electrolyte, oxygen.
    """
    table = material_table()
    rows = []
    for product in products:
        metals = table[CHEMISTRY_KEYS.index(product.chemistry)] * product.capacity_kwh
        rows.append([*metals, product.mass_kg - metals.sum()])
    return np.array(rows).reshape(len(products), len(MATERIALS))
