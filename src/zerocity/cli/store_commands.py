"""The commands about the live store: backup, restore, database, user."""

from __future__ import annotations

import json
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
    telling,
)

database = typer.Typer(help="The live store's schema and state.", no_args_is_help=True)
user = typer.Typer(help="Who may use the platform, and for what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    database.command("status")(database_status)
    database.command("upgrade")(database_upgrade)
    app.add_typer(database, name="database")
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

    folder = data_folder(data, url)
    with store_engine(folder, url, make=False) as engine, telling(as_json) as tell:
        made = back_up(engine, folder, target, now(), tell)
    facts = {"file": str(made.path), "rows": made.rows, "files": made.files,
             "bytes": made.size_bytes}  # fmt: skip
    say(
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

    folder = data_folder(data, url)
    with store_engine(folder, url) as engine, telling(as_json) as tell:
        made = bring_back(source, engine, folder, replace=replace, tell=tell)
    facts = {"rows": made.rows, "files": made.files, "made_at": made.made_at,
             "made_by": made.made_by, "chains_whole": made.chains_whole}  # fmt: skip
    chains = "whole" if made.chains_whole else "BROKEN: see `zerocity database status`"
    say(
        as_json, facts, f"{made.rows:,} rows and {made.files:,} files of {made.made_at} are back; "
        f"ledger and audit log: {chains}",
    )  # fmt: skip


def database_status(data: Data = None, url: Database = "", as_json: Json = False) -> None:
    """Show the schema, the rows, and whether ledger and audit log are whole.

    Example: zerocity database status --data live/lanzhou
    """
    from zerocity.cli.store_report import database_facts, print_facts

    with store_engine(data_folder(data, url), url, make=False) as engine:
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

    with store_engine(data_folder(data, url), url) as engine:
        before = migrate(engine)
    facts = {"from": before.revision, "to": before.newest, "steps": list(before.pending)}
    text = f"schema {before.newest}" + (
        "" if before.pending else ", nothing to do"
    )  # fmt: skip
    say(as_json, facts, text)


def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[
        str, typer.Option("--role", help="viewer, operator, technician, admin or platform.")
    ],
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

    at = now()
    facts: dict[str, Any] = {"user": name, "role": role}
    if api_key:
        require_row(data, url, users, name, "user")
        key, row = new_api_key(name, at, span(valid_days))
        facts["api_key"], text = key, f"Key of {name}, shown only now: {key}"
    else:
        drawn = draw_secret(20) if draw else None
        password = drawn or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        row = new_user(name, password, role, at)
        text = f"{name} may sign in as {role}"
        if drawn:
            facts["password"], text = drawn, f"{text}. Password, shown only now: {drawn}"
    deed = "add api key" if api_key else "add user"
    store_rows(data, url, [row], deed, name, {"role": role})
    say(as_json, facts, text)


def user_list(data: Data = None, url: Database = "", as_json: Json = False) -> None:
    """List the users and how many keys each has.

    Example: zerocity user list --json
    """
    from zerocity.cli.store_report import print_rows, user_rows

    with store_engine(data_folder(data, url), url, make=False) as engine:
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

    require_row(data, url, users, name, "user")
    with store_engine(data_folder(data, url), url) as engine, engine.connect() as connection:
        rows = without(name, connection, now())
    store_rows(data, url, rows, "remove user", name, {})
    say(as_json, {"user": name, "removed": True}, f"{name} may not sign in any more")
