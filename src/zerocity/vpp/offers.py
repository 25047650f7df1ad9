"""What a portfolio can offer to the two products that are called, not traded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.energy.site_days import SitePlans
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, Bools
from zerocity.vpp.cost_curve import CostCurve, cost_curve
from zerocity.vpp.flexibility import aggregate, assets_of
from zerocity.vpp.members import Members
from zerocity.vpp.products import Admission, FrequencyReserve, admit
from zerocity.vpp.program import Program, hours_mask


@dataclass(frozen=True)
class PeakOffer:
    """Relief for the product's window: its cost curve, what is offered of it, and the verdict.

    ``cost_cny`` is what the sites lose by the offered relief, ``pay_cny`` what it earns.
    """

    curve: CostCurve
    offered_kw: float
    cost_cny: float
    pay_cny: float
    admission: Admission


@dataclass(frozen=True)
class ReserveOffer:
    """Power held both ways: of the portfolio in each step (T,), and of each site down and up.

    ``down_kw``, ``up_kw`` (sites, T) can be held for the product's least duration from any step
    without notice; ``offered_kw`` is the least of the product's hours.
    """

    down_kw: F64
    up_kw: F64
    both_kw: F64
    offered_kw: float
    admission: Admission


def window_of(program: Program, steps: int) -> Bools:
    """Steps of the product's window; InputError when it holds none."""
    window = program.window_mask(steps)
    if not window.any():
        hours = f"{program.window_start_h:g}-{program.window_end_h:g} h"
        raise InputError("vpp.window", hours, "a window of one step or more")
    return window


def peak_offer(portfolio: Members, plans: SitePlans, program: Program) -> PeakOffer:
    """Offer ``request_share`` of the relief that can be held over the window.

    Parameters
    ----------
    plans : what the sites do otherwise.
    """
    window = window_of(program, portfolio.days.steps)
    hours = float(window.sum()) * portfolio.days.step_h
    curve = cost_curve(portfolio, plans, int(np.argmax(window)), hours)
    offered = program.request_share * min(curve.held_kw, curve.total_kw)
    admission = admit(program, offered, hours if offered > 0.0 else 0.0)
    pay = offered * hours * program.price_cny_per_kwh
    return PeakOffer(curve, offered, curve.cost_cny(offered), pay, admission)


def reserve_offer(portfolio: Members, plans: SitePlans, rules: FrequencyReserve) -> ReserveOffer:
    """Offer the power that can be held both ways in all of the product's hours.

    Nothing is planned again: the band lies about the plans as they are.
    """
    days = portfolio.days
    found = aggregate(assets_of(days, plans), max(1, round(rules.min_duration_h / days.step_h)))
    both = np.minimum(found.total_down_kw, found.total_up_kw)
    window = hours_mask(rules.window_start_h, rules.window_end_h, days.steps)
    offered = float(both[window].min()) if window.any() else 0.0
    admission = admit(rules, offered, rules.min_duration_h)
    return ReserveOffer(found.down_kw, found.up_kw, both, offered, admission)
