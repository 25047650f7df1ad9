"""Power becomes charge, heat and loss, nothing else; and a berth loses nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.circuit import internal_power_kw
from zerocity.batteries.heat import COOLED_TIME_CONSTANT_H, step_temperature_c
from zerocity.batteries.state import Packs, new_packs
from zerocity.twin.berths import (
    TILE,
    Berths,
    charge,
    dock,
    dock_all,
    new_berths,
    new_wants,
    picture,
    undock,
    undock_all,
    wanting,
)
from zerocity.twin.pack_physics import rest

IN, OUT = 0.94, 0.96


def made(count: int, **changes: Any) -> Packs:
    packs = new_packs(count)
    packs.capacity_kwh[:] = packs.usable_kwh[:] = 100.0
    packs.energy_kwh[:] = 50.0
    packs.loss_kw_per_kw2[:] = 4e-4
    packs.heat_k_per_kwh[:] = 3.6
    packs.charge_limit_kw[:] = 100.0
    packs.place[:] = 0
    for name, value in changes.items():
        getattr(packs, name)[:] = value
    return packs


def docked(packs: Packs, ids: list[int] | None = None) -> Berths:
    berths = new_berths(packs.size)
    everyone = np.arange(packs.size, dtype=np.int32)
    dock_all(berths, packs, everyone if ids is None else np.array(ids, np.int32))
    return berths


def step(packs: Packs, power: float | list[float] = 0.0, outdoor_c: float = 0.0) -> Any:
    """A quarter of an hour in berths; charge and temperature of its end."""
    now = packs.soc.astype(np.float32)
    soc, temperature = (np.zeros(packs.size, np.float32) for _ in range(2))
    berths = docked(packs)
    kw = np.broadcast_to(np.asarray(power, np.float64), packs.size).copy()
    charge(kw, 0.25, IN, OUT, berths, packs, now)
    rest(0.25, outdoor_c, packs.place, packs.temperature_c, now, soc, temperature)
    undock_all(berths, packs)
    return np.array([soc, temperature])


@given(st.lists(st.tuples(st.floats(-150.0, 150.0), st.floats(0.0, 100.0)), min_size=1, max_size=8))
def test_ac_in_is_what_is_stored_and_what_is_lost(cases: list[tuple[float, float]]) -> None:
    power, energy = (list(column) for column in zip(*cases, strict=True))
    packs = made(len(cases), energy_kwh=energy)
    step(packs, power)
    np.testing.assert_allclose(
        np.array(power) * 0.25, packs.energy_kwh - np.array(energy) + packs.loss_kwh, atol=1e-9
    )
    assert (packs.energy_kwh >= 0.0).all()
    assert (packs.energy_kwh <= packs.usable_kwh).all()
    np.testing.assert_allclose(packs.throughput_kwh, np.abs(packs.energy_kwh - np.array(energy)))


@given(st.floats(-90.0, 200.0), st.floats(25.0, 75.0))
def test_no_lawful_power_makes_energy(power: float, energy: float) -> None:
    packs = made(1, energy_kwh=energy)
    step(packs, power)
    assert packs.loss_kwh[0] >= -1e-12


def test_what_is_charged_counts_for_the_session() -> None:
    packs = made(1)
    step(packs, 40.0)
    step(packs, 0.0)
    assert packs.session_kwh[0] == 10.0


def test_loss_inside_the_pack_warms_it() -> None:
    packs = made(1, temperature_c=20.0)
    step(packs, 100.0, 20.0)
    loss_kw = 100.0 * IN - internal_power_kw(np.array([100.0 * IN]), 4e-4)[0]
    warm = step_temperature_c(
        np.array([20.0]), 20.0, loss_kw, 1.0 / 3.6, COOLED_TIME_CONSTANT_H, 0.25
    )[0]
    assert packs.temperature_c[0] == pytest.approx(warm)
    assert warm > 20.0


def test_histories_are_what_the_step_ends_with() -> None:
    packs = made(2, temperature_c=10.0)
    soc, temperature = step(packs, [20.0, -20.0], 10.0)
    np.testing.assert_allclose(soc, packs.soc, rtol=1e-6)
    np.testing.assert_allclose(temperature, packs.temperature_c, rtol=1e-6)


def listed(packs: Packs, ids: list[int], now: int = 10) -> list[dict[str, Any]]:
    """What those in berths want, by the names of its arrays."""
    berths = docked(packs, ids)
    wants = new_wants(wanting(0.25, IN, berths, packs))
    picture(now, berths, wants)
    return [
        {name: getattr(wants, name)[k] for name in wants._fields} for k in range(wants.ids.size)
    ]


def test_wanting_lists_what_is_plugged_and_not_full() -> None:
    packs = made(4, plug_kw=[0.0, 60.0, 60.0, 60.0], energy_kwh=[10.0, 95.0, 40.0, 60.0])
    packs.target_soc[:] = 0.95
    packs.place[:] = [-1, 0, 1, 2]
    packs.depart_step[:] = [0, 99, 14, 5]
    found = listed(packs, [1, 2, 3])
    assert sorted(packs.berth.tolist()) == [-1, -1, 0, 1], "who is full leaves its berth"
    found.sort(key=lambda row: int(row["ids"]))
    assert [row["ids"] for row in found] == [2, 3], "a full one wants nothing"
    assert found[0]["site"] == 1
    assert found[0]["need_kwh"] == pytest.approx(55.0 / IN)
    assert found[0]["limit_kw"] == 60.0
    assert [row["steps_left"] for row in found] == [4, 0], "late, not negative"


@given(st.floats(0.0, 0.94), st.floats(1.0, 300.0))
def test_what_a_pack_wants_is_within_plug_and_pack(soc: float, plug_kw: float) -> None:
    packs = made(1, plug_kw=plug_kw, energy_kwh=soc * 100.0, place=0)
    packs.target_soc[:] = 0.95
    (row,) = listed(packs, [0])
    assert 0.0 < row["limit_kw"] <= min(plug_kw, 100.0 / IN) + 1e-9
    assert row["need_kwh"] == pytest.approx((95.0 - soc * 100.0) / IN)
    # At full power it could not be sooner; the taper makes it later.
    assert row["steps_needed"] >= (0.95 - soc) * 100.0 / min(plug_kw * IN, 100.0) / 0.25 - 1e-6


@given(st.data())
def test_berths_lose_nobody_and_forget_nothing(data: st.DataObject) -> None:
    packs = made(2 * TILE + 5)
    packs.energy_kwh[:] = np.linspace(5.0, 95.0, packs.size)
    packs.session_kwh[:] = np.arange(packs.size)
    berths, inside = new_berths(packs.size), set[int]()
    for p in data.draw(st.lists(st.integers(0, packs.size - 1), max_size=400)):
        if p in inside:
            undock(berths, packs, p)
        else:
            dock(berths, packs, p)
        inside ^= {p}
    assert wanting(0.25, IN, berths, packs) == len(inside)
    taken = berths.pack[: berths.used[0]]
    assert set(taken.tolist()) == inside
    assert (packs.berth[taken] == np.arange(taken.size)).all()
    assert int((packs.berth >= 0).sum()) == len(inside)
    undock_all(berths, packs)
    np.testing.assert_array_equal(packs.energy_kwh, np.linspace(5.0, 95.0, packs.size))
    np.testing.assert_array_equal(packs.session_kwh, np.arange(packs.size))
    assert (packs.berth < 0).all()
    assert berths.used[0] == 0


def test_many_berths_are_each_their_own_pack() -> None:
    """Beyond one tile, and with some that get nothing."""
    packs = made(3 * TILE + 7)
    packs.energy_kwh[:] = np.linspace(5.0, 60.0, packs.size)
    packs.temperature_c[:] = 20.0
    power = np.where(np.arange(packs.size) % 3 > 0, np.linspace(1.0, 50.0, packs.size), 0.0)
    alone = [made(1, energy_kwh=e, temperature_c=20.0) for e in packs.energy_kwh]
    rows = step(packs, power.tolist(), 20.0)
    for k, one in enumerate(alone):
        single = step(one, float(power[k]), 20.0)
        assert packs.energy_kwh[k] == one.energy_kwh[0]
        assert packs.temperature_c[k] == one.temperature_c[0]
        assert (rows[:, k] == single[:, 0]).all()
