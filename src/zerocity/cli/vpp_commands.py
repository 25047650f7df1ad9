"""The commands about the virtual power plant: bid, dispatch, settle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import date

    from zerocity.reports.plant_day import PlantDay

Target = Annotated[str, typer.Argument(help="A finished run folder, or a city.")]
Product = Annotated[
    str, typer.Option("--product", help="energy, peak_shaving or frequency_reserve.")
]
Day = Annotated[
    str | None, typer.Option("--day", help="Day, YYYY-MM-DD; default: the first of run or city.")
]
Prices = Annotated[
    Path | None,
    typer.Option("--prices", help="CSV of the day's market prices: step,price_cny_per_kwh."),
]
Seed = Annotated[int, typer.Option("--seed", help="Number that fixes everything random.")]
Fail = Annotated[
    list[str] | None, typer.Option("--fail", help="Name of a site that fails; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

vpp = typer.Typer(
    help="The virtual power plant: bid its sites' flexibility, dispatch awards, settle events.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    for command in (bid, dispatch, settle):
        vpp.command(command.__name__)(command)
    app.add_typer(vpp, name="vpp")


def bid(
    target: Target,
    product: Product = "energy",
    day: Day = None,
    prices: Prices = None,
    bands: Annotated[
        bool, typer.Option("--bands", help="Peak shaving: also what 0.25 to 4 hours cost.")
    ] = False,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Build the offer of a day from the sites' own problems.

    Energy: 3-10 falling segments in each of 96 periods. Peak shaving: the cost curve of relief in
    the product's window. Frequency reserve: the power that can be held both ways.

    Examples: zerocity vpp bid lanzhou; zerocity vpp bid runs/demo --product peak_shaving --json
    """
    from zerocity.cli import vpp_json as plain_form
    from zerocity.cli import vpp_tables as tables
    from zerocity.reports import plant_market as market

    offers: dict[str, tuple[Any, Any, Any]] = {
        "energy": (market.bid_energy, plain_form.bids_json, tables.print_bids),
        "peak_shaving": (market.bid_peak, plain_form.peak_json, tables.print_peak),
        "frequency_reserve": (market.bid_reserve, plain_form.reserve_json, tables.print_reserve),
    }
    make, plain, show = offers[_product(product, tuple(offers))]
    of_day = _plant_day(target, day, prices, seed)
    if product == "peak_shaving":
        of_day = market.called_part(of_day)
    found: Any = make(of_day)
    curves = market.peak_bands(of_day) if bands and product == "peak_shaving" else []
    if as_json:
        more = {"bands": plain_form.bands_json(curves)} if curves else {}
        _print_json({**plain_form.day_json(of_day, product), **plain(of_day, found), **more})
        return
    show(of_day, found)
    if curves:
        tables.print_bands(curves)


def dispatch(
    target: Target,
    product: Product = "energy",
    day: Day = None,
    prices: Prices = None,
    request: Annotated[
        float | None, typer.Option("--request", help="Power to give, kW; default: as offered.")
    ] = None,
    fail: Fail = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Award the offer and share it out to every site; again when sites fail.

    Energy is cleared against the city's typical market day; the other products are called as
    offered, or as --request says.

    Examples: zerocity vpp dispatch lanzhou; zerocity vpp dispatch starter --product peak_shaving
    --request 300
    """
    from zerocity.cli import vpp_json as plain_form
    from zerocity.cli import vpp_tables as tables
    from zerocity.errors import InputError
    from zerocity.reports import plant_market as market

    chosen = _product(product, ("energy", "peak_shaving", "frequency_reserve"))
    if chosen == "energy" and request is not None:
        raise InputError(
            "--request", f"{request:g}", "no request", "Energy is awarded by the market."
        )
    of_day, failing = _plant_day(target, day, prices, seed), fail or []
    found: Any
    show: Any
    if chosen == "energy":
        found = market.dispatch_energy(of_day, failing)
        plain, show = plain_form.energy_json(of_day, found), tables.print_energy
    elif chosen == "peak_shaving":
        of_day = market.called_part(of_day)
        found = market.dispatch_peak(of_day, request, failing)
        plain, show = plain_form.called_json(of_day, found), tables.print_called
    else:
        found = market.dispatch_reserve(of_day, request, failing)
        plain, show = plain_form.held_json(of_day, found), tables.print_held
    if as_json:
        _print_json({**plain_form.day_json(of_day, product), **plain})
    else:
        show(of_day, found)


def settle(
    run_dir: Annotated[Path, typer.Argument(help="A finished run folder.")],
    product: Annotated[
        str, typer.Option("--product", help="peak_shaving or energy.")
    ] = "peak_shaving",
    day: Day = None,
    baseline: Annotated[
        str, typer.Option("--baseline", help="10_of_10, regression or control_group.")
    ] = "10_of_10",
    control: Annotated[
        list[str] | None,
        typer.Option("--control", help="Site left out of the events; default: the city's own."),
    ] = None,
    floor: Annotated[
        float, typer.Option("--floor", help="CNY/kWh that a site gets back first.")
    ] = 0.0,
    prices: Prices = None,
    as_json: Json = False,
) -> None:
    """Measure a run's events by three baselines, and pay and share them out by one.

    Every baseline comes with what it gets wrong on days without event. Energy settles what was
    planned on a day against the meters.

    Examples: zerocity vpp settle runs/demo; zerocity vpp settle runs/demo --day 2026-01-16
    --baseline regression; zerocity vpp settle runs/demo --baseline control_group
    """
    from zerocity.cli import vpp_json as plain_form
    from zerocity.cli import vpp_tables as tables
    from zerocity.errors import InputError
    from zerocity.reports.plant_settlement import settle_energy_day, settle_run

    chosen = _product(product, ("peak_shaving", "energy"))
    when = _date(day)
    if chosen == "energy":
        of_day = _plant_day(str(run_dir), day, prices, 1)
        found = settle_energy_day(run_dir, when, of_day.expected_cny_per_kwh)
        if as_json:
            _print_json(plain_form.energy_day_json(found, of_day.price_origin))
        else:
            tables.print_energy_day(found, of_day.price_origin)
        return
    if not 0.0 <= floor < 1e6:
        raise InputError("--floor", f"{floor:g}", "0 CNY/kWh or more")
    result = settle_run(
        run_dir, when, method=baseline, uncalled=control or [], floor_cny_per_kwh=floor
    )
    if as_json:
        _print_json(plain_form.settlement_json(result))
    else:
        tables.print_settlement(result)


def _plant_day(target: str, day: str | None, prices: Path | None, seed: int) -> PlantDay:
    from zerocity.reports.plant_day import plant_day

    return plant_day(target, _date(day), prices=prices, seed=seed, threads=os.cpu_count() or 1)


def _product(text: str, known: tuple[str, ...]) -> str:
    from zerocity.errors import InputError
    from zerocity.measures.wording import did_you_mean, quote

    if text not in known:
        hint = did_you_mean(text, known, "")
        raise InputError("--product", quote(text), " or ".join(known), hint)
    return text


def _date(text: str | None) -> date | None:
    from zerocity.cli.run_commands import _date as read

    found: date | None = read(text, "--day") if text else None
    return found


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))
