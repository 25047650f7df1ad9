"""The virtual power plant's offers, schedules and settlements as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zerocity.measures.arrays import F64
from zerocity.reports.plant_day import PlantDay
from zerocity.reports.plant_market import EnergyDispatch, PeakDispatch, ReserveDispatch
from zerocity.reports.plant_settlement import EnergyDay, RunSettlement
from zerocity.vpp.bids import DayBids
from zerocity.vpp.cost_curve import CostCurve
from zerocity.vpp.dispatch import Schedule
from zerocity.vpp.measuring import Measured
from zerocity.vpp.offers import PeakOffer, ReserveOffer, window_of
from zerocity.vpp.products import Admission
from zerocity.vpp.staircase import Staircase


def day_json(day: PlantDay, product: str) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "city": day.city.name,
        "day": str(day.day),
        "product": product,
        "sites": len(day.portfolio.names),
        "origin": day.origin,
    }


def bids_json(day: PlantDay, bids: DayBids) -> dict[str, Any]:
    """Energy bids, period by period; ``net_kw`` > 0 buys."""
    return {
        "prices": day.price_origin,
        "admission": admission_json(bids.admission),
        "area_error_share": bids.area_error_share,
        "periods": [
            {
                "period": t,
                "expected_cny_per_kwh": float(bids.expected_cny_per_kwh[t]),
                "planned_kw": float(bids.planned_kw[t]),
                "segments": [
                    {"from_cny_per_kwh": low, "to_cny_per_kwh": high, "net_kw": kw}
                    for low, high, kw in segments(bids.stairs, t)
                ],
            }
            for t in range(len(bids.planned_kw))
        ],
    }


def segments(stairs: Staircase, period: int) -> list[tuple[float, float, float]]:
    """Segments of some width: lower price, upper price, net power."""
    edges = stairs.edges_cny_per_kwh[period].tolist()
    levels = stairs.net_kw[period].tolist()
    rows = zip(edges[:-1], edges[1:], levels, strict=True)
    return [(low, high, kw) for low, high, kw in rows if high > low]


def admission_json(found: Admission) -> dict[str, Any]:
    """The verdict on an offer's size."""
    return {"admitted": found.admitted, "offered_kw": found.offered_kw, "reason": found.reason}


def peak_json(day: PlantDay, offer: PeakOffer) -> dict[str, Any]:
    """The offer of relief with its cost curve."""
    curve = offer.curve
    return {
        "window_h": [curve.start_h, curve.start_h + curve.duration_h],
        "offered_kw": offer.offered_kw,
        "held_kw": curve.held_kw,
        "cost_cny": offer.cost_cny,
        "pay_cny": offer.pay_cny,
        "admission": admission_json(offer.admission),
        "segments": curve_json(curve),
    }  # fmt: skip


def bands_json(curves: list[CostCurve]) -> list[dict[str, Any]]:
    """Cost curves of several windows."""
    return [
        {
            "direction": c.direction,
            "start_h": c.start_h,
            "duration_h": c.duration_h,
            "held_kw": c.held_kw,
            "segments": curve_json(c),
        }
        for c in curves
    ]


def curve_json(curve: CostCurve) -> list[dict[str, float]]:
    """Segments of a cost curve, the cheapest first."""
    rows = zip(curve.power_kw.tolist(), curve.price_cny_per_kwh.tolist(), strict=True)
    return [{"power_kw": kw, "price_cny_per_kwh": price} for kw, price in rows]


def reserve_json(day: PlantDay, offer: ReserveOffer) -> dict[str, Any]:
    """The power that can be held both ways."""
    return {
        "offered_kw": offer.offered_kw,
        "both_kw": offer.both_kw.tolist(),
        "down_kw": offer.down_kw.sum(axis=0).tolist(),
        "up_kw": offer.up_kw.sum(axis=0).tolist(),
        "admission": admission_json(offer.admission),
    }


def energy_json(day: PlantDay, found: EnergyDispatch) -> dict[str, Any]:
    """The award, and what each site does for it; ``net_kw`` > 0 imports."""
    award, step_h = found.award, day.portfolio.days.step_h
    return {
        "prices": day.price_origin,
        "award": {
            "price_cny_per_kwh": award.price_cny_per_kwh.tolist(),
            "awarded_kw": award.awarded_kw.tolist(),
            "cost_cny": award.cost_cny,
            "moved_cny_per_kwh": award.moved_cny_per_kwh,
        },
        "deviation_kwh": float(np.abs(found.deviation_kw).sum() * step_h),
        "shared_again": found.again is not None,
        "schedule": [
            {"site": name, "net_kw": row.tolist()}
            for name, row in zip(day.portfolio.names, found.led_kw, strict=True)
        ],
    }


def called_json(day: PlantDay, found: PeakDispatch) -> dict[str, Any]:
    """The call, and each site's part of it."""
    last = found.again or found.first
    relief = relief_kw(day, found, last)
    return {
        "requested_kw": found.requested_kw,
        "requested_kwh": last.asked_kwh,
        "given_kwh": last.given_kwh,
        "short_kwh": last.short_kwh,
        "weakest_step_kw": last.least_kw(window_of(day.city.vpp, day.portfolio.days.steps)),
        "cost_cny": float(last.cost_cny.sum()),
        "signal_cny_per_kwh": last.signal_cny_per_kwh,
        "shared_again": found.again is not None,
        "schedule": [
            {"site": name, "relief_kw": kw, "cost_cny": cost}
            for name, kw, cost in zip(
                day.portfolio.names, relief.tolist(), last.cost_cny.tolist(), strict=True
            )
        ],
    }


def relief_kw(day: PlantDay, found: PeakDispatch, schedule: Schedule) -> F64:
    """Mean relief of each site in the window, (sites,) [kW]."""
    step_h, curve = day.portfolio.days.step_h, found.offer.curve
    first = round(curve.start_h / step_h)
    window = slice(first, first + round(curve.duration_h / step_h))
    return np.asarray(schedule.relief_kw[:, window].mean(axis=1))


def held_json(day: PlantDay, found: ReserveDispatch) -> dict[str, Any]:
    """The reserve of each site."""
    return {
        "requested_kw": found.requested_kw,
        "held_kw": found.held_kw,
        "shared_again": found.shared_again,
        "schedule": [
            {"site": name, "down_kw": down.tolist(), "up_kw": up.tolist()}
            for name, down, up in zip(day.portfolio.names, found.down_kw, found.up_kw, strict=True)
        ],
    }


def settlement_json(found: RunSettlement) -> dict[str, Any]:
    """Events by every baseline, scores, and the payout of each site."""
    return {
        "city": found.city.name,
        "product": "peak_shaving",
        "baseline": found.chosen,
        "uncalled": list(found.uncalled),
        "events": [
            {
                "day": str(day),
                "requested_kwh": float(found.requested_kw[k] * found.city.vpp.window_h),
                "written_cny": float(found.written_cny[k]),
                **{one.method: _event_json(one, k) for one in found.measured},
            }
            for k, day in enumerate(found.days)
        ],
        "baselines": {one.method: _measured_json(one) for one in found.measured},
        "payout": [
            {"site": name, "delivered_kwh": kwh, "paid_cny": cny}
            for name, kwh, cny in zip(
                found.names, found.delivered_kwh.tolist(), found.paid_cny.tolist(), strict=True
            )
        ],
        "paid_cny": float(found.paid_cny.sum()),
    }


def _event_json(one: Measured, k: int) -> dict[str, float] | None:
    if one.settlement is None:
        return None
    return {name: float(values[k]) for name, values in vars(one.settlement).items()}


def _measured_json(one: Measured) -> dict[str, Any]:
    score = {name: _finite(value) for name, value in vars(one.score).items()}
    return {**score, "idle_pay_cny": _finite(one.idle_pay_cny), "why_not": one.why_not}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def energy_day_json(found: EnergyDay, prices: str) -> dict[str, Any]:
    """A day's planned and metered import, settled as energy."""
    s = found.settlement
    return {
        "city": found.city.name,
        "day": str(found.day),
        "product": "energy",
        "prices": prices,
        "award_cny": s.award_cny,
        "deviation_cny": s.deviation_cny,
        "penalty_cny": s.penalty_cny,
        "total_cny": s.total_cny,
        "planned_kw": found.planned_kw.tolist(),
        "metered_kw": found.metered_kw.tolist(),
        "beyond_tolerance_kwh": float(s.beyond_kwh.sum()),
    }
