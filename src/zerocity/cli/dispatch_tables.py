"""A planned case as tables on the terminal."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from rich.markup import escape
from rich.table import Table

from zerocity.cli.tables import console
from zerocity.energy.carbon_front import FrontPoint
from zerocity.energy.case import Case
from zerocity.energy.case_binding import Binding, binding_limits
from zerocity.energy.case_breaks import BrokenLimit
from zerocity.energy.schedule import Schedule
from zerocity.measures.arrays import F64

LONGEST = 48
"""Most rows of the schedule; a longer plan is shown in longer spans."""
WIDEST = 8
"""Most sessions with a column of their own; more are shown as their sum."""


def print_schedule(case: Case, plan: Schedule, explain: bool) -> None:
    """Print the plan: remarks, broken limits, bill, schedule and, on request, the prices."""
    out = console()
    for note in plan.notes:
        out.print(f"Planned around: {escape(note)}.")
    for line in _broken(plan.broken_limits):
        out.print(escape(line))
    out.print(_bill(plan), _table(case, plan))
    if explain:
        out.print(_prices(case, plan), _binding(binding_limits(case, plan)))
    out.print(
        f"{plan.status}: {plan.objective_cny:,.2f} CNY, "
        f"proven gap to the best possible plan {plan.gap:.1e}"
    )


def print_front(front: tuple[FrontPoint, ...]) -> None:
    """Print what less carbon costs, from plan to plan."""
    table = Table(title="From least cost to least carbon", title_justify="left")
    for name in ("carbon [kg]", "cost [CNY]", "CNY for each kg less", "status"):
        table.add_column(escape(name), justify="left" if name == "status" else "right")
    for at, one in enumerate(front):
        before = front[max(at - 1, 0)]
        less = before.carbon_kg - one.carbon_kg
        step = f"{(one.objective_cny - before.objective_cny) / less:,.3f}" if less > 0.0 else ""
        cells = (f"{one.carbon_kg:,.2f}", f"{one.objective_cny:,.2f}", step, one.plan.status)
        table.add_row(*cells)
    console().print(table)


def _broken(broken: tuple[BrokenLimit, ...]) -> list[str]:
    """One line for each limit: its first sentence, and how many more steps there are."""
    lines = []
    for _, found in groupby(broken, key=lambda one: one.limit):
        steps = list(found)
        worst = max(steps, key=lambda one: one.amount)
        more = f" So at {len(steps)} steps; this is the worst." if len(steps) > 1 else ""
        lines.append(f"Broken limit: {worst.sentence}{more}")
    return lines


def _bill(plan: Schedule) -> Table:
    table = Table(title=escape("Bill [CNY]"), title_justify="left")
    table.add_column("line")
    table.add_column("amount", justify="right")
    table.add_column("why")
    for line in plan.bill:
        table.add_row(line.name.replace("_", " "), f"{line.cny:,.2f}", escape(line.reason))
    table.add_row("sum", f"{plan.objective_cny:,.2f}", "")
    return table


def _spans(case: Case) -> list[tuple[int, int]]:
    """Spans of steps for one row each: an hour, or longer where the plan is long."""
    hourly = max(1, round(60.0 / case.step_minutes))
    size = max(hourly, -(-case.steps // LONGEST))
    return [(at, min(at + size, case.steps)) for at in range(0, case.steps, size)]


def _columns(case: Case, plan: Schedule) -> dict[str, F64]:
    columns = {
        "load": case.load_kw,
        "sun used": plan.pv_used_kw,
        "import": plan.import_kw,
        "export": plan.export_kw,
    }
    for store in plan.stores:
        columns[store.name] = store.charge_kw - store.discharge_kw
    if len(plan.sessions) <= WIDEST:
        columns |= {one.name: one.power_kw for one in plan.sessions}
    else:
        total = np.sum([one.power_kw for one in plan.sessions], axis=0)
        columns[f"{len(plan.sessions)} sessions"] = total
    columns |= {one.name: one.power_kw for one in plan.processes}
    if plan.heat is not None:
        columns["heat pump"] = plan.heat.power_kw
    return columns


def _table(case: Case, plan: Schedule) -> Table:
    title = "Schedule: mean power [kW], content at the end [kWh], mean buying price [CNY/kWh]"
    table = Table(title=escape(title), title_justify="left")
    columns = _columns(case, plan)
    stored = {f"{one.name} holds": one.energy_kwh for one in plan.stores}
    for name in ("steps", "price", *columns, *stored):
        table.add_column(escape(name), justify="left" if name == "steps" else "right")
    for first, end in _spans(case):
        table.add_row(
            _steps(first, end - 1),
            f"{case.buy_cny_per_kwh[first:end].mean():.3f}",
            *(f"{power[first:end].mean():,.1f}" for power in columns.values()),
            *(f"{energy[end - 1]:,.1f}" for energy in stored.values()),
        )
    return table


def _prices(case: Case, plan: Schedule) -> Table:
    """What a kWh more is worth at the meter and in each store, in spans of equal price."""
    title = "Worth of a kWh more [CNY/kWh]"
    table = Table(title=escape(title), title_justify="left")
    series = {"at the meter": plan.site_price_cny_per_kwh}
    series |= {f"in {one.name}": one.price_cny_per_kwh for one in plan.stores}
    for name in ("steps", "buying price", *series):
        table.add_column(escape(name), justify="left" if name == "steps" else "right")
    for first, end in _spans(case):
        table.add_row(
            _steps(first, end - 1),
            f"{case.buy_cny_per_kwh[first:end].mean():.3f}",
            *(f"{price[first:end].mean():.4f}" for price in series.values()),
        )
    return table


def _binding(found: tuple[Binding, ...]) -> Table:
    title = "Limits that bind, and what a kWh more of room would save [CNY/kWh]"
    table = Table(title=escape(title), title_justify="left")
    for name in ("steps", "limit", "worth"):
        table.add_column(name, justify="right" if name == "worth" else "left")
    for one in found:
        worth = "" if one.worth_cny_per_kwh is None else f"{one.worth_cny_per_kwh:.4f}"
        table.add_row(_steps(one.first_step, one.last_step), escape(one.limit), worth)
    return table


def _steps(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
