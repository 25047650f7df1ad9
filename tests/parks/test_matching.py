"""Hourly matching: what is known by hand, and the laws it keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.parks.indicators import KGCE_PER_KWH
from zerocity.parks.matching import SOURCES, Matching, ParkMeters, match

FACTOR = 0.5


def meters(step_h: float = 1.0, **series: list[float]) -> ParkMeters:
    """Meters with what is not named at zero."""
    steps = len(next(iter(series.values())))
    names = ("use", "pv", "direct", "charge", "discharge", "import", "export")
    filled = {f"{n}_kwh": np.array(series.get(n + "_kwh", [0.0] * steps), float) for n in names}
    return ParkMeters(step_h=step_h, grid_kgco2_per_kwh=np.full(steps, FACTOR), **filled)


def drawn(seed: int, steps: int = 96, step_h: float = 1.0) -> ParkMeters:
    """Random meters that balance: a store that takes surplus and grid, and gives at random."""
    rng = np.random.default_rng(seed)
    use = rng.uniform(0.0, 10.0, steps)
    pv, direct = rng.uniform(-10.0, 15.0, (2, steps)).clip(min=0.0)
    charge, discharge = np.zeros(steps), np.zeros(steps)
    held = float(rng.uniform(0.0, 5.0))
    for t in range(steps):
        if rng.random() < 0.5:
            charge[t] = rng.uniform(0.0, 5.0)
            held += 0.9 * charge[t]
        else:
            discharge[t] = min(held, rng.uniform(0.0, 5.0), use[t])
            held -= discharge[t]
    net = use + charge - discharge - pv - direct
    both = rng.uniform(0.0, 2.0, steps) * (rng.random(steps) < 0.1)
    return ParkMeters(
        step_h, use, pv, direct, charge, discharge,
        np.maximum(net, 0.0) + both, np.maximum(-net, 0.0) + both,
        rng.uniform(0.2, 0.8, steps),
    )  # fmt: skip


def test_a_day_by_hand() -> None:
    found = match(
        meters(
            use_kwh=[10, 10, 10, 10],
            pv_kwh=[0, 25, 12, 0],
            charge_kwh=[0, 10, 0, 0],
            discharge_kwh=[0, 0, 0, 8],
            export_kwh=[0, 5, 2, 0],
            import_kwh=[10, 0, 0, 2],
        )
    )
    assert found.sources_kwh["pv"].tolist() == [0, 10, 10, 0]
    assert found.sources_kwh["store_clean"].tolist() == [0, 0, 0, 8]
    assert found.sources_kwh["grid"].tolist() == [10, 0, 0, 2]
    assert found.surplus_kwh.tolist() == [0, 5, 2, 0]
    assert found.hourly_score == pytest.approx(28 / 40)
    assert found.volume_score == pytest.approx(37 / 40)
    assert found.matched_steps == 0.5
    assert found.carbon_kg.sum() == pytest.approx(12 * FACTOR)


def test_google_s_score_adds_the_grid_s_own_clean_part() -> None:
    # The paper's form: contracted energy up to the use, then the grid's share of the rest.
    found = match(meters(use_kwh=[100], direct_kwh=[60], import_kwh=[40]), grid_clean_share=0.3)
    assert found.grid_mix_score == pytest.approx(0.6 + 0.3 * 0.4)


def test_a_store_charged_from_the_grid_gives_no_clean_energy() -> None:
    found = match(
        meters(use_kwh=[0, 9], charge_kwh=[10, 0], discharge_kwh=[0, 9], import_kwh=[10, 0])
    )
    assert found.hourly_score == 0.0
    assert found.sources_kwh["store_grid"].tolist() == [0, 9]


def test_a_store_passes_on_the_mix_that_charged_it() -> None:
    found = match(
        meters(
            use_kwh=[0, 8], pv_kwh=[5, 0], charge_kwh=[10, 0], discharge_kwh=[0, 8],
            import_kwh=[5, 0],
        ),
        traced_share=0.4,
    )  # fmt: skip
    assert found.sources_kwh["store_clean"][1] == pytest.approx(4.0)
    assert found.sources_kwh["traced"][1] == pytest.approx(1.6)


def test_certificates_are_shown_apart() -> None:
    base, more = (match(meters(use_kwh=[10], import_kwh=[10]), 0.0, kwh) for kwh in (0.0, 4.0))
    assert more.certificate_score == pytest.approx(0.4)
    assert (more.hourly_score, more.volume_score) == (base.hourly_score, base.volume_score)


def test_a_kwh_in_coal_equivalent() -> None:
    # 860 kcal a kWh and 7,000 kcal a kilogram of coal equivalent, GB/T 2589-2020.
    assert pytest.approx(860.0 / 7000.0, abs=5e-5) == KGCE_PER_KWH


seeds = st.integers(0, 10_000)
shares = st.floats(0.0, 1.0)


@given(seeds, shares)
@settings(max_examples=60)
def test_what_met_the_use_is_the_use(seed: int, share: float) -> None:
    park = drawn(seed)
    found = match(park, share)
    assert sum(found.sources_kwh[n] for n in SOURCES) == pytest.approx(park.use_kwh, abs=1e-9)
    assert min(float(v.min()) for v in found.sources_kwh.values()) >= -1e-9
    carbon = (park.import_kwh * park.grid_kgco2_per_kwh).sum() * (1.0 - share)
    assert found.carbon_kg.sum() == pytest.approx(carbon)


@given(seeds, shares)
@settings(max_examples=60)
def test_the_hour_is_never_kinder_than_the_year(seed: int, share: float) -> None:
    found = match(drawn(seed), share)
    assert found.hourly_score <= found.volume_score + 1e-9
    assert found.hourly_score <= found.traced_score + 1e-9
    assert found.traced_score <= found.volume_score + 1e-9
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in found.scores().values())


@given(seeds)
@settings(max_examples=40)
def test_clean_energy_is_counted_once(seed: int) -> None:
    park = drawn(seed)
    found = match(park)
    clean_out = sum(float(found.sources_kwh[n].sum()) for n in ("pv", "direct", "store_clean"))
    got = float((park.pv_kwh + park.direct_kwh).sum())
    assert clean_out + float(found.surplus_kwh.sum()) <= got + 1e-9


@given(seeds)
@settings(max_examples=30)
def test_a_longer_step_is_never_stricter(seed: int) -> None:
    park = drawn(seed, 192, 0.25)
    still = replace(
        park,
        charge_kwh=np.zeros(192),
        discharge_kwh=np.zeros(192),
        import_kwh=np.maximum(park.use_kwh - park.pv_kwh - park.direct_kwh, 0.0),
        export_kwh=np.maximum(park.pv_kwh + park.direct_kwh - park.use_kwh, 0.0),
    )
    fine, coarse = match(still), match(still.by_hour())
    assert fine.hourly_score <= coarse.hourly_score + 1e-9
    assert coarse.carbon_kg.sum() == pytest.approx(fine.carbon_kg.sum())


def test_the_mean_day_adds_up() -> None:
    park = drawn(1, 96)
    day = match(park).by_hour_of_day()
    assert sum(day[name].sum() for name in SOURCES) == pytest.approx(park.use_kwh.sum() / 4.0)


def test_an_idle_park_has_no_score() -> None:
    found: Matching = match(meters(use_kwh=[0.0, 0.0]))
    assert np.isnan(found.hourly_score)


@pytest.mark.parametrize(
    ("series", "says"),
    [
        ({"use_kwh": [10.0], "import_kwh": [9.0]}, "differ by 1"),
        ({"use_kwh": [float("nan")], "import_kwh": [1.0]}, "nan at step 0"),
        ({"use_kwh": [1.0], "import_kwh": [-1.0]}, "-1 at step 0"),
        ({"use_kwh": [1.0, 1.0], "import_kwh": [1.0]}, "shape"),
    ],
)
def test_meters_that_make_no_sense_are_named(series: dict[str, list[float]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        meters(**series)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    park = meters(use_kwh=[1.0], import_kwh=[1.0])
    with pytest.raises(InputError, match="traced_share"):
        match(park, share)
    with pytest.raises(InputError, match="grid_clean_share"):
        match(park, 0.0, 0.0, share)
    with pytest.raises(InputError, match="certificates"):
        match(park, 0.0, -1.0)


def test_half_hours_that_make_no_whole_hour_are_refused() -> None:
    with pytest.raises(InputError, match="whole hours"):
        meters(0.5, use_kwh=[1.0], import_kwh=[1.0]).by_hour()
