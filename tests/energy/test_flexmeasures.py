from __future__ import annotations

from typing import Any

import pytest

from zerocity.energy.flexmeasures import is_flexmeasures, read_flexmeasures
from zerocity.energy.site_plan import plan_case
from zerocity.errors import InputErrors

START = "2026-01-01T00:00:00+08:00"
MODEL = {
    "sensor": 931, "soc-at-start": "12.1 kWh", "soc-min": 2, "soc-max": "50 kWh",
    "soc-unit": "kWh", "power-capacity": "25 kW", "roundtrip-efficiency": "81%",
    "soc-targets": [{"datetime": "2026-01-01T03:00:00+08:00", "value": "45 kWh"}],
}  # fmt: skip
CONTEXT = {
    "consumption-price": [
        {"start": START, "duration": "PT2H", "value": "100 CNY/MWh"},
        {"start": "2026-01-01T02:00:00+08:00", "duration": "PT2H", "value": "0.3 CNY/kWh"},
    ],
    "production-price": "80 CNY/MWh",
    "site-power-capacity": "60 kVA",
    "site-production-capacity": "10 kW",
    "site-peak-consumption": "20 kW",
    "site-peak-consumption-price": "260 CNY/MW",
}
TIMES = {"start": START, "duration": "PT4H", "resolution": "PT1H"}


def request(model: Any = None, context: Any = None, **more: Any) -> dict[str, Any]:
    return {**TIMES, "flex-model": MODEL if model is None else model,
            "flex-context": CONTEXT if context is None else context, **more}  # fmt: skip


def mistakes(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        read_flexmeasures(raw)
    return [error.where for error in caught.value.errors]


def test_a_request_becomes_a_case() -> None:
    case = read_flexmeasures(request())
    assert (case.steps, case.step_h) == (4, 1.0)
    assert case.buy_cny_per_kwh == pytest.approx([0.1, 0.1, 0.3, 0.3])
    assert case.sell_cny_per_kwh == pytest.approx([0.08] * 4)
    assert case.import_limit_kw.tolist() == [60.0] * 4
    assert case.export_limit_kw.tolist() == [10.0] * 4
    assert case.demand_charge_cny_per_kw == pytest.approx(0.26)
    assert case.peak_so_far_kw == 20.0
    [store] = case.stores
    assert store.name == "sensor 931"
    assert store.capacity_kwh == 50.0
    assert store.initial_soc == pytest.approx(0.242)
    assert store.charge_efficiency == pytest.approx(0.9)
    assert store.soc_min == pytest.approx([0.04, 0.04, 0.9, 0.04])
    assert store.soc_max == pytest.approx([1.0, 1.0, 0.9, 1.0])
    assert case.notes == ()


def test_its_target_is_met() -> None:
    found = plan_case(read_flexmeasures(request()))
    assert found.status == "optimal"
    assert found.stores[0].energy_kwh[2] == pytest.approx(45.0)


def test_several_devices_and_one_way_efficiencies() -> None:
    second = {
        "name": "tank", "soc-max": "2 MWh", "soc-at-start": "1 MWh", "consumption-capacity": "5 kW",
        "production-capacity": "0 kW", "charging-efficiency": "95%", "discharging-efficiency": 0.9,
        "storage-efficiency": "99.9%", "soc-minima": {"value": "0.5 MWh", "start": START,
                                                      "duration": "PT2H"},
    }  # fmt: skip
    case = read_flexmeasures(request([MODEL, second]))
    tank = case.stores[1]
    assert (tank.charge_efficiency, tank.discharge_efficiency) == pytest.approx((0.95, 0.9))
    assert tank.self_discharge_per_step == pytest.approx(0.001)
    assert tank.discharge_limit_kw.tolist() == [0.0] * 4
    assert tank.soc_min == pytest.approx([0.25, 0.25, 0.0, 0.0])


def test_what_is_not_given_is_said() -> None:
    target = {"datetime": "2026-01-01T01:00:00+00:00", "value": "5 kWh"}
    model = {"soc-at-start": "1 kWh", "power-capacity": "3 kW", "soc-targets": [target]}
    raw = {"start": "2026-01-01T00:00:00+00:00", "flex-model": model,
           "flex-context": {"consumption-price": "0.3 EUR/kWh"}}  # fmt: skip
    case = read_flexmeasures(raw)
    text = "\n".join(case.notes)
    for word in ("resolution", "duration", "production-price", "soc-max", "EUR"):
        assert word in text
    assert (case.steps, case.step_minutes) == (96, 15.0)
    assert case.stores[0].capacity_kwh == 5.0


def test_devices_that_cannot_be_shifted_need_their_values() -> None:
    context = {**CONTEXT, "inflexible-device-sensors": [3, 4]}
    values = {"3": ["5 kW"] * 4, "4": ["-2 kW", "0 kW", "1 kW", "0 kW"]}
    case = read_flexmeasures(request(context=context, sensors=values))
    assert case.load_kw.tolist() == [5.0, 5.0, 6.0, 5.0]
    assert case.pv_kw.tolist() == [2.0, 0.0, 0.0, 0.0]
    where = "flex-context.inflexible-device-sensors"
    assert mistakes(request(context=context)) == [where, where]


def test_a_field_that_does_not_matter_is_named() -> None:
    model = {**MODEL, "prefer-charging-sooner": False, "state-of-charge": {"sensor": 9}}
    context = {**CONTEXT, "relax-constraints": True, "soc-minima-breach-price": "9 CNY/kWh"}
    notes = "\n".join(read_flexmeasures(request(model, context)).notes)
    for word in ("prefer-charging-sooner", "state-of-charge", "relax-constraints", "breach-price"):
        assert word in notes


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (request({**MODEL, "soc-mx": 3}), ["flex-model[0].soc-mx"]),
        (request({**MODEL, "soc-gain": ["1 kW"]}), ["flex-model[0].soc-gain"]),
        (request({**MODEL, "commodity": "gas"}), ["flex-model[0].commodity"]),
        (request({**MODEL, "charging-efficiency": 0.9}), ["flex-model[0].charging-efficiency"]),
        (request({**MODEL, "soc-max": "0 kWh"}), ["flex-model[0].soc-max"]),
        (request([7]), ["flex-model[0]"]),
        (request(context={}), ["flex-context.consumption-price"]),
        (request(context={**CONTEXT, "gas-price": "1 CNY/kWh"}), ["flex-context.gas-price"]),
        (request(context={**CONTEXT, "commitments": [1]}), ["flex-context.commitments"]),
        (request(context={**CONTEXT, "production-price": "1 EUR/kWh"}), ["flex-context"]),
        (request(context={**CONTEXT, "inflexible-device-sensors": 3}),
         ["flex-context.inflexible-device-sensors"]),
        (request(resolution="PT0.001S"), ["duration"]),
        (request(duration="P99999999999D"), ["duration"]),
        (request({**MODEL, "soc-max": 10**400}), ["flex-model[0].soc-max"]),
        (request({**MODEL, "soc-max": "1e400 kWh"}), ["flex-model[0].soc-max"]),
        (request(begin=3), ["begin"]),
        (request(start="soon"), ["start"]),
        (request(resolution="quarter"), ["resolution"]),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_named(raw: dict[str, Any], where: list[str]) -> None:
    assert mistakes(raw)[: len(where)] == where


def test_a_device_without_power_is_named() -> None:
    model = {"soc-max": "5 kWh", "soc-at-start": "1 kWh"}
    context = {"consumption-price": "0.3 CNY/kWh"}
    assert mistakes(request(model, context)) == ["flex-model[0].power-capacity"] * 2


def test_a_request_is_told_from_a_case() -> None:
    assert is_flexmeasures(request())
    assert not is_flexmeasures({"step_minutes": 15})
