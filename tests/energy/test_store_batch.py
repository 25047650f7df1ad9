"""Problems abreast, against the same problems one by one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from store_cases import random_days

from zerocity.energy import store_batch
from zerocity.energy.store_kernel import BY_STEP
from zerocity.energy.store_pieces import COLUMNS, LISTS, NUMBERS, PIECES, SCRATCH, load_problem
from zerocity.energy.store_solve import ANSWERED, Answers, solve_one
from zerocity.energy.stores import (
    TIES,
    StoreDays,
    StorePlans,
    as_plans,
    as_rows,
    dispatch_stores,
    dispatch_with_demand,
)


@njit
def _loaded(r: Any, b: int, d: Any, q: Any) -> None:
    load_problem(r, b, d, q)


def one_by_one(days: StoreDays, tie: str, charge: float = 0.0, floor: Any = None) -> StorePlans:
    """All problems through the kernel of one problem."""
    floor = np.zeros(len(days.initial_kwh)) if floor is None else floor
    count, steps = days.load_kw.shape
    answers = Answers(
        np.empty((ANSWERED, count, steps)), np.empty(count), np.empty(count),
        np.empty(count, np.int64),
    )  # fmt: skip
    d, q, c = np.empty((steps, COLUMNS)), np.empty(NUMBERS), np.empty(SCRATCH)
    s, live = np.empty((BY_STEP, steps)), np.empty((LISTS, PIECES * (steps + 2)))
    for b in range(count):
        _loaded(as_rows(days), b, d, q)
        solve_one(b, TIES[tie], charge, floor[b], d, q, s, live, c, answers)
    return as_plans(answers)


@given(st.integers(0, 10**6), st.sampled_from(sorted(TIES)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_abreast_gives_what_one_by_one_gives(seed: int, tie: Any, negative: bool) -> None:
    days = random_days(seed, problems=11, negative_prices=negative)
    drawn = np.random.default_rng(seed).random((2, *days.load_kw.shape))
    days = replace(
        days,
        import_limit_kw=np.where(drawn[0] < 0.2, np.inf, days.import_limit_kw),
        export_limit_kw=np.where(drawn[1] < 0.2, np.inf, days.export_limit_kw),
    )
    plans, wanted = dispatch_stores(days, tie), one_by_one(days, tie)
    np.testing.assert_array_equal(plans.broken_step, wanted.broken_step)
    for name in ("objective_cny", "bound_cny", "energy_kwh", "import_kw", "export_kw"):
        np.testing.assert_allclose(
            getattr(plans, name), getattr(wanted, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


@given(st.integers(0, 10**6), st.sampled_from(sorted(TIES)), st.sampled_from([0.0, 1.0, 30.0]))
@settings(max_examples=60, deadline=None)
def test_a_peak_that_does_not_rise_needs_no_search(seed: int, tie: Any, charge: float) -> None:
    days = random_days(seed, problems=11, negative_prices=bool(seed % 2))
    free = dispatch_stores(days, tie)
    # Floors about the highest import, so that some peaks must rise and some need not.
    floor = np.nan_to_num(free.import_kw.max(axis=1)) * np.linspace(0.7, 1.3, 11)
    plans = dispatch_with_demand(days, np.full(11, charge), floor, tie)
    wanted = one_by_one(days, tie, charge, floor)
    np.testing.assert_array_equal(plans.broken_step, wanted.broken_step)
    for name in ("objective_cny", "bound_cny"):
        np.testing.assert_allclose(
            getattr(plans, name), getattr(wanted, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_neighbours_change_no_bit(seed: int) -> None:
    days = random_days(seed, problems=13)
    whole = dispatch_stores(days, "level")
    picked = np.random.default_rng(seed).permutation(13)[:9]
    few = StoreDays(
        days.step_h,
        *(getattr(days, f.name)[picked] for f in fields(days) if f.name != "step_h"),
    )
    part = dispatch_stores(few, "level", threads=2)
    for f in fields(part):
        np.testing.assert_array_equal(getattr(part, f.name), getattr(whole, f.name)[picked])


@pytest.mark.parametrize("steps", [store_batch.ABREAST_STEPS, store_batch.ABREAST_STEPS + 1])
def test_long_problems_carry_their_proof(steps: int) -> None:
    days = random_days(2, problems=2)
    changes: dict[str, Any] = {
        f.name: np.resize(getattr(days, f.name), (2, steps))
        for f in fields(days)
        if np.ndim(getattr(days, f.name)) == 2
    }
    changes |= {"low_kwh": np.zeros((2, steps)), "high_kwh": np.full((2, steps), 9.0)}
    changes |= {"initial_kwh": np.zeros(2), "overload_cny_per_kwh": np.full(2, 20.0)}
    days = replace(days, **changes)
    plans = dispatch_stores(days)
    assert plans.feasible.all()
    assert np.abs(plans.gap_cny).max() < 1e-9 * np.abs(plans.objective_cny).max()
