"""Which city was served from a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerocity.storage.served import FILE, note_city, noted_sites


def test_the_sites_are_known_again(tmp_path: Path) -> None:
    assert noted_sites(tmp_path) is None
    note_city(tmp_path, "lanzhou", ["a", "é"])
    note_city(tmp_path, "town", ["b"])
    assert noted_sites(tmp_path) == ("b",)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("text", ["", "{}", '{"sites": 3}', "[1]"])
def test_a_damaged_note_is_no_note(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert noted_sites(tmp_path) is None
