"""Sums over rows, against array arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.reports.sums import add_kwh, add_sessions, raise_peaks


@pytest.mark.parametrize("seed", range(5))
def test_rows_are_added_where_they_belong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step, site = rng.integers(-2, 14, 300), rng.integers(-1, 6, 300)
    kwh, limit = rng.integers(0, 9, 300).astype(float), np.full(5, 20.0)
    city, by_site = np.zeros(12), np.zeros(5)
    add_kwh(step, site, kwh, city, by_site)
    kept = (step >= 0) & (step < 12) & (site >= 0) & (site < 5)
    np.testing.assert_array_equal(city, np.bincount(step[kept], kwh[kept], 12))
    np.testing.assert_array_equal(by_site, np.bincount(site[kept], kwh[kept], 5))
    peak, when, over = np.zeros(5), np.zeros(5, np.int64), np.zeros(5)
    raise_peaks(step, site, kwh, 0.25, limit, peak, when, over, 12)
    for one in range(5):
        mine = kept & (site == one)
        kw = kwh[mine] / 0.25
        assert peak[one] == kw.max()
        assert when[one] == step[mine][kw == kw.max()].min()
        assert over[one] == 0.25 * (kw > 20.0).sum()


def test_sessions_are_counted_by_local_hour() -> None:
    rng = np.random.default_rng(3)
    start = rng.integers(0, 40 * 3_600_000, 200)
    fleet, kind = rng.integers(-1, 4, 200), rng.integers(0, 3, 200)
    kwh = rng.integers(1, 50, 200).astype(float)
    count, energy = np.zeros((3, 2, 24)), np.zeros((3, 2, 24))
    add_sessions(start, fleet, kind, kwh, 8 * 3_600_000, count, energy)
    hour = (start // 3_600_000 + 8) % 24
    for f in range(3):
        for k in range(2):
            mine = (fleet == f) & (kind == k)
            np.testing.assert_array_equal(count[f, k], np.bincount(hour[mine], minlength=24))
            np.testing.assert_array_equal(energy[f, k], np.bincount(hour[mine], kwh[mine], 24))
