from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.batteries import ageing_columns as columns
from zerocity.batteries.ageing_models import MODEL_KEYS, MODELS
from zerocity.batteries.ageing_reference import exact_history
from zerocity.batteries.ageing_state import (
    AgeingState,
    age_block,
    age_slice,
    aged_state,
    calendar_loss,
    cycle_loss,
    loss,
    new_state,
    put,
    resistance_ratio,
    soh,
)
from zerocity.errors import InputError

Array = npt.NDArray[np.float64]
NAMES = {"lfp250": "lfp250", "nmc_b1": "nmcB1"}


def lived(
    row: int, soc: Array, temperature_c: Array | float, step_h: float, spread: float = 1.0
) -> tuple[AgeingState, npt.NDArray[np.int8]]:
    """One pack per column, all of one law, aged over one block."""
    block = np.atleast_2d(soc.T).T.astype(np.float32)
    packs = block.shape[1]
    warm = np.broadcast_to(np.float32(temperature_c), block.shape).copy()
    model = np.full(packs, row, dtype=np.int8)
    state = new_state(packs)
    age_block(state, model, np.full(packs, spread), block, warm, step_h)
    return state, model


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
def test_constant_rest_meets_the_calendar_anchors(row: int, shared_data: Path) -> None:
    anchors = json.loads((shared_data / "battery/ageing/anchors.json").read_text())
    seen = 0
    for key, wanted in anchors.items():
        if not key.startswith(f"{NAMES[MODEL_KEYS[row]]}_cal"):
            continue
        temperature_c, soc = map(float, re.findall(r"T(\S+) soc(\S+)", key)[0])
        for years, value in zip((1, 5, 10, 15), wanted, strict=True):
            state, model = lived(row, np.full(365, soc), temperature_c, 24.0 * years)
            assert loss(state, model)[0] == pytest.approx(value, rel=1e-6), key
            seen += 1
    assert seen == 28


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
def test_repeated_cycles_meet_the_cycle_anchors(row: int, shared_data: Path) -> None:
    anchors = json.loads((shared_data / "battery/ageing/anchors.json").read_text())
    seen = 0
    for key, wanted in anchors.items():
        if not key.startswith(f"{NAMES[MODEL_KEYS[row]]}_cyc"):
            continue
        temperature_c, dod, rate_c = map(float, re.findall(r"T(\S+) dod(\S+) c(\S+)", key)[0])
        for efc, value in zip((500, 1000, 3000, 6000), wanted, strict=True):
            # A range is booked once the next one has turned: two more than wanted.
            swings = round(2 * efc / dod) + 2
            soc = np.where(np.arange(swings + 1) % 2, 1.0, 1.0 - dod)
            state, model = lived(row, soc, temperature_c, dod / rate_c)
            assert cycle_loss(state, model)[0] == pytest.approx(value, rel=1e-6), key
            seen += 1
    assert seen == 20


def commute(step_h: float) -> tuple[Array, Array]:
    """Ten days of ramps whose corners fall on whole hours; temperature steps by the hour."""
    hours = np.arange(0.0, 240.0, step_h) + step_h
    corners = [0, 7, 9, 17, 19, 22, 24]
    values = [0.8, 0.8, 0.5, 0.5, 0.2, 0.8, 0.8]
    warm = 20.0 + 12.0 * np.sin(2 * np.pi * np.ceil(hours - 1e-9) / 24.0)
    return np.interp((hours - 1e-9) % 24.0, corners, values), warm


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
def test_the_step_does_not_matter(row: int) -> None:
    results = []
    for minutes in (60, 15, 5):
        soc, warm = commute(minutes / 60.0)
        state, model = lived(row, soc, warm[:, None], minutes / 60.0)
        results.append((calendar_loss(state, model)[0], cycle_loss(state, model)[0]))
    calendar, cycles = np.array(results).T
    # A ramp is taken at each step's middle soc: one hour of it against five minutes.
    np.testing.assert_allclose(calendar, calendar[-1], rtol=3e-3)
    np.testing.assert_allclose(calendar[1], calendar[-1], rtol=3e-4)
    np.testing.assert_allclose(cycles, cycles[-1], rtol=1e-3)


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
def test_the_step_does_not_matter_at_all_for_piecewise_constant_stress(row: int) -> None:
    results = []
    for parts in (1, 4, 12):
        warm = np.repeat(20.0 + 15.0 * np.sin(np.arange(240.0)), parts)
        state, model = lived(row, np.full(warm.size, 0.7), warm[:, None], 1.0 / parts)
        results.append(loss(state, model)[0])
    np.testing.assert_allclose(results, results[0], rtol=2e-7)  # single precision


def test_one_block_or_many_and_any_threads_give_the_same() -> None:
    rng = np.random.default_rng(3)
    packs, steps = 300, 192
    soc, warm, model, spread = random_fleet(rng, packs, steps)
    whole, parts = new_state(packs), new_state(packs)
    age_block(whole, model, spread, soc, warm, 0.25)

    def slice_of(lo: int) -> None:
        for t in range(0, steps, 64):
            block = slice(t, t + 64)
            age_slice(parts, model, spread, soc[block], warm[block], 0.25, lo, min(lo + 77, packs))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(slice_of, range(0, packs, 77)))
    np.testing.assert_allclose(parts.sums, whole.sums, rtol=1e-12)
    np.testing.assert_array_equal(parts.points, whole.points)
    np.testing.assert_array_equal(parts.flags, whole.flags)


def random_fleet(
    rng: np.random.Generator, packs: int, steps: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int8], Array]:
    """Wandering soc between 0.05 and 1, noisy temperature, both laws, some spread."""
    walk = np.cumsum(rng.normal(0.0, 0.03, (steps, packs)), axis=0) + rng.uniform(0, 1, packs)
    soc = 0.05 + 0.95 * np.abs(walk % 2.0 - 1.0)
    still = rng.uniform(size=(steps, packs)) < 0.3
    soc[still] = np.round(soc[still], 1)
    warm = rng.uniform(-5.0, 45.0, packs) + rng.normal(0.0, 3.0, (steps, packs))
    model = rng.integers(0, len(MODEL_KEYS), packs).astype(np.int8)
    return soc.astype(np.float32), warm.astype(np.float32), model, rng.lognormal(0.0, 0.1, packs)


def test_the_kernel_equals_the_plain_reference() -> None:
    soc, warm, model, spread = random_fleet(np.random.default_rng(5), 40, 400)
    state = new_state(40)
    age_block(state, model, spread, soc, warm, 0.25)
    for p in range(40):
        law = MODELS[MODEL_KEYS[model[p]]]
        x, t = soc[:, p].astype(np.float64), warm[:, p].astype(np.float64)
        life = exact_history(law, x, t, 0.25, float(spread[p]))
        wanted = [life.z_calendar, life.z_cycle, life.resistance_z, life.resistance_cycle]
        np.testing.assert_allclose(state.sums[p, :4], wanted, rtol=5e-6)
        np.testing.assert_allclose(state.sums[p, 1], life.z_cycle, rtol=1e-9)
        np.testing.assert_allclose(state.sums[p, 4:], [life.efc, life.days], rtol=1e-12)
        assert state.points[p] == life.open_points


def test_time_and_throughput_are_all_booked() -> None:
    soc, warm, model, spread = random_fleet(np.random.default_rng(7), 50, 960)
    state = new_state(50, soc[0].astype(np.float64))
    for day in range(10):
        block = slice(96 * day, 96 * (day + 1))
        age_block(state, model, spread, soc[block], warm[block], 0.25)
    np.testing.assert_allclose(state.days, 10.0, rtol=1e-14)
    path = np.abs(np.diff(soc.astype(np.float64), axis=0)).sum(axis=0)
    np.testing.assert_allclose(state.efc, path / 2.0, rtol=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_health_never_returns_and_resistance_never_falls(seed: int) -> None:
    soc, warm, model, spread = random_fleet(np.random.default_rng(seed), 20, 96)
    state = new_state(20)
    before, ratio = soh(state, model), resistance_ratio(state, model)
    assert np.all(before == 1.0)
    for part in np.split(np.arange(96), 4):
        age_block(state, model, spread, soc[part], warm[part], 0.25)
        assert np.all(soh(state, model) <= before)
        assert np.all(resistance_ratio(state, model) >= ratio)
        before, ratio = soh(state, model), resistance_ratio(state, model)


@given(st.floats(0.5, 1.0), st.floats(0.5, 1.0), st.floats(-10.0, 50.0), st.floats(-10.0, 50.0))
def test_rest_hurts_more_when_warmer_or_fuller(a: float, b: float, cool: float, hot: float) -> None:
    (a, b), (cool, hot) = sorted((a, b)), sorted((cool, hot))
    for row in range(len(MODEL_KEYS)):
        rest = [
            lived(row, np.full(4, soc), warm, 24.0)
            for soc, warm in ((a, cool), (b, cool), (a, hot))
        ]
        base, fuller, warmer = (calendar_loss(*one)[0] for one in rest)
        assert fuller >= base * (1.0 - 1e-9)
        assert warmer >= base * (1.0 - 1e-9)


@given(st.floats(0.02, 0.95), st.floats(0.01, 0.05))
def test_deeper_cycles_hurt_more(dod: float, more: float) -> None:
    for row in range(len(MODEL_KEYS)):
        losses = []
        for depth in (dod, dod + more):
            soc = np.where(np.arange(41) % 2, depth, 0.0)
            losses.append(cycle_loss(*lived(row, soc, 25.0, depth / 0.5))[0])
        assert losses[1] > losses[0]


def test_spread_scales_every_loss() -> None:
    soc, warm = commute(0.25)
    plain, model = lived(1, soc, warm[:, None], 0.25)
    worse, _ = lived(1, soc, warm[:, None], 0.25, spread=1.3)
    np.testing.assert_allclose(loss(worse, model), 1.3 * loss(plain, model), rtol=1e-12)
    gain = resistance_ratio(plain, model) - 1.0
    np.testing.assert_allclose(resistance_ratio(worse, model) - 1.0, 1.3 * gain, rtol=1e-9)


@pytest.mark.parametrize(
    ("temperature_c", "rate_c", "dod", "wanted"),
    [
        (25.0, 0.5, 0.9, 0),
        (5.0, 0.5, 0.9, columns.COLD),
        (46.0, 0.5, 0.9, columns.HOT),
        (25.0, 1.0, 0.9, columns.FAST),
        (25.0, 0.5, 0.4, columns.SHALLOW),
        (25.0, 0.5, 1.1, columns.DEEP),
    ],
)
def test_leaving_the_tested_range_is_flagged(
    temperature_c: float, rate_c: float, dod: float, wanted: int
) -> None:
    soc = np.where(np.arange(9) % 2, dod, 0.0)
    state, _ = lived(0, soc, temperature_c, dod / rate_c)
    assert state.flags[0] == wanted


def test_noise_below_the_hysteresis_makes_no_cycle() -> None:
    soc = np.where(np.arange(200) % 2, 0.498, 0.502)
    state, model = lived(0, soc, 25.0, 0.25)
    assert cycle_loss(state, model)[0] == 0.0
    assert state.efc[0] == pytest.approx(0.004 * 199 / 2, rel=1e-4)


def test_a_used_pack_is_as_old_as_if_it_had_lived_here() -> None:
    model = np.array([0, 1], dtype=np.int8)
    spread = np.array([1.0, 1.2])
    used = aged_state(model, spread, np.full(2, 365.0), np.full(2, 200.0), 0.6, 30.0, 0.8, 0.4)
    lived_here = new_state(2)
    rest = np.full((365, 2), 0.6, dtype=np.float32)
    age_block(lived_here, model, spread, rest, np.full_like(rest, 30.0), 24.0)
    np.testing.assert_allclose(calendar_loss(used, model), calendar_loss(lived_here, model), 1e-7)
    swings = np.where(np.arange(503) % 2, 0.9, 0.1).astype(np.float32)[:, None].repeat(2, axis=1)
    cycled = new_state(2)
    age_block(cycled, model, spread, swings, np.full_like(swings, 30.0), 2.0)
    np.testing.assert_allclose(cycle_loss(used, model), cycle_loss(cycled, model), rtol=1e-6)
    np.testing.assert_array_equal(used.efc, 200.0)
    assert np.all(resistance_ratio(used, model) > 1.0)


def test_packs_can_be_replaced() -> None:
    soc, warm = commute(1.0)
    state, model = lived(0, np.stack([soc, soc], axis=1), warm[:, None], 1.0)
    put(state, np.array([1]), new_state(1))
    assert soh(state, model)[0] < soh(state, model)[1] == 1.0
    roomy = new_state(5)
    put(roomy, slice(2), state)
    np.testing.assert_array_equal(roomy.days, [10.0, 0.0, 0.0, 0.0, 0.0])


def good_block() -> dict[str, object]:
    block = np.full((4, 2), 0.5, dtype=np.float32)
    return {
        "state": new_state(2),
        "model_index": np.zeros(2, dtype=np.int8),
        "spread": np.ones(2),
        "soc": block,
        "temperature_c": block,
        "step_h": 1.0,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("soc", np.zeros((4, 3), dtype=np.float32)),
        ("temperature_c", np.zeros((3, 2), dtype=np.float32)),
        ("model_index", np.array([0, 9], dtype=np.int8)),
        ("model_index", np.array([0], dtype=np.int8)),
        ("spread", np.array([1.0, 0.0])),
        ("step_h", 0.0),
    ],
)
def test_a_block_of_the_wrong_shape_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        age_block(**{**good_block(), name: value})  # type: ignore[arg-type]
