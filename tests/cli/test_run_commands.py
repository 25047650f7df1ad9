"""The commands about runs, as a user meets them: in processes of their own where it matters."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = [sys.executable, "-c", "from zerocity.cli.main import run; run()"]


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(main.app, list(arguments))
        self.stdout, self.code = result.stdout, result.exit_code
        self.stderr = COLOUR.sub("", result.stderr)
        if isinstance(result.exception, ZerocityError):
            self.stderr += f"zerocity: {result.exception}"
            self.code = result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception


def start(folder: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdout=pipe, stderr=pipe, text=True, **more
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120.0
    while not path.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two days."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    answer = Answer("run", "starter", "--days", "2", "--out", str(folder), "--processes", "1")
    assert answer.code == 0
    assert "Open it in a browser: file://" in answer.stdout
    assert "books balance" in answer.stdout
    return folder


def test_json_is_all_that_is_printed(tmp_path: Path) -> None:
    answer = Answer("run", "starter", "--days", "1", "--out", str(tmp_path / "run"), "--json",
                    "--processes", "1")  # fmt: skip
    assert answer.code == 0
    assert json.loads(answer.stdout)["days"] == 1
    assert answer.stderr == ""


def test_progress_goes_to_standard_error(tmp_path: Path) -> None:
    answer = Answer("run", "starter", "--days", "1", "--out", str(tmp_path / "run"),
                    "--processes", "1")  # fmt: skip
    assert "1/1 days" in answer.stderr
    assert "1/1 days" not in answer.stdout


def test_audit_replay_and_report(done: Path, tmp_path: Path) -> None:
    found = json.loads(Answer("audit", str(done), "--json").stdout)
    assert found["passed"]
    assert all(check["passed"] for check in found["checks"])
    assert "ok" in Answer("audit", str(done)).stdout
    journal = str(next((done / "journal").iterdir()))
    assert json.loads(Answer("replay", journal, "--json").stdout)["same"]
    assert "the same, bit for bit" in Answer("replay", journal).stdout
    page = tmp_path / "page.html"
    assert Answer("report", str(done), "--out", str(page)).stdout.strip() == str(page)
    assert page.read_bytes()[:15].lower() == b"<!doctype html>"


def test_a_tampered_journal_is_told(done: Path, tmp_path: Path) -> None:
    with np.load(next((done / "journal").iterdir())) as file:
        arrays = dict(file)
    arrays["0040/commands/store_kw"] = arrays["0040/commands/store_kw"] + 1.0
    np.savez(tmp_path / "bad.npz", **arrays)
    answer = Answer("replay", str(tmp_path / "bad.npz"))
    assert answer.code == 1
    assert "DIFFERENT" in answer.stdout
    assert "step 40: store_kw[0]" in answer.stdout
    assert "came out differently" in answer.stderr


def test_an_audit_that_fails_says_so(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerocity.books.audit import Balance
    from zerocity.reports import recount

    bad = recount.Recount({"money_cny": Balance("operators", 5.0, 0.1)}, ())
    monkeypatch.setattr(recount, "recount", lambda run_dir: bad)
    answer = Answer("audit", str(done), "--json")
    assert answer.code == 1
    assert not json.loads(answer.stdout)["passed"]
    assert "does not balance: money_cny" in answer.stderr


BAD: list[tuple[list[str], str]] = [
    (["run", "lanzou"], "lanzhou"),
    (["run", "starter", "--days", "0"], "days"),
    (["run", "starter", "--days", "-3"], "days"),
    (["run", "starter", "--days", "many"], "--days"),
    (["run", "starter", "--start", "2026-02-30"], "a date such as"),
    (["run", "starter", "--start", "soon"], "a date such as"),
    (["run", "starter", "--journal", "1999-01-01", "--days", "2"], "a day of the run"),
    (["run", "starter", "--set", "fleets.taxi.vehicles"], "FIGURE=VALUE"),
    (["run", "starter", "--set", "fleets.taksi.vehicles=3"], "fleets.taksi"),
    (["run", "starter", "--set", "fleets.taxi.vehicles=many"], "many"),
    (["run", "starter", "--set", "fleets.taxi.vehicles=nan"], "nan"),
    (["run", "starter", "--epw", "nothing.epw"], "nothing.epw"),
    (["run", "starter", "--epw", "bad.epw"], "bad.epw"),
    (["run", "starter", "--epw", "bytes.epw"], "UTF-8"),
    (["run", "starter", "--days", "1", "--spot", "short.csv"], "96"),
    (["run", "starter", "--days", "1", "--spot", "nan.csv"], "line 3"),
    (["run", "starter", "--days", "1", "--spot", "."], "."),
    (["run", "starter", "--carbon", "guess"], "cut_off"),
    (["run", "starter", "--days", "1", "--out", "file"], "file"),
    (["run", "starter", "--days", "1", "--out", "mine"], "not a run folder"),
    (["run", "starter", "--days", "1", "--processes", "-2"], "--processes"),
    (["audit", "nothing"], "no such run folder"),
    (["audit", "mine"], "no finished run"),
    (["report", "mine"], "no finished run"),
    (["replay", "nothing.npz"], "no such file"),
    (["replay", "file"], "not a journal"),
    (["jump"], "jump"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), BAD, ids=lambda v: " ".join(v)[:60] if isinstance(v, list) else ""
)
def test_bad_input_is_one_message_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    header = "step,price_cny_per_kwh\n"
    (tmp_path / "short.csv").write_text(header + "0,0.3\n1,0.3\n")
    (tmp_path / "nan.csv").write_text(header + "0,0.3\n1,nan\n")
    (tmp_path / "bad.epw").write_text("hello\n")
    (tmp_path / "bytes.epw").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "file").write_text("text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    before = sorted(tmp_path.rglob("*"))
    answer = Answer(*arguments)
    assert answer.code == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr + answer.stdout
    assert answer.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    answer = Answer("run", "starter", "--days", "1", "--out", str(tmp_path / "run"))
    assert answer.code == 2
    assert "cannot write" in answer.stderr


def test_every_command_has_help_with_an_example() -> None:
    for name in ("run", "demo", "audit", "replay", "report"):
        answer = Answer(name, "--help")
        assert answer.code == 0
        assert "xample" in answer.stdout, name
    assert "zerocity run" in Answer("--help").stdout
    assert Answer("--version").stdout.startswith("zerocity ")


def test_demo_runs_the_reference_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerocity.app import runs as app

    asked: list[app.RunRequest] = []

    def noted(request: app.RunRequest, progress: Any) -> Any:
        asked.append(request)
        (tmp_path / "summary.json").write_text("{}")
        return tmp_path, {}

    monkeypatch.setattr(app, "run_city", noted)
    assert Answer("demo", "--days", "7", "--json").code == 0
    assert Answer("demo", "--json").code == 0
    assert [(r.city, r.days, str(r.out), r.replace) for r in asked] == [
        ("lanzhou", 7, "runs/demo-7-days", True),
        ("lanzhou", 365, "runs/demo", True),
    ]


def test_a_killed_run_is_unfinished_and_can_be_run_again(tmp_path: Path) -> None:
    arguments = ("run", "starter", "--days", "60", "--out", "run", "--processes", "1")
    with start(tmp_path, *arguments) as process:
        wait_for(tmp_path / "run" / "series" / "site_steps", process)
        process.kill()
    run = tmp_path / "run"
    assert not (run / "manifest.json").exists()
    assert not (run / "summary.json").exists()
    answer = Answer("audit", str(run))
    assert answer.code == 2
    assert "no finished run" in answer.stderr
    again = Answer("run", "starter", "--days", "2", "--out", str(run), "--processes", "1")
    assert again.code == 0
    assert Answer("audit", str(run)).code == 0
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_ends_with_one_word_and_130(tmp_path: Path, processes: str) -> None:
    arguments = ("run", "starter", "--days", "60", "--out", "run", "--processes", processes)
    with start(tmp_path, *arguments, start_new_session=True) as process:
        wait_for(tmp_path / "run" / "series" / "site_steps", process)
        # As a terminal does: everyone in the group hears it.
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.strip().splitlines()[-1] == "zerocity: stopped"
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_a_closed_pipe_is_no_error(done: Path) -> None:
    with start(done.parent, "audit", "run", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
