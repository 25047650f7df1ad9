"""The command `what-if`: a live day once more, with other plans, caps or prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zerocity.app.what_if import Compared
    from zerocity.twin.what_if_bill import Outcome

MOST_SITES = 12


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    app.command("what-if")(what_if)


def what_if(
    journal: Annotated[Path, typer.Argument(help="A live journal, DATA/journal/DAY.zcj.")],
    plan: Annotated[
        str,
        typer.Option(
            "--plan",
            help="said: as in the journal; none: charge at once; again: planned anew from what is "
            "known by then; hindsight: anew, knowing all that comes.",
        ),
    ] = "said",
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", help="Import limit SITE=KW or SITE=KW@HH:MM-HH:MM; SITE may be all."),
    ] = None,
    price: Annotated[
        str, typer.Option("--price", help="CNY/kWh, or a CSV of from,buy_cny_per_kwh.")
    ] = "",
    no_store: Annotated[
        bool, typer.Option("--no-store", help="As if there were no store.")
    ] = False,
    no_priorities: Annotated[
        bool, typer.Option("--no-priorities", help="Nobody is urgent, no person's order counts.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", help="Minutes between two plans, where plans are made anew.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Run a live day again with other plans, caps or prices, beside what was said.

    Examples: zerocity what-if live/lanzhou/journal/2026-05-04.zcj --plan none; zerocity what-if
    live/lanzhou/journal/2026-05-04.zcj --cap all=200@18:00-19:30 --price 0.6
    """
    from zerocity.app.what_if import Wanted
    from zerocity.app.what_if import what_if as again

    wanted = Wanted(plan, tuple(cap or ()), price, not no_store, not no_priorities, every)
    found = again(journal, wanted)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=1))
    else:
        _print(found)


def _plain(found: Compared) -> dict[str, Any]:
    day = found.day
    return {
        "sessions": int(day.site.size),
        "looks": day.looks,
        "hours": day.hours,
        "unseen_s": day.unseen_s,
        "metered_kwh": found.metered_kwh,
        "unasked_kwh": day.unasked_kwh,
        "said_against_meters": found.off,
        "faithful": found.faithful,
        "said": _outcome(found.said, found.names),
        "what_if": _outcome(found.other, found.names),
    }


def _outcome(one: Outcome, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "vehicles_kwh": one.vehicles_kwh,
        "load_kwh": one.load_kwh,
        "sun_kwh": one.sun_kwh,
        "bought_kwh": one.bought_kwh,
        "sold_kwh": one.sold_kwh,
        "store_in_kwh": one.store_in_kwh,
        "store_out_kwh": one.store_out_kwh,
        "store_end_kwh": float(one.store_kwh.sum()),
        "cost_cny": one.cost_cny,
        "lines": [
            {
                "name": line.name,
                "quantity": line.quantity,
                "unit": line.unit,
                "cny": line.cny,
                "why": line.why,
            }
            for line in one.lines
        ],
        "drivers_short": len(one.short),
        "missing_kwh": one.missing_kwh,
        "waiting_kwh": one.waiting_kwh,
        "limits_broken": one.broken,
        "own_load_over_limit": one.load_alone,
        "residual_kwh": one.residual_kwh,
        "sites": {
            name: {"vehicles_kwh": float(kwh), "peak_kw": float(peak)}
            for name, kwh, peak in zip(names, one.site_kwh, one.peak_kw, strict=True)
        },
    }


def _print(found: Compared) -> None:
    from zerocity.cli.tables import console

    out, day = console(), found.day
    out.print(_table(found))
    if (sites := _sites(found)) is not None:
        out.print(sites)
    for line in found.other.lines:
        out.print(f"{line.name}: {line.why}.")
    out.print(
        f"{day.site.size:,} sessions in {day.looks:,} looks over {day.hours:,.2f} h. Run again as "
        f"it was said, the day is {100.0 * found.off:+.2f} % off the {found.metered_kwh:,.1f} kWh "
        f"that the meters counted."
    )
    if not found.faithful:
        out.print("That is much: judge the difference with care. A short journal is often so.")
    if day.unseen_s > 1.0:
        out.print(f"Nobody looked for {day.unseen_s / 60.0:,.1f} min; that time is left out.")


def _table(found: Compared) -> Any:
    from rich.table import Table

    table = Table(title="What if", title_justify="left")
    table.add_column("")
    for name in ("as said", "what if", "difference"):
        table.add_column(name, justify="right")
    said, other = found.said, found.other
    rows: list[tuple[str, float, float]] = [
        ("to vehicles [kWh]", said.vehicles_kwh, other.vehicles_kwh),
        ("bought [kWh]", said.bought_kwh, other.bought_kwh),
        ("sold [kWh]", said.sold_kwh, other.sold_kwh),
        ("sun used [kWh]", said.sun_kwh, other.sun_kwh),
        ("out of stores [kWh]", said.store_out_kwh, other.store_out_kwh),
        ("left in stores [kWh]", float(said.store_kwh.sum()), float(other.store_kwh.sum())),
    ]
    rows += [
        (f"{a.name} [CNY]", a.cny, b.cny) for a, b in zip(said.lines, other.lines, strict=True)
    ]
    rows += [
        ("cost [CNY]", said.cost_cny, other.cost_cny),
        ("sum of sites' peaks [kW]", float(said.peak_kw.sum()), float(other.peak_kw.sum())),
        ("missing at departure [kWh]", said.missing_kwh, other.missing_kwh),
        ("still wanted at the end [kWh]", said.waiting_kwh, other.waiting_kwh),
    ]
    for name, a, b in rows:
        table.add_row(name.replace("[", r"\["), f"{a:,.2f}", f"{b:,.2f}", f"{b - a:+,.2f}")
    counts = [
        ("drivers left short", len(said.short), len(other.short)),
        ("limits broken", said.broken, other.broken),
        ("own load alone over limit", said.load_alone, other.load_alone),
    ]
    for name, m, n in counts:
        table.add_row(name, f"{m:,}", f"{n:,}", f"{n - m:+,}")
    return table


def _sites(found: Compared) -> Any:
    """The sites whose peak or charging changes most, or None where none does."""
    from rich.markup import escape
    from rich.table import Table

    said, other = found.said, found.other
    change = abs(other.peak_kw - said.peak_kw) + abs(other.site_kwh - said.site_kwh)
    order = [int(k) for k in (-change).argsort(kind="stable") if change[k] > 0.05]
    if not order:
        return None
    table = Table(title="Sites that change most", title_justify="left")
    table.add_column("site")
    for name in ("peak [kW]", "what if", "to vehicles [kWh]", "what if"):
        table.add_column(escape(name), justify="right")
    for k in order[:MOST_SITES]:
        table.add_row(
            escape(found.names[k]), f"{said.peak_kw[k]:,.1f}", f"{other.peak_kw[k]:,.1f}",
            f"{said.site_kwh[k]:,.1f}", f"{other.site_kwh[k]:,.1f}",
        )  # fmt: skip
    return table
