"""The audit finds what does not balance, and says where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.books.accounts import BATTERIES, ENERGY, Books, account_kind, material_book
from zerocity.books.audit import audit, from_rows, require_balance
from zerocity.errors import AuditError

amounts = st.floats(-1e6, 1e6, allow_nan=False)


def balanced(flows: list[float]) -> Books:
    books = Books()
    books.count(-1, ENERGY, "packs", 50.0)
    for day, kwh in enumerate(flows):
        books.post(day, ENERGY, "grid", "site_busbar", kwh)
        books.post(day, ENERGY, "site_busbar", "packs", kwh)
    books.count(len(flows), ENERGY, "packs", 50.0 + sum(flows))
    return books


@given(st.lists(amounts, min_size=1, max_size=30))
def test_what_is_posted_twice_balances(flows: list[float]) -> None:
    require_balance(audit(balanced(flows)))


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=30), st.floats(1e-6, 0.5))
def test_a_lost_amount_is_found_and_named(flows: list[float], share: float) -> None:
    books = balanced(flows)
    books.count(len(flows), ENERGY, "packs", (50.0 + sum(flows)) * (1.0 - share))
    with pytest.raises(AuditError, match="packs"):
        require_balance(audit(books))


def test_a_node_must_pass_on_what_it_gets() -> None:
    books = Books()
    books.post(0, ENERGY, "grid", "site_busbar", 10.0)
    books.post(0, ENERGY, "site_busbar", "load", 9.0)
    assert audit(books)[ENERGY].residual == pytest.approx(1.0)


def test_nan_fails_the_audit() -> None:
    books = balanced([1.0])
    books.count(1, ENERGY, "packs", float("nan"))
    with pytest.raises(AuditError):
        require_balance(audit(books))


def test_open_accounts_owe_nothing() -> None:
    books = Books()
    books.post(0, material_book("Li"), "mine", "informal", 3.0)
    require_balance(audit(books))
    assert account_kind(BATTERIES, "maker") == "open"


def test_negative_amounts_move_back() -> None:
    books = Books()
    books.post(0, ENERGY, "packs", "grid", -2.0)
    assert books.flow(ENERGY, "grid", "packs") == 2.0


def test_rows_rebuild_the_books() -> None:
    books = balanced([3.0, -1.0])
    again = from_rows(
        [(*key, amount) for key, amount in books.postings.items()],
        [(*key, amount) for key, amount in books.stocks.items()],
    )
    assert audit(again) == audit(books)
