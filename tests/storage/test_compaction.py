"""Segments become Parquet once, by the hour of the sample, whenever a conversion is killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zerocity.errors import RunStateError
from zerocity.storage import compaction, lake_files
from zerocity.storage.compaction import Layout, compact, convert, read, retain
from zerocity.storage.lake import Lake
from zerocity.storage.segments import Frame

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
FOREVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
SCHEMA = pa.schema(
    [("vin", pa.string()), ("at", pa.timestamp("s", tz="UTC")),
     ("received_at", pa.timestamp("ms", tz="UTC")), ("soc", pa.int64())]
)  # fmt: skip


def sample(vin: str, minute: float, soc: int, late_min: float = 0.0) -> Frame:
    """A frame whose bytes are the minute of the sample after noon, and the state of charge."""
    at = AT + timedelta(minutes=minute)
    return vin, at + timedelta(minutes=late_min), f"{at.timestamp():.0f} {soc}".encode()


def decode(frames: Sequence[Frame]) -> pa.Table:
    rows = []
    for vin, received_at, raw in frames:
        second, soc = raw.split()
        at = None if second == b"?" else datetime.fromtimestamp(int(second), UTC)
        rows.append({"vin": vin, "at": at, "received_at": received_at, "soc": int(soc)})
    return pa.Table.from_pylist(rows, SCHEMA)


def poured(folder: Path, *frames: Frame, decode: Any = decode) -> compaction.Work:
    """Append frames, close the segment, convert."""
    lake = Lake(folder, flush_s=0.0)
    lake.append(frames)
    closed = _closed(lake)
    work = convert(folder, closed, decode)
    lake.close()
    return work


def _closed(lake: Lake) -> list[Path]:
    while lake.waiting:
        pass
    return lake.roll()


def seen(folder: Path, **how: Any) -> list[tuple[str, int]]:
    table = read(folder, *FOREVER, **how)
    return [(row["vin"], row["soc"]) for row in table.to_pylist()]


def test_samples_come_back_by_hour_and_sorted(tmp_path: Path) -> None:
    work = poured(tmp_path, sample("b", 61, 3), sample("b", 5, 2), sample("a", 6, 1))
    assert (work.rows, work.files, work.segments, work.dropped) == (3, 2, 1, 0)
    assert seen(tmp_path) == [("a", 1), ("b", 2), ("b", 3)]
    assert sorted(lake_files.load(tmp_path).partitions()) == [
        "date=2026-05-01/hour=12", "date=2026-05-01/hour=13",
    ]  # fmt: skip
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_sample_without_a_moment_lies_where_it_was_received(tmp_path: Path) -> None:
    poured(tmp_path, ("a", AT, b"? 1"), ("a", AT, b"? 2"))
    [name] = lake_files.load(tmp_path).files
    assert name.startswith("date=2026-05-01/hour=12/")
    assert pq.read_table(tmp_path / name).num_rows == 2


def test_a_sample_sent_again_stays_as_it_came_first(tmp_path: Path) -> None:
    work = poured(tmp_path, sample("a", 1, 10), sample("a", 1, 10), sample("a", 1, 11, 0.5))
    assert work.dropped == 1  # the equal bytes were not even decoded
    poured(tmp_path, sample("a", 1, 12, late_min=180.0), sample("b", 1, 5, late_min=180.0))
    joined = compact(tmp_path)
    assert (joined.dropped, joined.files) == (1, 1)
    assert seen(tmp_path) == [("a", 10), ("b", 5)]


def test_compaction_joins_small_files_and_only_those(tmp_path: Path) -> None:
    for minute in range(5):
        poured(tmp_path, sample("a", minute, minute), sample("a", 70 + minute, 70 + minute))
    before = seen(tmp_path)
    assert len(lake_files.load(tmp_path).files) == 10
    work = compact(tmp_path, before=AT + timedelta(hours=1))
    assert (work.files, work.rows) == (1, 5)
    assert len(lake_files.load(tmp_path).files) == 6
    compact(tmp_path)
    assert sorted(seen(tmp_path)) == sorted(before)
    assert compact(tmp_path).files == 0
    assert len(list(tmp_path.glob("date=*/hour=*/*"))) == 2
    poured(tmp_path, sample("a", 9, 9))
    compact(tmp_path)
    assert len(seen(tmp_path)) == 11


def test_old_hours_go(tmp_path: Path) -> None:
    poured(tmp_path, *(sample("a", 60 * hour, hour) for hour in range(30)))
    assert retain(tmp_path, AT + timedelta(hours=13, minutes=59)) == 13
    assert [soc for _, soc in seen(tmp_path)] == list(range(13, 30))
    assert not (tmp_path / "date=2026-05-01").exists()
    assert retain(tmp_path, AT) == 0


def test_reading_takes_a_span_columns_and_vehicles(tmp_path: Path) -> None:
    poured(tmp_path, *(sample(vin, 30 * n, n) for n in range(6) for vin in "ab"))
    found = read(
        tmp_path, AT + timedelta(minutes=30), AT + timedelta(minutes=120), columns=["soc", "vin"],
        vehicles=["b"],
    )  # fmt: skip
    assert found.to_pydict() == {"soc": [1, 2, 3], "vin": ["b"] * 3}
    assert read(tmp_path, *FOREVER[::-1]).num_rows == 0
    assert read(tmp_path / "nothing", *FOREVER).num_rows == 0


def test_files_of_an_older_decoder_are_read_beside_newer_ones(tmp_path: Path) -> None:
    poured(tmp_path, sample("a", 1, 1))
    poured(
        tmp_path, sample("a", 2, 2),
        decode=lambda frames: decode(frames).append_column("more", pa.array([7])),
    )  # fmt: skip
    assert read(tmp_path, *FOREVER, columns=["soc", "more"]).to_pydict()["more"] == [None, 7]
    compact(tmp_path)
    assert read(tmp_path, *FOREVER).column("more").to_pylist() == [None, 7]


def test_a_segment_that_cannot_be_decoded_is_kept(tmp_path: Path) -> None:
    lake = Lake(tmp_path, flush_s=0.0)
    lake.append([("a", AT, b"rubbish")])
    _closed(lake)
    lake.append([sample("a", 1, 1)])
    work = convert(tmp_path, _closed(lake), decode)
    assert list(work.failed) == ["000000000001.seg"]
    assert "ValueError" in work.failed["000000000001.seg"]
    assert seen(tmp_path) == [("a", 1)]
    assert [path.name for path in lake.roll()] == ["000000000001.seg"]
    mended = convert(tmp_path, lake.roll(), lambda frames: decode([sample("a", 2, 2)]))
    lake.close()
    assert mended.failed == {}
    assert sorted(seen(tmp_path)) == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("where", ["zerocity.storage.compaction._write",
                                   "zerocity.storage.lake_files.save",
                                   "zerocity.storage.compaction._delete",
                                   "pathlib.Path.unlink"])  # fmt: skip
@pytest.mark.parametrize("call", range(4))
def test_killed_anywhere_the_lake_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, call: int
) -> None:
    """Each step of conversion and compaction fails once; the next run finds everything."""
    poured(tmp_path, *(sample("a", 25 * n, n) for n in range(4)))
    lake = Lake(tmp_path, flush_s=0.0)
    lake.append([sample("a", 25 * n + 1, 10 + n) for n in range(4)])
    closed = _closed(lake)
    module, _, name = where.rpartition(".")
    target = {"pathlib.Path": Path, "zerocity.storage.compaction": compaction,
              "zerocity.storage.lake_files": lake_files}[module]  # fmt: skip
    whole, calls = getattr(target, name), iter(range(100))

    def dies(*words: Any, **more: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return whole(*words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(target, name, dies)
        try:
            convert(tmp_path, closed, decode)
            compact(tmp_path)
        except KeyboardInterrupt:
            pass
    convert(tmp_path, lake.roll(), decode)
    lake.close()
    wanted = [("a", n) for pair in ((n, 10 + n) for n in range(4)) for n in pair]
    assert sorted(seen(tmp_path)) == sorted(wanted)
    compact(tmp_path)
    assert seen(tmp_path) == wanted
    known = lake_files.load(tmp_path).files
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("date=*/hour=*/*")}
    assert there == set(known)


def test_a_lost_manifest_deletes_no_files(tmp_path: Path) -> None:
    poured(tmp_path, sample("a", 1, 1))
    (tmp_path / lake_files.MANIFEST).unlink()
    with pytest.raises(RunStateError, match="no manifest"):
        compact(tmp_path)
    assert list(tmp_path.glob("date=*/hour=*/*.parquet"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 9}', '{"format": 1, "files": 1}'])
def test_a_damaged_manifest_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / lake_files.MANIFEST).write_text(content)
    with pytest.raises(RunStateError, match=r"manifest\.json"):
        lake_files.load(tmp_path)


SAMPLES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 130), st.integers(0, 99)), max_size=30
)


@settings(max_examples=15)
@given(batches=st.lists(SAMPLES, max_size=4))
@example(batches=[[("b", 0, 1), ("b", 0, 0), ("b", 0, 1)]])
def test_any_order_of_batches_leaves_each_sample_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    first: dict[tuple[str, int], int] = {}
    for late, batch in enumerate(batches):
        for vin, minute, soc in batch:
            first.setdefault((vin, minute), soc)
        # Later batches are received later; within one the first stays.
        poured(folder, *(sample(v, m, s, 200.0 * late) for v, m, s in batch))
    compact(folder)
    found = read(folder, *FOREVER)
    rows = {
        (r["vin"], int((r["at"] - AT).total_seconds() // 60)): r["soc"] for r in found.to_pylist()
    }
    assert rows == first
    assert found.num_rows == len(first)


def test_rows_with_no_key_all_stay() -> None:
    table = decode([("a", AT, b"1 1"), ("a", AT, b"1 2")])
    work = compaction.Work()
    assert compaction._tidy(table, Layout(key=()), work).num_rows == 2
