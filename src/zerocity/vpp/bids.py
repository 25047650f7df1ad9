"""Day-ahead energy bids: what a portfolio would buy or sell in each period at each price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.energy.site_days import SiteDays, pick
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.vpp.members import Members, Planner, at_market_prices, net_kw, priced
from zerocity.vpp.products import Admission, EnergyMarket, admit
from zerocity.vpp.staircase import Staircase, falling, reduced, sampled

SWEEP_PRICES = 9
"""Prices of the sweep in each period, the expected one included."""
BLOCK_H = 1.0
"""Hours whose prices are taken to move together. Prices of neighbouring quarter hours hardly
differ, and a portfolio that moved its whole store into one of them would bid what it cannot mean.
"""
BLOCK_PROBLEMS = 2048
"""Problems planned at once, so that a sweep of many sites fits into little memory."""


@dataclass(frozen=True)
class DayBids:
    """Bids of one day.

    ``stairs`` holds 3-10 falling segments for each period; ``expected_cny_per_kwh`` (T,) the prices
    they were built around, ``planned_kw`` (T,) the net import at those, ``area_error_share`` how
    much of the sweep's area the fewer segments miss, ``admission`` the verdict on the size.
    """

    stairs: Staircase
    expected_cny_per_kwh: F64
    planned_kw: F64
    area_error_share: float
    admission: Admission


def build_bids(
    portfolio: Members,
    rules: EnergyMarket,
    expected_cny_per_kwh: F64,
    fixed_cny_per_kwh: float,
    sweep_prices: int = SWEEP_PRICES,
    block_h: float = BLOCK_H,
) -> DayBids:
    """Bids from the portfolio's answer to the price of each block of periods, the rest as expected.

    Because every site is planned at least cost, its net import in a block never rises with the
    block's own price; a rise of a single period, by ties or by turns, is pooled away. If the
    market clears at the expected prices, the awards are exactly the plan.

    Parameters
    ----------
    expected_cny_per_kwh : (periods,) prices expected, within floor and cap.
    fixed_cny_per_kwh : what a buyer pays on top of the price: network, fees and funds.
    block_h : periods whose prices move together [h]; a divisor of 24.

    Raises InputError, naming the period, for a price that is missing or outside floor and cap.
    """
    expected = check_prices(rules, expected_cny_per_kwh)
    if portfolio.days.steps != rules.periods:
        came = f"{portfolio.days.steps} steps"
        raise InputError("portfolio.days", came, f"{rules.periods}, one a period of the market")
    days = at_market_prices(portfolio.days, expected, fixed_cny_per_kwh)
    grid, own = price_grid(rules, expected, sweep_prices)
    block = _block(rules, block_h)
    levels = falling(sweep(portfolio.planner, days, grid, own, block))
    floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
    fine = sampled(grid, levels, floor, cap, rules.price_tick_cny_per_kwh)
    stairs = reduced(_enough(fine, rules.min_segments), rules.min_segments, rules.max_segments, own)
    planned = levels[np.arange(rules.periods), own]
    largest = float(np.abs(stairs.net_kw).max())
    admission = admit(rules, largest, 24.0 / rules.periods)
    return DayBids(stairs, expected, planned, _area_error(fine, stairs), admission)


def _block(rules: EnergyMarket, block_h: float) -> int:
    count = block_h * rules.periods / 24.0
    if not count >= 1.0 or count % 1.0 or rules.periods % int(count):
        raise InputError("block_h", f"{block_h:g}", "whole periods that divide the day, e.g. 1")
    return int(count)


def check_prices(rules: EnergyMarket, prices: F64) -> F64:
    """Prices of a day, or an InputError that names the first period without a lawful one."""
    given = np.asarray(prices, np.float64)
    floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
    if given.shape != (rules.periods,):
        came = f"{given.size} prices"
        raise InputError("prices", came, f"{rules.periods}, one for each period")
    bad = np.flatnonzero(~((given >= floor - 1e-9) & (given <= cap + 1e-9)))
    if bad.size:
        k = int(bad[0])
        raise InputError(
            f"prices, period {k}", f"{given[k]:g}", f"a price from {floor:g} to {cap:g} CNY/kWh"
        )
    return np.clip(given, floor, cap)


def price_grid(rules: EnergyMarket, expected: F64, count: int) -> tuple[F64, I64]:
    """Prices to try in each period, (T, count) rising, and which of them is the expected one.

    Floor, cap and expected price are among them, the others lie evenly between.
    """
    floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
    if count < 3:
        raise InputError("sweep_prices", str(count), "3 or more")
    even = np.linspace(floor, cap, count)
    grid = np.tile(even, (rules.periods, 1))
    own = np.abs(even[None, :] - expected[:, None]).argmin(axis=1)
    grid[np.arange(rules.periods), own] = expected
    return grid, own.astype(np.int64)


def sweep(planner: Planner, days: SiteDays, grid: F64, own: I64, block: int = 1) -> F64:
    """Net import of all sites in each period at each price of ``grid``, (T, P) [kW].

    ``block`` periods move together from their expected to the k-th price. Sites that answer the
    lowest and the highest price alike are not asked about those between.
    """
    periods, count = grid.shape
    found = np.repeat(net_kw(planner(days)).T[:, :, None], count, axis=2)
    signal = grid - grid[np.arange(periods), own][:, None]
    blocks = periods // block
    every = np.ones((blocks, days.sites), np.bool_)
    for k in (0, count - 1):
        _ask(planner, days, found, every, signal, k)
    change = np.abs(found[:, :, 0] - found[:, :, -1]).reshape(blocks, block, -1)
    moves: Bools = np.any(change > 1e-6, axis=1)
    still = np.repeat(~moves, block, axis=0)
    for k in range(1, count - 1):
        found[:, :, k] = np.where(still, found[:, :, 0], found[:, :, k])
        _ask(planner, days, found, moves, signal, k)
    return np.asarray(found.sum(axis=1))


def _ask(planner: Planner, days: SiteDays, found: F64, asked: Bools, signal: F64, k: int) -> None:
    """Fill ``found[t, site, k]`` for the asked (block, site), some problems at a time."""
    size = days.steps // asked.shape[0]
    differs = (signal[:, k] != 0.0).reshape(-1, size).any(axis=1)
    blocks, sites = np.nonzero(asked & differs[:, None])
    inside = np.arange(size)
    for at in range(0, blocks.size, BLOCK_PROBLEMS):
        b, s = blocks[at : at + BLOCK_PROBLEMS], sites[at : at + BLOCK_PROBLEMS]
        rows, steps = np.arange(b.size)[:, None], b[:, None] * size + inside
        extra = np.zeros((b.size, days.steps))
        extra[rows, steps] = signal[steps, k]
        found[steps, s[:, None], k] = net_kw(planner(priced(pick(days, s), extra)))[rows, steps]


def _enough(stairs: Staircase, least: int) -> Staircase:
    """At least ``least`` segments of some width, by halving the widest; levels unchanged."""
    edges, levels = stairs.edges_cny_per_kwh, stairs.net_kw
    if levels.shape[1] >= least:
        return stairs
    cut = np.linspace(0.0, 1.0, least - levels.shape[1] + 2)[1:-1]
    last = edges[:, -2:-1] + (edges[:, -1:] - edges[:, -2:-1]) * cut
    more = np.repeat(levels[:, -1:], cut.size, axis=1)
    return Staircase(
        np.concatenate([edges[:, :-1], last, edges[:, -1:]], axis=1),
        np.concatenate([levels, more], axis=1),
    )


def _area_error(fine: Staircase, coarse: Staircase) -> float:
    """Area between the two staircases as a share of the area the finer one spans."""
    middle = (fine.edges_cny_per_kwh[:, 1:] + fine.edges_cny_per_kwh[:, :-1]) / 2.0
    width = np.diff(fine.edges_cny_per_kwh, axis=1)
    guess = np.stack([coarse.at(middle[:, k]) for k in range(middle.shape[1])], axis=1)
    span = float((width.sum(axis=1) * (fine.net_kw[:, 0] - fine.net_kw[:, -1])).sum())
    missed = float((width * np.abs(fine.net_kw - guess)).sum())
    return missed / span if span > 0.0 else 0.0
