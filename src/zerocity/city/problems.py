"""A mistake in a city folder, and the list that one pass over the folder fills."""

from __future__ import annotations

from dataclasses import dataclass, fields

from zerocity.errors import InputError
from zerocity.measures.wording import did_you_mean, listing, printable, quote

__all__ = ["Problem", "did_you_mean", "listing", "printable", "quote"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What came, what was wanted and the way out, at one place of one file.

    ``place`` is "line 12", "row 3" or "feature 7 (name)"; ``field`` the key or column.
    """

    file: str
    place: str
    field: str
    came: str
    wanted: str
    way_out: str

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, printable(getattr(self, one.name)))

    def error(self) -> InputError:
        """Return the same mistake as an exception."""
        where = ", ".join(part for part in (self.file, self.place, self.field) if part)
        return InputError(where, self.came, self.wanted, self.way_out)
