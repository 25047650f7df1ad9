"""The commands about runs: run, demo, audit, replay, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zerocity.app.runs import RunRequest

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Days = Annotated[int, typer.Option("--days", help="Days to run; a year is 365.")]
Seed = Annotated[int, typer.Option("--seed", help="Number that fixes everything random.")]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="Processes to use; default: all cores.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Run folder; default runs/CITY-SEED-START.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    for command in (run, demo, audit, replay, report):
        app.command(command.__name__)(command)


def run(
    city: Annotated[str, typer.Argument(help="A shipped city, or the path of a city folder.")],
    days: Days = 365,
    start: Annotated[
        str | None, typer.Option("--start", help="First day, YYYY-MM-DD; default: the city's.")
    ] = None,
    seed: Seed = 1,
    out: Out = None,
    processes: Processes = None,
    epw: Annotated[
        Path | None, typer.Option("--epw", help="Weather of an EPW file instead of a made year.")
    ] = None,
    spot: Annotated[
        Path | None, typer.Option("--spot", help="CSV of spot prices: step,price_cny_per_kwh.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a figure, e.g. fleets.city_bus.vehicles=2500."),
    ] = None,
    journal: Annotated[
        list[str] | None,
        typer.Option("--journal", help="Day to keep for replay, YYYY-MM-DD; default: the first."),
    ] = None,
    carbon: Annotated[
        str,
        typer.Option("--carbon", help="Recycling credit: cut_off, system_expansion, plant_survey."),
    ] = "cut_off",
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite a finished run in the same folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a city through days of quarter hours and write a run folder.

    Examples: zerocity run lanzhou --days 7; zerocity run lanzhou --set
    fleets.truck_swap.vehicles=1200 --out runs/more-trucks
    """
    from zerocity.app.runs import RunRequest

    first = _date(start, "--start") if start else None
    request = RunRequest(
        city=city,
        out=out,
        start=first,
        days=days,
        seed=seed,
        processes=processes,
        epw=epw,
        spot=spot,
        overrides=_changes(change or []),
        replace=replace,
        journal_dates=tuple(_date(text, "--journal") for text in journal or []),
        method=_method(carbon),
    )
    _run(request, as_json)


def demo(
    days: Days = 365,
    seed: Seed = 1,
    out: Out = None,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Run the reference city of Lanzhou: the year, or --days of it.

    Examples: zerocity demo; zerocity demo --days 7
    """
    from zerocity.app.runs import RunRequest

    target = out or Path("runs") / ("demo" if days == 365 else f"demo-{days}-days")
    request = RunRequest(
        city="lanzhou", out=target, days=days, seed=seed, processes=processes, replace=True
    )
    _run(request, as_json)


def _run(request: RunRequest, as_json: bool) -> None:
    from zerocity.app.runs import run_city
    from zerocity.cli.tables import print_summary

    with _progress(as_json) as progress:
        folder, summary = run_city(request, progress)
    if as_json:
        typer.echo((folder / "summary.json").read_text(encoding="utf-8"))
        return
    print_summary(summary)
    page = (folder / "report" / "index.html").resolve()
    typer.echo(f"\nRun folder: {folder}")
    typer.echo(f"Report:     {page}")
    typer.echo(f"Open it in a browser: {page.as_uri()}")


def audit(
    run_dir: Annotated[Path, typer.Argument(help="A finished run folder.")], as_json: Json = False
) -> None:
    """Recompute the audit of a run from its written series alone.

    Example: zerocity audit runs/demo
    """
    from zerocity.cli.tables import print_audit
    from zerocity.errors import AuditError
    from zerocity.reports.recount import recount

    found = recount(run_dir)
    if as_json:
        plain = {
            "passed": found.passed,
            "books": {
                name: {"account": b.account, "residual": b.residual, "relative": b.relative}
                for name, b in found.balances.items()
            },
            "checks": [
                {
                    "name": c.name,
                    "written": c.written,
                    "recounted": c.recounted,
                    "relative": c.relative,
                    "passed": c.passed,
                }
                for c in found.checks
            ],
        }
        typer.echo(json.dumps(plain, indent=1))
    else:
        print_audit(found)
    if not found.passed:
        bad = [n for n, b in found.balances.items() if not b.relative <= 1e-9]
        bad += [c.name for c in found.checks if not c.passed]
        raise AuditError(f"{run_dir} does not balance: {'; '.join(bad)}")


def replay(
    journal: Annotated[
        Path,
        typer.Argument(help="A journal: RUN/journal/DAY.npz, or DATA/journal/DAY.zcj of serve."),
    ],
    as_json: Json = False,
) -> None:
    """Decide a day again from its journal: the commands must be the same bit for bit.

    Examples: zerocity replay runs/demo/journal/2026-01-01.npz; zerocity replay
    live/lanzhou/journal/2026-05-04.zcj
    """
    from zerocity.app.replays import replay as again
    from zerocity.errors import AuditError

    found = again(journal)
    if as_json:
        plain = {
            "same": found.same,
            "steps": found.steps,
            "commands": found.commands,
            "differences": found.differences,
            "left_out_bytes": found.left_out_bytes,
        }
        typer.echo(json.dumps(plain, indent=1))
    else:
        verdict = "the same, bit for bit" if found.same else "DIFFERENT"
        typer.echo(f"{found.steps} steps, {found.commands:,} commands: {verdict}")
        for line in found.differences:
            typer.echo(f"  {line}")
        if found.left_out_bytes:
            typer.echo(f"The last {found.left_out_bytes:,} bytes are no whole record; left out.")
    if not found.same:
        raise AuditError(f"{journal}: the decisions came out differently")


def report(
    run_dir: Annotated[Path, typer.Argument(help="A finished run folder.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the page.")] = None,
) -> None:
    """Write a run's page again from its series, say after an update.

    Example: zerocity report runs/demo --out lanzhou.html
    """
    from zerocity.app.runs import report_again

    typer.echo(str(report_again(run_dir, out)))


def _changes(pairs: Sequence[str]) -> dict[str, str]:
    from zerocity.errors import InputError

    changes = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise InputError("--set", repr(pair), "FIGURE=VALUE")
        changes[path.strip()] = value.strip()
    return changes


def _date(text: str, option: str) -> Any:
    from datetime import date

    from zerocity.errors import InputError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(option, repr(text), "a date such as 2026-01-01") from None


def _method(text: str) -> Any:
    from zerocity.carbon.account import Method
    from zerocity.errors import InputError

    try:
        return Method(text)
    except ValueError:
        raise InputError("--carbon", repr(text), " or ".join(m.value for m in Method)) from None


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on a terminal, a line now and then elsewhere; always on standard error."""
    if quiet:
        yield lambda done, total, what: None
    elif sys.stderr.isatty():
        with _bar() as update:
            yield update
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description:>22}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} days"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("starting", total=1)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=what
        )


def _lines() -> Callable[[int, int, str], None]:
    told = [-1]

    def tell(done: int, total: int, what: str) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth != told[0] or done in (0, total):
            told[0] = tenth
            typer.echo(f"{done}/{total} days  {what}", err=True)

    return tell
