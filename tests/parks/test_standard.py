"""A park against every indicator: verdicts, what is missing, and ways out that work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.parks.indicators import ParkSpec
from zerocity.parks.matching import ParkMeters
from zerocity.parks.park_case import Levers
from zerocity.parks.standard import Assessment, judge

HOURS = 8760


def park_meters(taken: float, made: float, days: int = 365) -> ParkMeters:
    flat = np.ones(days * 24)
    return ParkMeters(
        step_h=1.0,
        use_kwh=flat * (taken + made),
        pv_kwh=flat * made,
        direct_kwh=flat * 0.0,
        charge_kwh=flat * 0.0,
        discharge_kwh=flat * 0.0,
        import_kwh=flat * taken,
        export_kwh=flat * 0.0,
        grid_kgco2_per_kwh=flat * 0.5,
    )


def judged(spec: ParkSpec, taken: float = 600.0, made: float = 400.0, **more: object) -> Assessment:
    return judge(spec, park_meters(taken, made), "made by hand", **more)  # type: ignore[arg-type]


def test_six_indicators_four_of_them_missing() -> None:
    found = judged(ParkSpec("north"))
    assert [row.kind for row in found.rows] == ["core", *["guiding"] * 5]
    assert [row.met for row in found.rows] == [False, False, None, None, None, None]
    assert found.rows[0].value == pytest.approx(0.6 * 0.5 / 0.1229)
    assert found.rows[1].value == pytest.approx(0.4)
    assert {row.certainty for row in found.rows[2:]} == {"missing"}
    assert "annex not read" in found.rows[0].source


def test_what_no_meter_holds_is_judged_as_the_park_states_it() -> None:
    told = {"products_at_grade_share": 0.99, "solid_waste_used_share": 0.8,
            "surplus_heat_used_share": 0.4999}  # fmt: skip
    found = judged(ParkSpec("north", **told))
    assert [row.met for row in found.rows[2:]] == [False, True, False, None]
    assert [row.certainty for row in found.rows[2:]] == [*["stated"] * 3, "missing"]
    assert [row.value for row in found.rows[2:5]] == list(told.values())
    assert all(row.low == row.high == row.value for row in found.rows[2:5])
    assert "stated by the city; the waste register would show it" in found.rows[3].why
    # What is stated of waste and water changes nothing of the carbon.
    assert found.rows[0] == judged(ParkSpec("north")).rows[0]


def test_a_clean_park_meets_both() -> None:
    found = judged(ParkSpec("north"), 10.0, 990.0)
    assert [row.met for row in found.rows[:2]] == [True, True]
    assert found.closings == ()
    assert found.sentences[0].endswith("met.")


def test_readings_span_the_value_and_say_whether_the_verdict_holds() -> None:
    spec = ParkSpec("north", green_import_share=0.97)
    found = judged(spec, other_factors={"China_fossil": 0.8273})
    core = found.rows[0]
    assert core.met
    assert core.high == pytest.approx(0.6 * 0.5 / 0.1229)
    assert core.low <= core.value <= core.high
    assert "readings differ" in core.why
    assert "no traced supply counted" in core.why
    assert "China_fossil, 0.8273 kg/kWh" in core.why
    assert core.certainty == "assumed"


def test_the_way_out_closes_the_gap() -> None:
    found = judged(ParkSpec("north"))
    way = found.closings[0]
    assert way.left_t == 0.0
    assert way.cost_cny == pytest.approx(way.amount_mwh * 20.0)
    share = way.amount_mwh * 1000.0 / (600.0 * HOURS)
    closed = judged(ParkSpec("north", green_import_share=share + 1e-12))
    assert closed.rows[0].value == pytest.approx(0.2)
    assert judged(ParkSpec("north"), levers=Levers(traced_cny_per_kwh=0.04)).closings[
        0
    ].cost_cny == pytest.approx(2.0 * way.cost_cny)


def test_fuel_above_the_limit_leaves_a_rest() -> None:
    spec = ParkSpec("north", other_energy_tce=1000.0, other_carbon_t=1630.0)
    found = judged(spec)
    budget = 0.2 * (8760.0 * 0.1229 + 1000.0)
    assert found.closings[0].left_t == pytest.approx(1630.0 - budget)
    assert found.closings[0].amount_mwh == pytest.approx(600.0 * 8.76)
    assert "must become electric" in found.sentences[-1]


def test_a_part_of_a_year_is_scaled() -> None:
    whole = judge(ParkSpec("north"), park_meters(600.0, 400.0), "a year")
    part = judge(ParkSpec("north"), park_meters(600.0, 400.0, 73), "73 days")
    assert part.result.gap_carbon_t == pytest.approx(whole.result.gap_carbon_t)
    assert part.closings[0].amount_mwh == pytest.approx(whole.closings[0].amount_mwh)
    assert part.rows[0].certainty == "assumed"


def test_a_limit_of_one_s_own() -> None:
    found = judged(ParkSpec("north"), limit=3.0)
    assert found.rows[0].met
    assert found.result.gap_carbon_t == 0.0
    tight = judged(ParkSpec("north"), limit=0.1)
    assert tight.result.gap_carbon_t == pytest.approx((0.3 / 0.1229 - 0.1) * 8760.0 * 0.1229)
    for bad in (float("nan"), -0.1):
        with pytest.raises(InputError, match="--limit"):
            judged(ParkSpec("north"), limit=bad)


def test_an_idle_park_has_no_verdict() -> None:
    found = judged(ParkSpec("north"), 0.0, 0.0)
    assert found.rows[0].met is None
    assert "used nothing" in found.sentences[0]


def test_a_park_that_only_sells_has_no_verdict() -> None:
    sold = np.full(48, 0.1)
    meters = replace(park_meters(0.0, 0.0, 2), pv_kwh=sold, export_kwh=sold)
    found = judge(ParkSpec("north"), meters, "two days")
    assert found.rows[0].met is None
    assert "nan" not in found.rows[1].why


def test_a_made_year_does_not_pass_for_measured() -> None:
    made = judged(ParkSpec("north"), metered=False)
    metered = judged(ParkSpec("north"))
    assert made.rows[1].certainty == "assumed"
    assert metered.rows[1].certainty == "derived"
    assert "leans on grid import and export" in made.rows[0].why
    standing = {item.claim: item.standing for item in made.result.evidence}
    assert standing["grid import and export"] == "assumed"
    assert standing["grid emission factor"] == "measured"


def test_certificates_close_nothing_but_are_shown() -> None:
    found = judged(ParkSpec("north"), certificates_kwh=600.0 * HOURS)
    assert found.matching.certificate_score == pytest.approx(1.0)
    assert not found.rows[0].met
