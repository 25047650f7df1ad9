"""The virtual power plant's offers, schedules and settlements as tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zerocity.cli.tables import console
from zerocity.cli.vpp_json import relief_kw, segments
from zerocity.measures.arrays import F64
from zerocity.reports.plant_day import PlantDay
from zerocity.reports.plant_market import EnergyDispatch, PeakDispatch, ReserveDispatch
from zerocity.reports.plant_settlement import EnergyDay, RunSettlement
from zerocity.vpp.baseline import BaselineScore
from zerocity.vpp.bids import DayBids
from zerocity.vpp.cost_curve import CostCurve
from zerocity.vpp.offers import PeakOffer, ReserveOffer, window_of
from zerocity.vpp.products import Admission

MOST_ROWS = 20


def print_bids(day: PlantDay, bids: DayBids) -> None:
    """One row an hour: its first quarter's bid."""
    table = Table(title=_title(day, "energy bids"), title_justify="left")
    for name in ("from", "CNY/kWh", "planned kW", "segments"):
        table.add_column(name, justify="right")
    table.add_column("net kW from a price on (first, middle and last segment)")
    per_hour = len(bids.planned_kw) // 24
    for t in range(0, len(bids.planned_kw), per_hour):
        rows = segments(bids.stairs, t)
        table.add_row(
            _clock(t, per_hour),
            f"{bids.expected_cny_per_kwh[t]:.3f}",
            f"{bids.planned_kw[t]:,.0f}",
            str(len(rows)),
            "  ".join(f"{low:.2f}: {kw:,.0f}" for low, _, kw in _some(rows)),
        )
    out = console()
    out.print(table)
    out.print(
        f"Positive buys, negative sells. {int(bids.stairs.segments.sum())} segments in "
        f"{len(bids.planned_kw)} periods miss {100 * bids.area_error_share:.2f} % of the area."
    )
    out.print(_verdict(bids.admission))
    out.print(escape(f"Sites: {day.origin}. Prices: {day.price_origin}."))


def print_peak(day: PlantDay, offer: PeakOffer) -> None:
    """The cost curve of relief, and what is offered of it."""
    curve = offer.curve
    end = curve.start_h + curve.duration_h
    hours = f"{_hour(curve.start_h)}-{_hour(end)}"
    table = Table(title=_title(day, f"relief {hours}"), title_justify="left")
    for name in ("kW", "kW so far", "costs the sites, CNY/kWh"):
        table.add_column(name, justify="right")
    so_far = np.cumsum(curve.power_kw)
    for kw, total, price in zip(curve.power_kw, so_far, curve.price_cny_per_kwh, strict=True):
        table.add_row(f"{kw:,.0f}", f"{total:,.0f}", f"{price:.3f}")
    out = console()
    out.print(table)
    out.print(
        f"{curve.held_kw:,.0f} kW can be held for {curve.duration_h:g} h; offered: "
        f"{offer.offered_kw:,.0f} kW, which cost the sites {offer.cost_cny:,.0f} CNY and earn "
        f"{offer.pay_cny:,.0f} CNY."
    )
    out.print(_verdict(offer.admission))
    out.print(escape(f"Sites: {day.origin}."))


def print_bands(curves: list[CostCurve]) -> None:
    """One row a window: what can be moved up to some cost, and what is held throughout."""
    table = Table(title="Bands from the window's start, kW up to a cost", title_justify="left")
    table.add_column("import")
    limits = (0.0, 0.1, 0.3, 1.0, np.inf)
    names = ("free", "0.1 CNY/kWh", "0.3", "1.0", "all")
    for name in ("hours", *names, "held throughout"):
        table.add_column(name, justify="right")
    for c in curves:
        cells = [
            f"{c.power_kw[c.price_cny_per_kwh <= limit + 1e-3].sum():,.0f}" for limit in limits
        ]
        way = "less" if c.direction == "down" else "more"
        table.add_row(way, f"{c.duration_h:g}", *cells, f"{c.held_kw:,.0f}")
    console().print(table)


def print_reserve(day: PlantDay, offer: ReserveOffer) -> None:
    """The band of each hour."""
    table = Table(title=_title(day, "frequency reserve"), title_justify="left")
    for name in ("from", "less import kW", "more import kW", "both ways kW"):
        table.add_column(name, justify="right")
    per_hour = len(offer.both_kw) // 24
    columns = (offer.down_kw.sum(axis=0), offer.up_kw.sum(axis=0), offer.both_kw)
    for t in range(0, len(offer.both_kw), per_hour):
        hour = slice(t, t + per_hour)
        table.add_row(_clock(t, per_hour), *(f"{c[hour].min():,.0f}" for c in columns))
    out = console()
    out.print(table)
    out.print(f"The least of all hours is offered: {offer.offered_kw:,.0f} kW.")
    out.print(_verdict(offer.admission))
    out.print(escape(f"Sites: {day.origin}."))


def print_energy(day: PlantDay, found: EnergyDispatch) -> None:
    """The sites that move most against a day on which nobody leads them."""
    step_h, award = day.portfolio.days.step_h, found.award
    names = day.portfolio.names
    moved = np.abs(found.led_kw - found.base_kw).sum(axis=1) * step_h / 2.0
    table = Table(title=_title(day, "energy, by site"), title_justify="left")
    table.add_column("site")
    for name in ("moved kWh", "net import kWh", "at clearing prices CNY", "if not led CNY"):
        table.add_column(name, justify="right")
    value, unled = ((rows * award.price_cny_per_kwh).sum(axis=1) * step_h
                    for rows in (found.led_kw, found.base_kw))  # fmt: skip
    for i in _top(moved):
        table.add_row(
            escape(names[i]), f"{moved[i]:,.0f}", f"{found.led_kw[i].sum() * step_h:,.0f}",
            f"{value[i]:,.0f}", f"{unled[i]:,.0f}",
        )  # fmt: skip
    out = console()
    out.print(table)
    _tell_more(out, len(names))
    bought = np.maximum(award.awarded_kw, 0.0).sum() * step_h
    sold = np.maximum(-award.awarded_kw, 0.0).sum() * step_h
    off = np.abs(found.deviation_kw).sum() * step_h
    out.print(
        f"Awarded: {bought:,.0f} kWh bought, {sold:,.0f} kWh sold, {award.cost_cny:,.0f} CNY in "
        f"all; left alone the sites would pay {unled.sum():,.0f} CNY. The bids moved prices by "
        f"{award.moved_cny_per_kwh:.3f} CNY/kWh at most."
    )
    again = " after the sites left shared it again" if found.again is not None else ""
    out.print(f"The schedules miss {off:,.0f} kWh of the award{again}.")
    out.print(escape(f"Sites: {day.origin}. Prices: {day.price_origin}."))


def print_called(day: PlantDay, found: PeakDispatch) -> None:
    """The sites that give most."""
    last, names = found.again or found.first, day.portfolio.names
    first, relief = relief_kw(day, found, found.first), relief_kw(day, found, last)
    table = Table(title=_title(day, f"a call for {found.requested_kw:,.0f} kW"),
                  title_justify="left")  # fmt: skip
    table.add_column("site")
    wanted = ["relief kW", "cost CNY"]
    for name in ["first kW", *wanted] if found.again else wanted:
        table.add_column(name, justify="right")
    for i in _top(np.maximum(np.abs(first), np.abs(relief))):
        cells = [f"{relief[i]:,.0f}", f"{last.cost_cny[i]:,.1f}"]
        before = [f"{first[i]:,.0f}"] if found.again else []
        table.add_row(escape(names[i]), *before, *cells)
    out = console()
    out.print(table)
    _tell_more(out, len(names))
    weakest = last.least_kw(window_of(day.city.vpp, day.portfolio.days.steps))
    short = f", {last.short_kwh:,.0f} kWh short" if last.short_kwh > 0.5 else ""
    out.print(
        f"Given: {last.given_kwh:,.0f} of {last.asked_kwh:,.0f} kWh{short}, at a cost of "
        f"{last.cost_cny.sum():,.0f} CNY to the sites. Weakest step: {weakest:,.0f} kW."
    )
    out.print(escape(f"Sites: {day.origin}."))


def print_held(day: PlantDay, found: ReserveDispatch) -> None:
    """The sites that hold most, on average over the day."""
    title = _title(day, f"reserve of {found.requested_kw:,.0f} kW, mean of the day")
    table = Table(title=title, title_justify="left")
    table.add_column("site")
    for name in ("less import kW", "more import kW"):
        table.add_column(name, justify="right")
    down, up = found.down_kw.mean(axis=1), found.up_kw.mean(axis=1)
    for i in _top(down + up):
        table.add_row(escape(day.portfolio.names[i]), f"{down[i]:,.0f}", f"{up[i]:,.0f}")
    out = console()
    out.print(table)
    _tell_more(out, len(day.portfolio.names))
    out.print(
        f"Held both ways at every step: {found.held_kw:,.0f} of {found.requested_kw:,.0f} kW."
    )
    out.print(escape(f"Sites: {day.origin}."))


def print_settlement(found: RunSettlement) -> None:
    """Events, what the baselines get wrong, and who is paid."""
    out = console()
    if not found.days:
        out.print("No event was called in this run, so there is nothing to settle.")
    else:
        out.print(_event_table(found))
    out.print(_score_table(found))
    if found.uncalled:
        out.print(escape(f"Left out of the events: {_few(found.uncalled)}."))
    for one in found.measured:
        if one.why_not and found.days:
            out.print(escape(f"{_words(one.method)}: no settlement, because {one.why_not}."))
    if not found.days:
        return
    table = Table(title=f"Payout by {_words(found.chosen)}", title_justify="left")
    table.add_column("site")
    for name in ("delivered kWh", "paid CNY"):
        table.add_column(name, justify="right")
    for i in _top(found.paid_cny):
        table.add_row(
            escape(found.names[i]), f"{found.delivered_kwh[i]:,.0f}", f"{found.paid_cny[i]:,.0f}"
        )
    out.print(table)
    _tell_more(out, len(found.names))
    out.print(
        f"Paid in all: {found.paid_cny.sum():,.0f} CNY; the run wrote "
        f"{found.written_cny.sum():,.0f} CNY, by 10 of 10."
    )


def _few(names: Sequence[str], most: int = 5) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _event_table(found: RunSettlement) -> Table:
    table = Table(title="Events: relief by each baseline [MWh] and pay [CNY]",
                  title_justify="left")  # fmt: skip
    table.add_column("day")
    table.add_column("asked", justify="right")
    shown = [one for one in found.measured if one.settlement is not None]
    for one in shown:
        table.add_column(_words(one.method), justify="right")
        table.add_column("pay", justify="right")
    for k, day in enumerate(found.days):
        cells = []
        for one in shown:
            assert one.settlement is not None
            net = one.settlement.payment_cny[k] - one.settlement.penalty_cny[k]
            cells += [f"{one.settlement.delivered_kwh[k] / 1e3:,.2f}", f"{net:,.0f}"]
        asked = found.requested_kw[k] * found.city.vpp.window_h / 1e3
        table.add_row(str(day), f"{asked:,.2f}", *cells)
    return table


def _score_table(found: RunSettlement) -> Table:
    table = Table(title="What each baseline gets wrong on days without event [kW]",
                  title_justify="left")  # fmt: skip
    table.add_column("baseline")
    for name in ("days", "bias", "rmse", "false relief", "of metered", "pays for nothing CNY"):
        table.add_column(name, justify="right")
    for one in found.measured:
        s: BaselineScore = one.score
        if not s.days:
            table.add_row(_words(one.method), "0", *["-"] * 5)
            continue
        table.add_row(
            _words(one.method), str(s.days), f"{s.bias_kw:,.0f}", f"{s.rmse_kw:,.0f}",
            f"{s.false_relief_kw:,.0f}", f"{s.mean_metered_kw:,.0f}", f"{one.idle_pay_cny:,.0f}",
        )  # fmt: skip
    return table


def print_energy_day(found: EnergyDay, prices: str) -> None:
    """The sums of the day."""
    s = found.settlement
    table = Table(title=f"{found.city.title}, {found.day}: planned and metered import",
                  title_justify="left")  # fmt: skip
    table.add_column("what")
    table.add_column("CNY", justify="right")
    for name, value in (
        ("planned, day-ahead", s.award_cny),
        ("deviation, real time", s.deviation_cny),
        ("penalty", s.penalty_cny),
        ("total", s.total_cny),
    ):
        table.add_row(name, f"{value:,.0f}")
    out = console()
    out.print(table)
    out.print(
        f"{np.abs(s.deviation_kwh).sum():,.0f} kWh beside the plan, {s.beyond_kwh.sum():,.0f} of "
        f"them beyond the tolerance. No real-time price is known; the day-ahead price stands in."
    )
    out.print(escape(f"Prices: {prices}."))


def _some(rows: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """The first, the middle and the last."""
    return [rows[0], rows[len(rows) // 2], rows[-1]]


def _title(day: PlantDay, what: str) -> str:
    return escape(f"{day.city.title}, {day.day}: {what}")


def _verdict(found: Admission) -> str:
    return "Admitted." if found.admitted else f"Not admitted: {found.reason}."


def _clock(step: int, per_hour: int) -> str:
    return f"{step // per_hour:02d}:00"


def _hour(hours: float) -> str:
    return f"{int(hours):02d}:{round(hours % 1.0 * 60):02d}"


def _words(method: str) -> str:
    return method.replace("_", " ")


def _top(values: F64) -> Sequence[int]:
    order: list[int] = np.argsort(-np.abs(values), kind="stable")[:MOST_ROWS].tolist()
    return [i for i in order if abs(values[i]) > 0.5] or order[:1]


def _tell_more(out: Console, sites: int) -> None:
    if sites > MOST_ROWS:
        out.print(f"The largest {MOST_ROWS} of {sites} sites; --json has them all.")
