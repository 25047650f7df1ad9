"""Controls are matched by shape, and what befalls all sites is no relief."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.vpp.control_group import control_baseline, matched

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
