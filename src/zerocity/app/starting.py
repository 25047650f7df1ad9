"""What must be right before a city is served: its data folder, its store and its ports."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.database import migrate, open_engine


def open_store(folder: Path, url: str) -> sa.Engine:
    """The live store at ``url`` with the newest schema; ``folder`` is made where it is missing.

    Raises InputError for a folder that cannot be written and a database that cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        next(folder.iterdir(), None)
    except OSError as error:
        raise InputError(
            "data folder", str(folder), "a folder that can be read and written",
            f"The system says: {error.strerror}. Choose another with --data",
        ) from error  # fmt: skip
    engine = open_engine(url)
    with store_told():
        migrate(engine)
    return engine


@contextmanager
def store_told() -> Iterator[None]:
    """Turn a failure of the database into one message that names no password."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip()
        reason = cause.splitlines()[0] if cause else type(error).__name__
        raise InputError(
            "database", f"an error ({reason})", "a live store that can be read and written",
            "`zerocity restore` brings a backup back",
        ) from error  # fmt: skip


@contextmanager
def address_told(what: str, host: str, port: int, option: str) -> Iterator[None]:
    """Turn the failure to listen at ``host:port`` into one message; ``option`` sets the port."""
    try:
        yield
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"address for {what}", f"{host}:{port}", "an address of this machine that is free",
            f"The system says: {reason}. Choose another with {option}",
        ) from error  # fmt: skip


def refuse_taken(host: str, ports: dict[str, int]) -> None:
    """Raise InputError when one of the ``ports``, by what they are for, is not free now.

    So that a demonstration says so before its devices are made, not after.
    """
    for what, port in ports.items():
        if port == 0:
            continue
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with address_told(what, host, port, OPTIONS[what]), socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))


PLAIN = ("stations", "vehicles", "pages")
OPTIONS = {
    "stations": "--ocpp-port", "vehicles": "--vehicle-port", "pages": "--web-port",
    "stations by TLS": "--tls-port", "vehicles by TLS": "--vehicle-tls-port",
}  # fmt: skip
