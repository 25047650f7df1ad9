"""The commands about what may connect: station, token, fleet."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from zerocity.cli.store_access import (
    Data,
    Database,
    Json,
    data_folder,
    now,
    require_row,
    say,
    span,
    store_engine,
    store_rows,
)

PASSWORD_VARIABLE = "ZEROCITY_STATION_PASSWORD"
# Site names that an error lists before it points to the rest.
MOST_NAMED = 12

station = typer.Typer(help="Which stations may connect.", no_args_is_help=True)
token = typer.Typer(help="Which cards and accounts may charge.", no_args_is_help=True)
fleet = typer.Typer(help="Which vehicles may report.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    station.command("add")(station_add)
    station.command("list")(station_list)
    station.command("remove")(station_remove)
    app.add_typer(station, name="station")
    token.command("add")(token_add)
    token.command("import")(token_import)
    token.command("list")(token_list)
    token.command("remove")(token_remove)
    app.add_typer(token, name="token")
    fleet.command("add")(fleet_add)
    fleet.command("import")(fleet_import)
    fleet.command("list")(fleet_list)
    fleet.command("remove")(fleet_remove)
    app.add_typer(fleet, name="fleet")


def station_add(
    name: Annotated[str, typer.Argument(metavar="STATION", help="Its identity in the URL.")],
    site: Annotated[str, typer.Option("--site", help="Site of the city it stands at.")],
    kind: Annotated[str, typer.Option("--kind", help="charger or swap.")] = "charger",
    max_kw: Annotated[float, typer.Option("--max-kw", help="Most power [kW].")] = 60.0,
    connectors: Annotated[int, typer.Option("--connectors", help="Plugs, or slots.")] = 1,
    profile: Annotated[
        int, typer.Option("--profile", help="Least security profile: 1, 2 (TLS), 3 (certificate).")
    ] = 1,
    one_time: Annotated[
        bool, typer.Option("--one-time", help="A password for the first connection only.")
    ] = False,
    valid_hours: Annotated[
        float, typer.Option("--valid-hours", help="How long it may be used.")
    ] = 72.0,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            help=f"Its own password, 16-40 signs; or set {PASSWORD_VARIABLE}. Else one is drawn.",
        ),
    ] = None,
    city: Annotated[
        str, typer.Option("--city", help="City of the site; default: the one that was served.")
    ] = "",
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let a station connect, and show its password once. Again for a known one: a new password.

    A platform that runs lets it in at once. Example: zerocity station add CP0001
    --site 'Xigu bus depot 1' --connectors 2 --max-kw 120 --one-time
    """
    from zerocity.storage.stations import new_station, with_one_time, with_password

    at = now()
    checked = _check_site(site, city, data_folder(data, url))
    rows = [
        new_station(
            name, site, at, kind=kind, max_kw=max_kw, connectors=connectors, profile=profile
        ),
        _without_secrets(name),
    ]
    own = _own_password(password_file)
    if one_time:
        secret, row = with_one_time(name, at, span(valid_hours / 24.0))
    else:
        secret, row = with_password(name, own)
    store_rows(data, url, [*rows, row], "add station", name, {"site": site, "kind": kind})
    until = secret.until.isoformat() if secret.until else None
    facts = {"station": name, "kind": str(secret.kind), "until": until, "site_known": checked}
    text = f"{name} may connect"
    if own is None or one_time:
        facts["password"] = secret.value
        text += f". Its {'first ' if one_time else ''}password, shown only now: {secret.value}"
    text += f"\nUse it before {until}" if until else ""
    text += "" if checked else f"\nNobody checked that {site} is a site: name the --city"
    say(as_json, facts, text)


def station_list(
    all_of_them: Annotated[bool, typer.Option("--all", help="Removed ones too.")] = False,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """List the stations that may connect.

    Example: zerocity station list --data live/lanzhou
    """
    from zerocity.storage.stations import listed

    with store_engine(data_folder(data, url), url, make=False) as engine, engine.connect() as to:
        rows = listed(to, removed=all_of_them)
    _show("Stations", rows, "id site kind version status max_kw security_profile last_seen_at",
          as_json)  # fmt: skip


def station_remove(
    name: Annotated[str, typer.Argument(metavar="STATION", help="Its identity.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Shut a station out; what it did stays in the histories.

    Example: zerocity station remove CP0001
    """
    from zerocity.storage.live_tables import stations
    from zerocity.storage.stations import without_station

    require_row(data, url, stations, name, "station")
    store_rows(data, url, [without_station(name)], "remove station", name, {})
    say(as_json, {"station": name, "removed": True}, f"{name} may not connect any more")


def token_add(
    name: Annotated[str, typer.Argument(metavar="TOKEN", help="As the station sends it.")],
    kind: Annotated[
        str, typer.Option("--kind", help="Type in OCPP 2.x, such as ISO14443; default: any.")
    ] = "",
    blocked: Annotated[bool, typer.Option("--blocked", help="Known, but may not charge.")] = False,
    valid_days: Annotated[
        float | None, typer.Option("--valid-days", help="Ends after so many days.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", help="Group that may stop its sessions.")
    ] = None,
    priority: Annotated[
        int, typer.Option("--priority", min=-9, max=9, help="Above 0: served first.")
    ] = 0,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let a card, an app account or a contract charge; again for a known one: changed.

    Examples: zerocity token add 04A2B6C1D93E80; zerocity token add BUS-17 --priority 5
    """
    from zerocity.storage.tokens import new_token

    at = now()
    row = new_token(
        name, kind=kind, status="blocked" if blocked else "accepted",
        expires_at=at + span(valid_days) if valid_days is not None else None,
        parent=parent, priority=priority,
    )  # fmt: skip
    store_rows(data, url, [row], "add token", name, {"status": row.values["status"]})
    text = f"{name} is blocked" if blocked else f"{name} may charge"
    say(as_json, {"token": name, "status": row.values["status"]}, text)


def token_import(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a column token.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let all tokens of a CSV file charge: token and, as wanted, kind, parent, priority, vehicle.

    Example: zerocity token import cards.csv
    """
    from zerocity.storage.tokens import read_csv

    rows = read_csv(_lines(source), str(source))
    store_rows(data, url, rows, "add token", str(source), {"tokens": len(rows)})
    say(as_json, {"tokens": len(rows)}, f"{len(rows):,} tokens may charge")


def token_list(
    all_of_them: Annotated[bool, typer.Option("--all", help="Removed ones too.")] = False,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """List the tokens that the city knows.

    Example: zerocity token list --json
    """
    from zerocity.storage.tokens import listed

    with store_engine(data_folder(data, url), url, make=False) as engine, engine.connect() as to:
        rows = listed(to, removed=all_of_them)
    _show("Tokens", rows, "id_token kind status expires_at parent priority", as_json)


def token_remove(
    name: Annotated[str, typer.Argument(metavar="TOKEN", help="As it was added.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Take a token back: no new session with it; one that runs goes on.

    Example: zerocity token remove BUS-17
    """
    from zerocity.storage.live_tables import tokens
    from zerocity.storage.tokens import without_token

    require_row(data, url, tokens, name, "token")
    store_rows(data, url, [without_token(name)], "remove token", name, {})
    say(as_json, {"token": name, "removed": True}, f"{name} may not charge any more")


def fleet_add(
    name: Annotated[str, typer.Argument(metavar="VEHICLE", help="What you call it, not its VIN.")],
    vin: Annotated[str, typer.Option("--vin", help="17 digits and capitals.")],
    of: Annotated[str, typer.Option("--fleet", help="Fleet it belongs to.")] = "",
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let a vehicle report by GB/T 32960; again for a known one: changed.

    Example: zerocity fleet add bus-17 --vin LZ9ZCTYB0T1000017 --fleet bus
    """
    from zerocity.storage.vehicles import new_vehicle

    _add_vehicles(data, url, [new_vehicle(name, vin.upper(), of, now())], name)
    say(as_json, {"vehicle": name, "fleet": of}, f"{name} may report")


def fleet_import(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: vehicle, vin, fleet.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let all vehicles of a CSV file report.

    Example: zerocity fleet import buses.csv
    """
    from zerocity.storage.vehicles import read_csv

    rows = read_csv(_lines(source), str(source), now())
    _add_vehicles(data, url, rows, str(source))
    say(as_json, {"vehicles": len(rows)}, f"{len(rows):,} vehicles may report")


def fleet_list(
    full: Annotated[bool, typer.Option("--full", help="Whole VINs, which are personal.")] = False,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """List the vehicles that may report.

    Example: zerocity fleet list
    """
    from zerocity.storage.vehicles import hidden, listed

    with store_engine(data_folder(data, url), url, make=False) as engine, engine.connect() as to:
        rows = listed(to)
    _show("Vehicles", rows if full else list(map(hidden, rows)), "id vin fleet first_seen_at",
          as_json)  # fmt: skip


def fleet_remove(
    name: Annotated[str, typer.Argument(metavar="VEHICLE", help="What you call it.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let a vehicle report no more; its VIN is forgotten, its histories stay.

    Example: zerocity fleet remove bus-17
    """
    from zerocity.storage.live_tables import vehicles
    from zerocity.storage.vehicles import without_vehicle

    require_row(data, url, vehicles, name, "fleet")
    store_rows(data, url, [without_vehicle(name)], "remove vehicle", name, {})
    say(as_json, {"vehicle": name, "removed": True}, f"{name} may not report any more")


def _add_vehicles(data: Path | None, url: str, rows: list[Any], target: str) -> None:
    from zerocity.storage.database import migrate
    from zerocity.storage.vehicles import refuse_doubles

    with store_engine(data_folder(data, url), url) as engine:
        migrate(engine)
        with engine.connect() as connection:
            refuse_doubles(connection, rows)
    store_rows(data, url, rows, "add vehicle", target, {"vehicles": len(rows)})


def _without_secrets(name: str) -> Any:
    """The row that takes a station's earlier secrets back."""
    from zerocity.storage.recorder import Row

    secrets = dict.fromkeys(("password_hash", "one_time_hash", "one_time_until"))
    return Row("stations", {"id": name, **secrets})


def _own_password(file: Path | None) -> str | None:
    import os

    if file is None:
        return os.environ.get(PASSWORD_VARIABLE) or None
    return "".join(_lines(file)).strip()


def _lines(path: Path) -> list[str]:
    from zerocity.errors import InputError

    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(str(path), reason, "a file of text that can be read") from None


def _check_site(site: str, city: str, folder: Path | None) -> bool:
    """Raise InputError for a site that the city does not have; False where no city is known."""
    from difflib import get_close_matches

    from zerocity.city.folder import load_city, shipped_cities
    from zerocity.errors import InputError
    from zerocity.storage.served import noted_sites

    sites = noted_sites(folder) if folder is not None and not city else None
    if sites is None:
        name = city or (folder.name if folder is not None else "")
        if not city and name not in shipped_cities():
            return False
        sites = tuple(load_city(name).sites.name)
    if site in sites:
        return True
    near = get_close_matches(site, sites, MOST_NAMED, 0.4) or sorted(sites)[:MOST_NAMED]
    more = "" if len(near) == len(sites) else f" (of {len(sites)}: see its sites.geojson)"
    raise InputError("site", repr(site), f"a site of the city, such as {', '.join(near)}{more}")


def _show(title: str, rows: Any, columns: str, as_json: bool) -> None:
    from zerocity.cli.store_report import print_rows

    if as_json:
        typer.echo(json.dumps(list(rows), default=_text))
        return
    print_rows(title, rows, tuple(columns.split()))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
