"""The lawful plan of every site behind a mix of answers.

A store's schedules are a convex set, so the mix of a group's answers in the weights of the master
is a schedule for each of its sites. A mix may charge and discharge at once, or curtail sun that
could be sold; where it is cheaper for the whole, a step is settled anew with the same stored
energy.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from zerocity.energy.stores import StoreDays, StorePlans
from zerocity.vpp.portfolio import Portfolio
from zerocity.vpp.site_oracle import Question, SiteOracle, answers

FloatArray = npt.NDArray[np.float64]


def pick(days: StoreDays, sites: npt.NDArray[np.intp]) -> StoreDays:
    """The problems of some sites."""
    return StoreDays(
        days.step_h, *(getattr(days, f.name)[sites] for f in fields(days) if f.name != "step_h")
    )


def mixed_powers(
    oracle: SiteOracle, questions: list[Question], weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Charging, discharging and net import of all sites, (N, T) [kW].

    ``weights`` (questions, G); the questions of some weight are asked again of their groups.
    """
    total = np.zeros((3, oracle.sites, oracle.steps))
    group = np.arange(oracle.sites) % oracle.groups
    # In order of draws, so that each noise is drawn once.
    order = sorted(range(len(weights)), key=lambda k: (questions[k].draw, k))
    for k in order:
        share = weights[k, group]
        sites = np.flatnonzero(share)
        if sites.size:
            extra = oracle.extra(questions[k])[sites]
            plans = answers(pick(oracle.days, sites), extra, oracle.threads)
            part = share[sites, None]
            total[0, sites] += part * plans.charge_kw
            total[1, sites] += part * plans.discharge_kw
            total[2, sites] += part * (plans.import_kw - plans.export_kw)
    return total[0], total[1], total[2]


def settle(
    days: StoreDays, portfolio: Portfolio, mixed: tuple[FloatArray, FloatArray, FloatArray]
) -> StorePlans:
    """Whole plans from mixed powers; stored price and bounds are left for the caller."""
    charge, discharge, net = mixed
    used = np.clip(days.load_kw + charge - discharge - net, 0.0, days.pv_kw)
    net = days.load_kw + charge - discharge - used
    lean = one_way(days, charge, discharge)
    lean_net = cheapest_net(days, days.load_kw + lean[0] - lean[1])
    before, after = (
        days.step_h * (step_cost(days, *powers).sum(axis=0) + portfolio.cost(powers[2].sum(axis=0)))
        for powers in ((charge, discharge, net), (*lean, lean_net))
    )
    better = after < before
    charge, discharge = np.where(better, lean, (charge, discharge))
    net = np.where(better, lean_net, net)
    return written(days, charge, discharge, net)


def one_way(
    days: StoreDays, charge: FloatArray, discharge: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The same stored energy without charging and discharging at once, where the site can."""
    into, out = days.charge_efficiency[:, None], days.discharge_efficiency[:, None]
    stored = into * charge - discharge / out
    alone = np.maximum(stored, 0.0) / into, np.maximum(-stored, 0.0) * out
    both = (charge > 0.0) & (discharge > 0.0)
    can = both & (days.load_kw + alone[0] - alone[1] + days.export_limit_kw >= 0.0)
    return np.where(can, alone[0], charge), np.where(can, alone[1], discharge)


def cheapest_net(days: StoreDays, draw_kw: FloatArray) -> FloatArray:
    """Cheapest net import of sites whose load and store draw ``draw_kw``, (N, T) [kW]."""
    least = np.maximum(draw_kw - days.pv_kw, -days.export_limit_kw)
    inward = np.maximum(least, 0.0)
    most = np.maximum(np.minimum(draw_kw, days.import_limit_kw), least)
    net = np.where(days.buy_cny_per_kwh < 0.0, most, inward)
    # Nothing is gained by exporting at a price below 0; what the store pushes out must go.
    pushed = np.minimum(np.maximum(least, np.minimum(draw_kw, 0.0)), 0.0)
    outward = np.where(days.sell_cny_per_kwh >= 0.0, np.minimum(least, 0.0), pushed)
    return np.asarray(np.where(net > 0.0, net, outward))


def step_cost(
    days: StoreDays, charge: FloatArray, discharge: FloatArray, net: FloatArray
) -> FloatArray:
    """Cost of each site and step, (N, T) [CNY/h]."""
    bought, sold = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    over = np.maximum(bought - days.import_limit_kw, 0.0)
    price = np.where(np.isfinite(days.overload_cny_per_kwh), days.overload_cny_per_kwh, 0.0)
    cost = days.buy_cny_per_kwh * bought - days.sell_cny_per_kwh * sold + price[:, None] * over
    return np.asarray(cost + days.wear_cny_per_kwh[:, None] * (charge + discharge))


def written(
    days: StoreDays, charge: FloatArray, discharge: FloatArray, net: FloatArray
) -> StorePlans:
    """Plans from powers; energy follows from them, cost as well."""
    keep, now = 1.0 - days.self_discharge, days.initial_kwh
    energy = np.empty_like(net)
    for t in range(net.shape[1]):
        stored = charge[:, t] * days.charge_efficiency - discharge[:, t] / days.discharge_efficiency
        now = keep * now + days.step_h * stored
        energy[:, t] = now
    bought = np.maximum(net, 0.0)
    soft = np.isfinite(days.overload_cny_per_kwh)[:, None]
    cost = days.step_h * step_cost(days, charge, discharge, net).sum(axis=1)
    sites = len(net)
    return StorePlans(
        charge_kw=charge,
        discharge_kw=discharge,
        import_kw=bought,
        export_kw=np.maximum(-net, 0.0),
        pv_used_kw=np.clip(days.load_kw + charge - discharge - net, 0.0, days.pv_kw),
        overload_kw=np.where(soft, np.maximum(bought - days.import_limit_kw, 0.0), 0.0),
        energy_kwh=energy,
        stored_price_cny_per_kwh=np.zeros_like(net),
        objective_cny=cost - days.final_value_cny_per_kwh * now,
        bound_cny=np.full(sites, -np.inf),
        broken_step=np.full(sites, -1, np.int64),
    )
