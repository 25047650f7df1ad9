"""The audit log notes deeds without secrets and without full vehicle numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.storage.audit_log import HIDDEN, cleaned, entries, entry, without_vins
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.recorder import write_now

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    made = open_engine(tmp_path / "live.db")
    migrate(made)
    return made


def test_entries_come_back_newest_first(engine: sa.Engine) -> None:
    for number in range(5):
        write_now(engine, [entry(AT, "li" if number % 2 else "wang", f"deed {number}", "CP1")])
    with engine.connect() as connection:
        first = entries(connection, most=2)
        rest = entries(connection, before=first[-1]["seq"])
        own = entries(connection, who="li")
    assert [row["action"] for row in first + rest] == [f"deed {n}" for n in (4, 3, 2, 1, 0)]
    assert [row["action"] for row in own] == ["deed 3", "deed 1"]
    assert first[0]["at"] == AT


@pytest.mark.parametrize(
    "name",
    ["password", "BasicAuthPassword", "client_secret", "api_key", "apiKey", "AuthorizationKey",
     "private_pem", "pin", "credentials"],
)  # fmt: skip
def test_secrets_are_hidden(name: str) -> None:
    kept = entry(AT, "li", "set", details={"deep": [{name: "hunter2"}]}).values["details"]
    assert kept == {"deep": [{name: HIDDEN}]}


def test_vehicle_numbers_keep_their_last_four() -> None:
    kept = entry(
        AT, "li", "see LSVAU2180N2183294", "LSVAU2180N2183294", details={"v": ["LSVAU2180N2183294"]}
    )
    assert kept.values["target"] == "…3294"
    assert kept.values["details"] == {"v": ["…3294"]}


@pytest.mark.parametrize("text", ["12345678901234567", "short", "CP00001", "a" * 17])
def test_other_words_stay(text: str) -> None:
    assert without_vins(text) == text


@pytest.mark.parametrize("value", [1, 1.5, None, True, "x", [], {}])
def test_plain_values_stay(value: Any) -> None:
    assert cleaned(value) == value
