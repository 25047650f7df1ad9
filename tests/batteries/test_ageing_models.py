from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries import ageing
from zerocity.batteries.ageing_models import (
    EXPONENTS,
    MODEL_KEYS,
    MODEL_OF_CHEMISTRY,
    MODELS,
    SOC_CELLS,
    exponent,
)
from zerocity.batteries.ageing_reference import calendar_rate, cycle_rate

CALENDAR = {"lfp250": ageing.lfp250_calendar, "nmc_b1": ageing.nmc_b1_calendar}
CYCLE = {"lfp250": ageing.lfp250_cycle, "nmc_b1": ageing.nmc_b1_cycle}


@pytest.mark.parametrize("key", MODEL_KEYS)
def test_the_linear_form_is_the_published_law(key: str) -> None:
    model = MODELS[key]
    soc, temperature_c = np.meshgrid(np.linspace(0, 1, 11), [10.0, 25.0, 45.0])
    z = 730.0 * calendar_rate(model, soc, temperature_c)
    wanted = CALENDAR[key](temperature_c, soc, 730.0)
    np.testing.assert_allclose(z**model.calendar_power, wanted, rtol=1e-12)
    for dod, rate_c in ((0.8, 0.25), (1.0, 1.0), (0.1, 0.02)):
        loss = (900.0 * cycle_rate(model, dod, rate_c, 20.0)) ** model.cycle_power
        assert loss == pytest.approx(CYCLE[key](20.0, dod, rate_c, 900.0), rel=1e-12)


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
def test_the_table_is_as_close_as_it_says(row: int) -> None:
    soc = np.random.default_rng(1).uniform(0.0, 1.0, 20_000)
    model = MODELS[MODEL_KEYS[row]]
    nodes = EXPONENTS[row * (SOC_CELLS + 1) : (row + 1) * (SOC_CELLS + 1)]
    read = np.interp(soc, np.linspace(0, 1, SOC_CELLS + 1), nodes)
    worst = np.abs(read - exponent(model, soc)) * (308.15 / 283.15) ** model.temperature_power
    assert worst[soc > 0.1].max() < 2e-5
    assert worst[soc > 0.05].max() < 1e-4
    assert worst.max() < 2e-3


def test_resistance_rows_are_the_published_laws() -> None:
    soc = np.array([0.1, 0.5, 0.9])
    for key, wanted in (
        ("lfp250", ageing.naumann_resistance_calendar(40.0, soc, 365.0)),
        ("nmc_b1", ageing.schmalstieg_resistance_calendar(40.0, 3.4 + 0.75 * soc, 365.0)),
    ):
        r = MODELS[key].resistance
        warm = np.exp(r.activation * (1.0 - 308.15 / 313.15))
        charge = r.charge[0] + soc * (r.charge[1] + soc * r.charge[2])
        gain = (r.rate_per_day * 365.0 * warm * charge) ** r.power
        np.testing.assert_allclose(gain, wanted, rtol=5e-3)


def test_every_chemistry_has_a_law() -> None:
    assert MODEL_OF_CHEMISTRY["lfp"] == 0
    assert MODEL_OF_CHEMISTRY["nmc622"] == 1
