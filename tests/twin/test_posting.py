"""A day's flows in the books: every book balances for flows that fit, and fails for others."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from zerocity.books.accounts import Books
from zerocity.books.audit import audit
from zerocity.twin.flows import MATERIALS, NightFlows
from zerocity.twin.posting import (
    cash,
    post_batteries,
    post_carbon,
    post_energy,
    post_materials,
    post_money,
)
from zerocity.twin.world import DayMeters, new_meters


def meters() -> DayMeters:
    made = new_meters(1, 1)
    made.import_kwh[:], made.pv_kwh[:], made.pv_used_kwh[:] = 70.0, 50.0, 45.0
    made.store_out_kwh[:], made.export_kwh[:], made.load_kwh[:] = 10.0, 5.0, 60.0
    made.charging_kwh[:], made.store_in_kwh[:], made.traction_kwh[:] = 40.0, 20.0, 30.0
    return made


def test_energy_in_is_energy_out_and_kept() -> None:
    books = Books()
    books.count(-1, "energy_kwh", "packs", 100.0)
    post_energy(books, 0, meters(), 4.0, NightFlows(delivered_kwh=8.0, leaked_kwh=3.0))
    books.count(0, "energy_kwh", "packs", 100.0 + 60.0 - 10.0 - 30.0 - 4.0 + 8.0 - 3.0)
    assert audit(books)["energy_kwh"].relative < 1e-12
    books.count(0, "energy_kwh", "packs", 120.0)
    assert audit(books)["energy_kwh"].relative > 1e-3


def test_the_purse_gains_what_the_ledger_says() -> None:
    bill = {"energy": 10.0, "demand_charge": 5.0, "export": 3.0, "vpp": -1.0}
    night = NightFlows()
    money = [f.name for f in fields(NightFlows) if f.name.endswith("_cny")]
    for k, name in enumerate(money):
        setattr(night, name, 2.0**k)
    books = Books()
    post_money(books, 0, bill, night)
    gained = sum(
        amount * ((t == "operators") - (s == "operators"))
        for (_, _, s, t), amount in books.postings.items()
    )
    assert cash(bill, night) == pytest.approx(gained)
    assert len(books.postings) == 4 + len(money)


def test_carbon_is_added_and_the_credit_taken_off() -> None:
    books = Books()
    night = NightFlows(embodied_kg=5.0, haulage_kg=1.0, plant_burden_kg=2.0, plant_credit_kg=3.0)
    post_carbon(books, 0, 10.0, night)
    assert books.flow("carbon_kg", "grid_generation", "footprint") == 10.0
    assert books.flow("carbon_kg", "footprint", "recycling_credit") == 3.0


def test_recovered_metal_is_used_before_the_mine() -> None:
    books, night = Books(), NightFlows()
    night.new_kg = np.full(len(MATERIALS), 10.0)
    night.reused_kg = np.full(len(MATERIALS), 4.0)
    post_materials(books, 0, night)
    assert books.flow("material_kg:Li", "recovered", "packs") == 4.0
    assert books.flow("material_kg:Li", "mine", "packs") == 6.0


def test_batteries_move_between_stages() -> None:
    books = Books()
    post_batteries(books, 2, Counter({("in_service", "retired"): 3}))
    assert books.postings == {(2, "batteries", "in_service", "retired"): 3.0}
