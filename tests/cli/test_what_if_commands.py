"""`zerocity what-if`, and `replay` of live journals, as a user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from journals_made import made_journal
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.control.replay import PlanNote
from zerocity.errors import ZerocityError
from zerocity.storage.live_journal import LiveJournalWriter


def told(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and the error's message."""
    result = CliRunner().invoke(main.app, list(arguments))
    if isinstance(result.exception, ZerocityError):
        return result.exception.exit_code, result.stdout, str(result.exception)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    writer = LiveJournalWriter(tmp_path, lambda: "2026-05-04", ("North", "[South]", "East"), 8.0)
    for note in made_journal(4, steps=40):
        if isinstance(note, PlanNote):
            writer.plan(note.days, note.plans)
        else:
            writer.step(note.column, note.seen, note.row, note.commands)
    writer.close()
    return tmp_path / "2026-05-04.zcj"


def test_the_table_shows_both_days_and_why(journal: Path) -> None:
    code, out, _ = told("what-if", str(journal), "--plan", "none", "--no-store")
    assert code == 0
    for words in ("as said", "difference", "limits broken", "[South]", "drivers left short"):
        assert words in out
    assert "energy bought: import at the price of its moment" in out
    assert "40 looks" in out


def test_json_holds_both_days_and_nothing_else(journal: Path) -> None:
    code, out, _ = told(
        "what-if", str(journal), "--cap", "North=5@08:00-08:20", "--price", "0.4", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert found["faithful"]
    assert found["what_if"]["limits_broken"] == 0
    assert set(found["said"]["sites"]) == {"North", "[South]", "East"}
    bought = found["what_if"]["lines"][0]
    assert bought["cny"] == pytest.approx(0.4 * bought["quantity"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--plan", "best"), "--plan"),
        (("--cap", "West=5"), "a site of the journal"),
        (("--price", "nan"), "a finite price"),
    ],
)
def test_a_bad_word_is_one_message(journal: Path, more: tuple[str, ...], words: str) -> None:
    code, _, message = told("what-if", str(journal), *more)
    assert code == 2
    assert words in message


def test_replay_decides_a_live_journal_again(journal: Path) -> None:
    code, out, _ = told("replay", str(journal))
    assert code == 0
    assert re.search(r"40 steps, [\d,]+ commands: the same, bit for bit", out)
    plain = json.loads(told("replay", str(journal), "--json")[1])
    assert plain["same"]
    assert plain["left_out_bytes"] == 0


def test_replay_finds_a_changed_byte_wherever_it_is(journal: Path) -> None:
    whole = journal.read_bytes()
    for at in range(30, len(whole), len(whole) // 23):
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        code, out, message = told("replay", str(journal))
        if code == 0:
            # Nobody can tell a damaged last record from one that a power cut left half written.
            assert "39 steps" in out
            assert "bytes are no whole record; left out" in out
        else:
            assert code == 2
            assert "damaged record" in message


def test_replay_names_what_is_no_live_journal(tmp_path: Path) -> None:
    file = tmp_path / "day.zcj"
    file.write_text("something else")
    code, _, message = told("replay", str(file))
    assert code == 2
    assert "a journal of `zerocity serve`" in message
