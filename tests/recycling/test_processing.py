"""The plant: nothing appears, nothing is lost, and EverBatt's revenue comes out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.chemistries import CHEMISTRIES, METALS
from zerocity.errors import InputError
from zerocity.recycling import everbatt
from zerocity.recycling.processing import (
    OTHER,
    ProcessingBase,
    check_miit_2024,
    feed_kg,
    intake,
    recover,
    worth_cny_per_kwh,
)

LFP, NMC = CHEMISTRIES["lfp"], CHEMISTRIES["nmc622"]
KEYS = sorted(CHEMISTRIES)


@given(
    key=st.sampled_from(KEYS),
    process=st.sampled_from(everbatt.PROCESSES),
    kwh=st.floats(0.0, 1e6),
    own=st.dictionaries(st.sampled_from(METALS), st.floats(0, 1), max_size=3),
)
def test_mass_balances_for_every_material(
    key: str, process: str, kwh: float, own: dict[str, float]
) -> None:
    chemistry = CHEMISTRIES[key]
    mass = kwh * chemistry.pack_kg_per_kwh
    result = recover(ProcessingBase(process=process, yields=own), chemistry, kwh, mass)
    assert set(result.feed_kg) == {*METALS, OTHER}
    for material, fed in result.feed_kg.items():
        fates = [
            part[material] for part in (result.recovered_kg, result.lost_kg, result.residue_kg)
        ]
        assert min(fates) >= -1e-12 * fed
        assert sum(fates) == pytest.approx(fed, rel=1e-12, abs=1e-300)
    assert sum(result.feed_kg.values()) == pytest.approx(mass, rel=1e-12)
    assert result.recovered_kg[OTHER] == 0.0


@pytest.mark.parametrize("key", KEYS)
def test_overall_yields_are_everbatts(key: str) -> None:
    chemistry = CHEMISTRIES[key]
    result = recover(ProcessingBase(), chemistry, 1.0, chemistry.pack_kg_per_kwh)
    wanted = {"Li": 0.816 if key == "lfp" else 0.83, "Ni": 0.931, "Co": 0.930, "Mn": 0.931,
              "Cu": 0.9, "Al": 0.9, "graphite": 0.855, "Fe": 0.0, "P": 0.0}  # fmt: skip
    for metal, share in wanted.items():
        assert result.recovered_kg[metal] == pytest.approx(share * result.feed_kg[metal])


@pytest.mark.parametrize("key", KEYS)
def test_metals_times_prices_give_everbatts_hydro_revenue(key: str) -> None:
    base, chemistry = ProcessingBase(), CHEMISTRIES[key]
    result = recover(base, chemistry, 1.0, chemistry.pack_kg_per_kwh)
    sold = sum(kg * base.price_usd_per_kg(m) for m, kg in result.recovered_kg.items())
    wanted = everbatt.figures(key, "hydro").revenue_usd
    assert sold / chemistry.cell_kg_per_kwh == pytest.approx(wanted, abs=0.02)


def test_worth_is_what_a_recycler_can_pay() -> None:
    base = ProcessingBase(usd_to_cny=7.0)
    for chemistry in CHEMISTRIES.values():
        wanted = 7.0 * everbatt.max_price_usd_per_kwh(chemistry.key, "hydro")
        assert worth_cny_per_kwh(base, chemistry) == pytest.approx(wanted, rel=3e-3)


def test_a_price_moves_revenue_by_the_metal_it_belongs_to() -> None:
    plain = recover(ProcessingBase(), NMC, 10.0, 60.0)
    dear = recover(ProcessingBase(prices_usd_per_kg={"Co": 60.35}), NMC, 10.0, 60.0)
    gain = dear.revenue_cny - plain.revenue_cny
    assert gain == pytest.approx(7.0 * 10.0 * plain.recovered_kg["Co"])
    # In direct repair cobalt is sold inside the cathode.
    direct = ProcessingBase(process="direct")
    moved = ProcessingBase(process="direct", prices_usd_per_kg={"Co": 60.35})
    assert recover(moved, NMC, 10.0, 60.0).revenue_cny == pytest.approx(
        recover(direct, NMC, 10.0, 60.0).revenue_cny
    )


def test_a_better_yield_recovers_and_earns_more() -> None:
    better = ProcessingBase(yields={"Li": 0.95})
    more, plain = (recover(b, LFP, 1.0, 6.5) for b in (better, ProcessingBase()))
    assert more.recovered_kg["Li"] == pytest.approx(0.95 * more.feed_kg["Li"])
    assert more.revenue_cny > plain.revenue_cny
    assert more.cost_cny == plain.cost_cny


def test_a_chemistry_without_figures_needs_a_stand_in() -> None:
    sodium = dataclasses.replace(LFP, key="naion")
    with pytest.raises(InputError, match="stand-in"):
        recover(ProcessingBase(), sodium, 1.0, 7.0)
    base = ProcessingBase(stand_ins={"naion": "lfp"})
    assert recover(base, sodium, 1.0, 7.0).cost_cny == recover(base, LFP, 1.0, 7.0).cost_cny


def test_a_pack_lighter_than_its_metals_is_refused() -> None:
    with pytest.raises(InputError, match="mass_kg"):
        feed_kg(LFP, 10.0, 20.0)


def test_the_queue_is_served_in_order_within_capacity() -> None:
    base = ProcessingBase(capacity_t_per_year=365.0)  # one tonne a day
    taken = intake(base, np.array([400.0, 500.0, 300.0, 50.0]))
    assert taken.count == 2
    assert taken.carry_kg == pytest.approx(100.0)
    assert intake(base, np.array([400.0, 600.0, 1.0])).count == 2
    assert intake(base, np.array([])).carry_kg == 0.0


def test_a_pack_heavier_than_a_day_is_not_stuck() -> None:
    base = ProcessingBase(capacity_t_per_year=365.0)
    queue, carry, days = np.array([2500.0, 100.0]), 0.0, 0
    while queue.size:
        taken = intake(base, queue, carry)
        queue, carry, days = queue[taken.count :], taken.carry_kg, days + 1
    assert days == 3
    assert carry == 0.0


@given(st.lists(st.floats(1.0, 900.0), max_size=60), st.floats(10.0, 2000.0))
def test_capacity_is_never_exceeded(masses: list[float], daily_kg: float) -> None:
    base = ProcessingBase(capacity_t_per_year=daily_kg * 365.0 / 1000.0)
    queue, carry, done = np.array(masses), 0.0, 0.0
    for day in range(1, 200):
        taken = intake(base, queue, carry)
        done += queue[: taken.count].sum()
        queue, carry = queue[taken.count :], taken.carry_kg
        assert done <= day * daily_kg * (1 + 1e-9)


def test_everbatt_defaults_miss_the_chinese_norm() -> None:
    checks = {(c.material, c.boundary): c for c in check_miit_2024(ProcessingBase(), "nmc622")}
    assert not checks["Li", "refining"].met
    assert checks["Ni", "refining"].met  # 98 % at the norm's own boundary
    assert not any(c.met for (_, boundary), c in checks.items() if boundary == "overall")
    assert not checks["electrode powder", "preprocessing"].met


@pytest.mark.parametrize(
    "over",
    [{"process": "magic"}, {"capacity_t_per_year": 0.0}, {"usd_to_cny": 0.0},
     {"yields": {"Li": 1.2}}],
)  # fmt: skip
def test_a_senseless_base_is_refused(over: dict[str, object]) -> None:
    with pytest.raises(InputError, match="base"):
        ProcessingBase(**over)  # type: ignore[arg-type]
