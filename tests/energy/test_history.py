from __future__ import annotations

import numpy as np
import pytest

from zerocity.energy.history import Past, screen
from zerocity.errors import InputError


def test_every_lie_is_named_once_and_taken_out() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(10.0, 20.0, (2, 96))
    values[0, 3:5] = np.nan
    values[0, 10] = -4.0
    values[1, 20] = 900.0
    values[1, 40:80] = 12.5
    cleaned, faults = screen(values, 0.25, most=100.0)
    assert [str(f) for f in faults] == [
        "row 0, steps 3 to 4 (2): no value",
        "row 0, steps 10 to 10 (1): less than is possible",
        "row 1, steps 20 to 20 (1): more than is possible",
        "row 1, steps 40 to 79 (40): stuck",
    ]
    bad = np.isnan(cleaned)
    assert bad.sum() == 2 + 1 + 1 + 40
    assert (cleaned[~bad] == values[~bad]).all()


def test_a_long_zero_is_a_night_and_no_lie() -> None:
    cleaned, faults = screen(np.zeros((1, 200)), 0.25)
    assert not faults
    assert (cleaned == 0.0).all()


def test_negative_prices_are_believed_where_they_may_be() -> None:
    cleaned, faults = screen(np.array([[0.3, -0.1, 0.2]]), 0.25, least=-np.inf)
    assert not faults
    assert cleaned[0, 1] == -0.1


def test_what_does_not_fit_together_is_refused() -> None:
    days, fine = np.ones(2, np.bool_), np.ones((1, 8))
    with pytest.raises(InputError, match="whole days"):
        Past(np.ones((1, 7)), np.ones((1, 7)), days)
    with pytest.raises(InputError, match="scale"):
        Past(fine, np.ones((1, 4)), days)
    with pytest.raises(InputError, match="scale, row 0, step 2"):
        Past(fine, np.where(np.arange(8) == 2, -1.0, 1.0)[None], days)
    with pytest.raises(InputError, match="given"):
        Past(fine, fine, days, given=np.ones((1, 2, 4)))
    with pytest.raises(InputError, match=r"\(rows, steps\)"):
        screen(np.ones(3), 0.25)
