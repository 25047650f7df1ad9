"""The fit finds what the load is made of and reads nothing of the day itself."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.vpp.regression import regression_baseline

DAYS = 40
WORKDAYS = np.arange(DAYS) % 7 < 5
NONE = np.zeros(DAYS, bool)


def weather(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-10.0, 35.0, (DAYS, 24))


def load(temperature: np.ndarray) -> np.ndarray:
    cold, warm = np.maximum(18.0 - temperature, 0.0), np.maximum(temperature - 18.0, 0.0)
    shape = 100.0 + 10.0 * np.arange(24)
    return np.asarray(shape + 40.0 * WORKDAYS[:, None] + 3.0 * cold + 5.0 * warm)


def test_a_load_of_its_terms_is_found_exactly() -> None:
    temperature = weather()
    metered = load(temperature)
    found = regression_baseline(metered, temperature, 39, events=NONE, workdays=WORKDAYS)
    assert found == pytest.approx(metered[39])


def test_neither_the_day_nor_events_are_read() -> None:
    temperature = weather()
    metered = load(temperature)
    events = NONE.copy()
    events[[30, 33, 39]] = True
    spoilt = metered.copy()
    spoilt[events] = -1e6
    found = regression_baseline(spoilt, temperature, 39, events=events, workdays=WORKDAYS)
    assert found == pytest.approx(metered[39])


def test_a_history_that_cannot_tell_terms_apart_still_answers() -> None:
    temperature = np.full((DAYS, 24), 18.0)
    metered = np.full((DAYS, 24), 50.0)
    found = regression_baseline(metered, temperature, 1, events=NONE, workdays=WORKDAYS)
    assert found == pytest.approx(np.full(24, 50.0))


def test_without_history_or_with_odd_shapes_it_refuses() -> None:
    temperature = weather()
    with pytest.raises(InputError, match="no normal day"):
        regression_baseline(temperature, temperature, 0, events=NONE, workdays=WORKDAYS)
    with pytest.raises(InputError, match="two arrays"):
        regression_baseline(temperature, temperature[:, 1:], 5, events=NONE, workdays=WORKDAYS)
