"""Controls are matched by shape, and what befalls all sites is no relief."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.vpp.control_group import control_baseline, held_back, matched

DAYS, SITES = 15, 6
NONE, WORK = np.zeros(DAYS, bool), np.ones(DAYS, bool)
CALLED = np.array([True, True, True, False, False, False])


def meters() -> np.ndarray:
    """Two kinds of site by turns, each twice as large as the last of its kind."""
    hour = np.arange(24)
    kinds = np.stack([100.0 + 50.0 * np.sin(hour / 24 * 2 * np.pi), 100.0 - 30.0 * (hour > 16)])
    rows = np.stack([kinds[s % 2] * 2.0 ** (s // 2) for s in range(SITES)], axis=1)
    return np.asarray(np.broadcast_to(rows, (DAYS, 24, SITES)).copy())


def test_the_nearest_control_has_the_same_shape() -> None:
    near = matched(meters(), CALLED, 1)
    assert near.tolist() == [[4], [3], [4]]


def test_a_day_that_is_dearer_for_all_is_expected_of_the_called_too() -> None:
    kw = meters()
    kw[14] *= 1.3
    wanted = kw[14][:, CALLED].copy()
    kw[14, :, :3] = 0.0
    found = control_baseline(kw, CALLED, 14, events=NONE, workdays=WORK)
    # The second shape's one control is matched beside two of the other shape.
    assert found[:, 0] == pytest.approx(wanted[:, 0], rel=0.15)
    assert found.sum() == pytest.approx(wanted.sum(), rel=0.05)


def test_without_a_site_left_out_or_a_day_before_it_refuses() -> None:
    with pytest.raises(InputError, match="every site was called"):
        matched(meters(), np.ones(SITES, bool))
    with pytest.raises(InputError, match="no normal day"):
        control_baseline(meters(), CALLED, 0, events=NONE, workdays=WORK)


names = st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=30, unique=True)


@given(names, st.floats(0.001, 0.999))
def test_the_lot_draws_the_share_and_never_all(sites: list[str], share: float) -> None:
    drawn = held_back(sites, share)
    assert 1 <= drawn.sum() <= len(sites) - 1
    assert abs(drawn.sum() - share * len(sites)) <= 1.0


@given(names, st.floats(0.0, 0.999), st.randoms(use_true_random=False))
def test_the_lot_falls_by_name_and_not_by_place(
    sites: list[str], share: float, rng: Random
) -> None:
    drawn = {name for name, out in zip(sites, held_back(sites, share), strict=True) if out}
    mixed = rng.sample(sites, len(sites))
    assert drawn == {name for name, out in zip(mixed, held_back(mixed, share), strict=True) if out}


def test_nobody_is_held_back_without_a_share_or_another_site() -> None:
    assert not held_back(["a", "b"], 0.0).any()
    assert not held_back(["a"], 0.5).any()
    assert held_back([], 0.5).size == 0
