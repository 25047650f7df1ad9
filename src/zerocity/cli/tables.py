"""A run's key figures as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from zerocity.reports.recount import Recount

PIPED_WIDTH = 110


def console() -> Console:
    """Standard output, wide enough where nobody set a width."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def print_summary(summary: dict[str, Any]) -> None:
    """Print the key figures of a run."""
    out = console()
    out.print(_fleets(summary["fleets"]))
    out.print(
        pairs("Energy [MWh]", summary["energy_mwh"]),
        _cost(summary["cost_cny"]),
        pairs("Carbon [t]", summary["carbon_t"]),
    )
    out.print(_batteries(summary["batteries"]), _metals(summary["materials_kg"]))
    vpp, run = summary["vpp"], summary["runtime"]
    out.print(
        f"Virtual power plant: {vpp['events']} events, {vpp['delivered_mwh']:,.1f} MWh delivered"
    )
    worst = max(summary["audit"].items(), key=lambda item: item[1]["relative"])
    out.print(
        f"Audit: {len(summary['audit'])} books balance; worst residual "
        f"{worst[1]['relative']:.1e} of turnover ({worst[0]})"
    )
    out.print(
        f"{summary['days']} days in {run['wall_s']:,.0f} s, "
        f"{run['battery_steps_per_s'] / 1e6:,.1f} million battery steps a second, "
        f"peak memory {run['peak_memory_mb']:,.0f} MB"
    )
    split = ", ".join(f"{name} {spent:,.1f}" for name, spent in run["split_s"].items())
    out.print(f"Of the seconds: {split}")
    heavy = [a for a in summary["assumptions"] if a["weight"] >= 3]
    out.print(
        f"{len(summary['assumptions'])} assumptions, {len(heavy)} of them heavy: see the report, "
        f"or zerocity sources {summary['city']}"
    )


def _fleets(fleets: dict[str, Any]) -> Table:
    table = Table(title="Fleets", title_justify="left")
    table.add_column("fleet")
    for name in ("vehicles", "1000 km", "MWh", "kWh/km", "trips", "missed", "swaps", "charges"):
        table.add_column(name, justify="right")
    for name, row in fleets.items():
        trips = row["trips_served"] + row["trips_missed"]
        missed = 100.0 * row["trips_missed"] / trips if trips else 0.0
        table.add_row(
            name,
            f"{row['vehicles']:,}",
            f"{row['km'] / 1e3:,.0f}",
            f"{row['kwh'] / 1e3:,.0f}",
            f"{row['kwh_per_km']:.3f}" if row["km"] else "-",
            f"{trips:,.0f}",
            f"{missed:.1f} %",
            f"{row['swaps']:,}",
            f"{row['charges']:,}",
        )
    return table


def _number(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return escape(str(value))
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def pairs(title: str, values: Mapping[str, object]) -> Table:
    """A table of names and values."""
    table = Table(title=escape(title), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in values.items():
        table.add_row(name.replace("_", " "), _number(value))
    return table


def _cost(cost_cny: dict[str, float]) -> Table:
    large = max(abs(v) for v in cost_cny.values()) >= 1e6
    unit, scale = ("million CNY", 1e6) if large else ("1000 CNY", 1e3)
    return pairs(f"Cost [{unit}]", {k: v / scale for k, v in cost_cny.items()})


def _batteries(found: dict[str, Any]) -> Table:
    table = pairs("Batteries", found["by_stage"])
    table.add_row("all", f"{found['total']:,}")
    table.add_row("mean health at work", f"{100.0 * found['mean_soh']:.2f} %")
    return table


def _metals(materials: dict[str, Any]) -> Table:
    table = Table(title=escape("Materials [t]"), title_justify="left")
    table.add_column("material")
    names = ("in_service", "collected", "recovered", "lost")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for material, row in materials.items():
        table.add_row(material, *(f"{row[name] / 1e3:,.2f}" for name in names))
    return table


def print_audit(found: Recount) -> None:
    """Print every book and every comparison of an audit."""
    books = Table(title="Books", title_justify="left")
    for name in ("book", "worst account", "residual", "relative"):
        books.add_column(name, justify="left" if name in ("book", "worst account") else "right")
    for name, b in found.balances.items():
        books.add_row(name, b.account, f"{b.residual:.3g}", f"{b.relative:.1e}")
    checks = Table(title="Books against series", title_justify="left")
    for name in ("check", "written", "recounted", "relative", ""):
        checks.add_column(name, justify="left" if name in ("check", "") else "right")
    for c in found.checks:
        checks.add_row(
            c.name, f"{c.written:,.3f}", f"{c.recounted:,.3f}", f"{c.relative:.1e}",
            "ok" if c.passed else "FAILED",
        )  # fmt: skip
    console().print(books, checks)
