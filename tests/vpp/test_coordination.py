"""Coordination of sites against one linear program of all of them."""

from __future__ import annotations

from dataclasses import fields, replace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from zerocity.energy.stores import StoreDays, StorePlans
from zerocity.errors import InputError
from zerocity.vpp.coordination import coordinate, slack_price
from zerocity.vpp.portfolio import Portfolio, kinks


def fleet(sites: int, steps: int, seed: int, tied: bool = True) -> StoreDays:
    """Made-up sites; with ``tied`` prices of three levels for all."""
    rng = np.random.default_rng(seed)
    hour = np.arange(steps) * 24 / steps
    size = rng.uniform(50, 200, sites)[:, None]
    buy = np.where((hour > 10) & (hour < 16), 0.32, np.where(hour > 18, 1.18, 0.7))
    if not tied:
        buy = rng.uniform(0.2, 1.2, steps)
    capacity = size * rng.uniform(1, 3, (sites, 1))
    high, low = np.tile(0.95 * capacity, steps), np.tile(0.1 * capacity, steps)
    high[:, -1] = low[:, -1] = 0.5 * capacity[:, 0]
    power = np.tile(0.35 * capacity, steps)
    load = size * (0.3 + 0.3 * np.sin((hour - 12) / 24 * 2 * np.pi)) + size * rng.uniform(
        0, 0.2, (sites, steps)
    )
    sun = size * rng.choice([0.0, 0.8], (sites, 1)) * np.clip(np.sin((hour - 6) / 12 * np.pi), 0, 1)
    return StoreDays(
        step_h=24 / steps,
        load_kw=load,
        pv_kw=sun,
        buy_cny_per_kwh=np.tile(buy, (sites, 1)),
        sell_cny_per_kwh=np.tile(np.minimum(0.3, buy), (sites, 1)),
        import_limit_kw=np.tile(1.5 * size, steps),
        export_limit_kw=np.tile(0.8 * size, steps),
        charge_limit_kw=power,
        discharge_limit_kw=power,
        low_kwh=low,
        high_kwh=high,
        initial_kwh=0.5 * capacity[:, 0],
        charge_efficiency=rng.uniform(0.9, 0.98, sites),
        discharge_efficiency=rng.uniform(0.9, 0.98, sites),
        self_discharge=rng.choice([0.0, 1e-3], sites),
        wear_cny_per_kwh=rng.uniform(0.0, 0.05, sites),
        final_value_cny_per_kwh=np.zeros(sites),
        overload_cny_per_kwh=np.full(sites, np.inf),
    )


def whole_program(days: StoreDays, portfolio: Portfolio) -> float:
    """Least cost by one linear program of all sites [CNY]."""
    sites, steps = days.load_kw.shape
    n, h = sites * steps, days.step_h
    one, none = sparse.identity(n, format="csc"), sparse.csc_matrix((n, n))
    into = sparse.diags(np.repeat(h * days.charge_efficiency, steps))
    out = sparse.diags(np.repeat(h / days.discharge_efficiency, steps))
    keep = np.repeat(1.0 - days.self_discharge, steps)
    keep[::steps] = 0.0
    shift = sparse.diags(keep) @ sparse.eye(n, k=-1)
    every = sparse.kron(np.ones((1, sites)), sparse.identity(steps))
    step, off = sparse.identity(steps), sparse.csc_matrix((n, steps))
    rows = [
        [one, -one, one, -one, one, none, off, off, off, off],
        [none, none, none, -into, out, one - shift, off, off, off, off],
        [every, -every, None, None, None, None, -step, None, None, None],
        [every, -every, None, None, None, None, None, step, None, None],
        [every, -every, None, None, None, None, None, None, -step, step],
    ]
    matrix = sparse.csc_matrix(sparse.bmat(rows))
    wear, money = np.repeat(days.wear_cny_per_kwh, steps), np.zeros((sites, steps))
    money[:, -1] = -days.final_value_cny_per_kwh
    slack, deviation = portfolio.slack_cny_per_kwh, portfolio.deviation_cny_per_kwh
    priced = (
        h * days.buy_cny_per_kwh.ravel(), -h * days.sell_cny_per_kwh.ravel(), np.zeros(n),
        h * wear, h * wear, money.ravel(),
        np.full(2 * steps, h * slack), np.full(2 * steps, h * deviation),
    )  # fmt: skip
    cost = np.concatenate(priced)
    lower = np.zeros(len(cost))
    lower[5 * n : 6 * n] = days.low_kwh.ravel()
    limits = (
        days.import_limit_kw, days.export_limit_kw, days.pv_kw,
        days.charge_limit_kw, days.discharge_limit_kw, days.high_kwh,
    )  # fmt: skip
    upper = np.concatenate([x.ravel() for x in limits] + [np.full(4 * steps, np.inf)])
    first = np.zeros((sites, steps))
    first[:, 0] = (1.0 - days.self_discharge) * days.initial_kwh
    target = portfolio.target_kw
    row_low = [days.load_kw.ravel(), first.ravel(), np.full(steps, -np.inf), portfolio.floor_kw]
    row_high = [days.load_kw.ravel(), first.ravel(), portfolio.cap_kw, np.full(steps, np.inf)]
    row_low.append(np.where(np.isnan(target), -np.inf, target))
    row_high.append(np.where(np.isnan(target), np.inf, target))
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, lower, upper
    program.row_lower_, program.row_upper_ = np.concatenate(row_low), np.concatenate(row_high)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(program)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


def free_net(days: StoreDays) -> np.ndarray:
    """Summed net import of the sites left alone."""
    return coordinate(days, np.full(days.load_kw.shape[1], np.inf)).net_kw


def assert_lawful(days: StoreDays, plans: StorePlans) -> None:
    small = 1e-7
    drawn = days.load_kw + plans.charge_kw - plans.discharge_kw
    np.testing.assert_allclose(
        plans.import_kw - plans.export_kw + plans.pv_used_kw, drawn, atol=1e-9
    )
    assert not ((plans.import_kw > 0) & (plans.export_kw > 0)).any()
    for power, limit in (
        (plans.import_kw, days.import_limit_kw), (plans.export_kw, days.export_limit_kw),
        (plans.charge_kw, days.charge_limit_kw), (plans.discharge_kw, days.discharge_limit_kw),
        (plans.pv_used_kw, days.pv_kw), (plans.energy_kwh, days.high_kwh),
        (days.low_kwh, plans.energy_kwh),
    ):  # fmt: skip
        assert (power <= limit + small).all()
    for power in (plans.import_kw, plans.export_kw, plans.pv_used_kw, plans.discharge_kw):
        assert (power >= 0.0).all()
    before = np.column_stack([days.initial_kwh, plans.energy_kwh[:, :-1]])
    stored = plans.charge_kw * days.charge_efficiency[:, None]
    taken = plans.discharge_kw / days.discharge_efficiency[:, None]
    rise = days.step_h * (stored - taken)
    kept = (1.0 - days.self_discharge[:, None]) * before
    np.testing.assert_allclose(plans.energy_kwh, kept + rise, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    sites=st.integers(1, 9),
    seed=st.integers(0, 1000),
    tied=st.booleans(),
    tight=st.floats(0.0, 1.0),
    with_floor=st.booleans(),
    with_target=st.booleans(),
)
def test_close_to_the_whole_program(sites, seed, tied, tight, with_floor, with_target):
    days = fleet(sites, 24, seed, tied)
    steps = days.load_kw.shape[1]
    net = free_net(days)
    mean = net.mean()
    cap = np.full(steps, mean + tight * (net.max() - mean))
    floor = np.full(steps, mean + tight * (net.min() - mean)) if with_floor else None
    target = np.where(np.arange(steps) < 12, mean, np.nan) if with_target else None
    done = coordinate(
        days, cap, floor, target_kw=target, deviation_cny_per_kwh=0.2 * with_target, gap=1e-6
    )
    portfolio = Portfolio(
        cap,
        np.full(steps, -np.inf) if floor is None else floor,
        np.full(steps, np.nan) if target is None else target,
        slack_price(days),
        0.2 * with_target,
    )
    best = whole_program(days, portfolio)
    small = 1e-7 * max(1.0, abs(best))
    assert done.gap <= 1e-6
    assert done.bound_cny <= best + small
    assert best - small <= done.objective_cny <= best + 1e-6 * abs(done.objective_cny) + small
    assert_lawful(days, done.plans)
    if not done.broken:
        assert (done.net_kw <= cap + 1e-5 * np.abs(net).max()).all()


def test_many_equal_sites_share_the_cap():
    days = fleet(150, 24, 3)
    net = free_net(days)
    cap = np.full(24, 0.5 * (net.mean() + net.max()))
    assert (net > cap).any()
    done = coordinate(days, cap, gap=1e-6)
    assert done.gap <= 1e-6
    assert not done.broken
    assert (done.net_kw <= cap * (1 + 1e-6)).all()
    assert_lawful(days, done.plans)
    assert (done.plans.objective_cny >= done.plans.bound_cny - 1e-6).all()
    assert done.price_cny_per_kwh.max() > 0.0


def test_equal_input_gives_equal_bits_and_threads_do_not_matter():
    days = fleet(30, 24, 5)
    cap = np.full(24, 0.8 * free_net(days).max())
    first, again = coordinate(days, cap, seed=4), coordinate(days, cap, seed=4, threads=2)
    for f in fields(StorePlans):
        assert np.array_equal(getattr(first.plans, f.name), getattr(again.plans, f.name))
    assert first.history == again.history


def test_a_cap_that_cannot_be_met_is_broken_at_its_price_and_named():
    days = fleet(6, 24, 1)
    cap = np.full(24, np.inf)
    cap[20] = -1e4
    done = coordinate(days, cap, slack_cny_per_kwh=30.0)
    assert done.gap <= 1e-6
    assert [b.step for b in done.broken] == [20]
    assert done.broken[0].amount_kw == pytest.approx(done.net_kw[20] + 1e4)
    assert "step 20" in str(done.broken[0])
    assert "above the portfolio's cap" in str(done.broken[0])
    assert_lawful(days, done.plans)


def test_a_cap_that_does_not_bind_costs_nothing():
    days = fleet(5, 24, 2)
    done = coordinate(days, np.full(24, 1e6))
    assert done.objective_cny == pytest.approx(done.plans.bound_cny.sum(), rel=1e-9)
    assert not done.price_cny_per_kwh.any()
    assert done.rounds == 1


def test_a_wider_cap_never_costs_more():
    days = fleet(12, 24, 8)
    net = free_net(days)
    costs = [
        coordinate(days, np.full(24, share * net.max()), gap=1e-7).objective_cny
        for share in (0.6, 0.75, 0.9)
    ]
    assert costs[0] >= costs[1] * (1 - 1e-6)
    assert costs[1] >= costs[2] * (1 - 1e-6)


def test_negative_prices_and_a_final_value():
    days = fleet(5, 24, 9, tied=False)
    buy = days.buy_cny_per_kwh.copy()
    buy[:, 8:12] = -0.1
    low, high = days.low_kwh.copy(), days.high_kwh.copy()
    low[:, -1], high[:, -1] = low[:, 0], high[:, 0]
    days = replace(
        days, buy_cny_per_kwh=buy, sell_cny_per_kwh=np.minimum(days.sell_cny_per_kwh, buy),
        low_kwh=low, high_kwh=high, final_value_cny_per_kwh=np.full(5, 0.4),
    )  # fmt: skip
    cap = np.full(24, 0.7 * free_net(days).max())
    none = np.full(24, np.nan)
    best = whole_program(days, Portfolio(cap, np.full(24, -np.inf), none, slack_price(days), 0.0))
    done = coordinate(days, cap)
    assert done.bound_cny <= best + 1e-6
    assert done.objective_cny == pytest.approx(best, rel=2e-6)
    assert_lawful(days, done.plans)


def test_kinks_match_the_cost_by_hand():
    p = Portfolio(np.array([10.0, np.inf]), np.array([2.0, -np.inf]), np.array([5.0, np.nan]), 9, 1)
    k = kinks(p)
    assert k.slopes[:, 0].tolist() == [-10.0, -1.0, 1.0, 10.0]
    assert k.slopes[:, 1].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert p.cost(np.array([12.0, 99.0])).tolist() == [25.0, 0.0]
    # F(N) - 0.5 N is least at the target.
    assert k.dual(np.array([0.5, 0.0])).tolist() == [-2.5, 0.0]
    assert k.nearest(np.array([1.0, 0.0]), np.array([7.0, 42.0])).tolist() == [7.0, 42.0]


def test_bad_input_is_named():
    days = fleet(2, 24, 0)
    with pytest.raises(InputError, match="floor_kw, step 0"):
        coordinate(days, np.zeros(24), np.ones(24))
    with pytest.raises(InputError, match="cap_kw, step 3"):
        coordinate(days, np.where(np.arange(24) == 3, np.nan, 1.0))
    with pytest.raises(InputError, match="floor_kw"):
        coordinate(days, np.zeros(24), np.zeros(5))
    with pytest.raises(InputError, match="gap"):
        coordinate(days, np.zeros(24), gap=0.0)
    low = days.low_kwh.copy()
    low[1, -1] = days.high_kwh[1, -1] = 1e6
    with pytest.raises(InputError, match="site 1, step 23"):
        coordinate(replace(days, low_kwh=low), np.zeros(24))
