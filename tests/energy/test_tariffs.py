from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.tariffs import (
    GANSU_BLOCKS,
    GANSU_MIN_PEAK_VALLEY_RATIO,
    Tariff,
    block_shares,
    parse_spot,
)
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

DAYS = Timeline(date(2026, 1, 1), 2)
GANSU = Tariff(
    energy_cny_per_kwh={"valley": 0.12, "flat": 0.24, "peak": 0.36},
    blocks=GANSU_BLOCKS,
    fixed_cny_per_kwh={"network": 0.0693, "funds": 0.022925, "system": 0.05},
    demand_charge_cny_per_kw_month=30.0,
    export_cny_per_kwh=0.2,
    min_peak_valley_ratio=GANSU_MIN_PEAK_VALLEY_RATIO,
)


def test_gansu_day() -> None:
    prices = GANSU.prices(DAYS)
    assert prices.buy.shape == prices.sell.shape == (192,)
    hour = {0: 0.24, 5: 0.24, 6: 0.36, 8: 0.24, 10: 0.12, 15: 0.12, 16: 0.24, 18: 0.36, 23: 0.24}
    for h, wanted in hour.items():
        assert prices.generation[h * 4] == pytest.approx(wanted), h
        assert prices.generation[96 + h * 4 + 3] == pytest.approx(wanted), h
    np.testing.assert_allclose(prices.fixed, 0.142225)
    np.testing.assert_allclose(prices.buy, prices.generation + prices.fixed)
    assert prices.buy.max() / prices.buy.min() < 3.0, "the ratio binds the floating part only"


def test_blocks_are_those_of_the_document(shared_data: Path) -> None:
    tou = json.loads((shared_data / "city/gansu_tariff.json").read_text())["tou"]
    shares = block_shares(GANSU_BLOCKS, Timeline(date(2026, 1, 1), 1, 60))
    for name in ("peak", "flat", "valley"):
        hours = np.zeros(24)
        for span in tou[name]:
            start, end = (int(t[:2]) for t in span.split("-"))
            for h in range(start, end if end > start else end + 24):
                hours[h % 24] = 1.0
        np.testing.assert_array_equal(shares[name], hours)


@given(cut=st.floats(0.1, 23.9), minutes=st.sampled_from([5, 15, 60, 240]))
def test_straddling_steps_take_the_mean_of_their_blocks(cut: float, minutes: int) -> None:
    tariff = Tariff({"a": 1.0, "b": 3.0}, (("a", cut, 24.0), ("b", 0.0, cut)))
    prices = tariff.prices(Timeline(date(2026, 1, 1), 1, minutes))
    assert prices.buy.mean() == pytest.approx((3.0 * cut + 24.0 - cut) / 24.0)


def test_a_block_may_run_over_midnight() -> None:
    night = Tariff(GANSU.energy_cny_per_kwh, (("flat", 6.0, 23.0), ("valley", 23.0, 6.0)))
    by_hour = night.prices(DAYS).generation[::4]
    assert (by_hour[:6] == 0.12).all()
    assert by_hour[23] == 0.12
    assert by_hour[12] == 0.24


def test_spot_replaces_the_floating_part_only() -> None:
    spot = np.linspace(0.1, 0.4, 192)
    prices = replace(GANSU, spot_cny_per_kwh=spot).prices(DAYS)
    np.testing.assert_allclose(prices.buy, spot + 0.142225)
    with pytest.raises(InputError, match="spot_cny_per_kwh: got 96 values, wanted 192"):
        replace(GANSU, spot_cny_per_kwh=spot[:96]).prices(DAYS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": (("flat", 0.0, 12.0), ("peak", 13.0, 24.0))}, "a gap at 12 h"),
        ({"blocks": (("flat", 0.0, 12.0), ("peak", 11.0, 24.0))}, "an overlap at 11 h"),
        ({"blocks": (("flat", 0.0, 12.0),)}, "nothing after 12 h"),
        ({"blocks": (("night", 0.0, 24.0),)}, "'night' without a price"),
        ({"blocks": (("flat", 0.0, 25.0),)}, "hours from 0 to 24"),
        ({"fixed_cny_per_kwh": {"network": -0.1}}, "fixed_cny_per_kwh.network: got -0.1"),
        ({"energy_cny_per_kwh": {"flat": np.nan}}, "energy_cny_per_kwh.flat: got nan"),
        ({"min_peak_valley_ratio": 4.0}, "ratio of 3 between"),
        ({"demand_charge_cny_per_kw_month": -1.0}, "demand_charge_cny_per_kw_month: got -1.0"),
    ],
)
def test_unlawful_tariffs_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(GANSU, **change)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_selling_dearer_than_buying_is_refused() -> None:
    with pytest.raises(InputError, match=r"export_cny_per_kwh, step 40: got 0.3"):
        replace(GANSU, export_cny_per_kwh=0.3).prices(DAYS)


def spot_text(prices: list[str]) -> str:
    return "\n".join(["step,price_cny_per_kwh", *(f"{i},{p}" for i, p in enumerate(prices))])


def test_spot_text_is_read() -> None:
    text = spot_text([f"{0.1 + i / 1000:.3f}" for i in range(192)])
    np.testing.assert_allclose(parse_spot(text, "spot.csv", DAYS), 0.1 + np.arange(192) / 1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "spot.csv, line 1: got ''"),
        ("time,price\n", "line 1: got 'time,price'"),
        (spot_text(["0.1"] * 191), "spot.csv: got 191 steps, wanted 192"),
        (spot_text(["0.1", "nan"]), "line 3: got nan CNY/kWh"),
        (spot_text(["0.1", "0.51"]), "line 3: got 0.51 CNY/kWh, wanted from 0.04 to 0.5"),
        (spot_text(["0.1", "dear"]), "line 3: got 'dear'"),
        (spot_text(["0.1"] * 3).replace("\n1,0.1", ""), "line 3: got '2,0.1', wanted step 1"),
    ],
)
def test_wrong_spot_text_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_spot(text, "spot.csv", DAYS)
    assert message in str(caught.value)
