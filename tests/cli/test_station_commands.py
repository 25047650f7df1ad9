"""Stations, tokens and vehicles by command, as an operator meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError
from zerocity.storage.database import open_engine
from zerocity.storage.live_tables import audit_log, stations
from zerocity.storage.passwords import matches
from zerocity.storage.served import note_city

SITE = "Town bus depot"
VIN = "LZ9ZCTYB0T1000017"


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *words: str | Path, **environment: str) -> None:
        result = CliRunner().invoke(main.app, [str(word) for word in words], env=environment)
        self.stdout, self.code, self.error = result.stdout, result.exit_code, result.stderr
        if isinstance(result.exception, ZerocityError):
            self.error, self.code = str(result.exception), result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception

    @property
    def facts(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.stdout)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A served city, the only one in `live/`."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "live" / "town"
    assert Answer("database", "upgrade", "--data", folder).code == 0
    note_city(folder, "starter", [SITE, "Town battery centre"])
    return folder


def kept(data: Path, table: Any) -> list[dict[str, Any]]:
    engine = open_engine(data / "live.db")
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(table.select()).mappings()]
    engine.dispose()
    return found


def test_a_site_that_is_not_there_is_refused_with_those_that_are() -> None:
    answer = Answer("station", "add", "CP1", "--site", "Town bus depo")
    assert answer.code == 2
    assert SITE in answer.error
    assert Answer("station", "add", "CP1", "--site", SITE, "--json").facts["site_known"]


def test_the_city_may_be_named_and_a_shipped_one_is_known(data: Path) -> None:
    answer = Answer("station", "add", "CP1", "--site", SITE, "--city", "lanzhou")
    assert "Xigu bus depot 1" in answer.error or "bus depot" in answer.error
    other = data.parent / "lanzhou"
    assert "bus depot" in Answer("station", "add", "C", "--site", "x", "--data", other).error
    unknown = Answer("station", "add", "C", "--site", "x", "--data", data.parent / "new")
    assert "Nobody checked that x is a site" in unknown.stdout


def test_a_password_of_its_own_comes_from_a_file_or_the_environment(data: Path) -> None:
    words = ("station", "add", "CP1", "--site", SITE)
    by_word = Answer(*words, ZEROCITY_STATION_PASSWORD="a-password-of-ours")
    assert "a-password-of-ours" not in by_word.stdout
    assert matches("a-password-of-ours", kept(data, stations)[0]["password_hash"])
    file = data / "secret.txt"
    file.write_text("another-password-00\n")
    facts = Answer(*words, "--password-file", file, "--json").facts
    assert "password" not in facts
    assert matches("another-password-00", kept(data, stations)[0]["password_hash"])
    file.write_text("short")
    assert "16 to 40" in Answer(*words, "--password-file", file).error
    assert "can be read" in Answer(*words, "--password-file", data / "missing").error


def test_tokens_come_change_and_go(data: Path) -> None:
    assert Answer("token", "add", "BUS-17", "--priority", "5", "--valid-days", "30").code == 0
    assert Answer("token", "add", "BAD", "--blocked", "--kind", "ISO14443").code == 0
    rows = {row["id_token"]: row for row in Answer("token", "list", "--json").facts}
    assert (rows["BUS-17"]["priority"], rows["BUS-17"]["status"]) == (5, "accepted")
    assert rows["BAD"]["status"] == "blocked"
    assert Answer("token", "remove", "BAD").code == 0
    assert [row["id_token"] for row in Answer("token", "list", "--json").facts] == ["BUS-17"]
    assert "BAD" in Answer("token", "list", "--all").stdout
    assert "zerocity token list" in Answer("token", "remove", "NONE").error
    assert "ISO14443" in Answer("token", "add", "X", "--kind", "Smell").error
    deeds = [row["action"] for row in kept(data, audit_log)]
    assert deeds == ["add token", "add token", "remove token"]


def test_tokens_come_by_a_file(data: Path) -> None:
    file = data / "cards.csv"
    file.write_text("token,priority\nA1,2\nA2,\n")
    assert Answer("token", "import", file, "--json").facts == {"tokens": 2}
    file.write_text("token,priority\nA1,much\n")
    assert "line 2, priority" in Answer("token", "import", file).error
    file.write_text("card\nA1\n")
    assert "line 2" in Answer("token", "import", file).error
    file.write_text("")
    assert "no token" in Answer("token", "import", file).error


def test_vehicles_come_and_go_and_their_numbers_stay_hidden(data: Path) -> None:
    added = Answer("fleet", "add", "bus-17", "--vin", VIN.lower(), "--fleet", "bus")
    assert added.code == 0
    assert VIN not in Answer("fleet", "list").stdout
    assert Answer("fleet", "list", "--json").facts[0]["vin"] == f"..{VIN[-4:]}"
    assert Answer("fleet", "list", "--full", "--json").facts[0]["vin"] == VIN
    assert "its own" in Answer("fleet", "add", "bus-18", "--vin", VIN).error
    assert VIN not in json.dumps(kept(data, audit_log), default=str)
    assert Answer("fleet", "remove", "bus-17").code == 0
    assert Answer("fleet", "list", "--json").facts == []
    assert Answer("fleet", "add", "bus-18", "--vin", VIN).code == 0


def test_vehicles_come_by_a_file(data: Path) -> None:
    file = data / "buses.csv"
    file.write_text(f"vehicle,vin,fleet\nbus-1,{VIN},bus\nbus-2,{VIN[:-1]}8,bus\n")
    assert Answer("fleet", "import", file, "--json").facts == {"vehicles": 2}
    file.write_text(f"vehicle,vin\nbus-1,{VIN}\nbus-2,{VIN}\n")
    assert "its own" in Answer("fleet", "import", file).error
    file.write_text("vehicle,vin\nbus-1,SHORT\n")
    error = Answer("fleet", "import", file).error
    assert "line 2" in error
    assert "17 digits" in error


@pytest.mark.parametrize("words", [["bus 17", VIN], [VIN, VIN], ["bus-17", "IOQ45678901234567"]])
def test_a_vehicle_with_an_impossible_name_or_number_is_refused(words: list[str]) -> None:
    answer = Answer("fleet", "add", words[0], "--vin", words[1])
    assert answer.code == 2
    assert "LZ9ZCTY" not in answer.error


def test_the_database_may_come_from_the_environment(data: Path) -> None:
    url = f"sqlite:///{data / 'live.db'}"
    facts = Answer("token", "add", "T", "--json", "--data", data, ZEROCITY_DATABASE=url).facts
    assert facts["token"] == "T"
