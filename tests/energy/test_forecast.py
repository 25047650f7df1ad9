from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.forecast import (
    LOAD_ERROR,
    SUN_ERROR,
    ErrorModel,
    forecast_flex,
    forecast_load,
    forecast_pv,
    new_flex_memory,
    score,
    update_flex_memory,
)
from zerocity.errors import InputError
from zerocity.measures.seeds import stream

H = 0.25
HOUR = np.arange(96) * H


def sunny(sites: int) -> np.ndarray:
    return np.tile(np.clip(np.sin((HOUR - 6) / 12 * np.pi), 0, None) * 100.0, (sites, 1))


def test_sun_errors_have_the_stated_size_and_no_bias() -> None:
    actual = sunny(4)
    rng = stream(1, "test")
    errors = np.stack([forecast_pv(actual, rng, H) / 100 for _ in range(800)]) - actual / 100
    noon = errors[:, 0, 48]
    wanted = SUN_ERROR.spread * (0.6 + 0.4 * 49 / 96)
    assert noon.std() == pytest.approx(wanted, rel=0.15)
    assert abs(noon.mean()) < 0.03
    assert (errors[:, :, :20] == 0).all(), "night stays dark"
    assert np.corrcoef(errors[:, 0, 48], errors[:, 0, 52])[0, 1] == pytest.approx(0.78, abs=0.1)
    assert np.corrcoef(errors[:, 0, 48], errors[:, 1, 48])[0, 1] == pytest.approx(0.8, abs=0.1)


def test_errors_grow_over_the_day() -> None:
    flat, rng = np.full((200, 96), 10.0), stream(2, "test")
    error = ErrorModel(spread=0.2, memory_h=2.0, common=0.0)
    spread = forecast_load(flat, rng, H, error).std(axis=0)
    assert spread[-8:].mean() > 1.4 * spread[:8].mean()


def test_forecasts_depend_on_their_stream_alone() -> None:
    a, b, c = (forecast_load(sunny(2), stream(1, name), H) for name in ("x", "x", "y"))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    perfect = ErrorModel(0.0, 1.0, 0.0)
    np.testing.assert_array_equal(forecast_pv(sunny(2), stream(1, "x"), H, error=perfect), sunny(2))


@given(st.integers(0, 10**6))
def test_no_forecast_exceeds_a_clear_sky(seed: int) -> None:
    clear = sunny(3)
    actual = 0.7 * clear
    forecast = forecast_pv(actual, stream(seed, "f"), H, clear)
    assert (forecast >= 0).all()
    assert (forecast <= clear + 1e-12).all()


def test_scores() -> None:
    actual = sunny(2)
    good = score(actual + 1.0, actual, actual + 4.0)
    assert (good.mae, good.bias, good.persistence_mae) == pytest.approx((1.0, 1.0, 4.0))
    assert good.skill == pytest.approx(0.75)
    assert score(actual, actual, actual).skill == 0.0
    with pytest.raises(InputError, match="one shape"):
        score(actual, actual, actual[:1])


def test_forecasts_beat_yesterday_under_a_changing_sky() -> None:
    rng = stream(3, "sky")
    index = rng.uniform(0.2, 1.0, 60)
    days = sunny(1)[None] * index[:, None, None]
    forecasts = np.stack([forecast_pv(day, rng, H) for day in days])
    found = score(forecasts[1:], days[1:], days[:-1])
    assert found.skill > 0.2
    load = np.full((1, 96), 50.0)
    assert score(forecast_load(load, rng, H), load, load).mae < 50 * LOAD_ERROR.spread * 2


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 999)), min_size=1, max_size=12))
def test_flex_forecasts_are_lawful(history: list[tuple[bool, int]]) -> None:
    memory = new_flex_memory(3, 24)
    for workday, seed in history:
        rng = np.random.default_rng(seed)
        high = np.cumsum(rng.uniform(0, 5, (3, 24)), axis=1)
        memory = update_flex_memory(memory, high * 0.9, high, workday=workday)
    assert memory.seen.sum() == len(history)
    for workday in (True, False):
        low, high = forecast_flex(memory, workday=workday)
        assert (np.diff(low, axis=1) >= 0).all()
        assert (np.diff(high, axis=1) >= 0).all()
        assert (low <= high).all()


def test_flex_memory_tells_workdays_from_days_of_rest() -> None:
    work, rest = np.full((1, 4), 10.0), np.full((1, 4), 2.0)
    empty = new_flex_memory(1, 4)
    assert forecast_flex(empty, workday=True)[1].sum() == 0.0
    memory = update_flex_memory(empty, work, work, workday=True)
    np.testing.assert_array_equal(forecast_flex(memory, workday=False)[0], work)
    memory = update_flex_memory(memory, rest, rest, workday=False)
    np.testing.assert_array_equal(forecast_flex(memory, workday=False)[0], rest)
    memory = update_flex_memory(memory, 2 * work, 2 * work, workday=True, weight=0.3)
    np.testing.assert_allclose(forecast_flex(memory, workday=True)[1], 13.0)
    assert empty.seen.sum() == 0, "the old memory is untouched"


def test_unlawful_values_are_named() -> None:
    memory = new_flex_memory(1, 4)
    with pytest.raises(InputError, match="weight"):
        update_flex_memory(memory, np.ones((1, 4)), np.ones((1, 4)), workday=True, weight=0.0)
    with pytest.raises(InputError, match="max_kwh"):
        update_flex_memory(memory, np.ones((1, 4)), np.ones((1, 5)), workday=True)
    with pytest.raises(InputError, match="spread"):
        ErrorModel(-0.1, 1.0, 0.5)
