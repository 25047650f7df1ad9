"""Segments are read back as they were written, up to where they were torn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.storage.segments import MAGIC, Frame, mend, name_of, numbers, read, record

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
FRAMES = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.datetimes(timezones=st.just(UTC)),
        st.binary(max_size=300),
    ),
    max_size=8,
)


def written(folder: Path, frames: list[Frame], tail: bytes = b"") -> Path:
    path = folder / name_of(1)
    path.write_bytes(MAGIC + b"".join(record(*frame) for frame in frames) + tail)
    return path


@given(frames=FRAMES)
def test_frames_come_back(tmp_path_factory: pytest.TempPathFactory, frames: list[Frame]) -> None:
    path = written(tmp_path_factory.mktemp("s"), frames)
    assert list(read(path)) == frames


@given(frames=FRAMES, data=st.data())
def test_a_torn_segment_keeps_its_whole_records(
    tmp_path_factory: pytest.TempPathFactory, frames: list[Frame], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("s"), frames)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = list(read(path))
    assert kept == frames[: len(kept)]
    assert len(kept) == len(frames) or cut < len(whole)
    lost = mend(path)
    if kept:
        assert list(read(path)) == kept
        assert path.stat().st_size == cut - lost
        assert mend(path) == 0
    else:
        assert not path.exists()


def test_a_changed_byte_ends_the_segment_there(tmp_path: Path) -> None:
    frames: list[Frame] = [(f"v{n}", AT, bytes([n]) * 50) for n in range(5)]
    path = written(tmp_path, frames)
    raw = bytearray(path.read_bytes())
    raw[len(MAGIC) + 2 * len(record(*frames[0])) + 30] ^= 1
    path.write_bytes(raw)
    assert list(read(path)) == frames[:2]


@pytest.mark.parametrize("tail", [b"\0" * 40, b"\xff" * 40, b"\x01"])
def test_rubbish_at_the_end_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    path = written(tmp_path, [("v", AT, b"frame")], tail)
    assert mend(path) == len(tail)
    assert list(read(path)) == [("v", AT, b"frame")]


def test_what_is_no_segment_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / name_of(3)
    path.write_bytes(b"something quite different")
    assert mend(path) == 0
    assert numbers(tmp_path) == []
    assert path.with_suffix(".damaged").read_bytes() == b"something quite different"


def test_records_longer_than_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerocity.storage.segments._READ_BYTES", 7)
    frames: list[Frame] = [(f"v{n}", AT + timedelta(seconds=n), b"x" * n) for n in range(50)]
    assert list(read(written(tmp_path, frames))) == frames


@pytest.mark.parametrize(
    "frame", [("v" * 256, AT, b""), ("v", AT, b"x" * 131_073), ("v", datetime(2026, 5, 1), b"")]
)
def test_a_frame_that_cannot_be_kept(frame: Frame) -> None:
    with pytest.raises(ValueError, match=r"no time zone|at most"):
        record(*frame)


def test_segments_are_numbered(tmp_path: Path) -> None:
    for name in (name_of(12), name_of(3), "notes.txt", "x.seg", "000000000004.damaged"):
        (tmp_path / name).touch()
    assert numbers(tmp_path) == [3, 12]
