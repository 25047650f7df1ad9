"""Tokens as rows: what can be shown at a station, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from zerocity.errors import InputError
from zerocity.storage.tokens import new_token, read_csv


def test_a_token_says_all_of_itself() -> None:
    row = new_token("T", kind="eMAID", status="blocked", parent="G", priority=-9, vehicle="bus-1")
    assert row.table == "tokens"
    assert row.values == {
        "id_token": "T", "kind": "eMAID", "status": "blocked", "expires_at": None, "parent": "G",
        "priority": -9, "vehicle": "bus-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"token": ""}, {"token": "a" * 256}, {"token": "a\n"}, {"token": " a"}, {"parent": " "},
     {"kind": "Smell"}, {"status": "happy"}, {"priority": 10}],
)  # fmt: skip
def test_what_no_station_could_show_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        new_token(**{"token": "T", **wrong})


def test_a_file_is_read_with_what_it_has() -> None:
    rows = read_csv(["token,vehicle,priority", "A,bus-1,3", "B,,"], "cards.csv")
    assert [(r.values["id_token"], r.values["vehicle"], r.values["priority"]) for r in rows] == [
        ("A", "bus-1", 3),
        ("B", None, 0),
    ]
    with pytest.raises(InputError, match=r"cards.csv, line 3, token"):
        read_csv(["token", "A", '" "'], "cards.csv")
