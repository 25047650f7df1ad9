"""A run's events come out as the run wrote them, and every yuan goes to a site."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zerocity.app.runs import RunRequest, run_city
from zerocity.errors import InputError
from zerocity.reports.plant_settlement import settle_energy_day, settle_run


def test_ten_of_ten_settles_as_the_run_did(plant_run: Path) -> None:
    found = settle_run(plant_run)
    assert len(found.days) >= 1
    first = found.measured[0].settlement
    assert first is not None
    pay = first.payment_cny - first.penalty_cny
    assert pay == pytest.approx(found.written_cny, abs=1e-6)
    assert found.paid_cny.sum() == pytest.approx(pay.sum(), abs=1e-6)
    assert not found.paid_cny[found.delivered_kwh == 0.0].any()
    assert [m.method for m in found.measured] == ["10_of_10", "regression", "control_group"]


def test_another_baseline_and_one_day(plant_run: Path) -> None:
    whole = settle_run(plant_run)
    one = settle_run(plant_run, whole.days[0], method="regression", floor_cny_per_kwh=0.01)
    assert one.days == whole.days[:1]
    regression = one.measured[1].settlement
    assert regression is not None
    assert one.paid_cny.sum() == pytest.approx(float(regression.payment_cny.sum()), abs=1e-6)
    assert one.payouts[0].floor_cny.sum() > 0.0


def test_a_control_group_needs_sites_that_were_left_out(plant_run: Path) -> None:
    with pytest.raises(InputError, match="every site was called"):
        settle_run(plant_run, method="control_group")
    found = settle_run(plant_run, method="control_group", uncalled=["Town battery centre"])
    assert found.measured[2].settlement is not None
    assert found.paid_cny[found.names.index("Town battery centre")] == 0.0


def test_sites_that_the_city_held_back_are_found_again(tmp_path: Path) -> None:
    changes = {"vpp.admission_kw": "10", "vpp.trigger_share": "0.6", "vpp.baseline_days": "5",
               "vpp.control_share": "0.3"}  # fmt: skip
    run_city(RunRequest("starter", tmp_path / "run", days=14, processes=1, overrides=changes))
    found = settle_run(tmp_path / "run", method="control_group")
    assert len(found.uncalled) == 2
    ten, regression, control = found.measured
    assert control.settlement is not None
    assert not control.why_not
    assert all(one.score.days > 0 for one in (ten, regression, control))
    for name in found.uncalled:
        assert found.paid_cny[found.names.index(name)] == 0.0
    assert found.paid_cny.sum() == pytest.approx(float(control.settlement.payment_cny.sum()))


def test_energy_of_a_day_is_settled_against_the_plan(plant_run: Path) -> None:
    found = settle_energy_day(plant_run, date(2026, 1, 3), np.full(96, 0.3))
    metered = float(found.metered_kw.sum() / 4.0 * 0.3)
    s = found.settlement
    assert s.award_cny + s.deviation_cny == pytest.approx(metered)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"day": date(2026, 1, 2)}, "the day of an event: 2026-01-"),
        ({"day": date(2027, 1, 2)}, "a day of the run"),
        ({"method": "oracle"}, "10_of_10, regression, control_group"),
        ({"uncalled": ["Nobody"]}, "--control"),
    ],
)
def test_what_does_not_fit_is_named(plant_run: Path, change: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=message):
        settle_run(plant_run, **change)
