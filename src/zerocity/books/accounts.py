"""Double entry: whatever moves is posted from one account to another, in one of five books.

An account is of one of three kinds, and the audit holds each to its own law:

- ``open``: the world outside (the grid, the sun, the road): anything may pass;
- ``node``: a place where nothing stays (a site's busbar): in equals out;
- ``stock``: a place that holds (packs, stages of life): opening + in - out equals what is counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

AccountKind = Literal["open", "node", "stock"]

ENERGY = "energy_kwh"
MONEY = "money_cny"
CARBON = "carbon_kg"
BATTERIES = "batteries"
MATERIAL = "material_kg"


def material_book(metal: str) -> str:
    """Name of the book of one material [kg]."""
    return f"{MATERIAL}:{metal}"


STAGES = (
    "in_service",
    "swap_pool",
    "storage",
    "repair",
    "retired",
    "at_centre",
    "second_life",
    "queued",
    "recycled",
    "lost",
)

ACCOUNT_KINDS: dict[str, dict[str, AccountKind]] = {
    ENERGY: {"site_busbar": "node", "packs": "stock"},
    MONEY: {"operators": "stock"},
    CARBON: {"footprint": "stock"},
    BATTERIES: dict.fromkeys(STAGES, "stock"),
    MATERIAL: {"packs": "stock", "recovered": "stock", "plant": "node"},
}  # fmt: skip


def account_kind(book: str, account: str) -> AccountKind:
    """Kind of an account; what is not in the table is the open world."""
    return ACCOUNT_KINDS.get(book.split(":")[0], {}).get(account, "open")


Key = tuple[int, str, str, str]


@dataclass
class Books:
    """The postings of a run, summed by (day, book, from, to), and the stocks counted beside them.

    ``opening`` stocks are those counted on day -1.
    """

    postings: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    stocks: dict[tuple[int, str, str], float] = field(default_factory=dict)

    def post(self, day: int, book: str, source: str, target: str, amount: float) -> None:
        """Move ``amount`` from ``source`` to ``target``; a negative amount moves back."""
        if amount < 0.0:
            source, target, amount = target, source, -amount
        if amount != 0.0:
            self.postings[(day, book, source, target)] += float(amount)

    def count(self, day: int, book: str, account: str, amount: float) -> None:
        """Write down what a stock holds at the end of ``day`` (-1: before the run)."""
        self.stocks[(day, book, account)] = float(amount)

    def flow(self, book: str, source: str, target: str) -> float:
        """Total moved from ``source`` to ``target`` over the run."""
        return sum(
            amount
            for (_, b, s, t), amount in self.postings.items()
            if (b, s, t) == (book, source, target)
        )
