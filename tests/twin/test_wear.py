"""The price of cycling follows the packs that are there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zerocity.passports.lifecycle import Stage
from zerocity.twin.wear import store_wear


def test_every_store_has_a_price_and_other_sites_have_none(three_days: Any) -> None:
    twin = three_days.twin
    wear = store_wear(twin.city, twin.people, twin.health)
    packs = twin.people.packs
    stored = (packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE)
    held = np.bincount(packs.place[stored], minlength=wear.size) > 0
    assert (wear[held] > 0.0).all()
    assert (wear[~held] == 0.0).all()
    # A product of some hundred yuan per kWh lasts thousands of cycles.
    assert wear.max() < 0.5


def test_a_life_lived_makes_cycling_cheaper(live: Any) -> None:
    """The law flattens: what is worn already wears less."""
    young, old = live({}, days=1).twin, live({}, days=1).twin
    old.health.state.sums[:] *= 4.0
    first = store_wear(young.city, young.people, young.health)
    later = store_wear(old.city, old.people, old.health)
    assert (later <= first).all()
    assert later.sum() < first.sum()


def test_the_price_scales_with_the_product(live: Any) -> None:
    one = live({}, days=1).twin
    names = {n for n in one.city.sites.storage_product if n}
    dear = live(
        {
            f"products.{n}.price_cny_per_kwh": str(2 * one.city.products[n].price_cny_per_kwh)
            for n in names
        },
        days=1,
    ).twin
    first = store_wear(one.city, one.people, one.health)
    second = store_wear(dear.city, dear.people, dear.health)
    priced = np.array([bool(n) for n in one.city.sites.storage_product]) & (first > 0.0)
    assert second[priced] == pytest.approx(2.0 * first[priced], rel=0.1)
