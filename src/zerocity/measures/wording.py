"""Words of a message about bad input: quotes that fit a line, lists of names, the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_QUOTE = 60
LONGEST_LIST = 12


def printable(text: str) -> str:
    """Write control characters and broken Unicode as escapes, so that any terminal can show it."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def quote(value: object) -> str:
    """Show a value in a message: on one line, never longer than a screen's width."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(str(text).split())
    shown = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 3] + "..."
    return f'"{shown}"' if isinstance(value, str) else shown


def listing(names: Iterable[str]) -> str:
    """Join the allowed names, cut after a dozen."""
    known = sorted(names)
    shown = ", ".join(known[:LONGEST_LIST])
    more = len(known) - LONGEST_LIST
    return f"{shown} and {more} more" if more > 0 else shown


def did_you_mean(came: str, known: Iterable[str], otherwise: str) -> str:
    """Suggest the nearest known name, or ``otherwise`` where none is near."""
    near = difflib.get_close_matches(came, list(known), n=1, cutoff=0.6)
    return f'Did you mean "{near[0]}"?' if near else otherwise
