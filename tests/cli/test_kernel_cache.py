"""Compiled kernels are kept apart for every state of the sources."""

from __future__ import annotations

import os
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


def test_the_users_choice_stands(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    use_fresh_kernels()
    assert os.environ["NUMBA_CACHE_DIR"] == "/somewhere"


def test_a_home_that_cannot_be_written_is_no_error(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "zerocity-kernels" in chosen(monkeypatch).name
