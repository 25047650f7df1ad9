"""`./city` tells what is missing and how to get it, touches nothing else, and ends with code 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ["dirname", "readlink", "cat", "cksum", "mkdir", "mv", "rm"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder that was never set up, with a space in its name."""
    folder = tmp_path / "my city"
    folder.mkdir()
    for name in ("city", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with the few standard programs that the script needs, without Python and uv."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (programs / tool).symlink_to(found)
    return programs


def run(folder: Path, path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": os.environ.get("HOME", "/")} | more
    return subprocess.run(
        ["/bin/sh", str(folder / "city"), "--help"],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def put_python(path: Path, script: str) -> None:
    (path / "python3").write_text(f"#!/bin/sh\n{script}\n")
    (path / "python3").chmod(0o755)


def test_without_python_it_says_what_to_install(folder: Path, bare_path: Path) -> None:
    result = run(folder, bare_path)
    assert result.returncode == 2
    assert "needs Python 3.11 to 3.14" in result.stderr
    assert "apt install python3" in result.stderr
    assert result.stdout == ""


def test_an_old_python_is_named(folder: Path, bare_path: Path) -> None:
    put_python(bare_path, '[ "$1" = -V ] && echo Python 3.9.2 || exit 1')
    result = run(folder, bare_path)
    assert result.returncode == 2
    assert "is: Python 3.9.2" in result.stderr
    assert not (folder / ".venv").exists()


def test_only_the_python_that_was_named_is_tried(folder: Path, bare_path: Path) -> None:
    put_python(bare_path, f'exec "{sys.executable}" "$@"')
    result = run(folder, bare_path, PYTHON="/no where/python")
    assert result.returncode == 2
    assert "`/no where/python`" in result.stderr


def test_without_pip_and_uv_it_says_what_to_install(folder: Path, bare_path: Path) -> None:
    put_python(bare_path, f'[ "$2" = pip ] && exit 1; exec "{sys.executable}" "$@"')
    result = run(folder, bare_path)
    assert result.returncode == 2
    assert "has no pip" in result.stderr
    assert "apt install python3-pip" in result.stderr


def test_without_a_network_it_says_how_to_go_on(folder: Path, bare_path: Path) -> None:
    put_python(bare_path, f'[ "$2" = pip ] || exec "{sys.executable}" "$@"')
    uv = bare_path / "uv"
    uv.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo no route to host >&2; exit 1; }\n')
    uv.chmod(0o755)
    result = run(folder, bare_path)
    assert result.returncode == 2
    assert "no route to host" in result.stderr
    assert "run the same command again" in result.stderr
