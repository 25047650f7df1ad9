"""Carbon accounts: products of energy and factor, and one method for recycling."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries.chemistries import CHEMISTRIES, METALS
from zerocity.carbon.account import (
    Credit,
    Method,
    avoided_kg,
    cathode_kg_per_kwh,
    embodied_kg,
    operational_kg,
    recycling_credit,
    total_credit,
)
from zerocity.errors import InputError


def credit(method: Method | str, chemistry: str = "nmc622", process: str = "hydro") -> Credit:
    one = CHEMISTRIES[chemistry]
    cathode = cathode_kg_per_kwh(dict(zip(METALS, one.material_kg_per_kwh, strict=True)))
    return recycling_credit(
        method,
        chemistry=chemistry,
        process=process,
        kwh=100.0,
        cathode_kg_per_kwh=cathode,
        embodied_kgco2e_per_kwh=one.embodied_kgco2e_per_kwh,
        process_kgco2=800.0,
    )


def test_energy_times_factor() -> None:
    assert operational_kg(np.array([1.0, 2.0]), 0.4471) == pytest.approx([0.4471, 0.8942])
    assert avoided_kg(10.0, 0.5) == 5.0
    assert embodied_kg(np.array([10.0, 1.0]), np.array([56.2, 68.7])) == pytest.approx([562, 68.7])


def test_cathode_mass_follows_from_its_metals() -> None:
    # LiNi0.6Mn0.2Co0.2O2 has 96.9 g/mol, of which Ni 35.2 g.
    metals = {"Ni": 0.6 * 58.693, "Mn": 0.2 * 54.938, "Co": 0.2 * 58.933}
    assert cathode_kg_per_kwh(metals) == pytest.approx(96.93, abs=0.02)
    assert cathode_kg_per_kwh({"Fe": 55.845}) == pytest.approx(157.757)
    assert cathode_kg_per_kwh({}) == 0.0


def test_cut_off_charges_the_plant_and_gives_nothing() -> None:
    got = credit(Method.CUT_OFF)
    assert (got.burden_kg, got.credit_kg, got.net_kg) == (800.0, 0.0, 800.0)
    assert got.source


def test_system_expansion_gives_hydro_little_and_direct_much() -> None:
    hydro, direct = (credit("system_expansion", process=p) for p in ("hydro", "direct"))
    assert 0.0 < hydro.credit_kg < 0.05 * 6870.0
    assert direct.credit_kg > 10.0 * hydro.credit_kg
    assert hydro.burden_kg == 0.0
    # Salts from smelting make a dearer cathode than virgin ones.
    assert credit("system_expansion", process="pyro").credit_kg < 0.0
    assert credit("system_expansion", chemistry="lfp").credit_kg == 0.0


def test_the_plant_survey_gives_a_share_of_the_footprint() -> None:
    assert credit("plant_survey", "lfp").credit_kg == pytest.approx(0.11 * 56.2 * 100)
    assert credit("plant_survey", "nmc811").credit_kg == pytest.approx(0.24 * 67.9 * 100)


def test_credits_of_two_methods_are_never_added() -> None:
    total = total_credit([credit("plant_survey"), credit("plant_survey", "lfp")])
    assert total.credit_kg == pytest.approx(0.24 * 6870.0 + 0.11 * 5620.0)
    with pytest.raises(InputError, match="one method"):
        total_credit([credit("plant_survey"), credit("cut_off")])
    with pytest.raises(InputError, match="one method"):
        total_credit([])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="cut_off, system_expansion, plant_survey"):
        credit("closed loop")
    with pytest.raises(InputError, match="pyro, hydro, direct"):
        credit("system_expansion", process="magic")
    for method in ("system_expansion", "plant_survey"):
        with pytest.raises(InputError, match="Use the method cut_off"):
            recycling_credit(
                method, chemistry="naion", process="hydro", kwh=1.0, cathode_kg_per_kwh=1.0,
                embodied_kgco2e_per_kwh=60.0, process_kgco2=1.0,
            )  # fmt: skip
