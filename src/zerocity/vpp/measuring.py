"""Three baselines for the same events, each with what it gets wrong on ordinary days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.vpp.baseline import (
    BaselineScore,
    baseline_10_of_10,
    day_baseline,
    score_guesses,
    scored_days,
)
from zerocity.vpp.control_group import control_baseline
from zerocity.vpp.program import Program
from zerocity.vpp.regression import regression_baseline
from zerocity.vpp.settlement import Settlement, settle

TEN_OF_TEN, REGRESSION, CONTROL_GROUP = "10_of_10", "regression", "control_group"
METHODS = (TEN_OF_TEN, REGRESSION, CONTROL_GROUP)
PLACEBO_EVERY = 5
"""Where no site was left out, every fifth plays the control when ordinary days are scored."""


@dataclass(frozen=True)
class Meters:
    """What was metered: net import (days, steps, sites) [kW], temperature (days, steps) [degC].

    ``events``, ``workdays`` (days,); ``uncalled`` (sites,) sites that were left out of every event.
    """

    net_kw: F64
    temperature_c: F64
    events: Bools
    workdays: Bools
    uncalled: Bools

    def __post_init__(self) -> None:
        days, steps, sites = self.net_kw.shape
        wanted = {
            "temperature_c": (days, steps), "events": (days,), "workdays": (days,),
            "uncalled": (sites,),
        }  # fmt: skip
        for name, shape in wanted.items():
            came = getattr(self, name).shape
            if came != shape:
                raise InputError(f"meters.{name}", f"shape {came}", f"shape {shape}")
        for name in ("net_kw", "temperature_c"):
            values = getattr(self, name)
            bad = np.argwhere(~np.isfinite(values))
            if bad.size:
                where = f"meters.{name}, day {bad[0][0]}, step {bad[0][1]}"
                raise InputError(where, str(values[tuple(bad[0])]), "a finite number")

    @cached_property
    def total_kw(self) -> F64:
        """Net import of all sites, (days, steps) [kW]."""
        return np.asarray(self.net_kw.sum(axis=2))


@dataclass(frozen=True)
class Measured:
    """One method: its baselines of the events, what they settle to, and its score.

    ``baseline_kw`` (events, steps) and ``settlement`` are None where the method cannot say;
    ``why_not`` tells the reason. ``idle_pay_cny`` is what the false relief would earn in as many
    events: money for doing nothing.
    """

    method: str
    baseline_kw: F64 | None
    settlement: Settlement | None
    score: BaselineScore
    idle_pay_cny: float
    why_not: str = ""


def measure(
    program: Program, meters: Meters, requested_kw: F64, methods: tuple[str, ...] = METHODS
) -> list[Measured]:
    """Measure the events by each method and score each on days without event.

    A score says how far the baseline was from the meter when nothing happened: its bias, its
    error, and the relief it would have seen where there was none. Events fall on strained days,
    ordinary days are milder, so on event days every method may do worse than its score.

    Parameters
    ----------
    requested_kw : relief asked for in each event, in the order of the days, (events,).
    """
    days = np.flatnonzero(meters.events)
    if requested_kw.shape != days.shape:
        raise InputError("requested_kw", f"shape {requested_kw.shape}", f"({days.size},)")
    return [_measured(program, meters, requested_kw, days, method) for method in methods]


def _measured(
    program: Program, meters: Meters, requested_kw: F64, days: I64, method: str
) -> Measured:
    ordinary = scored_days(
        program, len(meters.events), events=meters.events, workdays=meters.workdays
    )
    total, split = meters.total_kw, _with_control(meters) if method == CONTROL_GROUP else meters
    guesses = {day: guess(program, split, day, method) for day in ordinary}
    score = score_guesses(program, total, guesses)
    hours = days.size * program.window_h
    idle = score.false_relief_kw * hours * program.price_cny_per_kwh if score.days else np.nan
    if method == CONTROL_GROUP and not meters.uncalled.any():
        why = (
            "every site was called; the score lets every fifth site stand for the control "
            "(vpp.control_share holds sites back)"
        )
        return Measured(method, None, None, score, idle, why)
    try:
        rows = [guess(program, meters, int(day), method) for day in days]
    except InputError as error:
        return Measured(method, None, None, score, idle, str(error))
    if not rows:
        return Measured(method, None, None, score, idle, "no event")
    baseline = np.array(rows)
    found = settle(
        program, baseline_kw=baseline, metered_kw=total[days], requested_kw=requested_kw[:, None]
    )
    return Measured(method, baseline, found, score, idle)


def guess(program: Program, meters: Meters, day: int, method: str) -> F64:
    """Baseline of all sites on a day by one of `METHODS`, (steps,) [kW]."""
    events, workdays = meters.events, meters.workdays
    if method == TEN_OF_TEN:
        found = day_baseline(program, meters.total_kw, day, events=events, workdays=workdays)
        return found.power_kw
    if method == REGRESSION:
        return regression_baseline(
            meters.total_kw, meters.temperature_c, day, events=events, workdays=workdays
        )
    if method == CONTROL_GROUP:
        called = ~meters.uncalled
        theirs = control_baseline(meters.net_kw, called, day, events=events, workdays=workdays)
        own = meters.net_kw[day][:, meters.uncalled]
        return np.asarray(theirs.sum(axis=1) + own.sum(axis=1))
    raise InputError("baseline", repr(method), "one of " + ", ".join(METHODS))


def _with_control(meters: Meters) -> Meters:
    if meters.uncalled.any():
        return meters
    placebo = np.arange(meters.uncalled.size) % PLACEBO_EVERY == PLACEBO_EVERY - 1
    return replace(meters, uncalled=placebo)


def delivered_by_site(program: Program, meters: Meters, day: int) -> F64:
    """Relief of each site in the window of an event day, (sites,) [kWh].

    Each site against its own mean of normal days, step by step and never below 0; the sites' sum
    therefore exceeds the portfolio's relief, and is for sharing only.
    """
    same = ~meters.events[:day] & (meters.workdays[:day] == meters.workdays[day])
    window = program.window_mask(meters.net_kw.shape[1])
    base = baseline_10_of_10(meters.net_kw[:day], same, program.baseline_days)
    relief = np.maximum(base - meters.net_kw[day], 0.0)[window]
    step_h = 24.0 / meters.net_kw.shape[1]
    return np.where(meters.uncalled, 0.0, relief.sum(axis=0) * step_h)
