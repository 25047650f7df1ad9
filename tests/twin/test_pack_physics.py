"""Power becomes charge, heat and loss; nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.circuit import internal_power_kw
from zerocity.batteries.heat import (
    COOLED_TIME_CONSTANT_H,
    step_temperature_c,
)
from zerocity.batteries.state import Packs, new_packs
from zerocity.twin.pack_physics import (
    KEPT_COLDEST_C,
    KEPT_WARMEST_C,
    charge,
    new_wants,
    rest,
    wanting,
)

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


def step(packs: Packs, power: float | list[float] = 0.0, outdoor_c: float = 0.0,
         step_h: float = 0.25) -> np.ndarray[Any, Any]:  # fmt: skip
    """All stand at a site but those whose place is -1."""
    now = packs.soc.astype(np.float32)
    soc, temperature = (np.zeros(packs.size, np.float32) for _ in range(2))
    rest(step_h, outdoor_c, packs.place, packs.temperature_c, now, soc, temperature)
    held = np.flatnonzero(packs.place >= 0).astype(np.int32)
    kw = np.broadcast_to(np.asarray(power, np.float64), packs.size)[held]
    charge(held, kw, step_h, IN, OUT, packs, now, soc, temperature)
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


@given(st.integers(1, 60), st.floats(-30.0, 40.0), st.floats(-20.0, 45.0))
def test_temperature_does_not_depend_on_the_length_of_the_step(
    pieces: int, outdoor_c: float, start_c: float
) -> None:
    whole, cut = (made(1, temperature_c=start_c, place=-1) for _ in range(2))
    step(whole, 0.0, outdoor_c, 1.0)
    for _ in range(pieces):
        step(cut, 0.0, outdoor_c, 1.0 / pieces)
    assert cut.temperature_c[0] == pytest.approx(whole.temperature_c[0], abs=1e-9)
    low, high = sorted((outdoor_c, start_c))
    assert low - 1e-9 <= whole.temperature_c[0] <= high + 1e-9


def test_packs_at_a_station_are_kept_in_their_band() -> None:
    for outdoor_c, ends in ((-20.0, KEPT_COLDEST_C), (45.0, KEPT_WARMEST_C), (20.0, 20.0)):
        packs = made(2, temperature_c=15.0, place=[3, -1])
        for _ in range(100):
            step(packs, 0.0, outdoor_c, 4.0)
        assert packs.temperature_c == pytest.approx([ends, outdoor_c])


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


def listed(packs: Packs, now: int = 10) -> list[dict[str, Any]]:
    """The rows of `wanting`, by the names of its arrays."""
    wants = new_wants(packs.size)
    found = wanting(now, 0.25, IN, packs, wants)
    return [{name: getattr(wants, name)[k] for name in wants._fields} for k in range(found)]


def test_wanting_lists_what_is_plugged_and_not_full() -> None:
    packs = made(4, plug_kw=[0.0, 60.0, 60.0, 60.0], energy_kwh=[10.0, 95.0, 40.0, 60.0])
    packs.target_soc[:] = 0.95
    packs.place[:] = [-1, 0, 1, 2]
    packs.depart_step[:] = [0, 99, 14, 5]
    packs.asks[:] = 1
    found = listed(packs)
    assert packs.asks.tolist() == [0, 0, 1, 1], "who wants nothing is not asked again"
    assert [row["ids"] for row in found] == [2, 3], "unplugged and full ones want nothing"
    assert found[0]["site"] == 1
    assert found[0]["need_kwh"] == pytest.approx(55.0 / IN)
    assert found[0]["limit_kw"] == 60.0
    assert [row["steps_left"] for row in found] == [4, 0], "late, not negative"


@given(st.floats(0.0, 0.94), st.floats(1.0, 300.0))
def test_what_a_pack_wants_is_within_plug_and_pack(soc: float, plug_kw: float) -> None:
    packs = made(1, plug_kw=plug_kw, energy_kwh=soc * 100.0, place=0, asks=1)
    packs.target_soc[:] = 0.95
    (row,) = listed(packs)
    assert 0.0 < row["limit_kw"] <= min(plug_kw, 100.0 / IN) + 1e-9
    assert row["need_kwh"] == pytest.approx((95.0 - soc * 100.0) / IN)
    # At full power it could not be sooner; the taper makes it later.
    assert row["steps_needed"] >= (0.95 - soc) * 100.0 / min(plug_kw * IN, 100.0) / 0.25 - 1e-6
