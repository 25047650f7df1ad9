from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from cases import made_case, made_raw, wild_raw

from zerocity.energy.case_reader import read_case
from zerocity.energy.schedule import as_json, check_balance, finish
from zerocity.energy.site_plan import plan_by_program, plan_case
from zerocity.errors import AuditError

RESULT = {
    "objective_cny", "gap", "status", "broken_limits", "bill", "import_kw", "export_kw",
    "pv_used_kw", "stores", "sessions", "stored_energy_price_cny_per_kwh",
}  # fmt: skip


def test_the_result_has_every_field_as_plain_json() -> None:
    case = read_case(made_raw(4, stores=1, sessions=2))
    found = as_json(plan_case(case))
    assert found.keys() >= RESULT
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["stores"][0].keys() >= {"name", "charge_kw", "discharge_kw", "energy_kwh"}
    assert found["sessions"][0].keys() == {"name", "power_kw", "energy_kwh"}
    assert len(found["import_kw"]) == case.steps
    assert sum(found["bill"].values()) == pytest.approx(found["objective_cny"], abs=1e-6)
    assert found["bill"].keys() == found["bill_explained"].keys()


def test_a_broken_limit_has_its_fields() -> None:
    broken = next(
        found["broken_limits"][0]
        for seed in range(20)
        if (found := as_json(plan_case(read_case(wild_raw(seed)))))["broken_limits"]
    )
    assert broken.keys() == {"limit", "step", "amount", "unit", "price", "sentence"}


def test_a_plan_that_does_not_balance_is_our_fault() -> None:
    case = made_case(1, stores=1, sessions=1)
    values = plan_by_program(case)
    check_balance(case, values)
    wrong = replace(values, import_kw=values.import_kw + 0.1)
    with pytest.raises(AuditError, match="come from nowhere"):
        finish(case, wrong)


def test_a_gap_that_is_not_known_is_null() -> None:
    case = made_case(1, stores=1, sessions=0)
    values = replace(plan_by_program(case), bound_cny=-np.inf, finished=False)
    found = as_json(finish(case, values))
    assert found["gap"] is None
    assert found["status"] == "time_limit"


def test_without_a_store_the_price_is_that_at_the_meter() -> None:
    case = made_case(3, stores=0, sessions=2)
    found = plan_case(case)
    assert found.stored_energy_price_cny_per_kwh is found.site_price_cny_per_kwh


def test_contents_follow_from_the_flows() -> None:
    case = made_case(8, stores=2, sessions=2)
    found = plan_case(case)
    for store, went in zip(case.stores, found.stores, strict=True):
        kwh = store.initial_soc * store.capacity_kwh
        for t in range(case.steps):
            kwh *= 1.0 - store.self_discharge_per_step
            kwh += case.step_h * store.charge_efficiency * went.charge_kw[t]
            kwh -= case.step_h * went.discharge_kw[t] / store.discharge_efficiency
            assert went.energy_kwh[t] == pytest.approx(kwh, abs=1e-6)
