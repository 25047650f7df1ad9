"""What SunSpec models say in our words."""

from __future__ import annotations

import math

import pytest

from zerocity.protocols.sunspec import words
from zerocity.protocols.sunspec.models import layout


def _read(model: int, part: object, values: dict[str, float], scales: dict[str, int]) -> object:
    registers = layout(model).encoded(values, scales)
    return part.decoded(registers[part.first : part.first + part.count])  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", words.METERS)
def test_every_meter_speaks(model: int) -> None:
    values = {"W": -2500.0, "TotWhImp": 12_000.0, "TotWhExp": 3000.0}
    found = words.meter_words(
        _read(model, words.meter_part(model), values, {"W_SF": 0, "TotWh_SF": 0})  # type: ignore[arg-type]
    )
    assert found == words.MeterWords(-2.5, 12.0, 3.0)


@pytest.mark.parametrize("model", words.INVERTERS)
def test_every_inverter_speaks(model: int) -> None:
    state = {"InvSt": 3.0} if model == 701 else {"St": 4.0}
    values = _read(model, words.inverter_part(model), {"W": 4200.0, **state}, {"W_SF": 0})
    assert words.inverter_kw(model, values) == pytest.approx(4.2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "state", "sleeps"), [(701, 1.0, True), (701, 3.0, False), (103, 2.0, True),
                                   (103, 4.0, False), (103, None, False)],
)  # fmt: skip
def test_an_inverter_that_sleeps_gives_nothing(
    model: int, state: float | None, sleeps: bool
) -> None:
    values = {"W": None, ("InvSt" if model == 701 else "St"): state}
    if sleeps:
        assert words.inverter_kw(model, values) == 0.0
    else:
        with pytest.raises(words.ReadingError, match="W is not given"):
            words.inverter_kw(model, values)


def test_absurd_powers_are_refused_and_missing_registers_are_not() -> None:
    with pytest.raises(words.ReadingError, match="kW"):
        words.meter_words({"W": 3e8, "TotWhImp": 0.0, "TotWhExp": 0.0})
    found = words.meter_words({"W": 1.0, "TotWhImp": None, "TotWhExp": -1.0})
    assert math.isnan(found.import_kwh)
    assert math.isnan(found.export_kwh)


def test_what_a_store_holds_by_each_model() -> None:
    rated = words.Ratings(energy_wh=200_000.0)
    full = {"WHRtg": 200_000.0, "WHAvail": 90_000.0, "SoC": 50.0, "SoH": 90.0}
    assert words.held_kwh(713, full, rated) == 90.0
    assert words.held_kwh(713, {**full, "WHAvail": None}, rated) == pytest.approx(90.0)
    assert words.held_kwh(713, {**full, "WHAvail": None, "SoH": None}, rated) == 100.0
    assert words.held_kwh(124, {"ChaState": 25.0}, rated) == 50.0


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (713, {"WHAvail": None, "WHRtg": None, "SoC": 50.0, "SoH": None}),
        (713, {"WHAvail": 1e13, "WHRtg": 1e6, "SoC": 50.0, "SoH": None}),
        (713, {"WHAvail": 1e5, "WHRtg": 1e6, "SoC": 140.0, "SoH": None}),
        (124, {"ChaState": None}),
        (124, {"ChaState": 200.0}),
        (124, {"ChaState": 50.0}),
    ],
)
def test_a_store_that_says_nonsense_is_refused(model: int, values: dict[str, float | None]) -> None:
    with pytest.raises(words.ReadingError):
        words.held_kwh(model, values, words.Ratings())


def test_the_share_holds_only_while_enabled() -> None:
    assert words.share(704, {"WMaxLimPctEna": 1.0, "WMaxLimPct": 40.0}) == 0.4
    assert words.share(704, {"WMaxLimPctEna": 0.0, "WMaxLimPct": 40.0}) == 1.0
    assert words.share(123, {"WMaxLim_Ena": 1.0, "WMaxLimPct": 140.0}) == 1.0
    assert words.share(123, {"WMaxLim_Ena": None, "WMaxLimPct": 40.0}) == 1.0


def test_the_most_telling_model_is_taken() -> None:
    assert words.best([1, 103, 701], words.INVERTERS) == 701
    assert words.best([1, 201, 203], words.METERS) == 203
    assert words.best([1, 160], words.METERS) is None
