"""Moments, bounds and reasons as OCPP writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.ocpp.wire_words import clipped, moment, stamp, status_info


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_comes_back(at: datetime) -> None:
    assert moment(stamp(at)) == at.replace(microsecond=0)


def test_zones_are_turned_into_utc_and_a_missing_one_is_utc() -> None:
    at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert stamp(at.astimezone(timezone(timedelta(hours=8)))) == "2026-05-01T10:00:00Z"
    for text in ("2026-05-01T18:00:00+08:00", "2026-05-01T10:00:00", "2026-05-01t10:00:00z"):
        assert moment(text) == at
    with pytest.raises(InputError):
        stamp(datetime(2026, 5, 1))


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_none(text: str | None) -> None:
    assert moment(text) is None


def test_reasons_stay_within_their_bounds() -> None:
    info = status_info("x" * 50, "y" * 5000)
    assert (len(info["reasonCode"]), len(info["additionalInfo"])) == (20, 512)
    assert "additionalInfo" not in status_info("x")
    assert clipped("abc", 2) == "ab"
