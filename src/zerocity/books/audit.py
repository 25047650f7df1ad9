"""The audit: does every account of every book balance?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from zerocity.books.accounts import Books, account_kind
from zerocity.errors import AuditError

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Balance:
    """Worst account of a book: what is missing, and that against the book's turnover."""

    account: str
    residual: float
    relative: float


def audit(books: Books) -> dict[str, Balance]:
    """Return the worst account of each book.

    A stock's residual is opening + in - out - closing; a node's is in - out. It is set against
    the larger of what passed through the book and what it holds, so that it has no unit.
    """
    entries: dict[tuple[str, str], list[float]] = defaultdict(list)
    turnover: dict[str, float] = defaultdict(float)
    for (_, book, source, target), amount in books.postings.items():
        entries[(book, source)].append(-amount)
        entries[(book, target)].append(amount)
        turnover[book] += amount
    first, last = _opening_and_closing(books)
    for (book, account), amount in first.items():
        entries[(book, account)].append(amount)
        turnover[book] = max(turnover[book], abs(amount))
    for (book, account), amount in last.items():
        entries[(book, account)].append(-amount)
    return _worst(entries, turnover, set(last))


def _opening_and_closing(
    books: Books,
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    first: dict[tuple[str, str], float] = {}
    last: dict[tuple[str, str], float] = {}
    for day, book, account in sorted(books.stocks):
        amount = books.stocks[(day, book, account)]
        if day < 0:
            first[(book, account)] = amount
        else:
            last[(book, account)] = amount
    return first, last


def _worst(
    entries: dict[tuple[str, str], list[float]],
    turnover: dict[str, float],
    counted: set[tuple[str, str]],
) -> dict[str, Balance]:
    result: dict[str, Balance] = {}
    for (book, account), amounts in sorted(entries.items()):
        kind = account_kind(book, account)
        if kind == "open" or (kind == "stock" and (book, account) not in counted):
            result.setdefault(book, Balance("", 0.0, 0.0))
            continue
        residual = math.fsum(amounts)
        relative = abs(residual) / max(turnover[book], 1e-12)
        if math.isnan(relative):
            relative = math.inf
        if book not in result or relative >= result[book].relative:
            result[book] = Balance(account, residual, relative)
    return result


def require_balance(balances: dict[str, Balance], tolerance: float = TOLERANCE) -> None:
    """Raise AuditError that names each account whose relative residual exceeds ``tolerance``."""
    broken = [
        f"book {book}, account {b.account}: residual {b.residual:.6g} ({b.relative:.3g} relative)"
        for book, b in balances.items()
        if not b.relative <= tolerance
    ]
    if broken:
        raise AuditError("the books do not balance: " + "; ".join(broken))


def from_rows(
    ledger: Iterable[tuple[int, str, str, str, float]],
    stocks: Iterable[tuple[int, str, str, float]],
) -> Books:
    """Rebuild books from rows (day, book, from, to, amount) and (day, book, account, amount)."""
    books = Books()
    for day, book, source, target, amount in ledger:
        books.postings[(day, book, source, target)] += amount
    for day, book, account, amount in stocks:
        books.count(day, book, account, amount)
    return books
