"""The command rolling: what planning again every quarter hour is worth."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zerocity.reports.rolling_run import Study


def register(app: typer.Typer) -> None:
    """Add the command of this file to the app."""
    app.command("rolling")(rolling)


def rolling(
    target: Annotated[
        str, typer.Argument(help="A finished run folder, or a case of many days with one store.")
    ],
    days: Annotated[int, typer.Option("--days", help="Last days to live; earlier ones teach.")] = 7,
    site: Annotated[
        list[str] | None, typer.Option("--site", help="Site of a run; may be repeated.")
    ] = None,
    scenarios: Annotated[
        int, typer.Option("--scenarios", min=1, max=100, help="Courses weighed beside each other.")
    ] = 8,
    start: Annotated[
        str | None, typer.Option("--start", help="First day of a case, YYYY-MM-DD: its weekdays.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Live days again with a plan a day, a plan every step, and scenarios.

    Each plan knows only what was metered before it. The bill of each way of planning stands beside
    that of a store that rests and of perfect foresight, and so does the value lost against it.

    Examples: zerocity rolling runs/demo; zerocity rolling case.toml --days 14 --start 2026-01-05
    """
    from zerocity.storage.runs import MANIFEST

    if (Path(target) / MANIFEST).is_file():
        from zerocity.reports.rolling_run import study_run

        threads = os.cpu_count() or 1
        only = tuple(site or ())
        found = study_run(Path(target), days, only=only, scenarios=scenarios, threads=threads)
    else:
        found = _study_case(target, days, scenarios, start)
    if as_json:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _show(found)


def _study_case(name: str, days: int, scenarios: int, start: str | None) -> Study:
    from zerocity.cli.dispatch_commands import _read as read_case
    from zerocity.energy.rolling_study import compare, series_of_case
    from zerocity.reports.rolling_run import Study

    case, first = read_case(name, False), _date(start)
    judged = compare(series_of_case(case, first), days, scenarios)
    return Study(name, (case.stores[0].name,), days, tuple(judged))


def _date(text: str | None) -> date | None:
    from zerocity.cli.run_commands import _date as read

    found: date | None = read(text, "--start") if text else None
    return found


def _plain(found: Study) -> dict[str, Any]:
    """The study as plain numbers."""
    return {
        "title": found.title,
        "days": found.days,
        "policies": [
            {
                "policy": one.policy,
                "paid_cny": float(one.paid_cny.sum()),
                "idle_cny": float(one.idle_cny.sum()),
                "perfect_cny": float(one.perfect_cny.sum()),
                "lost_cny": float(one.lost_cny.sum()),
                "captured_share": one.captured_share,
                "weighed_steps": int(one.weighed.sum()),
                "sites": [
                    {"site": name, "paid_cny": float(paid), "lost_cny": float(lost)}
                    for name, paid, lost in zip(
                        found.names, one.paid_cny, one.lost_cny, strict=True
                    )
                ],
            }
            for one in found.judged
        ],
    }


def _show(found: Study) -> None:
    from rich.markup import escape
    from rich.table import Table

    from zerocity.cli.tables import console

    out, sites = console(), len(found.names)
    stores = "1 store" if sites == 1 else f"{sites} stores"
    out.print(escape(f"{found.title}: the last {found.days} days of {stores}"))
    table = Table()
    table.add_column("way of planning")
    for name in ("paid CNY", "lost CNY", "captured", "steps weighed"):
        table.add_column(name, justify="right")
    idle = float(found.judged[0].idle_cny.sum())
    table.add_row("store at rest", f"{idle:,.0f}", "", "0.0 %", "")
    for one in found.judged:
        table.add_row(
            one.policy, f"{one.paid_cny.sum():,.0f}", f"{one.lost_cny.sum():,.0f}",
            f"{100.0 * one.captured_share:.1f} %", f"{one.weighed.sum():,.0f}",
        )  # fmt: skip
    out.print(table)
    out.print(
        "Paid: energy and wear; of a case also the demand charge of these days. Lost: what perfect "
        "foresight would have saved with the same ends and peaks. Captured: the saving against a "
        "store at rest as a share of perfect foresight's."
    )
