"""The lake is listed, tidied and shortened from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zerocity.cli.main import app
from zerocity.errors import InputError, RunStateError, ZerocityError
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.frames import Command
from zerocity.protocols.gbt32960.message_writer import write
from zerocity.storage.lake import Lake

VINS = ("LZYTAGBW2E1000001", "LZYTAGBW2E1000002")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
REPORTS = 4  # of each vehicle, one each half hour


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["telemetry", "lake", *map(str, words)])
    if isinstance(result.exception, ZerocityError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def facts(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json"))
    return found


def reports() -> list[tuple[str, datetime, bytes]]:
    found = []
    for number, vin in enumerate(VINS):
        for half in range(REPORTS):
            at = NOON + timedelta(minutes=30 * half)
            report = m.Report(m.Clock.of(at), (b.Position.at(103.8, 36.5),))
            found.append((f"v{number}", at, write(vin, Command.REALTIME, report)))
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that a platform left, with segments that are no files yet."""
    folder = tmp_path / "lanzhou"
    lake = Lake(folder / "lake", flush_s=0.0)
    lake.append(reports())
    assert lake.close()
    lake = Lake(folder / "lake", flush_s=0.0)
    lake.append(reports()[:2])  # sent again
    assert lake.close()
    return folder


def test_what_waits_is_told_and_becomes_files(data: Path) -> None:
    assert facts(data)["waiting"]["segments"] == 2
    assert "are no files yet" in run(data)
    found = facts(data, "--tidy")
    assert found["tidied"] == {
        "segments": 2, "reports": 10, "repeats_dropped": 2, "hours_joined": 1, "failed": {},
    }  # fmt: skip
    assert (found["reports"], found["waiting"]["segments"]) == (8, 0)
    assert [(each["start"], each["reports"], each["files"]) for each in found["hours"]] == [
        ("2026-05-01T12:00:00+00:00", 4, 1), ("2026-05-01T13:00:00+00:00", 4, 1),
    ]  # fmt: skip
    assert facts(data)["bytes"] == found["bytes"] > 0
    assert facts(data / "lake")["reports"] == 8


def test_the_table_shows_hours_and_no_vin(data: Path) -> None:
    text = run(data, "--tidy", "--vehicle", VINS[0])
    assert "10 reports of 2 segments became files; 1 hours joined; 2 repeats dropped" in text
    assert "2026-05-01 12:00" in text
    assert VINS[0] not in text
    assert "0001" in text
    found = facts(data, "--vehicle", VINS[0])
    assert (found["reports"], found["vehicle"]) == (4, "*" * 13 + "0001")


def test_a_span_and_its_deletion(data: Path) -> None:
    run(data, "--tidy")
    assert facts(data, "--since", "2026-05-01T13:00")["reports"] == 4
    assert facts(data, "--until", "2026-05-01T20:30+08:00")["reports"] == 4
    assert facts(data, "--since", "2026-05-02")["hours"] == []
    assert "4 reports deleted" in run(data, "--delete-before", "2026-05-01T13:59")
    assert [each["start"][11:13] for each in facts(data)["hours"]] == ["13"]


def test_the_platform_tidies_its_lake_itself(data: Path) -> None:
    lake = Lake(data / "lake")
    try:
        with pytest.raises(RunStateError, match="another process"):
            run(data, "--tidy")
        assert facts(data)["waiting"]["segments"] == 2
    finally:
        lake.close()


def test_wrong_words_are_one_message(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no telemetry lake"):
        run(tmp_path / "nowhere")
    for words in (("--since", "yesterday"), ("--delete-before", "2026-13-01")):
        with pytest.raises(InputError, match="a day or a moment"):
            run(data, *words)
