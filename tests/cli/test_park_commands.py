"""The park commands, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(main.app, ["park", *arguments])
        self.stdout, self.code, self.error = result.stdout, result.exit_code, result.stderr
        if isinstance(result.exception, ZerocityError):
            self.error += str(result.exception)
            self.code = result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception


def test_a_plan_shows_tables_words_and_prices() -> None:
    answer = Answer("plan", "starter", "--limit", "0.4", "--limit", "0.2")
    assert answer.code == 0
    for text in ("as it is", "0.4 t/tce", "0.2 t/tce", "carbon [t/a]", "Cheapest way to 0.2",
                 "pv_cny_per_kwp_year", "assumption:"):  # fmt: skip
        assert text in answer.stdout


def test_a_plan_in_json_is_all_that_is_printed() -> None:
    answer = Answer("plan", "starter", "town_park", "--set", "traced_most_share=0", "--json")
    [park] = json.loads(answer.stdout)
    [plan] = park["plans"]
    assert park["limit_t_per_tce"] == 0.2
    assert plan["target"]["carbon_t_per_tce"] == 0.2
    assert plan["added"]["traced_mwh"] == 0.0
    assert plan["cost_cny"]["total"] >= park["without_target"]["cost_cny"]["total"] - 1e-3
    assert plan["sentences"]
    levers = {one["name"]: one["value"] for one in park["levers"]}
    assert levers["traced_most_share"] == 0.0


def test_an_assessment_of_a_city_shows_every_indicator() -> None:
    answer = Answer("assess", "starter", "town_park")
    assert answer.code == 0
    for text in ("carbon per unit of energy", "not known", "missing",
                 "hour by hour", "Gap to the standard", "made year"):  # fmt: skip
        assert text in answer.stdout
    [park] = json.loads(Answer("assess", "starter", "--certificates", "10", "--json").stdout)
    assert park["matching"]["certificates_kwh"] == 10_000.0
    assert park["indicators"][2]["value"] is None
    assert len(park["matching"]["mean_day_kw"]["grid"]) == 24


def test_many_parks_are_one_line_each() -> None:
    answer = Answer("assess", "lanzhou")
    assert "new_area_zero_carbon_park_3" in answer.stdout
    assert "Name a park to see why." in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["assess", "starter", "north"], "one of: town_park"),
        (["plan", "starter", "north"], "one of: town_park"),
        (["assess", "nowhere"], "nowhere"),
        (["assess", "starter", "--limit", "nan"], "--limit"),
        (["assess", "starter", "--certificates", "-1"], "certificates"),
        (["plan", "starter", "--limit", "-1"], "--limit"),
        (["plan", "starter", "--hourly-share", "0.9", "--clean-share", "0.5"], "cross"),
        (["plan", "starter", "--set", "pv_most_kwp"], "NAME=VALUE"),
        (["plan", "starter", "--set", "pv_most=1"], "lever or asset"),
        (["plan", "starter", "--set", "pv_most_kwp=nan"], "finite"),
        (["plan", "starter", "--line", "nowhere.csv"], "nowhere.csv"),
        (["plan", "starter", "--grid-region", "Atlantis"], "Atlantis"),
    ],
)
def test_bad_input_is_one_message_and_code_2(arguments: list[str], says: str) -> None:
    answer = Answer(*arguments)
    assert answer.code == 2
    assert says in answer.error
    assert answer.stdout == ""


def test_a_run_without_series_is_named(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    answer = Answer("assess", str(tmp_path))
    assert answer.code == 2
    assert "manifest.json is missing" in answer.error
    files = {"files": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(files))
    summary = {"city": "x", "start": "2026-01-01", "days": 1, "parks": {"north": {"sites": []}}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    answer = Answer("assess", str(tmp_path))
    assert answer.code == 2
    assert "no table of sites" in answer.error


def test_a_run_without_parks_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {}}))
    summary = {"city": "x", "start": "2026-01-01", "days": 1, "parks": {}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    answer = Answer("assess", str(tmp_path))
    assert answer.code == 2
    assert "no park" in answer.error
