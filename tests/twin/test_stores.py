"""A store's packs do together what they can, and none does more than it can."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.state import Packs, new_packs
from zerocity.passports.lifecycle import Stage
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY
from zerocity.twin.stores import LAST_SHARE, Stores

STEP_H = 0.25
POWER_KW = np.array([150.0, 0.0, 40.0])


def stored(energy_kwh: list[float]) -> Packs:
    """Packs of 100 kWh, the first half at site 0, the others at site 2, and one on the road."""
    packs = new_packs(len(energy_kwh) + 1)
    packs.usable_kwh[:], packs.charge_limit_kw[:] = 100.0, 60.0
    packs.energy_kwh[:-1] = energy_kwh
    packs.place[: len(energy_kwh) // 2], packs.place[len(energy_kwh) // 2 : -1] = 0, 2
    packs.stage[:], packs.stage[-1] = Stage.STORAGE, Stage.IN_SERVICE
    return packs


@given(
    st.lists(st.floats(0.0, 100.0), min_size=2, max_size=300),
    st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)),
)
def test_what_a_store_does_is_shared_by_what_its_packs_can(
    energy: list[float], wish: tuple[float, float]
) -> None:
    packs, stores = stored(energy), Stores(POWER_KW)
    stores.begin_day(packs)
    into, out = stores.limits_kw(STEP_H)
    assert (into <= POWER_KW).all()
    assert (out <= POWER_KW).all()
    wished = np.array([wish[0], 0.0, wish[1]])
    power = np.where(wished > 0.0, wished * into, wished * out)
    given_kw = stores.shared_kw(power)
    where = packs.place[:-1]
    np.testing.assert_allclose(np.bincount(where, given_kw, 3), power, atol=1e-9)
    room = packs.usable_kwh[:-1] - packs.energy_kwh[:-1]
    assert (given_kw * CHARGER_EFFICIENCY * STEP_H <= room + 1e-9).all()
    held = LAST_SHARE * packs.energy_kwh[:-1]
    assert (-given_kw / INVERTER_EFFICIENCY * STEP_H <= held + 1e-9).all()
    assert (np.abs(given_kw) <= 60.0 + 1e-9).all()


@pytest.mark.parametrize(("soc", "takes", "gives"), [(0.0, True, False), (1.0, False, True)])
def test_an_empty_store_gives_nothing_and_a_full_one_takes_nothing(
    soc: float, takes: bool, gives: bool
) -> None:
    stores = Stores(POWER_KW)
    stores.begin_day(stored([100.0 * soc] * 8))
    into, out = stores.limits_kw(STEP_H)
    assert (into[[0, 2]] > 0.0).all() == takes
    assert (out[[0, 2]] > 0.0).all() == gives
    assert into[1] == out[1] == 0.0


def test_a_city_without_stores_is_no_special_case() -> None:
    stores = Stores(np.zeros(0))
    stores.begin_day(new_packs(0))
    into, out = stores.limits_kw(STEP_H)
    assert into.size == out.size == stores.shared_kw(np.zeros(0)).size == 0
