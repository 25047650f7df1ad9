"""A run's folder: one writer, whole or unfinished, and nobody else's files harmed."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from zerocity.errors import RunStateError
from zerocity.storage.runs import (
    LOCK,
    MANIFEST,
    SUMMARY,
    RunFolder,
    is_finished,
    require_finished,
    write_json,
)

HOLD = """
import sys
from pathlib import Path
from zerocity.storage.runs import RunFolder
with RunFolder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def finished(path: Path, text: str = "rows") -> Path:
    with RunFolder(path, replace=True) as run:
        (path / "series").mkdir()
        (path / "series" / "a.parquet").write_text(text)
        write_json(path / SUMMARY, {"days": 1})
        run.finish({"format": 1})
    return path


def test_the_manifest_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    manifest = require_finished(finished(tmp_path / "run"))
    assert manifest["format"] == 1
    assert set(manifest["files"]) == {"series/a.parquet", SUMMARY}
    one = manifest["files"]["series/a.parquet"]
    assert one == {"bytes": 4, "sha256": sha256(b"rows").hexdigest()}
    assert is_finished(tmp_path / "run")


def test_files_hashed_beside_stand_in_the_manifest_like_the_others(tmp_path: Path) -> None:
    plain = require_finished(finished(tmp_path / "plain"))
    with RunFolder(tmp_path / "run") as run:
        (run.path / "series").mkdir()
        (run.path / "series" / "a.parquet").write_text("rows")
        run.hash_beside("series")
        write_json(run.path / SUMMARY, {"days": 1})
        run.finish({"format": 1})
    assert require_finished(tmp_path / "run") == plain


def test_a_finished_run_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    path = finished(tmp_path / "run")
    with pytest.raises(RunStateError, match=r"finished run.*--replace"), RunFolder(path):
        pass
    assert (path / "series" / "a.parquet").read_text() == "rows"
    finished(path, "new rows")
    assert (path / "series" / "a.parquet").read_text() == "new rows"


def test_an_unfinished_run_is_cleared_away(tmp_path: Path) -> None:
    path = finished(tmp_path / "run")
    (path / MANIFEST).unlink()
    (path / f"{SUMMARY}.part").write_text("{")
    with RunFolder(path) as run:
        assert run.cleared
        assert [p.name for p in path.iterdir()] == [LOCK]
    with RunFolder(path) as run:
        assert not run.cleared


def test_while_it_is_replaced_a_run_reads_as_unfinished(tmp_path: Path) -> None:
    path = finished(tmp_path / "run")
    with RunFolder(path, replace=True):
        assert not is_finished(path)
    with pytest.raises(RunStateError, match="stopped or is still running"):
        require_finished(path)


@pytest.mark.parametrize("names", [["thesis.tex"], ["report"], ["series", "journal"]])
def test_a_strangers_folder_is_refused_and_left_as_it_is(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "work").write_text("years")
    with pytest.raises(RunStateError, match="is not a run folder"), RunFolder(tmp_path):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert (tmp_path / names[0] / "work").read_text() == "years"


def test_a_strangers_file_in_a_run_folder_is_kept(tmp_path: Path) -> None:
    path = finished(tmp_path / "run")
    (path / "notes.txt").write_text("mine")
    with pytest.raises(RunStateError, match=r"notes\.txt"), RunFolder(path, replace=True):
        pass
    assert is_finished(path)


def test_two_processes_do_not_write_one_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunStateError, match=r"another process.*--out"), RunFolder(path):
            pass
        other.kill()
        other.wait()
    with RunFolder(path):
        pass  # The lock went with the process that was killed.


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunStateError, match="cannot write to"), RunFolder(path):
            pass


def test_what_is_no_finished_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunStateError, match="no such run folder"):
        require_finished(tmp_path / "nowhere")
    for content in ("{", "[]", '{"format": 1}', '{"files": []}', ""):
        (tmp_path / MANIFEST).write_text(content)
        with pytest.raises(RunStateError, match=r"manifest\.json is no"):
            require_finished(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe{}")
    with pytest.raises(RunStateError, match="not JSON"):
        require_finished(tmp_path)


def test_a_run_that_lost_a_file_is_told(tmp_path: Path) -> None:
    path = finished(tmp_path / "run")
    (path / "series" / "a.parquet").unlink()
    with pytest.raises(RunStateError, match=r"a\.parquet is missing"):
        require_finished(path)


def test_json_is_written_whole_and_without_nan(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"name": "兰州"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "兰州"}
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "兰州"}
    with pytest.raises(RunStateError, match="cannot write"):
        write_json(tmp_path / "no" / "x.json", {})
