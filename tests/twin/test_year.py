"""Days of the twin: books that balance and a past that cannot be changed by what comes after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zerocity.batteries.ageing_columns import DAYS
from zerocity.books.audit import audit
from zerocity.twin.flows import MATERIALS, pack_materials
from zerocity.twin.summary import summarise

Live = Callable[..., Any]


def test_every_book_balances_in_hard_times(hard_times: Any) -> None:
    balances = audit(hard_times.twin.books)
    assert {"energy_kwh", "money_cny", "carbon_kg", "batteries"} <= balances.keys()
    assert sum(name.startswith("material_kg:") for name in balances) == len(MATERIALS)
    assert all(b.relative <= 1e-9 for b in balances.values())


def test_batteries_are_counted_one_by_one(hard_times: Any) -> None:
    summary = summarise(hard_times.twin, audit(hard_times.twin.books))
    batteries = summary["batteries"]
    assert sum(batteries["by_stage"].values()) == batteries["total"]
    assert batteries["retired"] == (hard_times.column("life_events", "event") == "retired").sum()
    assert batteries["lost_to_informal"] == batteries["by_stage"].get("lost", 0)
    assert batteries["waiting_for_test"] == batteries["by_stage"].get("at_centre", 0)
    assert batteries["waiting_for_recycling"] == batteries["by_stage"].get("queued", 0)


def test_metal_is_in_packs_recovered_or_gone(hard_times: Any) -> None:
    twin = hard_times.twin
    materials = summarise(twin, audit(twin.books))["materials_kg"]
    opening = {name: twin.books.stocks[(-1, f"material_kg:{name}", "packs")] for name in MATERIALS}
    for name, m in materials.items():
        came = opening[name] + m["into_new_packs"]
        went = m["in_service"] + m["lost"] + m["recovered"]
        assert came == pytest.approx(went, rel=1e-9, abs=1e-6), name
        assert m["recovered"] == pytest.approx(m["recovered_stock"] + m["reused_in_new_packs"])


def test_materials_of_a_pack_are_its_mass(hard_times: Any) -> None:
    products = hard_times.twin.people.products
    table = pack_materials(products)
    np.testing.assert_allclose(table.sum(axis=1), [p.mass_kg for p in products])
    assert (table >= 0.0).all()


def test_the_purse_is_counted_apart_from_the_ledger(hard_times: Any) -> None:
    twin = hard_times.twin
    cost = summarise(twin, audit(twin.books))["cost_cny"]
    purse = twin.books.stocks[(9, "money_cny", "operators")]
    assert -purse == pytest.approx(cost["total"], rel=1e-9)
    assert cost["new_batteries"] > 0.0
    assert cost["centre"] > 0.0


def test_threads_do_not_change_a_day(live: Live) -> None:
    def two_threads(twin: Any) -> None:
        from zerocity.twin.world import TwinWorld

        twin.world.close()
        twin.world = TwinWorld(twin.city, twin.timeline, twin.people, 2)

    one, two = live(days=2), live(days=2, prepare=two_threads)
    for mine, theirs in zip(one.twin.people.packs, two.twin.people.packs, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("days", [1, 2, 4])
def test_what_a_run_lives_is_aged_by_its_end(live: Live, days: int) -> None:
    twin = live(days=days).twin
    packs, lived = twin.people.packs, twin.health.state.sums[:, DAYS]
    age = days - packs.born_day
    np.testing.assert_allclose(lived[: packs.size], age, atol=1e-6)


def test_the_rehearsal_leaves_no_trace(three_days: Any, live: Live) -> None:
    opened: list[float] = []
    live(days=1, prepare=lambda twin: opened.append(twin.people.packs.energy_kwh.sum()))
    assert opened[0] == pytest.approx(three_days.twin.books.stocks[(-1, "energy_kwh", "packs")])
    assert three_days.column("fleet_days", "day").size == 6


def test_demand_is_charged_for_the_months_highest_quarter_hour(three_days: Any) -> None:
    peaks = three_days.column("site_steps", "import_kwh").reshape(3, 6, 96).max(axis=(0, 2)) * 4.0
    twin = three_days.twin
    price = twin.city.tariff.demand_charge_cny_per_kw_month
    paid = twin.books.flow("money_cny", "operators", "grid_demand_charge")
    assert paid == pytest.approx(peaks.sum() * price)


def test_a_new_month_counts_its_peak_anew(live: Live) -> None:
    from datetime import date

    end = live(days=2, start=date(2026, 1, 31))
    daily = end.column("site_steps", "import_kwh").reshape(2, 6, 96).max(axis=2) * 4.0
    price = end.twin.city.tariff.demand_charge_cny_per_kw_month
    paid = end.twin.books.flow("money_cny", "operators", "grid_demand_charge")
    assert paid == pytest.approx(daily.sum() * price)
