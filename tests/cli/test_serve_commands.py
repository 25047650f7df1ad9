"""The command serve: what it refuses before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError


def refused(*arguments: str) -> tuple[int, str]:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""
    result = CliRunner().invoke(main.app, ["serve", *arguments])
    if isinstance(result.exception, ZerocityError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--step", "7"], "rhythm.step_s"),
        (["--ocpp-port", "70000"], "--ocpp-port"),
        (["--web-port", "-1"], "--web-port"),
        (["--hour", "25", "--twin"], "--hour"),
        (["--duration", "0"], "--duration"),
        (["--least-profile", "4"], "--least-profile"),
        (["--twin", "--swap-stations", "100000"], "swap stations"),
        (["--twin", "--vehicles", "0"], "vehicles"),
        (["--twin", "--host", "0.0.0.0"], "host"),
    ],
)
def test_what_makes_no_sense_is_refused_with_exit_code_two(
    tmp_path: Path, arguments: list[str], word: str
) -> None:
    code, said = refused("lanzhou", "--data", str(tmp_path), *arguments)
    assert code == 2
    assert word in said


def test_a_city_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, said = refused("atlantis", "--data", str(tmp_path))
    assert code == 2
    assert "atlantis" in said


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "CSV file"),
        ("site,host,port\nmoon,127.0.0.1,502\n", "moon"),
        ("site,host,port\n,,\n", "line 2"),
    ],
)
def test_a_list_of_meters_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str | None, word: str
) -> None:
    sites = tmp_path / "sites.csv"
    if text is not None:
        sites.write_text(text)
    code, said = refused("lanzhou", "--data", str(tmp_path), "--sites", str(sites))
    assert code == 2
    assert word in said
