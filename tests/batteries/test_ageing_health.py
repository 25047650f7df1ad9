from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.ageing_health import POWERS, read_health
from zerocity.batteries.ageing_models import MODEL_KEYS
from zerocity.batteries.ageing_state import new_state, resistance_ratio, soh


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_the_kernel_reads_what_the_formulas_say(seed: int, packs: int) -> None:
    rng = np.random.default_rng(seed)
    state = new_state(packs)
    state.sums[:] = 10.0 ** rng.uniform(-9.0, 0.0, (packs, 6))
    state.sums[rng.random((packs, 6)) < 0.2] = 0.0
    model = rng.integers(0, len(MODEL_KEYS), packs).astype(np.int8)
    health, ratio = np.full(packs, -1.0), np.full(packs, -1.0)
    lo = packs // 3
    read_health(lo, packs, model, POWERS, state.sums.T, health, ratio)
    np.testing.assert_allclose(health[lo:], soh(state, model)[lo:], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ratio[lo:], resistance_ratio(state, model)[lo:], rtol=1e-11)
    assert (health[:lo] == -1.0).all()


def test_a_new_pack_is_whole_and_a_missing_sum_shows() -> None:
    state = new_state(2)
    state.sums[1] = np.nan
    health, ratio = np.zeros(2), np.zeros(2)
    read_health(0, 2, np.zeros(2, np.int8), POWERS, state.sums.T, health, ratio)
    assert health[0] == ratio[0] == 1.0
    assert np.isnan([health[1], ratio[1]]).all()
