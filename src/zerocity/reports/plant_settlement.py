"""The events of a finished run measured by three baselines, paid and shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from zerocity.city.scenario import City
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.measures.wording import did_you_mean, quote
from zerocity.reports.plant_day import city_of_run, energy_rules
from zerocity.reports.plant_series import (
    city_series,
    net_kw_by_site,
    run_day,
    site_names,
    site_series,
)
from zerocity.reports.tables import RunTables, open_run, run_days, step_ms
from zerocity.storage.runs import require_finished
from zerocity.vpp.control_group import held_back
from zerocity.vpp.measuring import TEN_OF_TEN, Measured, Meters, delivered_by_site, measure
from zerocity.vpp.payout import Payout, pay_out
from zerocity.vpp.settlement import EnergySettlement, settle_energy


@dataclass(frozen=True)
class RunSettlement:
    """All events of a run. ``requested_kw``, ``written_cny`` (events,) are as the run wrote them.

    ``delivered_kwh``, ``paid_cny`` (sites,) add the events up; ``payouts`` are one an event.
    ``uncalled`` are the sites that were left out of every event.
    """

    city: City
    days: tuple[date, ...]
    requested_kw: F64
    written_cny: F64
    measured: tuple[Measured, ...]
    chosen: str
    names: tuple[str, ...]
    payouts: tuple[Payout, ...]
    delivered_kwh: F64
    paid_cny: F64
    uncalled: tuple[str, ...]


def settle_run(
    folder: Path,
    day: date | None = None,
    *,
    method: str = TEN_OF_TEN,
    uncalled: Sequence[str] = (),
    floor_cny_per_kwh: float = 0.0,
) -> RunSettlement:
    """Measure, pay and share out the events of a run.

    Parameters
    ----------
    day : only the event of this day is paid; every method is scored on the whole run anyway.
    method : the baseline that the payout is made by.
    uncalled : sites that were left out of the events, for the control group; without any, those
        that the city's ``control_share`` held back.
    floor_cny_per_kwh : what a delivered kWh pays its site back first.
    """
    manifest, run = require_finished(folder), open_run(folder)
    city, names = city_of_run(folder, manifest), site_names(run)
    numbers, asked, written = _events(run)
    keep = np.ones(numbers.size, np.bool_)
    if day is not None:
        keep = numbers == run_day(run, day)
        if not keep.any():
            held = [str(run.start + timedelta(days=int(d))) for d in numbers] or ["none"]
            raise InputError("--day", str(day), "the day of an event: " + ", ".join(held))
    meters = _meters(run, numbers, _left_out(city, names, uncalled))
    found = tuple(measure(city.vpp, meters, asked))
    found = tuple(_only(one, keep) for one in found)
    numbers, asked, written = numbers[keep], asked[keep], written[keep]
    payouts, delivered = _shared(city, meters, numbers, asked, found, method, floor_cny_per_kwh)
    paid = np.sum([p.net_cny for p in payouts], axis=0) if payouts else np.zeros(len(names))
    dates = tuple(run.start + timedelta(days=int(d)) for d in numbers)
    return RunSettlement(
        city, dates, asked, written, found, method, names, payouts, delivered, np.asarray(paid),
        tuple(name for name, out in zip(names, meters.uncalled, strict=True) if out),
    )  # fmt: skip


def _events(run: RunTables) -> tuple[I64, F64, F64]:
    """Run day, request [kW] and written pay [CNY] of each event, in order of time."""
    wanted = ("day", "start_h", "end_h", "requested_kwh", "payment_cny")
    found = run.columns("vpp_events", wanted)
    if found is None:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    day = run_days(run, found["day"])
    order = np.argsort(day, kind="stable")
    hours = found["end_h"].astype(np.float64) - found["start_h"]
    asked = found["requested_kwh"] / hours
    return day[order], asked[order], found["payment_cny"][order]


def _left_out(city: City, names: tuple[str, ...], uncalled: Sequence[str]) -> Bools:
    """Sites outside the events, as named or else as the twin drew them, (sites,)."""
    if not uncalled:
        return held_back(names, city.vpp.control_share)
    left_out = np.zeros(len(names), np.bool_)
    for name in uncalled:
        if name not in names:
            hint = did_you_mean(name, names, "")
            raise InputError("--control", quote(name), "the name of a site", hint)
        left_out[names.index(name)] = True
    return left_out


def _meters(run: RunTables, numbers: I64, left_out: Bools) -> Meters:
    events = np.zeros(run.days, np.bool_)
    events[numbers] = True
    weekday = (run.start.weekday() + np.arange(run.days)) % 7
    temperature = city_series(run, "temperature_c")
    return Meters(net_kw_by_site(run), temperature, events, weekday < 5, left_out)


def _only(one: Measured, keep: Bools) -> Measured:
    if one.settlement is None or one.baseline_kw is None:
        return one
    rows = {name: values[keep] for name, values in vars(one.settlement).items()}
    return replace(
        one, baseline_kw=one.baseline_kw[keep], settlement=replace(one.settlement, **rows)
    )


def _shared(
    city: City,
    meters: Meters,
    numbers: I64,
    asked_kw: F64,
    measured: Sequence[Measured],
    method: str,
    floor_cny_per_kwh: float,
) -> tuple[tuple[Payout, ...], F64]:
    """Payouts of each event, and energy delivered by each site over all of them [kWh]."""
    chosen = next((one for one in measured if one.method == method), None)
    if chosen is None:
        known = ", ".join(one.method for one in measured)
        raise InputError("--baseline", quote(method), f"one of {known}")
    sites = meters.net_kw.shape[2]
    if chosen.settlement is None:
        if numbers.size:
            raise InputError("--baseline", method, "a baseline of the events", chosen.why_not)
        return (), np.zeros(sites)
    gave = np.array([delivered_by_site(city.vpp, meters, int(day)) for day in numbers])
    usual = gave.sum(axis=0) / max(float(gave.sum()), 1e-9)
    hours, floor = city.vpp.window_h, np.full(sites, floor_cny_per_kwh)
    found = []
    for k in range(len(numbers)):
        payment = float(chosen.settlement.payment_cny[k]) if gave[k].any() else 0.0
        penalty = float(chosen.settlement.penalty_cny[k])
        found.append(pay_out(payment, penalty, gave[k], usual * asked_kw[k] * hours, floor))
    return tuple(found), np.asarray(gave.sum(axis=0))


@dataclass(frozen=True)
class EnergyDay:
    """A day of a run settled as energy: planned import as the award, metered import beside it."""

    city: City
    day: date
    planned_kw: F64
    metered_kw: F64
    settlement: EnergySettlement


def settle_energy_day(folder: Path, day: date | None, price_cny_per_kwh: F64) -> EnergyDay:
    """Settle what a run planned to import on a day against what it did import.

    Both markets pay the same price: no real-time price is known.
    """
    manifest, run = require_finished(folder), open_run(folder)
    when = day or run.start
    number, city = run_day(run, when), city_of_run(folder, manifest)
    rules, step_h = energy_rules(city), step_ms(run) / 3_600_000
    found = site_series(run, ("planned_import_kwh", "import_kwh"), range(number, number + 1))
    planned, metered = (
        found[name][0].sum(axis=1) / step_h for name in ("planned_import_kwh", "import_kwh")
    )
    settled = settle_energy(
        rules, awarded_kw=planned, metered_kw=metered, price_cny_per_kwh=price_cny_per_kwh,
        real_time_cny_per_kwh=price_cny_per_kwh,
    )  # fmt: skip
    return EnergyDay(city, when, planned, metered, settled)
