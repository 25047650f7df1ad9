from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
from days import made_days
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.dispatch import (
    SHARD_SITES,
    SiteDays,
    SitePlans,
    join,
    plan_shard,
    plan_sites,
    practice,
    split,
)
from zerocity.energy.site_days import penalties, pick
from zerocity.errors import InputError

SMALL = 1e-6


def assert_same_bits(a: SitePlans, b: SitePlans) -> None:
    for f in fields(SitePlans):
        assert np.array_equal(getattr(a, f.name), getattr(b, f.name)), f.name


def assert_lawful(days: SiteDays, plans: SitePlans) -> None:
    """Every limit and balance that a plan promises."""
    h = days.step_h
    into = plans.import_kw + plans.pv_used_kw + plans.discharge_kw
    out = plans.export_kw + days.load_kw + plans.charge_kw + plans.flex_kw
    np.testing.assert_allclose(into, out, atol=1e-9 * (1 + out.max()))
    for f in fields(SitePlans):
        if f.name != "objective_cny":
            assert (getattr(plans, f.name) >= 0).all(), f.name
    assert (plans.pv_used_kw <= days.pv_kw).all()
    assert (plans.import_kw <= days.import_limit_kw[:, None] + plans.overload_kw + SMALL).all()
    assert (plans.export_kw <= days.export_limit_kw[:, None] + SMALL).all()
    assert (plans.charge_kw <= days.store_charge_kw[:, None]).all()
    assert (plans.discharge_kw <= days.store_discharge_kw[:, None]).all()
    assert (plans.store_kwh <= days.store_kwh[:, None] + SMALL).all()
    before = np.hstack([days.store_initial_kwh[:, None], plans.store_kwh[:, :-1]])
    gain = plans.charge_kw * days.store_charge_efficiency[:, None]
    loss = plans.discharge_kw / days.store_discharge_efficiency[:, None]
    np.testing.assert_allclose(plans.store_kwh - before, h * (gain - loss), atol=SMALL)
    assert (plans.flex_kw <= days.flex_limit_kw).all()
    served = np.cumsum(plans.flex_kw, axis=1) * h
    assert (served <= days.flex_max_kwh + SMALL).all()
    assert (served + plans.shortfall_kwh[:, None] >= days.flex_min_kwh - SMALL).all()


@given(seed=st.integers(0, 10**6), steps=st.sampled_from([1, 2, 24, 96]))
@settings(max_examples=25, deadline=None)
def test_plans_are_lawful(seed: int, steps: int) -> None:
    days = made_days(6, steps, seed)
    assert_lawful(days, plan_sites(days))


def test_same_bits_whatever_the_number_of_processes() -> None:
    days = made_days(3 * SHARD_SITES + 5, 48, 3)
    alone = plan_sites(days)
    with ProcessPoolExecutor(2) as pool:
        assert_same_bits(alone, plan_sites(days, pool.map))
    assert_same_bits(alone, plan_sites(days))
    blocks = split(days, SHARD_SITES)
    assert [b.sites for b in blocks] == [SHARD_SITES] * 3 + [5]
    assert_same_bits(alone, join(reversed([plan_shard(b) for b in reversed(blocks)])))


def test_a_sites_plan_hardly_depends_on_its_neighbours() -> None:
    days = made_days(12, 48, 4)
    together = plan_sites(days)
    for site in range(12):
        alone = plan_sites(pick(days, slice(site, site + 1)))
        for name in ("flex_kw", "charge_kw", "discharge_kw", "import_kw"):
            np.testing.assert_allclose(
                getattr(together, name)[site], getattr(alone, name)[0], atol=1e-4, err_msg=name
            )


@given(seed=st.integers(0, 10**6), wider=st.floats(1.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_a_wider_limit_never_costs_more(seed: int, wider: float) -> None:
    days = made_days(6, 24, seed)
    for name in ("import_limit_kw", "export_limit_kw", "pv_kw", "flex_limit_kw"):
        wide = replace(days, **{name: getattr(days, name) * wider})
        least, most = (_penalised(days, plan_sites(d)) for d in (wide, days))
        assert (least <= most + 1e-6 * (1 + np.abs(most))).all(), name


def _penalised(days: SiteDays, plans: SitePlans) -> np.ndarray:
    missing, overload = penalties(days)
    excess = days.step_h * plans.overload_kw.sum(axis=1)
    return plans.objective_cny + missing[:, 0] * plans.shortfall_kwh + overload[:, 0] * excess


def test_flexible_charging_takes_the_valley_hours() -> None:
    hour = np.arange(24)
    buy = np.where((hour >= 10) & (hour < 16), 0.3, 0.5)[None]
    zero, none = np.zeros((1, 24)), np.zeros(1)
    due = np.where(hour == 23, 60.0, 0.0)[None]
    days = replace(
        made_days(1, 24), load_kw=zero, pv_kw=zero, buy_cny_per_kwh=buy, sell_cny_per_kwh=0.5 * buy,
        store_kwh=none, store_initial_kwh=none, store_final_kwh=none,
        import_limit_kw=none + 100.0, demand_charge_cny_per_kw=none, peak_so_far_kw=none,
        flex_min_kwh=due, flex_max_kwh=zero + 60.0, flex_limit_kw=zero + 20.0,
    )  # fmt: skip
    plans = plan_sites(days)
    assert plans.flex_kw[0, 10:13] == pytest.approx([20.0, 20.0, 20.0]), "earliest of equal hours"
    assert plans.objective_cny[0] == pytest.approx(60 * 0.3)
    spread = plan_sites(replace(days, demand_charge_cny_per_kw=none + 5.0))
    assert spread.import_kw.max() == pytest.approx(60 / 24), "a dear peak is worth more than price"


def test_impossible_days_give_overload_and_shortfall() -> None:
    days = made_days(6, 24, 5)
    tight = replace(days, import_limit_kw=days.import_limit_kw * 0.0, pv_kw=days.pv_kw * 0.0)
    plans = plan_sites(tight)
    assert_lawful(tight, plans)
    assert plans.overload_kw.sum() > 0
    assert plans.shortfall_kwh.sum() > 0
    weak = replace(days, flex_limit_kw=days.flex_limit_kw * 0.0)
    np.testing.assert_allclose(plan_sites(weak).shortfall_kwh, days.flex_min_kwh[:, -1], atol=1e-6)
    greedy = replace(
        days, store_final_kwh=days.store_kwh * 9.0, store_charge_kw=days.store_kwh / 99
    )
    assert_lawful(greedy, plan_sites(greedy))


def test_energy_lost_at_its_deadline_is_not_caught_up() -> None:
    days = made_days(1, 4, 0)
    none = np.zeros((1, 4))
    days = replace(
        days, load_kw=none, pv_kw=none, store_kwh=np.zeros(1), import_limit_kw=np.array([100.0]),
        flex_min_kwh=np.array([[60.0, 60.0, 120.0, 120.0]]), flex_max_kwh=none + 120.0,
        flex_limit_kw=none + 5.0,
    )  # fmt: skip
    plans = plan_sites(days)
    assert plans.shortfall_kwh[0] == pytest.approx(30.0 + 0.0)
    assert plans.flex_kw.sum() * 6.0 == pytest.approx(90.0)


def test_negative_prices_pay_for_import() -> None:
    days = made_days(3, 24, 6)
    buy = days.buy_cny_per_kwh.copy()
    buy[:, 12] = -0.1
    plans = plan_sites(replace(days, buy_cny_per_kwh=buy, sell_cny_per_kwh=np.minimum(buy, 0.2)))
    assert (plans.import_kw[:, 12] >= plans.import_kw.mean(axis=1) - SMALL).all()
    assert (plans.export_kw[:, 12] <= SMALL).all()


@pytest.mark.parametrize(
    ("name", "at", "value", "where"),
    [
        ("load_kw", (2, 7), np.nan, "load_kw, site 2, step 7"),
        ("pv_kw", (1, 3), -1.0, "pv_kw, site 1, step 3"),
        ("store_kwh", (4,), np.inf, "store_kwh, site 4"),
        ("store_charge_efficiency", (0,), 0.0, "store_charge_efficiency, site 0"),
        ("sell_cny_per_kwh", (3, 5), 9.0, "sell_cny_per_kwh, site 3, step 5"),
        ("flex_max_kwh", (0, 20), 0.0, "flex_max_kwh, site 0, step 20"),
        ("flex_min_kwh", (0, 23), 1e9, "flex_min_kwh, site 0, step 23"),
    ],
)
def test_unlawful_values_are_named(
    name: str, at: tuple[int, ...], value: float, where: str
) -> None:
    days = made_days(6, 24, 7)
    values = getattr(days, name).copy()
    values[at] = value
    with pytest.raises(InputError) as caught:
        plan_sites(replace(days, **{name: values}))
    assert caught.value.where == where


def test_wrong_shapes_are_named() -> None:
    days = made_days(3, 24)
    with pytest.raises(InputError, match=r"pv_kw: got shape \(3, 23\)"):
        plan_sites(replace(days, pv_kw=days.pv_kw[:, 1:]))
    with pytest.raises(InputError, match="size"):
        split(days, 0)


def test_the_practice_day_is_lawful() -> None:
    plans = plan_sites(practice())
    assert plans.flex_kw.sum() <= 1.0
    assert plans.objective_cny[0] >= 0.0
