"""The commands about the live store: backup, restore, database, station, user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import sqlalchemy as sa

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder of `serve`; default: the one in live/.")
]
Database = Annotated[
    str, typer.Option("--database", help="postgresql://... instead of live.db in --data.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

database = typer.Typer(help="The live store's schema and state.", no_args_is_help=True)
station = typer.Typer(help="Which stations may connect.", no_args_is_help=True)
user = typer.Typer(help="Who may use the platform, and for what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    database.command("status")(database_status)
    database.command("upgrade")(database_upgrade)
    app.add_typer(database, name="database")
    station.command("add")(station_add)
    station.command("list")(station_list)
    station.command("remove")(station_remove)
    app.add_typer(station, name="station")
    user.command("add")(user_add)
    user.command("list")(user_list)
    user.command("remove")(user_remove)
    app.add_typer(user, name="user")


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new .zip file.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Write the live store and its data folder into one file, while the platform runs.

    Example: zerocity backup lanzhou.zip --data live/lanzhou
    """
    from zerocity.storage.backup import back_up

    folder = _folder(data, url)
    with _engine(folder, url, make=False) as engine, _telling(as_json) as tell:
        made = back_up(engine, folder, target, _now(), tell)
    facts = {"file": str(made.path), "rows": made.rows, "files": made.files,
             "bytes": made.size_bytes}  # fmt: skip
    _say(
        as_json, facts, f"{made.path}: {made.rows:,} rows, {made.files:,} files, "
        f"{made.size_bytes / 1e6:,.1f} MB",
    )  # fmt: skip


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `zerocity backup`.")],
    data: Data = None,
    url: Database = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Lose what is there in favour of the backup.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty database and data folder, all of it or nothing.

    Example: zerocity restore lanzhou.zip --data live/restored
    """
    from zerocity.storage.restore import restore as bring_back

    folder = _folder(data, url)
    with _engine(folder, url) as engine, _telling(as_json) as tell:
        made = bring_back(source, engine, folder, replace=replace, tell=tell)
    facts = {"rows": made.rows, "files": made.files, "made_at": made.made_at,
             "made_by": made.made_by, "chains_whole": made.chains_whole}  # fmt: skip
    chains = "whole" if made.chains_whole else "BROKEN: see `zerocity database status`"
    _say(
        as_json, facts, f"{made.rows:,} rows and {made.files:,} files of {made.made_at} are back; "
        f"ledger and audit log: {chains}",
    )  # fmt: skip


def database_status(data: Data = None, url: Database = "", as_json: Json = False) -> None:
    """Show the schema, the rows, and whether ledger and audit log are whole.

    Example: zerocity database status --data live/lanzhou
    """
    from zerocity.cli.store_report import database_facts, print_facts

    with _engine(_folder(data, url), url, make=False) as engine:
        facts = database_facts(engine)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    print_facts(facts)


def database_upgrade(data: Data = None, url: Database = "", as_json: Json = False) -> None:
    """Bring the database to the schema of this program; its rows stay.

    Example: zerocity database upgrade --database postgresql://zerocity@localhost/city
    """
    from zerocity.storage.database import migrate

    with _engine(_folder(data, url), url) as engine:
        before = migrate(engine)
    facts = {"from": before.revision, "to": before.newest, "steps": list(before.pending)}
    text = f"schema {before.newest}" + (
        "" if before.pending else ", nothing to do"
    )  # fmt: skip
    _say(as_json, facts, text)


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
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Let a station connect, and show its password once. Again for a known one: a new password.

    Example: zerocity station add CP0001 --site xigu_depot --connectors 2 --max-kw 120 --one-time
    """
    from zerocity.storage.stations import new_station, with_one_time, with_password

    now = _now()
    rows = [
        new_station(
            name, site, now, kind=kind, max_kw=max_kw, connectors=connectors, profile=profile
        ),
        without_secrets(name),
    ]
    if one_time:
        secret, row = with_one_time(name, now, _span(valid_hours / 24.0))
    else:
        secret, row = with_password(name)
    _store(data, url, [*rows, row], "add station", name, {"site": site, "kind": kind})
    until = secret.until.isoformat() if secret.until else None
    facts = {"station": name, "password": secret.value, "kind": str(secret.kind), "until": until}
    _say(
        as_json, facts, f"{name} may connect. Its {'first ' if one_time else ''}password, shown "
        f"only now: {secret.value}" + (f"\nUse it before {until}" if until else ""),
    )  # fmt: skip


def station_list(
    all_of_them: Annotated[bool, typer.Option("--all", help="Removed ones too.")] = False,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """List the stations that may connect.

    Example: zerocity station list --data live/lanzhou
    """
    from zerocity.cli.store_report import print_rows
    from zerocity.storage.stations import listed

    with _engine(_folder(data, url), url, make=False) as engine, engine.connect() as connection:
        rows = listed(connection, removed=all_of_them)
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    shown = ("id", "site", "kind", "version", "status", "max_kw", "security_profile",
             "last_seen_at")  # fmt: skip
    print_rows("Stations", rows, shown)


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

    _require(data, url, stations, name, "station")
    _store(data, url, [without_station(name)], "remove station", name, {})
    _say(as_json, {"station": name, "removed": True}, f"{name} may not connect any more")


def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option("--role", help="viewer, operator, technician or admin.")],
    api_key: Annotated[
        bool, typer.Option("--api-key", help="Make a key for programs; the password stays.")
    ] = False,
    valid_days: Annotated[
        float, typer.Option("--valid-days", help="How long the key may be used.")
    ] = 365.0,
    draw: Annotated[
        bool, typer.Option("--draw", help="Draw the password and show it once; else it is asked.")
    ] = False,
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Add a user, or change one's password and role; with --api-key make a key instead.

    Examples: zerocity user add li --role operator; zerocity user add meter --role viewer --draw;
    zerocity user add meter --role viewer --api-key --valid-days 90
    """
    from zerocity.storage.live_tables import users
    from zerocity.storage.passwords import draw_secret
    from zerocity.storage.users import new_api_key, new_user

    now = _now()
    facts: dict[str, Any] = {"user": name, "role": role}
    if api_key:
        _require(data, url, users, name, "user")
        key, row = new_api_key(name, now, _span(valid_days))
        facts["api_key"], text = key, f"Key of {name}, shown only now: {key}"
    else:
        drawn = draw_secret(20) if draw else None
        password = drawn or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        row = new_user(name, password, role, now)
        text = f"{name} may sign in as {role}"
        if drawn:
            facts["password"], text = drawn, f"{text}. Password, shown only now: {drawn}"
    deed = "add api key" if api_key else "add user"
    _store(data, url, [row], deed, name, {"role": role})
    _say(as_json, facts, text)


def user_list(data: Data = None, url: Database = "", as_json: Json = False) -> None:
    """List the users and how many keys each has.

    Example: zerocity user list --json
    """
    from zerocity.cli.store_report import print_rows, user_rows

    with _engine(_folder(data, url), url, make=False) as engine:
        rows = user_rows(engine)
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    print_rows("Users", rows, ("name", "role", "disabled", "keys", "created_at"))


def user_remove(
    name: Annotated[str, typer.Argument(help="Name of the user.")],
    data: Data = None,
    url: Database = "",
    as_json: Json = False,
) -> None:
    """Shut a user out, with all keys; the name stays in the histories.

    Example: zerocity user remove li
    """
    from zerocity.storage.live_tables import users
    from zerocity.storage.users import without

    _require(data, url, users, name, "user")
    with _engine(_folder(data, url), url) as engine, engine.connect() as connection:
        rows = without(name, connection, _now())
    _store(data, url, rows, "remove user", name, {})
    _say(as_json, {"user": name, "removed": True}, f"{name} may not sign in any more")


def without_secrets(name: str) -> Any:
    """Return the row that takes a station's earlier secrets back."""
    from zerocity.storage.recorder import Row

    return Row("stations", {"id": name, "password_hash": None, "one_time_hash": None,
                            "one_time_until": None})  # fmt: skip


def _now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)


def _span(days: float) -> timedelta:
    from zerocity.errors import InputError

    if not 0.0 < days <= 3660.0:
        raise InputError("validity", f"{days:g} days", "above 0, at most ten years")
    return timedelta(days=days)


def _folder(data: Path | None, url: str) -> Path | None:
    """Return the data folder: as given, none for a database elsewhere, or the only one there is."""
    from zerocity.errors import InputError

    if data is not None or url:
        return data
    found = sorted(path.parent for path in Path("live").glob("*/live.db"))
    if len(found) == 1:
        return found[0]
    came = (
        "none named" if not found else f"{len(found)} in live/: {', '.join(p.name for p in found)}"
    )
    raise InputError("data folder", came, "one", "Name it with --data, or the --database")


@contextmanager
def _engine(folder: Path | None, url: str, *, make: bool = True) -> Iterator[sa.Engine]:
    import sqlalchemy as sa

    from zerocity.errors import InputError, RunStateError
    from zerocity.storage.database import open_engine

    if not url and folder is not None and not make and not (folder / "live.db").is_file():
        raise InputError(str(folder), "no live.db", "the data folder of a live city")
    engine = open_engine(url or f"sqlite:///{folder / 'live.db' if folder else ''}")
    try:
        yield engine
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise RunStateError(f"the database does not do it: {reason}") from error
    finally:
        engine.dispose()


def _store(
    data: Path | None, url: str, rows: list[Any], deed: str, target: str, details: dict[str, Any]
) -> None:
    """Store rows together with their entry in the audit log."""
    from getpass import getuser

    from zerocity.storage.audit_log import entry
    from zerocity.storage.database import migrate
    from zerocity.storage.recorder import write_now

    who = f"{getuser()} (command line)"
    with _engine(_folder(data, url), url) as engine:
        migrate(engine)
        write_now(engine, [*rows, entry(_now(), who, deed, target, details=details)])


def _require(data: Path | None, url: str, table: Any, name: str, what: str) -> None:
    import sqlalchemy as sa

    from zerocity.errors import InputError

    key = next(iter(table.primary_key))
    with _engine(_folder(data, url), url, make=False) as engine, engine.connect() as connection:
        if connection.execute(sa.select(key).where(key == name)).first() is None:
            raise InputError(what, repr(name), "one that is there", f"See `zerocity {what} list`")


@contextmanager
def _telling(as_json: bool) -> Iterator[Any]:
    """Show what is being worked on."""
    if as_json:
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _say(as_json: bool, facts: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(facts) if as_json else text)
