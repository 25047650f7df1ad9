"""The commands about the live store, as an operator meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError
from zerocity.storage.database import open_engine
from zerocity.storage.live_tables import stations
from zerocity.storage.passwords import matches


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *words: str | Path, typed: str | None = None) -> None:
        result = CliRunner().invoke(main.app, [str(word) for word in words], input=typed)
        self.stdout, self.code, self.error = result.stdout, result.exit_code, result.stderr
        if isinstance(result.exception, ZerocityError):
            self.error += str(result.exception)
            self.code = result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception

    @property
    def facts(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.stdout)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "live" / "town"
    assert Answer("database", "upgrade", "--data", folder).code == 0
    return folder


def test_upgrade_and_status(tmp_path: Path) -> None:
    made = Answer("database", "upgrade", "--data", tmp_path / "d", "--json").facts
    assert (made["from"], made["steps"][0]) == (None, "0001")
    status = Answer("database", "status", "--data", tmp_path / "d", "--json").facts
    assert status["ready"]
    assert status["rows"]["messages"] == 0
    assert status["chains"]["ledger_events"]["whole"]
    again = Answer("database", "upgrade", "--data", tmp_path / "d")
    assert "nothing to do" in again.stdout


def test_the_only_city_needs_no_name(data: Path) -> None:
    assert "up to date" in Answer("database", "status").stdout
    assert Answer("database", "upgrade", "--data", data.parent / "other").code == 0
    answer = Answer("database", "status")
    assert answer.code == 2
    assert "other, town" in answer.error
    assert "--data" in answer.error


@pytest.mark.parametrize("words", [["database", "status"], ["station", "list"], ["user", "list"],
                                   ["backup", "b.zip"], ["user", "remove", "li"]])  # fmt: skip
def test_a_city_that_is_not_there_is_one_clear_error(tmp_path: Path, words: list[str]) -> None:
    answer = Answer(*words, "--data", tmp_path / "nowhere")
    assert answer.code == 2
    assert "no live.db" in answer.error
    assert not (tmp_path / "nowhere").exists()


def test_a_database_that_does_not_answer_is_one_clear_error() -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    answer = Answer("database", "status", "--database", url)
    assert answer.code == 2
    assert "the database does not do it" in answer.error


def test_a_station_gets_a_password_that_is_shown_once(data: Path) -> None:
    made = Answer("station", "add", "CP1", "--site", "depot", "--connectors", "2", "--json").facts
    with open_engine(data / "live.db").connect() as connection:
        row = connection.execute(stations.select()).one()
    assert matches(made["password"], row.password_hash)
    assert len(row.connectors) == 2
    listed = Answer("station", "list", "--json")
    assert [one["id"] for one in listed.facts] == ["CP1"]
    assert made["password"] not in listed.stdout
    assert "depot" in Answer("station", "list").stdout


def test_a_one_time_password_replaces_the_other(data: Path) -> None:
    Answer("station", "add", "CP1", "--site", "depot")
    answer = Answer("station", "add", "CP1", "--site", "depot", "--one-time")
    assert "first password" in answer.stdout
    assert "Use it before" in answer.stdout
    with open_engine(data / "live.db").connect() as connection:
        row = connection.execute(stations.select()).one()
    assert row.password_hash is None
    assert row.one_time_hash


def test_a_station_removed_is_listed_only_on_demand(data: Path) -> None:
    Answer("station", "add", "CP1", "--site", "depot")
    assert "may not connect" in Answer("station", "remove", "CP1").stdout
    assert Answer("station", "list", "--json").facts == []
    assert len(Answer("station", "list", "--all", "--json").facts) == 1
    assert "station list" in Answer("station", "remove", "CP9").error


def test_users_keys_and_the_end_of_both(data: Path) -> None:
    typed = "correct horse\ncorrect horse\n"
    assert Answer("user", "add", "li", "--role", "operator", typed=typed).code == 0
    drawn = Answer("user", "add", "meter", "--role", "viewer", "--draw", "--json").facts
    assert len(drawn["password"]) == 20
    key = Answer("user", "add", "meter", "--role", "viewer", "--api-key", "--json").facts
    assert key["api_key"].startswith("zc_")
    listed = Answer("user", "list", "--json").facts
    assert [(one["name"], one["role"], one["keys"]) for one in listed] == [
        ("li", "operator", 0), ("meter", "viewer", 1),
    ]  # fmt: skip
    assert "may not sign in" in Answer("user", "remove", "meter").stdout
    assert [one["disabled"] for one in Answer("user", "list", "--json").facts] == [False, True]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["user", "add", "li", "--role", "king", "--draw"], "role"),
        (["user", "add", "li", "--role", "viewer", "--api-key"], "'li'"),
        (["user", "remove", "li"], "'li'"),
        (["station", "add", "a/b", "--site", "x"], "station"),
        (["station", "add", "a", "--site", "x", "--max-kw", "0"], "max power"),
        (["station", "add", "a", "--site", "x", "--one-time", "--valid-hours", "0"], "validity"),
    ],
)
def test_what_cannot_be_is_one_clear_error(data: Path, words: list[str], wrong: str) -> None:
    answer = Answer(*words)
    assert answer.code == 2
    assert wrong in answer.error


def test_each_deed_is_in_the_audit_log_without_its_secret(data: Path) -> None:
    made = Answer("station", "add", "CP1", "--site", "depot", "--json").facts
    Answer("station", "remove", "CP1")
    with open_engine(data / "live.db").connect() as connection:
        found = connection.exec_driver_sql("SELECT who, action, target, details FROM audit_log")
        rows = [tuple(row) for row in found]
    assert [row[1:3] for row in rows] == [("add station", "CP1"), ("remove station", "CP1")]
    assert all("command line" in row[0] for row in rows)
    assert made["password"] not in str(rows)


def test_backup_and_restore(data: Path, tmp_path: Path) -> None:
    Answer("station", "add", "CP1", "--site", "depot")
    (data / "journal").mkdir()
    (data / "journal" / "2026-05-01.zcj").write_bytes(b"x")
    made = Answer("backup", "b.zip", "--json").facts
    assert made["files"] == 1
    answer = Answer("restore", "b.zip", "--data", tmp_path / "live" / "back")
    assert "ledger and audit log: whole" in answer.stdout
    [one] = Answer("station", "list", "--data", tmp_path / "live" / "back", "--json").facts
    assert one["id"] == "CP1"
    assert (tmp_path / "live" / "back" / "journal" / "2026-05-01.zcj").read_bytes() == b"x"
    again = Answer("restore", "b.zip", "--data", tmp_path / "live" / "back")
    assert again.code == 2
    assert "--replace" in again.error
    whole = Answer("restore", "b.zip", "--data", tmp_path / "live" / "back", "--replace", "--json")
    assert whole.facts["chains_whole"]


def test_a_broken_chain_is_shown(data: Path) -> None:
    Answer("station", "add", "CP1", "--site", "depot")
    with open_engine(data / "live.db").begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.exec_driver_sql("UPDATE audit_log SET who = 'nobody'")
    assert "BROKEN at 1" in Answer("database", "status").stdout


def test_a_schema_that_is_behind_or_ahead_is_shown(tmp_path: Path, data: Path) -> None:
    assert "database upgrade" in Answer(
        "database", "status", "--database", f"sqlite:///{tmp_path / 'empty.db'}"
    ).stdout  # fmt: skip
    with open_engine(data / "live.db").begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "newer zerocity" in Answer("database", "status").stdout
