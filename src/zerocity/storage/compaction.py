"""The telemetry lake at rest: segments become Parquet by hour, small files become large ones.

Files lie in ``date=2026-05-01/hour=13/`` by the moment of the sample, so that what a vehicle sends
again after a lost link comes to lie beside the first, and is found there.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import structlog

from zerocity.errors import RunStateError
from zerocity.storage import lake_files, segments
from zerocity.storage.lake_files import Manifest
from zerocity.storage.segments import Frame

# Frames decoded at a time: some hundred megabytes of Python and Arrow objects.
_CHUNK = 50_000
# Small, so that one vehicle's hour is read without the others' (rows are sorted by vehicle).
_ROW_GROUP = 100_000
_ORDER = "_order"

Decode = Callable[[Sequence[Frame]], pa.Table]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns rule the lake.

    at : moment of the sample; received_at : takes its place where it is null. key : rows alike in
    these are one sample, of which the first received stays; rows with a null among them all stay.
    sort : order within a file.
    """

    at: str = "at"
    received_at: str = "received_at"
    key: tuple[str, ...] = ("vin", "at")
    sort: tuple[str, ...] = ("vin", "at")


@dataclass(slots=True)
class Work:
    """What a conversion or a compaction did."""

    rows: int = 0
    dropped: int = 0  # rows that were there twice
    files: int = 0
    segments: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # segment: reason; it is kept


def convert(
    lake: Path, closed: Sequence[Path], decode: Decode, layout: Layout | None = None
) -> Work:
    """Write closed segments (``Lake.roll``) as Parquet and delete them.

    A segment counts once the manifest names its files; killed before, it is converted again. One
    that ``decode`` fails on is kept for the next time, and holds up no other.
    """
    layout, work = layout or Layout(), Work()
    with lake_files.maintenance(lake):
        manifest = _swept(lake)
        for path in closed:
            if not path.exists():
                continue
            try:
                table = _decoded(path, decode)
            except Exception as error:
                log.exception("a segment cannot be decoded", segment=path.name)
                work.failed[path.name] = f"{type(error).__name__}: {error}"
                continue
            _keep(lake, manifest, path, _tidy(table, layout, work), layout, work)
    return work


def compact(lake: Path, layout: Layout | None = None, *, before: datetime | None = None) -> Work:
    """Join the files of each hour that has several, and drop what is there twice.

    ``before``: leave later hours alone, because files still come.
    """
    layout, work = layout or Layout(), Work()
    with lake_files.maintenance(lake):
        manifest = _swept(lake)
        for partition, names in manifest.partitions().items():
            if len(names) < 2 or (before is not None and lake_files.start_of(partition) >= before):
                continue
            table = _tidy(_joined([pq.read_table(lake / name) for name in names]), layout, work)
            number = max(int(name.rpartition("-")[2].split(".")[0]) for name in names)
            target = f"{partition}/joined-{number:012d}.parquet"
            if target in names:
                target = f"{partition}/joined-{number + 1:012d}.parquet"
            _write(lake / target, table)
            for name in names:
                del manifest.files[name]
            manifest.files[target] = table.num_rows
            lake_files.save(lake, manifest)
            _delete(lake, names)
            work.rows += table.num_rows
            work.files += 1
    return work


def retain(lake: Path, since: datetime) -> int:
    """Delete the hours that ended before ``since``; return how many rows that were."""
    with lake_files.maintenance(lake):
        manifest = _swept(lake)
        old = [
            name
            for partition, names in manifest.partitions().items()
            if lake_files.start_of(partition) + timedelta(hours=1) <= since
            for name in names
        ]
        rows = sum(manifest.files.pop(name) for name in old)
        if old:
            lake_files.save(lake, manifest)
            _delete(lake, old)
    return rows


def read(
    lake: Path,
    since: datetime,
    until: datetime,
    *,
    columns: Sequence[str] | None = None,
    vehicles: Sequence[str] | None = None,
    vehicle: str = "vin",
    layout: Layout | None = None,
) -> pa.Table:
    """Return the samples of a span, ``since <= at < until``, that were converted already.

    ``vehicles``: only these, by the column ``vehicle``. Rows are sorted within each file.
    """
    layout = layout or Layout()
    wanted = (pc.field(layout.at) >= pa.scalar(since)) & (pc.field(layout.at) < pa.scalar(until))
    if vehicles is not None:
        wanted &= pc.field(vehicle).isin(list(vehicles))
    with lake_files.maintenance(lake, reading=True):
        names = [
            str(lake / name)
            for partition, files in lake_files.load(lake).partitions().items()
            if lake_files.start_of(partition) < until
            and lake_files.start_of(partition) + timedelta(hours=1) > since
            for name in files
        ]
        if not names:
            return pa.table({})
        schema = pa.unify_schemas([pq.read_schema(name) for name in names])
        found = ds.dataset(names, schema=schema, format="parquet")
        return found.to_table(columns=list(columns) if columns else None, filter=wanted)


def _decoded(path: Path, decode: Decode) -> pa.Table:
    """Decode a segment piece by piece; frames that came twice in one piece are taken once."""
    frames = segments.read(path)
    tables = []
    while chunk := list(itertools.islice(frames, _CHUNK)):
        first: dict[tuple[str, bytes], Frame] = {}
        for vehicle, at, raw in chunk:
            first.setdefault((vehicle, raw), (vehicle, at, raw))
        tables.append(decode(list(first.values())))
    return _joined(tables) if tables else pa.table({})


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="default")


def _tidy(table: pa.Table, layout: Layout, work: Work) -> pa.Table:
    """Sort rows and leave the first received of those that are one sample."""
    if not table.num_rows:
        return table
    order = [*layout.sort, *layout.key, layout.received_at]
    names = [name for name in dict.fromkeys(order) if name in table.column_names]
    table = table.append_column(_ORDER, pa.array(range(table.num_rows), pa.int64()))
    table = table.sort_by([(name, "ascending") for name in [*names, _ORDER]]).drop_columns(_ORDER)
    if not layout.key or table.num_rows < 2:
        return table
    same: pa.ChunkedArray | None = None
    for name in layout.key:
        column = table.column(name)
        equal = pc.fill_null(pc.equal(column.slice(1), column.slice(0, len(column) - 1)), False)
        same = equal if same is None else pc.and_(same, equal)
    assert same is not None
    first = pa.chunked_array([pa.array([True]), *pc.invert(same).chunks])
    kept = table.filter(first)
    work.dropped += table.num_rows - kept.num_rows
    return kept


def _keep(
    lake: Path, manifest: Manifest, path: Path, table: pa.Table, layout: Layout, work: Work
) -> None:
    number = int(path.stem)
    for partition, part in _by_hour(table, layout):
        name = f"{partition}/segment-{number:012d}.parquet"
        _write(lake / name, part)
        manifest.files[name] = part.num_rows
        work.rows += part.num_rows
        work.files += 1
    manifest.converted.append(number)
    manifest.last_segment = max(manifest.last_segment, number)
    lake_files.save(lake, manifest)
    path.unlink()
    work.segments += 1


def _by_hour(table: pa.Table, layout: Layout) -> list[tuple[str, pa.Table]]:
    if not table.num_rows:
        return []
    moments = pc.coalesce(
        table.column(layout.at).cast(pa.timestamp("us", tz="UTC")),
        table.column(layout.received_at).cast(pa.timestamp("us", tz="UTC")),
    )
    hours = pc.strftime(moments, format="date=%Y-%m-%d/hour=%H")
    names = sorted(pc.unique(hours).to_pylist())
    return [(name, table.filter(pc.equal(hours, name))) for name in names]


def _write(path: Path, table: pa.Table) -> None:
    """Write a file under its name only when it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        pq.write_table(table, file, compression="zstd", row_group_size=_ROW_GROUP)
        file.flush()
        lake_files.sync_file(file)
    part.replace(path)
    lake_files.sync_folder(path.parent)


def _swept(lake: Path) -> Manifest:
    """Return the manifest, after what a killed process left behind is deleted."""
    manifest = lake_files.load(lake)
    if not (lake / lake_files.MANIFEST).exists():
        if any(lake.glob("date=*/hour=*/*.parquet")):
            raise RunStateError(
                f"{lake} has files but no {lake_files.MANIFEST}. Restore it from a backup"
            )
        lake_files.save(lake, manifest)
    for number in manifest.converted:
        (lake / "segments" / segments.name_of(number)).unlink(missing_ok=True)
    manifest.converted = []
    for pattern in ("date=*/hour=*/*.parquet", "date=*/hour=*/*.part"):
        for path in lake.glob(pattern):
            if str(path.relative_to(lake)) not in manifest.files:
                path.unlink(missing_ok=True)
    return manifest


def _delete(lake: Path, names: Sequence[str]) -> None:
    for name in names:
        path = lake / name
        path.unlink(missing_ok=True)
        # An hour or a day that is empty now; one that is not refuses.
        with contextlib.suppress(OSError):
            path.parent.rmdir()
            path.parent.parent.rmdir()
