"""A park's plan in sentences: what to build, what it costs, what is missing and why."""

from __future__ import annotations

import math

from zerocity.parks.park_case import ParkCase
from zerocity.parks.park_lp import mean_factor
from zerocity.parks.plan import SMALL, ParkPlan

LEAST_SHOWN = 0.5
"""Additions below half a kW, kWh or MWh are the solver's dust."""
NEAR = 0.999
LINE_USED, LINE_OF_USE = 0.6, 0.3
"""Least shares for a line tied to the grid, of its own output and of the use, in a year: Fagai
nengyuan [2025] 650, as quoted by a trade page (35 % of the use by 2030)."""


def plan_sentences(
    case: ParkCase, now: ParkPlan, plan: ParkPlan, free: ParkPlan | None = None
) -> tuple[str, ...]:
    """The answer in words; ``now`` is the park as it is, ``free`` its plan without a target."""
    told = [_verdict(case, plan), *_prices(plan), _cost(now, plan)]
    if free is not None and free is not plan:
        told.append(_target_cost(free, plan))
    told += [*_gap(case, plan), *_bounds(case, plan)]
    if not math.isnan(plan.line_used_share):
        told.append(_line(plan))
    if plan.overload_h > 0.0:
        told.append(
            f"The connection of {case.assets.import_limit_kw:,.0f} kW is too small in "
            f"{plan.overload_h:,.0f} hours of the year, by up to {plan.overload_kw:,.0f} kW."
        )
    return tuple(told)


def additions(plan: ParkPlan) -> tuple[str, ...]:
    """What the plan adds, each with its unit."""
    added = plan.added
    shown = (
        ("pv_kwp", "{:,.0f} kWp of panels"),
        ("store_kwh", "{:,.0f} kWh of storage"),
        ("direct_kw", "{:,.0f} kW of green line"),
        ("traced_mwh", "{:,.0f} MWh a year of traced supply"),
        ("certificates_mwh", "{:,.0f} MWh a year of certificates"),
    )
    found = [text.format(added[name]) for name, text in shown if added[name] >= LEAST_SHOWN]
    if added["heat_share"] >= 0.0005:
        found.append(f"{added['heat_share']:.0%} of the fuel replaced by electric heat")
    return tuple(found)


def _verdict(case: ParkCase, plan: ParkPlan) -> str:
    what = "; ".join(additions(plan)) or "nothing"
    asked = plan.target
    parts = []
    if asked.carbon_t_per_tce is not None:
        parts.append(f"{asked.carbon_t_per_tce:g} tCO2/tce")
    if asked.clean_share is not None:
        parts.append(f"{asked.clean_share:.0%} clean over the year")
    if asked.hourly_share is not None:
        parts.append(f"{asked.hourly_share:.0%} clean by the hour")
    if not parts:
        return f"Cheapest without a target: {what}."
    asked_for = ", ".join(parts)
    if plan.met:
        return f"Cheapest way to {asked_for}: {what}."
    most = f"{case.levers.gap_cny_per_t:,.0f} CNY/t"
    return f"{asked_for} is out of reach below {most}; nearest to it: {what}."


def _prices(plan: ParkPlan) -> list[str]:
    told = []
    if plan.carbon_price_cny_per_t > SMALL and plan.gap_t <= 0.0:
        told.append(f"The last tonne costs {plan.carbon_price_cny_per_t:,.0f} CNY.")
    for price, name in (
        (plan.clean_price_cny_per_mwh, "clean"),
        (plan.hourly_price_cny_per_mwh, "hourly matched"),
    ):
        if price > SMALL and plan.met:
            told.append(f"The last {name} MWh costs {price:,.0f} CNY.")
    return told


def _cost(now: ParkPlan, plan: ParkPlan) -> str:
    more = plan.cost_cny["total"] - now.cost_cny["total"]
    saved = now.carbon_t - plan.carbon_t
    word = "more" if more >= 0.0 else "less"
    less = "less" if saved >= 0.0 else "more"
    text = f"{abs(more):,.0f} CNY a year {word} than the park as it is, "
    text += f"{abs(saved):,.0f} t {less} carbon"
    if more > 0.0 and saved > SMALL:
        return f"{text}: {more / saved:,.0f} CNY/t on average."
    return f"{text}."


def _target_cost(free: ParkPlan, plan: ParkPlan) -> str:
    """What the target itself costs, apart from what would pay anyway."""
    more = max(0.0, plan.cost_cny["total"] - free.cost_cny["total"])
    saved = free.carbon_t - plan.carbon_t
    text = f"The target itself costs {more:,.0f} CNY a year"
    return f"{text}, {more / saved:,.0f} CNY/t on average." if saved > 1.0 else f"{text}."


def _line(plan: ParkPlan) -> str:
    used, share = plan.line_used_share, plan.line_share_of_use
    fits = "as" if used >= LINE_USED and share >= LINE_OF_USE else "not as"
    return (
        f"The green line's output is used to {used:.0%} and meets {share:.0%} of the use, {fits} "
        f"the rule for direct lines wants (at least {LINE_USED:.0%} and {LINE_OF_USE:.0%})."
    )


def _gap(case: ParkCase, plan: ParkPlan) -> list[str]:
    told = []
    if plan.gap_t > 0.0:
        import_mwh = (1.0 - plan.clean_share) * float(plan.matching.use_kwh.sum()) / 1000.0
        factor = mean_factor(case)
        within = min(import_mwh, plan.gap_t / factor) if factor > 0.0 else 0.0
        left = plan.gap_t - within * factor
        text = f"Gap to the standard: {plan.gap_t:,.0f} t a year; "
        if within > SMALL:
            text += f"{within:,.0f} MWh more of green electricity would close "
            told.append(text + ("it." if left <= 0.01 * plan.gap_t else f"all but {left:,.0f} t."))
        else:
            told.append(text + "no grid electricity is left to replace.")
        if left > 0.01 * plan.gap_t:
            fuel = (1.0 - plan.added["heat_share"]) * case.spec.other_carbon_t
            told.append(f"Fuel and heat still emit {fuel:,.0f} t: more of it must become electric.")
    for gap, name in (
        (plan.gap_clean_mwh, "clean over the year"),
        (plan.gap_hourly_mwh, "clean by the hour"),
    ):
        if gap > 0.0:
            told.append(f"{gap:,.0f} MWh are missing to be {name} as asked.")
    return told


def _bounds(case: ParkCase, plan: ParkPlan) -> list[str]:
    """Levers that a plan out of reach has pulled as far as they go."""
    if plan.met:
        return []
    levers, added = case.levers, plan.added
    import_mwh = (1.0 - plan.hourly_share) * float(plan.matching.use_kwh.sum()) / 1000.0
    limits = {
        "pv_most_kwp": (added["pv_kwp"], levers.pv_most_kwp),
        "store_most_kwh": (added["store_kwh"], levers.store_most_kwh),
        "direct_most_kw": (added["direct_kw"], levers.direct_most_kw),
        "heat_most_share": (added["heat_share"], levers.heat_most_share),
        "traced_most_share": (added["traced_mwh"], levers.traced_most_share * import_mwh),
    }
    full = [name for name, (used, most) in limits.items() if used >= NEAR * most]
    if not full:
        return []
    return [f"At its limit: {', '.join(full)}. Raise one with --set {full[0]}=..."]
