"""What was asked is known when its result comes, and whose order it was is audited."""

from __future__ import annotations

from block_cases import Case, check_rows

from zerocity.protocols.ocpp.office.handling import Context, Payload
from zerocity.protocols.ocpp.office.orders import Order, asked, audited, audited_refusal, say
from zerocity.storage.recorder import Row


def test_a_token_of_another_kind_says_nothing() -> None:
    assert asked(None) == asked("x") == {}
    assert asked(Order("Reset", {"type": "Soft"})) == {"type": "Soft"}


def test_a_call_of_ours_carries_its_order() -> None:
    case = Case()
    say(case.context(), "ClearCache", {}, "anna")
    assert case.said == [("ClearCache", {}, Order("ClearCache", {}, "anna"))]


def test_the_servers_own_orders_are_not_audited() -> None:
    def usual(context: Context, token: object, payload: Payload) -> list[Row]:
        return [Row("tokens", {"id_token": payload["status"]})]

    take, heard = audited("Reset", usual), list[Payload | None]()
    answer = {"status": "Accepted"}
    for token, tables in (
        (Order("Reset", {}), ["tokens"]),
        (Order("Reset", {}, "anna", heard.append), ["tokens", "audit_log"]),
        ("another token", ["tokens"]),
    ):
        rows = take(Case().context(), token, answer)
        check_rows(rows)
        assert [row.table for row in rows] == tables
    assert heard == [answer]


def test_a_refusal_is_an_outcome_too() -> None:
    take = audited_refusal("Reset", None)
    (row,) = take(Case().context(), Order("Reset", {}, "anna"), "Timeout", "secret words")
    assert row.values["outcome"] == "Timeout"
    assert "secret" not in str(row.values)
