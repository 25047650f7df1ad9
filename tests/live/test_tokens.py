"""The verdict on a token that is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zerocity.live.tokens import Token, Verdict, judge, token_key

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (None, Verdict.UNKNOWN),
        (Token("T"), Verdict.ACCEPTED),
        (Token("T", status="Blocked"), Verdict.BLOCKED),
        (Token("T", status="expired"), Verdict.EXPIRED),
        (Token("T", status="lost"), Verdict.INVALID),
        (Token("T", expires_at=AT), Verdict.EXPIRED),
        (Token("T", expires_at=AT.replace(tzinfo=None)), Verdict.EXPIRED),
        (Token("T", expires_at=AT + timedelta(seconds=1)), Verdict.ACCEPTED),
        (Token("T", status="blocked", expires_at=AT), Verdict.BLOCKED),
    ],
)
def test_verdicts(token: Token | None, verdict: Verdict) -> None:
    assert judge(token, AT) is verdict


def test_kind_counts_where_both_sides_know_it() -> None:
    card = Token("T", kind="ISO14443")
    assert judge(card, AT, kind="iso14443") is Verdict.ACCEPTED
    assert judge(card, AT, kind="eMAID") is Verdict.INVALID
    assert judge(card, AT) is Verdict.ACCEPTED
    assert judge(Token("T"), AT, kind="eMAID") is Verdict.ACCEPTED


def test_case_does_not_count() -> None:
    assert token_key("AbC") == token_key("aBc")
