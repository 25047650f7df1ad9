"""The green line's profile, made or read."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline
from zerocity.parks.green_line import made_line, parse_line

YEAR = Timeline(date(2026, 1, 1), 365, 60)
NIGHT = np.zeros(YEAR.steps)


def test_a_wind_year_has_plausible_full_load_hours() -> None:
    share = made_line(YEAR, NIGHT, 1, wind_share=1.0)
    assert 0.0 <= share.min() <= share.max() <= 1.0
    assert 1900.0 < share.sum() < 2800.0
    # Hours of memory: the next hour is like this one, the next week is not.
    assert np.corrcoef(share[1:], share[:-1])[0, 1] > 0.8
    assert abs(np.corrcoef(share[168:], share[:-168])[0, 1]) < 0.3


def test_a_seed_makes_one_line() -> None:
    one, same, other = (made_line(YEAR, NIGHT, seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_sun_fills_its_part() -> None:
    assert made_line(YEAR, NIGHT + 0.9, 1, wind_share=0.0) == pytest.approx(NIGHT + 1.0)
    with pytest.raises(InputError, match="wind_share"):
        made_line(YEAR, NIGHT, 1, wind_share=1.5)


def test_a_profile_is_read() -> None:
    assert parse_line("step,share\n0,0.5\n1,1\n", "line.csv", 2).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hour,share\n0,0.5\n", "line 1"),
        ("", "line 1"),
        ("step,share\n0,0.5\n", "1 steps"),
        ("step,share\n0,0.5\n2,0.5\n", "line 3"),
        ("step,share\n0,0.5\n1,x\n", "a number"),
        ("step,share\n0,0.5\n1,1.5\n", "a share"),
        ("step,share\n0,0.5\n1,nan\n", "a share"),
    ],
)
def test_a_bad_profile_is_named(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_line(text, "line.csv", 2)
