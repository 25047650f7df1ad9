"""The commands about city folders, through a small app of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from zerocity.cli.city_commands import register
from zerocity.errors import InputError


def run(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, list(arguments))


def test_cities_lists_the_reference_city() -> None:
    result = run("cities")
    assert result.exit_code == 0
    assert "lanzhou" in result.stdout
    listed = json.loads(run("cities", "--json").stdout)
    assert listed[0]["packs"] >= 102_000


def test_init_then_check(tmp_path: Path) -> None:
    target = str(tmp_path / "town")
    assert run("init", target).exit_code == 0
    result = run("check", target)
    assert result.exit_code == 0, result.output
    assert "no mistakes" in result.stdout


def test_check_names_file_line_and_way_out(tmp_path: Path) -> None:
    target = tmp_path / "town"
    run("init", str(target))
    fleets = target / "fleets.toml"
    fleets.write_text(fleets.read_text().replace("speed_kmh =", "sped_kmh =", 1))
    result = run("check", str(target))
    assert result.exit_code == 2
    for words in ("fleets.toml", "line ", "sped_kmh", "Did you mean", "2 mistakes"):
        assert words in result.stdout


def test_check_as_json(tmp_path: Path) -> None:
    target = tmp_path / "town"
    run("init", str(target))
    (target / "vpp.toml").write_text("notice_h = ")
    result = run("check", str(target), "--json")
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert not answer["ok"]
    assert answer["problems"][0]["file"] == "vpp.toml"
    assert answer["problems"][0]["place"] == "line 1"
    assert json.loads(run("check", "lanzhou", "--json").stdout)["city"]["sites"] >= 200


def test_markup_in_a_file_is_shown_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "town"
    run("init", str(target))
    city = target / "city.toml"
    city.write_text(city.read_text().replace('"China"', '"[red]x[/red]"', 1))
    assert "[red]x[/red]" in run("check", str(target)).stdout


def test_sources_puts_assumptions_first() -> None:
    listed = json.loads(run("sources", "starter", "--json").stdout)
    order = [one["certainty"] for one in listed]
    ranks = {"assumed": 0, "derived": 1, "read": 2}
    assert order == sorted(order, key=ranks.__getitem__)
    assert all(one["source"] and one["unit"] is not None for one in listed)
    table = run("sources", "starter", "--only", "read")
    assert table.exit_code == 0
    assert "figures" in table.stdout


@pytest.mark.parametrize(
    "arguments",
    [("check", "nowhere"), ("sources", "nowhere"), ("sources", "starter", "--only", "x")],
)
def test_misuse_is_an_input_error(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, InputError)


def test_every_command_has_help_with_an_example() -> None:
    for name in ("cities", "init", "check", "sources"):
        result = run(name, "--help")
        assert result.exit_code == 0
        assert "xample" in result.stdout


def test_help_loads_no_numbers() -> None:
    code = "import sys, zerocity.cli.city_commands; print('numpy' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "False"
