"""Why a write failed: for what it said, or because the database could not.

What is refused for its content fails again each time; everything else is worth another try.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

# Classes of SQLSTATE (PostgreSQL, appendix A) that blame the row: data exception, integrity
# constraint, program limit (e.g. a key too long for its index), raised by a trigger.
_BLAMES_ROW = ("22", "23", "54", "P0")


def is_refusal(error: BaseException) -> bool:
    """True when the database refused a row for its content, so that another try is useless."""
    cause: Any = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_BLAMES_ROW)
    if isinstance(cause, sqlite3.Error):
        # The driver's name for a value of a type it does not know is an interface error.
        kinds = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
        return isinstance(cause, kinds) or _is_binding(cause)
    if isinstance(cause, sa.exc.SQLAlchemyError):
        return isinstance(cause, sa.exc.DataError | sa.exc.IntegrityError)
    if type(cause).__module__.startswith("psycopg"):
        # Without a state it is the driver speaking: a lost connection, or a value it cannot send.
        return type(cause).__name__ in {"DataError", "ProgrammingError", "NotSupportedError"}
    return isinstance(cause, ValueError | TypeError | OverflowError | AttributeError)


def _is_binding(cause: sqlite3.Error) -> bool:
    return isinstance(cause, sqlite3.ProgrammingError) and "binding" in str(cause)
