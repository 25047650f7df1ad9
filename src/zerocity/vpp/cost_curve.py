"""What relief and extra import cost a portfolio, from the sites' own problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from zerocity.energy.site_days import SitePlans
from zerocity.errors import InputError
from zerocity.measures.arrays import F64
from zerocity.vpp.dispatch import own_cost_cny
from zerocity.vpp.members import Members, net_kw, priced

Direction = Literal["down", "up"]
DURATIONS_H = (0.25, 0.5, 1.0, 2.0, 4.0)
SIGNALS_CNY_PER_KWH = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 3.0)
"""Shadow prices to try; from below the wear of a store to above every price. An assumption."""


@dataclass(frozen=True)
class CostCurve:
    """Relief (``down``) or extra import (``up``) over a window, as rising cost segments.

    Attributes
    ----------
    start_h, duration_h : the window [h of the day, h].
    power_kw : mean power that each segment adds, > 0, (K,).
    price_cny_per_kwh : what a kWh of it costs the sites, rising, (K,); negative where the change
        happens to save them money.
    site_kw : power of each site when all segments are taken, (sites,).
    held_kw : power that the portfolio then holds in the window's weakest step; below the sum of
        ``power_kw`` where the relief is uneven.
    """

    direction: Direction
    start_h: float
    duration_h: float
    power_kw: F64
    price_cny_per_kwh: F64
    site_kw: F64
    held_kw: float

    @property
    def total_kw(self) -> float:
        """All segments together [kW]."""
        return float(self.power_kw.sum())

    def cost_cny(self, power_kw: float) -> float:
        """Cost of holding ``power_kw`` over the window [CNY]; inf above the total."""
        if power_kw > self.total_kw * (1.0 + 1e-9):
            return np.inf
        before = np.cumsum(self.power_kw) - self.power_kw
        used = np.clip(power_kw - before, 0.0, self.power_kw)
        return float((used * self.price_cny_per_kwh).sum() * self.duration_h)


def cost_curve(
    portfolio: Members,
    plans: SitePlans,
    start_step: int,
    duration_h: float,
    direction: Direction = "down",
    signals: tuple[float, ...] = SIGNALS_CNY_PER_KWH,
) -> CostCurve:
    """The cost curve of one window: every site is planned again under rising shadow prices.

    A site planned at least cost under a signal gives the relief whose cost lies on its lower
    convex envelope, so the segments rise in price; what turns or ties leave over is taken out by
    the envelope of the sums.

    Parameters
    ----------
    plans : what the sites do otherwise, at their own prices.
    duration_h : whole steps; the window must end within the day.
    """
    days = portfolio.days
    count = round(duration_h / days.step_h)
    end = start_step + count
    if count < 1 or start_step < 0 or end > days.steps:
        came = f"{duration_h:g} h from step {start_step}"
        raise InputError("window", came, f"one step or more within {days.steps} steps")
    window = np.zeros(days.steps, np.bool_)
    window[start_step:end] = True
    sign = 1.0 if direction == "down" else -1.0
    base_cost, energy, cost = own_cost_cny(portfolio, plans), [0.0], [0.0]
    best, site_kw, held = 0.0, np.zeros(days.sites), 0.0
    for signal in sorted(signals):
        answer = portfolio.planner(priced(days, np.where(window, sign * signal, 0.0)))
        change = sign * (net_kw(plans) - net_kw(answer))[:, window]
        energy.append(float(change.sum() * days.step_h))
        cost.append(float((own_cost_cny(portfolio, answer) - base_cost).sum()))
        if energy[-1] > best:
            best, site_kw = energy[-1], change.mean(axis=1)
            held = max(0.0, float(change.sum(axis=0).min()))
    power, price = _envelope(np.array(energy), np.array(cost), count * days.step_h)
    return CostCurve(
        direction, start_step * days.step_h, count * days.step_h, power, price, site_kw, held
    )


def cost_curves(
    portfolio: Members,
    plans: SitePlans,
    start_step: int,
    durations_h: tuple[float, ...] = DURATIONS_H,
) -> list[CostCurve]:
    """Cost curves down and up from one step on, for every duration that ends within the day."""
    left_h = (portfolio.days.steps - start_step) * portfolio.days.step_h
    return [
        cost_curve(portfolio, plans, start_step, hours, direction)
        for direction in ("down", "up")
        for hours in durations_h
        if portfolio.days.step_h <= hours <= left_h
    ]


def _envelope(energy: F64, cost: F64, hours: float) -> tuple[F64, F64]:
    """Segments of the lower convex envelope from the origin to the most energy: kW, CNY/kWh."""
    order = np.argsort(energy, kind="stable")
    hull: list[tuple[float, float]] = []
    for x, y in zip(energy[order].tolist(), cost[order].tolist(), strict=True):
        if x < 0.0:
            continue
        if hull and x - hull[-1][0] <= 1e-9 * max(1.0, float(np.abs(energy).max())):
            if hull[-1][0] == 0.0 or y >= hull[-1][1]:
                continue
            hull.pop()
        while len(hull) > 1 and _above(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    points = np.array(hull)
    wide = np.diff(points[:, 0])
    return wide / hours, np.diff(points[:, 1]) / wide


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether ``b`` lies on or above the line from ``a`` to ``c``."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
