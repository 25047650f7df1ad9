"""Bills: each line explained, the lines the total, energy at the price of its hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.billing import SellingTariff, bill
from zerocity.charging.meter import Reading, account
from zerocity.energy.tariffs import Tariff
from zerocity.errors import InputError

# 09:00 in Lanzhou.
AT = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)
GANSU = SellingTariff.gansu()


def session(hours: float, kwh: float, start: datetime = AT, most_kw: float | None = None):  # type: ignore[no-untyped-def]
    first = Reading(start, 0.0)
    return account(first, [], Reading(start + timedelta(hours=hours), kwh * 1000.0), most_kw)


def by_window(hours: float, kwh: float, start: datetime = AT) -> dict[str, float]:
    lines = bill(session(hours, kwh, start), GANSU).lines
    return {line["window"]: line["energy_kwh"] for line in lines if line["kind"] == "energy"}


@pytest.mark.parametrize(
    ("hour", "block", "ends"),
    [(0, "flat", 6), (5.99, "flat", 6), (6, "peak", 8), (12, "valley", 16), (22, "peak", 23),
     (23.5, "flat", 24)],
)  # fmt: skip
def test_block_in_force(hour: float, block: str, ends: float) -> None:
    midnight = datetime(2026, 4, 30, 16, tzinfo=UTC)
    name, until = GANSU.block_at(midnight + timedelta(hours=hour))
    assert name == block
    assert until == midnight + timedelta(hours=ends)


def test_block_over_midnight() -> None:
    tariff = SellingTariff(
        "night", (("night", 22, 6), ("day", 6, 22)), {"night": 0.2, "day": 0.6}, utc_offset_h=0
    )
    assert tariff.block_at(datetime(2026, 5, 1, 23, tzinfo=UTC))[0] == "night"
    assert tariff.block_at(datetime(2026, 5, 1, 5, tzinfo=UTC)) == (
        "night", datetime(2026, 5, 1, 6, tzinfo=UTC),
    )  # fmt: skip
    assert tariff.block_at(datetime(2026, 5, 1, 23, tzinfo=UTC))[1].hour == 6


def test_energy_is_spread_over_the_hours_it_was_taken_in() -> None:
    assert by_window(2.0, 10.0) == {"flat": 5.0, "valley": 5.0}


def test_session_of_days_counts_each_hour_of_the_day() -> None:
    days = by_window(24.0 * 400 + 1.0, 9601.0)
    assert days == pytest.approx({"flat": 4400.0 + 1.0, "peak": 2800.0, "valley": 2400.0})


def test_lines_explain_the_price() -> None:
    made = bill(session(1.0, 10.0), GANSU)
    energy, service, note = made.lines
    assert energy["price_cny_per_kwh"] == pytest.approx(0.472925)
    assert (energy["cost_cny"], service["cost_cny"]) == (4.73, 4.0)
    assert made.cost_cny == 8.73
    assert note["kind"] == "note"


def test_energy_held_back_costs_nothing_and_has_its_line() -> None:
    made = bill(session(1.0, 30.0, most_kw=9.0), GANSU)
    kinds = {line["kind"]: line for line in made.lines}
    assert kinds["held"]["energy_kwh"] == 20.0
    assert kinds["held"]["cost_cny"] == 0.0
    assert kinds["service"]["energy_kwh"] == 10.0
    assert made.energy_kwh == 30.0


def test_half_a_fen_is_rounded_up() -> None:
    tariff = SellingTariff("t", (("all", 0, 24),), {"all": 0.285}, service_cny_per_kwh=0.0)
    assert bill(session(1.0, 1.0), tariff).cost_cny == 0.29


def test_free_session() -> None:
    made = bill(account(None, [], None), GANSU)
    assert (made.energy_kwh, made.cost_cny) == (0.0, 0.0)


def test_tariff_survives_its_json() -> None:
    assert SellingTariff.from_body("gansu", "CNY", GANSU.body()) == GANSU


def test_tariff_passes_on_what_the_site_pays() -> None:
    site = Tariff({"all": 0.5}, (("all", 0.0, 24.0),), {"network": 0.1})
    made = SellingTariff.of(site, service_cny_per_kwh=0.3)
    assert made.price("all") == 0.6
    assert made.service_cny_per_kwh == 0.3


@pytest.mark.parametrize(
    ("blocks", "energy", "fee"),
    [((("a", 0, 23),), {"a": 1.0}, 0.1), ((("a", 0, 24),), {"b": 1.0}, 0.1),
     ((("a", 0, 24),), {"a": 1.0}, -0.1)],
)  # fmt: skip
def test_tariffs_that_cannot_be(blocks: tuple, energy: dict, fee: float) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError):
        SellingTariff("t", blocks, energy, service_cny_per_kwh=fee)


@given(
    hours=st.floats(0.0, 100.0),
    kwh=st.floats(0.0, 500.0),
    start=st.integers(0, 1440),
    most_kw=st.none() | st.floats(1.0, 100.0),
)
def test_laws(hours: float, kwh: float, start: int, most_kw: float | None) -> None:
    meter = session(hours, kwh, AT + timedelta(minutes=start), most_kw)
    made = bill(meter, GANSU)
    lines = [line for line in made.lines if line["kind"] != "note"]
    assert Decimal(str(made.cost_cny)) == sum(Decimal(str(line["cost_cny"])) for line in lines)
    billed = sum(line["energy_kwh"] for line in lines if line["kind"] == "energy")
    assert billed == pytest.approx(meter.energy_kwh - meter.held_kwh, abs=0.01)
    dear = GANSU.price("peak") + GANSU.service_cny_per_kwh
    assert made.cost_cny <= (meter.energy_kwh - meter.held_kwh) * dear + 0.05
