"""How commands reach a live store: the options that name it, and writing with an audit entry."""

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

# An address may hold a password, which must not stand on a command line.
DATABASE_VARIABLE = "ZEROCITY_DATABASE"

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder of `serve`; default: the one in live/.")
]
Database = Annotated[
    str,
    typer.Option(
        "--database", envvar=DATABASE_VARIABLE,
        help="postgresql://... instead of live.db in --data.",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def now() -> datetime:
    """The moment, UTC."""
    from datetime import UTC

    return datetime.now(UTC)


def span(days: float) -> timedelta:
    """Return a validity in days as a span; InputError unless it is within ten years."""
    from zerocity.errors import InputError

    if not 0.0 < days <= 3660.0:
        raise InputError("validity", f"{days:g} days", "above 0, at most ten years")
    return timedelta(days=days)


def data_folder(data: Path | None, url: str) -> Path | None:
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
def store_engine(folder: Path | None, url: str, *, make: bool = True) -> Iterator[sa.Engine]:
    """Open the store; what the database refuses becomes one message. ``make``: it may be new."""
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


def store_rows(
    data: Path | None, url: str, rows: list[Any], deed: str, target: str, details: dict[str, Any]
) -> None:
    """Store rows together with their entry in the audit log."""
    from getpass import getuser

    from zerocity.storage.audit_log import entry
    from zerocity.storage.database import migrate
    from zerocity.storage.recorder import write_now

    who = f"{getuser()} (command line)"
    with store_engine(data_folder(data, url), url) as engine:
        migrate(engine)
        write_now(engine, [*rows, entry(now(), who, deed, target, details=details)])


def require_row(data: Path | None, url: str, table: Any, name: str, what: str) -> None:
    """Raise InputError unless the table has the row."""
    import sqlalchemy as sa

    from zerocity.errors import InputError

    key = next(iter(table.primary_key))
    with (
        store_engine(data_folder(data, url), url, make=False) as engine,
        engine.connect() as connection,
    ):
        if connection.execute(sa.select(key).where(key == name)).first() is None:
            raise InputError(what, repr(name), "one that is there", f"See `zerocity {what} list`")


@contextmanager
def telling(as_json: bool) -> Iterator[Any]:
    """Show what is being worked on."""
    if as_json:
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def say(as_json: bool, facts: dict[str, Any], text: str) -> None:
    """Print the facts as JSON, or the text."""
    typer.echo(json.dumps(facts) if as_json else text)
