"""A run's Parquet tables, read in batches and folded to small arrays.

Nothing here holds a whole table in memory but those with one row per day, site or event: the
large ones (a row per site and step, per session, per battery and day) stream through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zerocity.errors import RunStateError
from zerocity.reports.sums import add_kwh, add_sessions, raise_peaks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Column = npt.NDArray[Any]

BATCH_ROWS = 1 << 18
EPOCH = date(1970, 1, 1)
SITE_COLUMNS = (
    "import_kwh",
    "export_kwh",
    "pv_kwh",
    "pv_used_kwh",
    "load_kwh",
    "charging_kwh",
    "storage_charge_kwh",
    "storage_discharge_kwh",
    "planned_import_kwh",
)


@dataclass(frozen=True)
class RunTables:
    """A finished run folder: its summary and the tables it holds."""

    folder: Path
    summary: dict[str, Any]

    @property
    def start(self) -> date:
        """First local day."""
        return date.fromisoformat(str(self.summary["start"])[:10])

    @property
    def days(self) -> int:
        """Days of the run."""
        return int(self.summary["days"])

    @property
    def offset_h(self) -> float:
        """Local time minus UTC [h]; China's where the run does not say."""
        return float(self.summary.get("utc_offset_h", 8.0))

    @property
    def start_ms(self) -> int:
        """The first local midnight in UTC [ms since 1970]."""
        midnight = (self.start - EPOCH).days * 86_400_000
        return midnight - round(self.offset_h * 3_600_000)

    def local_days(self) -> list[date]:
        """Calendar date of each run day."""
        return [self.start + timedelta(days=d) for d in range(self.days)]

    def dataset(self, name: str) -> Any | None:
        """The table as a dataset, None when it is absent or has no row."""
        folder = self.folder / "series" / name
        files = sorted(str(p) for p in folder.glob("**/*.parquet"))
        if not files:
            return None
        found = ds.dataset(files, format="parquet")
        # The files' own counts; a look at the first row would unpack what lies ahead of it.
        return found if any(part.count_rows() for part in found.get_fragments()) else None

    def columns(
        self, name: str, wanted: Sequence[str], filters: Any = None
    ) -> dict[str, Column] | None:
        """Whole columns of a small table, in stored order; a column that is absent is left out."""
        found = self.dataset(name)
        if found is None:
            return None
        names = [c for c in wanted if c in found.schema.names]
        table = found.to_table(columns=names, filter=filters, use_threads=True)
        return {c: to_numpy(table.column(c).combine_chunks()) for c in names}

    def batches(
        self, name: str, wanted: Sequence[str], filters: Any = None
    ) -> Iterator[dict[str, Column]]:
        """Stream a large table as columns of numbers, in no promised order."""
        found = self.dataset(name)
        if found is None:
            return
        names = [c for c in wanted if c in found.schema.names]
        scan = found.scanner(
            columns=names, filter=filters, batch_size=BATCH_ROWS, batch_readahead=2,
            fragment_readahead=1, use_threads=True,
        )  # fmt: skip
        for batch in scan.to_batches():
            if batch.num_rows:
                yield {c: to_numpy(batch.column(i)) for i, c in enumerate(names)}


def open_run(folder: Path) -> RunTables:
    """Open a run folder; RunStateError when it is unfinished or its summary cannot be read."""
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunStateError(
            f"{folder}: no summary.json, so the run is not finished. Resume it first."
        ) from error
    except (OSError, ValueError) as error:
        raise RunStateError(f"{path}: cannot be read as JSON ({error}).") from error
    missing = [k for k in ("city", "start", "days") if not isinstance(summary, dict)
               or k not in summary]  # fmt: skip
    if missing:
        raise RunStateError(f"{path}: lacks {', '.join(missing)}; the run was cut off.")
    run = RunTables(folder, summary)
    try:
        fine = run.days >= 1 and run.start is not None
    except (TypeError, ValueError) as error:
        raise RunStateError(f"{path}: start or days make no sense ({error}).") from error
    if not fine:
        raise RunStateError(f"{path}: a run of {run.days} days has nothing to report.")
    return run


def to_numpy(values: Any) -> Column:
    """One column as NumPy: times as UTC ms, dates as days since 1970, text as objects."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return to_numpy(values.dictionary_decode())
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("ms", kind.tz), safe=False).cast(pa.int64())
    elif pa.types.is_date(kind):
        values = values.cast(pa.date32()).cast(pa.int32())
    return np.asarray(values.to_numpy(zero_copy_only=False))


def run_days(run: RunTables, values: Column) -> IntArray:
    """Run day 0, 1, ... of a ``day`` column, whether it holds dates, text or run days already."""
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    if values.dtype == object:
        values = np.array([(_as_date(v) - EPOCH).days for v in values])
    whole = np.asarray(values, dtype=np.int64)
    first = (run.start - EPOCH).days
    # Run days are small; a date of any run is thousands of days after 1970.
    return whole - first if whole.max() >= first - 1 else whole


def _as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


@dataclass(frozen=True)
class SiteEnergy:
    """``site_steps`` folded: the city by step, and each site over the run.

    ``city[column]`` (steps,) and ``by_site[column]`` (sites,) [kWh]; ``peak_kw`` (sites,) highest
    mean import of a step, ``peak_step`` when; ``over_h`` hours above the grid limit.
    """

    step_h: float
    city: dict[str, FloatArray]
    by_site: dict[str, FloatArray]
    peak_kw: FloatArray
    peak_step: IntArray
    over_h: FloatArray

    @property
    def steps_per_day(self) -> int:
        """Steps in a day."""
        return round(24.0 / self.step_h)


def step_ms(run: RunTables) -> int:
    """Length of a step [ms], read from the city's own time column; 15 min when it is absent."""
    found = run.columns("city_steps", ["time"])
    if found is None or "time" not in found or len(found["time"]) < 2:
        return 900_000
    gaps = np.diff(np.sort(found["time"]))
    gaps = gaps[gaps > 0]
    return int(gaps.min()) if len(gaps) else 900_000


def site_energy(run: RunTables, limits_kw: FloatArray) -> SiteEnergy | None:
    """Fold ``site_steps`` in one pass. ``limits_kw`` [kW], shape (sites,)."""
    length = step_ms(run)
    step_h, steps = length / 3_600_000, run.days * round(86_400_000 / length)
    sites = len(limits_kw)
    city = {c: np.zeros(steps) for c in SITE_COLUMNS}
    by_site = {c: np.zeros(sites) for c in SITE_COLUMNS}
    peak, peak_step, over = np.zeros(sites), np.zeros(sites, np.int64), np.zeros(sites)
    seen = False
    for batch in run.batches("site_steps", ["time", "site", *SITE_COLUMNS]):
        step = (batch["time"] - run.start_ms) // length
        site = np.array(batch["site"], np.int64)
        seen = seen or bool(((step >= 0) & (step < steps) & (site >= 0) & (site < sites)).any())
        for name in SITE_COLUMNS:
            if name in batch:
                kwh = np.array(batch[name], np.float64)
                add_kwh(step, site, kwh, city[name], by_site[name])
                if name == "import_kwh":
                    raise_peaks(step, site, kwh, step_h, limits_kw, peak, peak_step, over, steps)
    return SiteEnergy(step_h, city, by_site, peak, peak_step, over) if seen else None


def fold(sums: FloatArray, index: IntArray, values: FloatArray) -> None:
    """Add values to ``sums`` by index. Batches span few steps: counting begins at their first."""
    if len(index):
        low = int(index.min())
        counts = np.bincount(index - low, values)
        sums[low : low + len(counts)] += counts


def site_window(
    run: RunTables, site: int, first_day: int, days: int
) -> dict[str, FloatArray] | None:
    """One site's steps of ``days`` run days from ``first_day``, in order of time [kWh a step]."""
    found = run.dataset("site_steps")
    if found is None:
        return None
    begin = run.start_ms + first_day * 86_400_000
    kind = found.schema.field("time").type
    low, high = (
        pa.scalar(_instant(ms) if kind.tz else _instant(ms).replace(tzinfo=None), kind)
        for ms in (begin, begin + days * 86_400_000)
    )
    chosen = (pc.field("site") == site) & (pc.field("time") >= low) & (pc.field("time") < high)
    columns = run.columns("site_steps", ["time", *SITE_COLUMNS], chosen)
    if columns is None or len(columns["time"]) == 0:
        return None
    order = np.argsort(columns["time"], kind="stable")
    return {c: v[order].astype(np.float64) for c, v in columns.items()}


def _instant(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


@dataclass
class Sessions:
    """``sessions`` folded: by (fleet, kind 0 charge / 1 swap, local hour of start)."""

    count: FloatArray = field(default_factory=lambda: np.zeros((0, 2, 24)))
    energy_kwh: FloatArray = field(default_factory=lambda: np.zeros((0, 2, 24)))


def sessions(run: RunTables, fleets: int) -> Sessions | None:
    """Fold the sessions in one pass; fleets beyond ``fleets`` are left out."""
    count, energy = np.zeros((fleets, 2, 24)), np.zeros((fleets, 2, 24))
    shift = round(run.offset_h * 3_600_000)
    for batch in run.batches("sessions", ["start", "fleet", "kind", "energy_kwh"]):
        start, fleet, kind = (
            np.array(batch[name], np.int64) for name in ("start", "fleet", "kind")
        )
        kwh = np.array(batch["energy_kwh"], np.float64)
        add_sessions(start, fleet, kind, kwh, shift, count, energy)
    return Sessions(count, energy) if count.any() else None


def edge_days(run: RunTables) -> tuple[Any, Any] | None:
    """First and last value of ``battery_days.day`` as stored, from the files' statistics."""
    found = run.dataset("battery_days")
    if found is None:
        return None
    lows, highs = [], []
    for fragment in found.get_fragments():
        for group in fragment.row_groups:
            stats = group.statistics.get("day") if group.statistics else None
            if stats is None:
                return _scanned_edges(found)
            lows.append(stats["min"])
            highs.append(stats["max"])
    return (min(lows), max(highs)) if lows else None


def _scanned_edges(found: Any) -> tuple[Any, Any]:
    lows, highs = [], []
    for batch in found.scanner(columns=["day"], batch_size=BATCH_ROWS).to_batches():
        if batch.num_rows:
            edges = pc.min_max(batch.column(0))
            lows.append(edges["min"].as_py())
            highs.append(edges["max"].as_py())
    return min(lows), max(highs)


def battery_state(run: RunTables, day: Any) -> dict[str, Column] | None:
    """Battery, stage and soh of every battery on one stored day."""
    return run.columns("battery_days", ["battery", "stage", "soh"], pc.field("day") == day)


def posted(run: RunTables) -> dict[str, dict[tuple[str, str], float]]:
    """The ledger summed over the run: book -> (from, to) -> amount."""
    found = run.dataset("ledger")
    sums: dict[str, dict[tuple[str, str], float]] = {}
    if found is None:
        return sums
    keys = ["book", "from_account", "to_account"]
    pieces = []
    for batch in found.scanner(columns=[*keys, "amount"], batch_size=BATCH_ROWS).to_batches():
        if batch.num_rows:
            table = pa.Table.from_batches([batch])
            pieces.append(table.group_by(keys).aggregate([("amount", "sum")]))
    total = pa.concat_tables(pieces).group_by(keys).aggregate([("amount_sum", "sum")])
    for row in total.sort_by([(k, "ascending") for k in keys]).to_pylist():
        book = sums.setdefault(str(row["book"]), {})
        book[(str(row["from_account"]), str(row["to_account"]))] = row["amount_sum_sum"]
    return sums


def stocks(run: RunTables) -> dict[str, dict[str, tuple[float, float]]]:
    """Counted stocks: book -> account -> (first, last)."""
    names = ["day", "book", "account", "amount"]
    found = run.columns("stocks", names)
    result: dict[str, dict[str, tuple[float, float]]] = {}
    if found is None or any(name not in found for name in names):
        return result
    days = run_days(run, found["day"])
    for i in np.argsort(days, kind="stable"):
        book = result.setdefault(str(found["book"][i]), {})
        account, amount = str(found["account"][i]), float(found["amount"][i])
        first = book[account][0] if account in book else amount
        book[account] = (first, amount)
    return dict(sorted(result.items()))
