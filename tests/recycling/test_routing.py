"""Reuse or recycle: the known order of chemistries, the law, and the value of a test."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.chemistries import CHEMISTRIES
from zerocity.errors import InputError
from zerocity.recycling.processing import ProcessingBase, worth_cny_per_kwh
from zerocity.recycling.routing import (
    Reason,
    Route,
    SecondLife,
    Values,
    breakeven_repack_cny_per_kwh,
    decide_route,
    fade_of,
    values,
    worth_of_testing_cny,
)

KWH = 100.0
BASE = ProcessingBase()


def worth(chemistry: str, soh: list[float], params: SecondLife | None = None) -> Values:
    recycle = worth_cny_per_kwh(BASE, CHEMISTRIES[chemistry]) * KWH
    count = len(soh)
    return values(
        params or SecondLife(), np.array(soh), np.full(count, KWH), np.full(count, chemistry),
        np.full(count, recycle),
    )  # fmt: skip


def routes(chemistry: str, soh: list[float]) -> list[int]:
    yes = np.ones(len(soh), dtype=bool)
    return decide_route(worth(chemistry, soh), yes, yes).route.tolist()


def test_lfp_is_reused_nca_recycled_nmc_sorted_by_soh() -> None:
    band = [0.70, 0.75, 0.80, 0.85, 0.90]
    assert routes("lfp", band) == [Route.REUSE] * 5
    # Vehicles give packs up at 70-80 %; at 90 % even NCA is nearly new.
    assert routes("nca", band[:4]) == [Route.RECYCLE] * 4
    sorted_nmc = routes("nmc622", band)
    assert sorted_nmc[0] == Route.RECYCLE
    assert sorted_nmc[-1] == Route.REUSE
    assert sorted_nmc == sorted(sorted_nmc, reverse=True)


def test_the_value_formula_by_hand() -> None:
    params = SecondLife(
        new_price_cny_per_kwh=600.0, repack_cost_cny_per_kwh=100.0, bms_cost_cny_per_kwh=20.0,
        test_cost_cny=50.0, liability_cny_per_kwh=0.0, value_cny_per_kwh=10.0, max_years=5.0,
        end_soh=0.5, new_life_years=10.0, new_end_soh=0.8, fade_per_year={"": 0.02},
        discount_rate=0.0, soh_error=0.0,
    )  # fmt: skip
    got = values(params, np.array([0.8]), np.array([10.0]), np.array(["lfp"]), np.array([30.0]))
    # 5 years at a mean SoH of 0.75 against 10 years at 0.9; earnings are far above it.
    as_new = 600.0 * (0.75 * 5.0) / (0.9 * 10.0)
    assert got.reuse_cny[0] == pytest.approx((as_new - 120.0) * 10.0 - 50.0 + 30.0)
    assert got.years[0] == 5.0
    poor = dataclasses.replace(params, value_cny_per_kwh=0.1, cycles_per_year=300.0)
    earned = 0.1 * 300.0 * 0.75 * 5.0
    got = values(poor, np.array([0.8]), np.array([10.0]), np.array(["lfp"]), np.array([30.0]))
    assert got.reuse_cny[0] == pytest.approx((earned - 120.0) * 10.0 - 50.0 + 30.0)


def test_the_test_is_sunk_once_it_is_done() -> None:
    params = SecondLife()
    asked = (np.array([0.8]), np.array([KWH]), np.array(["lfp"]), np.array([0.0]))
    before, after = values(params, *asked), values(params, *asked, test_cost_cny=0.0)
    assert after.reuse_cny[0] - before.reuse_cny[0] == pytest.approx(params.test_cost_cny)


@given(st.floats(0.3, 1.0), st.floats(0.0, 0.3), st.sampled_from(sorted(CHEMISTRIES)))
def test_a_healthier_pack_is_never_worth_less_in_reuse(
    soh: float, more: float, chemistry: str
) -> None:
    got = worth(chemistry, [soh, min(soh + more, 1.0)])
    # A longer second life delays the recycling income by a few yuan a kWh: no real loss.
    assert got.reuse_cny[1] >= got.reuse_cny[0] - 1e-6 * KWH


def test_safety_stands_before_law_before_life_before_money() -> None:
    rich = Values(np.full(4, 10.0), np.zeros(4), np.array([5.0, 5.0, 0.0, 5.0]))
    decision = decide_route(
        rich, legal=np.array([False, False, True, True]), safe=np.array([False, True, True, True])
    )
    assert decision.reason.tolist() == [
        Reason.UNSAFE,
        Reason.ILLEGAL,
        Reason.NO_LIFE_LEFT,
        Reason.REUSE_WORTH_MORE,
    ]
    assert decision.route.tolist() == [Route.RECYCLE] * 3 + [Route.REUSE]
    poor = Values(np.zeros(1), np.ones(1), np.ones(1))
    yes = np.ones(1, dtype=bool)
    assert decide_route(poor, yes, yes).reason[0] == Reason.RECYCLE_WORTH_MORE
    assert Reason.NO_LIFE_LEFT.label == "no life left"


def test_fade_goes_by_the_longest_matching_key() -> None:
    params = SecondLife(fade_per_year={"": 0.09, "nmc": 0.03, "nmc8": 0.04})
    got = fade_of(params, np.array(["nmc811", "nmc622", "lfp"]))
    assert got.tolist() == [0.04, 0.03, 0.09]


def test_knowing_more_never_costs() -> None:
    recycle = worth_cny_per_kwh(BASE, CHEMISTRIES["nmc622"]) * KWH
    soh = np.linspace(0.55, 0.95, 21)
    gain = worth_of_testing_cny(
        SecondLife(), soh, 0.06, np.full(21, KWH), np.full(21, "nmc622"), np.full(21, recycle)
    )
    assert (gain >= 0.0).all()
    # A test is worth most where the decision is open, and nothing where it is clear.
    assert gain.max() > 400.0
    assert gain[0] < 1.0


def test_breakeven_is_where_both_ways_pay_the_same() -> None:
    params = SecondLife()
    prices = np.array([300.0, 664.0, 900.0])
    repack = breakeven_repack_cny_per_kwh(params, prices, 0.8, "lfp", 7.6, KWH)
    assert (np.diff(repack) > 0.0).all()
    for price, cost in zip(prices, repack, strict=True):
        there = dataclasses.replace(
            params, new_price_cny_per_kwh=price, repack_cost_cny_per_kwh=cost
        )
        got = values(there, np.array([0.8]), np.array([KWH]), np.array(["lfp"]), np.array([760.0]))
        assert got.reuse_cny[0] == pytest.approx(got.recycle_cny[0])
    # With new packs at 300 CNY/kWh even the cheapest repacking that was found does not pay.
    assert repack[0] < 210.0 < repack[1]


@pytest.mark.parametrize(
    "over",
    [{"end_soh": 1.0}, {"max_years": 0.0}, {"discount_rate": -1.0}, {"soh_error": -0.1},
     {"fade_per_year": {"lfp": 0.02}}, {"fade_per_year": {"": 0.0}}],
)  # fmt: skip
def test_senseless_parameters_are_refused(over: dict[str, object]) -> None:
    with pytest.raises(InputError, match="second_life"):
        SecondLife(**over)  # type: ignore[arg-type]
