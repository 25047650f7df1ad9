"""The command dispatch, through a small app of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from zerocity.cli.dispatch_commands import register
from zerocity.errors import InputError, InputErrors

CASE = """
step_minutes = 30
buy_cny_per_kwh = [0.3, 0.9, 0.9, 0.3]
load_kw = 4
carbon_kg_per_kwh = [0.2, 0.5, 0.5, 0.5]

[[stores]]
name = "battery"
capacity_kwh = 5
charge_limit_kw = 4
discharge_limit_kw = 4
wear_cny_per_kwh = 0.01

[[stores]]
name = "spare"
capacity_kwh = 1
charge_limit_kw = 1
discharge_limit_kw = 1
"""


def run(*arguments: str, stdin: str | None = None) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, list(arguments), input=stdin)


@pytest.fixture
def case(tmp_path: Path) -> str:
    path = tmp_path / "case.toml"
    path.write_text(CASE, encoding="utf-8")
    return str(path)


def test_it_prints_bill_and_schedule(case: str) -> None:
    result = run(case)
    assert result.exit_code == 0, result.output
    for word in ("Bill", "energy bought", "Schedule", "battery holds", "optimal"):
        assert word in result.stdout


def test_json_is_json_and_nothing_else(case: str) -> None:
    found = json.loads(run(case, "--json").stdout)
    assert found["status"] == "optimal"
    assert "binding_limits" not in found
    assert sum(found["bill"].values()) == pytest.approx(found["objective_cny"])


def test_explain_shows_prices_and_what_binds(case: str) -> None:
    assert "Limits that bind" in run(case, "--explain").stdout
    found = json.loads(run(case, "--explain", "--json").stdout)
    assert {one["limit"] for one in found["binding_limits"]} >= {"stores.spare.charge_limit_kw"}


def test_standard_input_and_an_output_file(case: str, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    result = run("-", "--out", str(out), stdin=CASE)
    assert result.exit_code == 0, result.output
    assert f"Wrote {out}" in result.stdout.replace("\n", "")
    assert json.loads(out.read_text(encoding="utf-8"))["status"] == "optimal"
    assert json.loads(run("-", "--json", stdin=CASE).stdout) == json.loads(out.read_text())


def test_the_shipped_example_is_planned_without_remarks() -> None:
    example = Path(__file__).resolve().parents[2] / "docs" / "examples" / "depot.toml"
    found = json.loads(run(str(example), "--json").stdout)
    assert found["status"] == "optimal"
    assert found["notes"] == []
    assert found["gap"] < 1e-9
    [battery] = found["stores"]
    assert battery["energy_kwh"][-1] == pytest.approx(100.0)
    assert found["sessions"][0]["energy_kwh"][-1] == pytest.approx(240.0)


def test_late_acts_late() -> None:
    text = """{"step_minutes": 60, "steps": 3, "buy_cny_per_kwh": 0.5, "sessions": [
        {"arrive_step": 0, "depart_step": 3, "energy_kwh": 2, "charge_limit_kw": 2}]}"""
    early, late = (json.loads(run("-", "--json", *more, stdin=text).stdout)
                   for more in ((), ("--late",)))  # fmt: skip
    assert early["sessions"][0]["power_kw"] == [2.0, 0.0, 0.0]
    assert late["sessions"][0]["power_kw"] == [0.0, 0.0, 2.0]


def test_the_front_from_cost_to_carbon(case: str) -> None:
    assert "From least cost to least carbon" in run(case, "--pareto", "3").stdout
    front = json.loads(run(case, "--pareto", "3", "--json").stdout)["front"]
    assert front[0]["carbon_kg"] >= front[-1]["carbon_kg"]


def test_limits_that_break_are_told_and_the_plan_still_comes() -> None:
    text = "step_minutes = 60\nbuy_cny_per_kwh = [0.5, 0.4]\nload_kw = [9, -1]\nimport_limit_kw = 5"
    result = run("-", stdin=text)
    assert result.exit_code == 0
    assert "Broken limit: At step 0 the site draws 9.0 kW" in " ".join(result.stdout.split())
    assert "Planned around: load_kw: -1 at step 1" in result.stdout


def test_all_mistakes_come_at_once() -> None:
    result = run("-", stdin="step_minutes = 60\nload_kw = [1, 2]\npv_kw = [1]\n")
    assert isinstance(result.exception, InputErrors)
    assert len(result.exception.errors) == 2


@pytest.mark.parametrize("name", ["no-such-file.toml", "."])
def test_a_file_that_cannot_be_read_is_named(name: str) -> None:
    result = run(name)
    assert isinstance(result.exception, InputError)
    assert name in str(result.exception)


def test_bytes_that_are_no_text_and_a_file_that_cannot_be_written(
    case: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_bytes(b"\xff\xfe\x00")
    assert isinstance(run(str(wrong)).exception, InputError)
    assert isinstance(run(case, "--out", str(tmp_path / "no" / "x.json")).exception, InputError)


def test_a_flexmeasures_request_is_seen_as_one() -> None:
    text = json.dumps({
        "start": "2026-01-01T00:00:00+08:00", "duration": "PT2H", "resolution": "PT1H",
        "flex-model": {"soc-at-start": "1 kWh", "soc-max": "5 kWh", "power-capacity": "2 kW"},
        "flex-context": {"consumption-price": "0.3 CNY/kWh", "production-price": "0 CNY/kWh"},
    })  # fmt: skip
    assert json.loads(run("-", "--json", stdin=text).stdout)["stores"][0]["name"] == "device 1"
    assert json.loads(run("-", "--json", "--flexmeasures", stdin=text).stdout)


def test_many_sessions_are_shown_as_their_sum() -> None:
    session = {"arrive_step": 0, "depart_step": 2, "energy_kwh": 1, "charge_limit_kw": 2}
    text = json.dumps(
        {"step_minutes": 15, "steps": 2, "buy_cny_per_kwh": 0.5, "sessions": [session] * 9,
         "processes": [{"name": "mill [x]", "energy_kwh": 1, "power_max_kw": 9}],
         "heat": {"demand_kw": 1, "cop": 3}}
    )  # fmt: skip
    result = run("-", stdin=text)
    assert result.exit_code == 0, result.output
    assert "9 sessions" in " ".join(result.stdout.split())
    assert "heat pump" in " ".join(result.stdout.split())
