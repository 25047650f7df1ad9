"""The gate: each rule on the day before it, on its day, and what lifts it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.recycling.policy import CHINA_RULES, USES, Policy, legal, legal_uses

POLICY = Policy()
BEFORE, AFTER = date(2026, 3, 31), date(2026, 4, 1)


def test_e_bikes_close_on_the_first_of_april_2026() -> None:
    assert legal(POLICY, BEFORE, "two_wheeler", "lfp", 1.0, True, True) == (True, ())
    assert legal(POLICY, AFTER, "two_wheeler", "lfp", 1.0, True, True) == (
        False,
        ("cn-2026-banned-fields",),
    )


@pytest.mark.parametrize("chemistry", ["nmc111", "nmc622", "nmc811", "nca"])
def test_large_stations_take_no_ternary(chemistry: str) -> None:
    allowed, rules = legal(POLICY, AFTER, "stationary", chemistry, 1000.0, True, True)
    assert not allowed
    assert rules == ("cn-nea-25-no-ternary",)
    assert legal(POLICY, AFTER, "stationary", chemistry, 999.0, False, False)[0]
    assert legal(POLICY, date(2022, 6, 30), "stationary", chemistry, 1e6, False, False)[0]


def test_large_stations_need_screening_and_history() -> None:
    def ask(screened: bool, traceable: bool) -> bool:
        return legal(POLICY, AFTER, "stationary", "lfp", 5000.0, screened, traceable)[0]

    assert ask(True, True)
    assert not ask(True, False)
    assert not ask(False, True)
    assert not ask(False, False)


def test_no_history_no_cell_reuse() -> None:
    assert not legal(POLICY, AFTER, "cell_reuse", "lfp", 1.0, True, False)[0]
    assert legal(POLICY, AFTER, "cell_reuse", "lfp", 1.0, False, True)[0]


def test_the_bound_of_a_medium_station_is_a_lever() -> None:
    strict = Policy(medium_station_kwh=100.0)
    assert not legal(strict, AFTER, "stationary", "nmc622", 200.0, True, True)[0]


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from(USES),
    st.lists(st.tuples(st.sampled_from(["lfp", "nmc622", "nca"]), st.floats(0, 1e5), st.booleans(),
                       st.booleans()), min_size=1, max_size=8),
)  # fmt: skip
def test_many_packs_are_judged_as_one_by_one(
    day: date, use: str, packs: list[tuple[str, float, bool, bool]]
) -> None:
    keys, sizes, screened, traceable = zip(*packs, strict=True)
    verdict = legal_uses(
        POLICY, day, use, np.array(keys), np.array(sizes), np.array(screened), np.array(traceable)
    )
    for at, pack in enumerate(packs):
        alone = legal(POLICY, day, use, *pack)
        assert (bool(verdict.allowed[at]), verdict.reasons(at)) == alone


@given(st.sampled_from(USES), st.sampled_from(["lfp", "nmc622"]), st.floats(0, 1e5))
def test_more_proof_never_forbids(use: str, chemistry: str, size: float) -> None:
    bare = legal(POLICY, AFTER, use, chemistry, size, False, False)[0]
    proven = legal(POLICY, AFTER, use, chemistry, size, True, True)[0]
    assert proven >= bare


def test_every_rule_has_a_source_and_a_certainty() -> None:
    assert len({rule.id for rule in CHINA_RULES}) == len(CHINA_RULES)
    for rule in CHINA_RULES:
        assert rule.source
        assert rule.certainty in ("read", "derived", "assumed")
        assert set(rule.uses) <= set(USES)


def test_an_unknown_use_is_refused() -> None:
    with pytest.raises(InputError, match="stationary, two_wheeler, cell_reuse"):
        legal(POLICY, AFTER, "toaster", "lfp", 1.0, True, True)


def test_with_no_lever_the_informal_share_holds() -> None:
    assert Policy(informal_share=0.6).leak_share() == pytest.approx(0.6)
    assert Policy(informal_share=0.0, deposit_cny_per_kwh=20.0).leak_share() == 0.0
    assert Policy(informal_share=1.0, deposit_cny_per_kwh=20.0).leak_share() == 1.0


@given(st.floats(0.01, 0.99), st.floats(0, 100), st.floats(1, 100))
def test_a_lever_pulled_harder_leaks_less(share: float, deposit: float, more: float) -> None:
    weak = Policy(informal_share=share, deposit_cny_per_kwh=deposit).leak_share()
    strong = Policy(
        informal_share=share, deposit_cny_per_kwh=deposit, fine_cny_per_kwh=more, detection=0.5
    ).leak_share()
    assert 0.0 < strong < weak <= share


@pytest.mark.parametrize(
    "over", [{"informal_share": 1.5}, {"detection": -0.1}, {"choice_scale_cny_per_kwh": 0.0}]
)
def test_a_senseless_policy_is_refused(over: dict[str, float]) -> None:
    with pytest.raises(InputError, match="policy"):
        Policy(**over)  # type: ignore[arg-type]
