"""Figures: numbers that carry their unit, their source and how sure we are of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

CERTAINTIES = ("read", "derived", "assumed")
"""``read``: in the named source; ``derived``: computed from such figures; ``assumed``: a guess."""

USER_SOURCE = "set by the user"
"""Source of a figure that an override changed."""

Value: TypeAlias = float | int | str | bool | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a city folder and where it comes from.

    ``path`` names it for overrides ("fleets.truck_swap.vehicles"); ``year`` is the year the figure
    describes, 0 where the source gives none; ``weight`` says how much the results of a run hang on
    it: 0 hardly, 1 somewhat, 2 clearly, 3 strongly.
    """

    path: str
    value: Value
    unit: str
    source: str
    year: int
    certainty: str
    note: str = ""
    weight: int = 0

    @property
    def assumed(self) -> bool:
        """Whether nobody has measured or published it."""
        return self.certainty == "assumed"


def by_doubt(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Sort figures: assumptions first, and among equals the heavier and then the path."""
    order = {"assumed": 0, "derived": 1, "read": 2}
    return tuple(
        sorted(figures, key=lambda figure: (order[figure.certainty], -figure.weight, figure.path))
    )


def assumptions(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return the assumed figures alone, the heaviest first."""
    return tuple(figure for figure in by_doubt(figures) if figure.assumed)
