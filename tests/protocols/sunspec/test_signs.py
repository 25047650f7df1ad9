"""Power against registers."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.sunspec.signs import SignCheck


def _run(check: SignCheck, sign: float, kws: list[float], start_s: float = 0.0) -> bool:
    imported = exported = 100.0
    turned = check.turned
    for k, kw in enumerate(kws):
        turned = check.take(sign * kw, imported, exported, start_s + 10.0 * k)
        imported += max(kw, 0.0) / 360.0
        exported += max(-kw, 0.0) / 360.0
    return turned


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(5.0, 500.0), min_size=200, max_size=200), st.sampled_from([1.0, -1.0]))
def test_a_turned_meter_is_found_and_a_right_one_never(kws: list[float], way: float) -> None:
    powers = [way * kw for kw in kws]
    assert not _run(SignCheck(), 1.0, powers)
    assert _run(SignCheck(), -1.0, powers)


def test_it_recovers_when_the_sign_is_set_right() -> None:
    check = SignCheck()
    assert _run(check, -1.0, [100.0] * 50)
    assert not _run(check, 1.0, [100.0] * 50, start_s=1000.0)


def test_gaps_rollovers_and_missing_registers_say_nothing() -> None:
    check = SignCheck()
    assert not check.take(-50.0, math.nan, 0.0, 0.0)
    assert not check.take(-50.0, 0.0, 0.0, 1.0)
    assert not check.take(-50.0, 900.0, 0.0, 1000.0)
    assert not check.take(-50.0, 4_294_967.0, 0.0, 1001.0)
    assert not check.take(-50.0, 0.0, 0.0, 1002.0)
