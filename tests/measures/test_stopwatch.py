"""Seconds by name, with a clock of our own."""

from __future__ import annotations

from itertools import count

import pytest

from zerocity.measures.stopwatch import Stopwatch


def test_time_is_added_up_by_name_even_when_work_fails() -> None:
    watch = Stopwatch(count(0.0, 2.0).__next__)
    for _ in range(3):
        with watch.during("plan"):
            pass
    with pytest.raises(ValueError, match="broken"), watch.during("night"):
        raise ValueError("broken")
    assert watch.spent_s == {"plan": 6.0, "night": 2.0}
