"""The command rolling, from the words to the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from zerocity.cli.main import app
from zerocity.errors import InputError

runner = CliRunner()


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    hour = np.arange(9 * 24) % 24
    store = {
        "name": "cell", "capacity_kwh": 200, "charge_limit_kw": 100, "discharge_limit_kw": 100,
        "initial_soc": 0.5, "final_soc": 0.5,
    }  # fmt: skip
    raw = {
        "step_minutes": 60, "load_kw": (100.0 + 20.0 * np.sin(hour)).tolist(), "stores": [store],
        "buy_cny_per_kwh": np.where(hour < 8, 0.3, 0.9).tolist(), "import_limit_kw": 500,
    }  # fmt: skip
    path = tmp_path / "case.json"
    path.write_text(json.dumps(raw))
    return str(path)


def test_each_way_of_planning_has_its_line(case_file: str) -> None:
    result = runner.invoke(app, ["rolling", case_file, "--days", "2", "--start", "2026-01-05"])
    assert result.exit_code == 0, result.output
    for text in ("the last 2 days of 1 store", "store at rest", "day-ahead plan", "rolling plan",
                 "scenario plan", "nothing unknown"):  # fmt: skip
        assert text in " ".join(result.stdout.split())


def test_json_tells_what_was_lost(case_file: str) -> None:
    words = ["rolling", case_file, "--days", "2", "--scenarios", "2", "--json"]
    found = json.loads(runner.invoke(app, words).stdout)
    assert len(found["policies"]) == 4
    for one in found["policies"]:
        assert one["lost_cny"] == pytest.approx(one["paid_cny"] - one["perfect_cny"])
        assert one["sites"][0]["site"] == "cell"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.toml"], "nowhere.toml"),
        (["CASE", "--days", "3"], "1 to 2 days"),
        (["CASE", "--start", "tomorrow"], "--start"),
    ],
)
def test_mistakes_are_told(case_file: str, words: list[str], message: str) -> None:
    given = [case_file if word == "CASE" else word for word in words]
    result = runner.invoke(app, ["rolling", *given])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
