"""Compiled kernels are kept apart for every state of the sources."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from zerocity.cli import kernel_cache
from zerocity.cli.kernel_cache import use_fresh_kernels


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one file, a cache folder of its own, and no choice by the user."""
    source = tmp_path / "package"
    source.mkdir()
    (source / "kernel.py").write_text("a = 1")
    monkeypatch.setattr(kernel_cache, "PACKAGE", source)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # So that what the function sets is undone.
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    return source


def chosen(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    use_fresh_kernels()
    return Path(os.environ["NUMBA_CACHE_DIR"])


def test_a_changed_source_gets_a_new_folder(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = chosen(monkeypatch)
    assert first.is_dir()
    assert chosen(monkeypatch) == first
    (package / "kernel.py").write_text("a = 22")
    second = chosen(monkeypatch)
    assert second != first
    (package / "more.py").write_text("")
    assert chosen(monkeypatch) not in (first, second)
    assert second.parent == first.parent == package.parent / "cache" / "zerocity" / "kernels"


def test_kernels_that_nobody_used_for_a_month_go(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = chosen(monkeypatch)
    kernels = old.parent
    for name in ("forgotten", "held", "recent"):
        (kernels / name / "deep").mkdir(parents=True)
        (kernels / name / "deep" / "kernel.nbc").write_text("x")
    long_ago = time.time() - 31 * 86_400
    for name in ("forgotten", "held", old.name):
        os.utime(kernels / name, (long_ago, long_ago))
    lock = os.open(kernels / "held", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    (package / "kernel.py").write_text("a = 333")
    new = chosen(monkeypatch)
    os.close(lock)
    # This process holds the one that it began with, too.
    assert {path.name for path in kernels.iterdir()} == {"held", "recent", old.name, new.name}


def test_using_kernels_keeps_them(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = chosen(monkeypatch)
    os.utime(folder, (0.0, 0.0))
    assert chosen(monkeypatch) == folder
    assert time.time() - folder.stat().st_mtime < 60.0


def test_the_users_choice_stands(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    use_fresh_kernels()
    assert os.environ["NUMBA_CACHE_DIR"] == "/somewhere"


@pytest.fixture
def homeless(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose cache folder cannot be made; returns the folder for temporary files."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_home_that_cannot_be_written_is_no_error(
    homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = chosen(monkeypatch)
    assert folder.parent == homeless
    assert folder.stat().st_mode & 0o077 == 0
    assert chosen(monkeypatch) == folder


@pytest.mark.parametrize("trap", ["open", "link"])
def test_kernels_that_others_could_have_laid_there_are_not_taken(
    homeless: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    folder = chosen(monkeypatch)
    if trap == "open":
        folder.chmod(0o777)
    else:
        folder.rename(homeless / "theirs")
        folder.symlink_to(homeless / "theirs")
    other = chosen(monkeypatch)
    assert other != folder
    assert other.stat().st_mode & 0o077 == 0
