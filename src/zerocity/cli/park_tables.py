"""Assessments and plans of parks as tables and as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.table import Table
from rich.text import Text

from zerocity.cli.tables import console
from zerocity.parks.matching import SOURCES, Matching
from zerocity.parks.park_case import LEVER_SOURCES, ParkCase, Target
from zerocity.parks.plan import ParkPlan, Planner
from zerocity.parks.plan_words import plan_sentences
from zerocity.parks.standard import Assessment, IndicatorRow
from zerocity.parks.typical import typical_weeks

WORDS = {
    "pv": "own sun",
    "direct": "green line",
    "store_clean": "store, clean",
    "traced": "traced supply",
    "grid": "grid",
    "store_grid": "store, grid",
}
SCORES = {
    "volume_score": "over the period, all hours netted",
    "hourly_score": "hour by hour: sun, green line, store",
    "traced_score": "hour by hour with traced supply",
    "grid_mix_score": "hour by hour with the grid's own clean part",
    "matched_steps": "hours that were clean as a whole",
    "certificate_score": "over the period with certificates",
}


@dataclass(frozen=True)
class ParkAnswer:
    """One park's plans: as it is, without a target, and one for each target."""

    case: ParkCase
    now: ParkPlan
    free: ParkPlan
    plans: tuple[ParkPlan, ...]


def plans_of(case: ParkCase, targets: Sequence[Target], whole_year: bool) -> ParkAnswer:
    """Plan one park; a target without a limit gets the notice's at the park's size."""
    limit = case.limit_t_per_tce
    case = case if whole_year else replace(case, year=typical_weeks(case.year))
    planner = Planner(case)
    now, free = planner.as_it_is(), planner.plan(Target())
    aims = [
        replace(one, carbon_t_per_tce=limit) if one.carbon_t_per_tce is None else one
        for one in targets
    ]
    return ParkAnswer(case, now, free, tuple(planner.plan(one) for one in aims))


def plain(value: Any) -> Any:
    """The same value for JSON: nan and inf become null, NumPy numbers plain ones."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bool | str | int) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def matching_json(found: Matching) -> dict[str, Any]:
    """Scores, energy by source and the mean day of a matching."""
    return {
        "scores": found.scores(),
        "sources_kwh": {n: float(v.sum()) for n, v in found.sources_kwh.items()},
        "use_kwh": float(found.use_kwh.sum()),
        "surplus_kwh": float(found.surplus_kwh.sum()),
        "carbon_kg": float(found.carbon_kg.sum()),
        "certificates_kwh": found.certificates_kwh,
    }


def assessment_json(found: Assessment) -> dict[str, Any]:
    """An assessment as plain values."""
    day = {name: values.tolist() for name, values in found.matching.by_hour_of_day().items()}
    return dict(
        plain(
            {
                "park": found.result.name,
                "basis": found.basis,
                "met": found.result.meets_core,
                "gap_t": found.result.gap_carbon_t,
                "annual_energy_tce": found.result.annual_energy_tce,
                "indicators": [asdict(row) for row in found.rows],
                "matching": {**matching_json(found.matching), "mean_day_kw": day},
                "closing": [asdict(one) for one in found.closings],
                "sentences": found.sentences,
                "evidence": [asdict(one) for one in found.result.evidence],
            }
        )
    )


def plan_json(found: ParkAnswer) -> dict[str, Any]:
    """A park's plans as plain values."""
    levers = [
        {"name": name, "value": getattr(found.case.levers, name), "source": source}
        for name, source in LEVER_SOURCES.items()
    ]
    plans = [_one_plan(found, plan) for plan in found.plans]
    return dict(
        plain(
            {
                "park": found.case.spec.name,
                "limit_t_per_tce": found.case.limit_t_per_tce,
                "steps": found.case.year.steps,
                "as_it_is": _one_plan(found, found.now),
                "without_target": _one_plan(found, found.free),
                "plans": plans,
                "levers": levers,
                "assets": asdict(found.case.assets),
            }
        )
    )


PLAN_FIELDS = (
    "added", "cost_cny", "objective_cny", "carbon_t", "energy_tce", "carbon_t_per_tce",
    "clean_share", "hourly_share", "carbon_price_cny_per_t", "clean_price_cny_per_mwh",
    "hourly_price_cny_per_mwh", "gap_t", "gap_clean_mwh", "gap_hourly_mwh", "overload_h",
    "overload_kw", "line_used_share", "line_share_of_use", "worst_imbalance_kw",
)  # fmt: skip


def _one_plan(found: ParkAnswer, plan: ParkPlan) -> dict[str, Any]:
    said = plan_sentences(found.case, found.now, plan, found.free) if plan is not found.now else ()
    return {
        "target": asdict(plan.target),
        "met": plan.met,
        **{name: getattr(plan, name) for name in PLAN_FIELDS},
        "matching": matching_json(plan.matching),
        "sentences": said,
    }


def print_assessments(found: Sequence[Assessment], whole: bool) -> None:
    """Print parks, each as a whole or one line each."""
    out = console()
    if whole:
        for one in found:
            _print_assessment(one)
        return
    table = _table("Parks against the notice", ("park", "tCO2/tce", "limit", "met", "clean",
                   "by hour", "gap [t/a]"), left=1)  # fmt: skip
    for one in found:
        result = one.result
        table.add_row(
            Text(result.name),
            _figure(result.indicators.carbon_t_per_tce),
            f"{result.limit_t_per_tce:g}",
            "yes" if result.meets_core else "no",
            _share(result.indicators.clean_annual),
            _share(one.matching.hourly_score),
            f"{result.gap_carbon_t:,.0f}",
        )
    out.print(table)
    out.print(Text(f"Basis: {found[0].basis}. Name a park to see why."))


def _print_assessment(found: Assessment) -> None:
    out = console()
    title = f"{found.result.name}: indicators of the notice"
    table = _table(title, ("indicator", "value", "between", "limit", "met", "certainty"), left=6)
    for row in found.rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in _cells(row)))
    out.print(table)
    for row in found.rows:
        if row.certainty != "missing":
            out.print(Text(f"{row.name}: {row.why}."))
    scores = _table("Clean energy in use", ("reading", "share"), left=1)
    for name, words in SCORES.items():
        scores.add_row(words, _share(found.matching.scores()[name]))
    out.print(scores)
    out.print(_mean_day(found.matching))
    if found.closings:
        ways = _table("What would close the gap, each alone", ("way", "MWh/a", "CNY/a",
                      "left [t]", "source"), left=1)  # fmt: skip
        for one in found.closings:
            ways.add_row(
                one.way, f"{one.amount_mwh:,.0f}", f"{one.cost_cny:,.0f}", f"{one.left_t:,.0f}",
                Text(one.source, overflow="fold"),
            )  # fmt: skip
        out.print(ways)
    for sentence in found.sentences:
        out.print(Text(sentence))
    out.print(Text(f"Basis: {found.basis}. Notice: {found.rows[0].source}."))


def _cells(row: IndicatorRow) -> tuple[str, ...]:
    verdict = {True: "yes", False: "no", None: "not known"}[row.met]
    between = "" if math.isnan(row.low) else f"{row.low:.3g} to {row.high:.3g}"
    value = f"{_figure(row.value)} {row.unit}".strip()
    return (row.name, value, between, row.limit, verdict, row.certainty)


def _mean_day(found: Matching) -> Table:
    """Mean power of each source by every third hour."""
    table = _table("What met the use, mean day [kW]", ("hour", *(WORDS[n] for n in SOURCES),
                   "clean sent out", "clean now"), left=1)  # fmt: skip
    day = found.by_hour_of_day()
    for hour in range(0, 24, 2):
        powers = {name: float(values[hour]) for name, values in day.items()}
        use = sum(powers[name] for name in SOURCES)
        clean = sum(powers[name] for name in ("pv", "direct", "store_clean"))
        table.add_row(
            f"{hour:02d}:00",
            *(f"{powers[name]:,.0f}" for name in (*SOURCES, "surplus")),
            _share(clean / use if use > 0.0 else math.nan),
        )
    return table


def print_plans(found: Sequence[ParkAnswer]) -> None:
    """Print each park's plans side by side, then in words."""
    out = console()
    for one in found:
        out.print(_plan_table(one))
        for plan in (one.free, *one.plans):
            for sentence in plan_sentences(one.case, one.now, plan, one.free):
                out.print(Text(sentence))
            out.print()
    title = f"Prices and bounds of {found[0].case.spec.name}, change one with --set NAME=VALUE"
    levers = _table(title, ("name", "value", "source"), left=3)
    for name, source in LEVER_SOURCES.items():
        levers.add_row(name, f"{getattr(found[0].case.levers, name):,.6g}", Text(source))
    out.print(levers)


def _plan_rows(plan: ParkPlan) -> dict[str, str]:
    """One column of a park's table of plans."""
    added = plan.added
    return {
        "panels added [kWp]": f"{added['pv_kwp']:,.0f}",
        "storage added [kWh]": f"{added['store_kwh']:,.0f}",
        "green line [kW]": f"{added['direct_kw']:,.0f}",
        "traced supply [MWh/a]": f"{added['traced_mwh']:,.0f}",
        "certificates [MWh/a]": f"{added['certificates_mwh']:,.0f}",
        "fuel made electric": _share(added["heat_share"]),
        "cost [1000 CNY/a]": f"{plan.cost_cny['total'] / 1000.0:,.0f}",
        "carbon [t/a]": f"{plan.carbon_t:,.0f}",
        "carbon per energy [tCO2/tce]": _figure(plan.carbon_t_per_tce),
        "clean over the year": _share(plan.clean_share),
        "clean by the hour": _share(plan.hourly_share),
        "price of the last tonne [CNY]": f"{plan.carbon_price_cny_per_t:,.0f}",
        "missing [t/a]": f"{plan.gap_t:,.0f}",
    }


def _plan_table(found: ParkAnswer) -> Table:
    heads = [f"{p.target.carbon_t_per_tce:g} t/tce" for p in found.plans]
    title = f"{found.case.spec.name}: a year, {found.case.year.steps:,} steps"
    table = _table(title, ("", "as it is", "no target", *heads), left=1)
    columns = [_plan_rows(p) for p in (found.now, found.free, *found.plans)]
    for words in columns[0]:
        table.add_row(Text(words), *(column[words] for column in columns))
    return table


def _table(title: str, heads: Sequence[str], left: int) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if number < left else "right")
    return table


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
