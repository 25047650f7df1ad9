from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries.ageing_models import MODELS
from zerocity.batteries.chemistries import CHEMISTRIES, METALS, chemistry, material_table
from zerocity.errors import InputError


def test_metals_weigh_less_than_the_cell_and_the_cell_less_than_the_pack() -> None:
    for one in CHEMISTRIES.values():
        assert len(one.material_kg_per_kwh) == len(METALS)
        assert 0.0 < sum(one.material_kg_per_kwh) < one.cell_kg_per_kwh < one.pack_kg_per_kwh


def test_material_table_has_the_published_figures() -> None:
    table = material_table()
    assert table.shape == (6, 9)
    assert table[list(CHEMISTRIES).index("nmc811"), METALS.index("Ni")] == 0.616
    assert CHEMISTRIES["lfp"].material_kg("Fe") == 0.685
    assert np.all(table[0, [METALS.index(m) for m in ("Ni", "Co", "Mn")]] == 0.0)


def test_identity_letters_and_ageing_laws_exist() -> None:
    assert {one.gbt34014 for one in CHEMISTRIES.values()} == {"B", "E"}
    assert all(one.ageing_model in MODELS for one in CHEMISTRIES.values())


def test_an_unknown_chemistry_or_metal_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="nmc622"):
        chemistry("lead")
    with pytest.raises(InputError, match="graphite"):
        chemistry("lfp").material_kg("Au")
