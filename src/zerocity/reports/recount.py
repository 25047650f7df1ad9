"""The audit of a run from what it wrote, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from zerocity.books.accounts import BATTERIES, CARBON, ENERGY, MONEY, Books
from zerocity.books.audit import TOLERANCE, Balance, audit, from_rows
from zerocity.errors import RunStateError
from zerocity.passports.lifecycle import (
    GENESIS,
    Event,
    Stage,
    broken_link,
    encode_event,
    fold_lives,
)
from zerocity.storage.runs import changed_files, require_finished
from zerocity.storage.series import batches, read_table


@dataclass(frozen=True)
class Check:
    """One comparison: what was written twice, and how far the two are apart."""

    name: str
    written: float
    recounted: float
    relative: float

    @property
    def passed(self) -> bool:
        """True within the tolerance of the books."""
        return bool(self.relative <= TOLERANCE)


@dataclass(frozen=True)
class Recount:
    """Balances of every book, and comparisons of the books with the series."""

    balances: dict[str, Balance]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True when all books balance and all comparisons agree."""
        books = all(b.relative <= TOLERANCE for b in self.balances.values())
        return books and all(check.passed for check in self.checks)


def recount(run_dir: Path) -> Recount:
    """Audit a finished run from its series alone."""
    manifest = require_finished(run_dir)
    books = read_books(run_dir)
    checks = [*_energy(run_dir, books), *_money_and_carbon(run_dir, books)]
    checks += [*_batteries(run_dir, books), _chain(run_dir)]
    changed = float(len(changed_files(run_dir, manifest)))
    checks.append(Check("files that changed since the run", 0.0, changed, changed))
    return Recount(audit(books), tuple(checks))


def read_books(run_dir: Path) -> Books:
    """The books of a run, from its ledger and its counted stocks."""
    return from_rows(
        _tuples(run_dir, "ledger", ["day", "book", "from_account", "to_account", "amount"]),
        _tuples(run_dir, "stocks", ["day", "book", "account", "amount"]),
    )


def _tuples(run_dir: Path, table: str, columns: list[str]) -> list[Any]:
    data = read_table(run_dir, table, columns)
    return list(zip(*(data[c].to_pylist() for c in columns), strict=True))


def _check(name: str, written: float, recounted: float, scale: float | None = None) -> Check:
    size = max(abs(written), abs(recounted)) if scale is None else scale
    apart = abs(written - recounted)
    return Check(name, written, recounted, 0.0 if apart == 0.0 else apart / max(size, 1e-12))


_FLOWS = {
    "import_kwh": ("grid", "site_busbar"),
    "export_kwh": ("site_busbar", "grid_export"),
    "pv_kwh": ("sun", "site_busbar"),
    "load_kwh": ("site_busbar", "load"),
    "storage_discharge_kwh": ("packs", "site_busbar"),
}
_IN = ("import_kwh", "pv_used_kwh", "storage_discharge_kwh")
_OUT = ("export_kwh", "load_kwh", "charging_kwh", "storage_charge_kwh")


def _energy(run_dir: Path, books: Books) -> list[Check]:
    columns = [*_FLOWS, "pv_used_kwh", "charging_kwh", "storage_charge_kwh"]
    totals = dict.fromkeys(columns, 0.0)
    worst = 0.0
    for batch in batches(run_dir, "site_steps", columns):
        rows = {c: batch.column(c).to_numpy() for c in columns}
        for name, values in rows.items():
            totals[name] += float(values.sum())
        if batch.num_rows:
            net = sum(rows[c] for c in _IN) - sum(rows[c] for c in _OUT)
            worst = max(worst, float(np.abs(net).max()))
    checks = [
        _check(f"{name} of all sites", books.flow(ENERGY, *flow), totals[name])
        for name, flow in _FLOWS.items()
    ]
    into = totals["charging_kwh"] + totals["storage_charge_kwh"]
    checks.append(_check("charging and storage", books.flow(ENERGY, "site_busbar", "packs"), into))
    turnover = max(totals["import_kwh"] + totals["pv_used_kwh"], 1e-12)
    checks.append(_check("worst busbar of any site and step", worst, 0.0, turnover))
    driven = _sum(run_dir, "city_steps", "traction_kwh")
    checks.append(_check("traction", books.flow(ENERGY, "packs", "traction"), driven))
    by_fleet = _sum(run_dir, "fleet_days", "kwh")
    checks.append(_check("traction by fleet", driven, by_fleet))
    return checks


def _sum(run_dir: Path, table: str, column: str) -> float:
    return sum(
        float(pc.sum(b.column(column)).as_py() or 0.0) for b in batches(run_dir, table, [column])
    )


PRICES = ("buy_cny_per_kwh", "sell_cny_per_kwh", "grid_kgco2_per_kwh")


def _money_and_carbon(run_dir: Path, books: Books) -> list[Check]:
    steps = read_table(run_dir, "city_steps", ["time", *PRICES])
    times = steps["time"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    order = np.argsort(times)
    buy, sell, factor = (steps[c].to_numpy()[order] for c in PRICES)
    cost = income = carbon = 0.0
    for batch in batches(run_dir, "site_steps", ["time", "import_kwh", "export_kwh"]):
        when = batch.column("time").to_numpy(zero_copy_only=False).astype("datetime64[ms]")
        at = np.searchsorted(times[order], when.astype(np.int64))
        taken, sent = batch.column("import_kwh").to_numpy(), batch.column("export_kwh").to_numpy()
        cost += float(taken @ buy[at]) if at.size else 0.0
        income += float(sent @ sell[at]) if at.size else 0.0
        carbon += float(taken @ factor[at]) if at.size else 0.0
    grid = books.flow(CARBON, "grid_generation", "footprint")
    paid = _sum(run_dir, "vpp_events", "payment_cny")
    return [
        _check("energy bill", books.flow(MONEY, "operators", "grid_energy"), cost),
        _check("export income", books.flow(MONEY, "grid_export", "operators"), income),
        _check("virtual power plant", books.flow(MONEY, "power_market", "operators"), paid),
        _check("carbon of the import", grid, carbon),
    ]


def _batteries(run_dir: Path, books: Books) -> list[Check]:
    lives = read_table(run_dir, "life_events", ["battery", "event"])
    events = np.array([_event(run_dir, name) for name in lives["event"].to_pylist()], np.int64)
    batteries = lives["battery"].to_numpy()
    if batteries.size and batteries.min() < 0:
        raise RunStateError(f"{run_dir}: life_events names battery {batteries.min()}")
    count = int(batteries.max()) + 1 if batteries.size else 0
    stages = fold_lives(batteries, events, count)
    folded = np.bincount(stages[stages >= 0], minlength=len(Stage))
    # Custody moves between vehicle and pool leave no event, so the two are compared together.
    last = max((day for day, book, _ in books.stocks if book == BATTERIES), default=-1)
    counted = {s: books.stocks.get((last, BATTERIES, s.label), 0.0) for s in Stage}
    rolling = (Stage.IN_SERVICE, Stage.SWAP_POOL)
    checks = [
        _check(
            "batteries in service and pools, folded from their lives",
            sum(counted[s] for s in rolling),
            float(sum(folded[s] for s in rolling)),
        )
    ]
    for stage in Stage:
        if stage not in (*rolling, Stage.UNMADE, Stage.MADE):
            name = f"batteries {stage.label.replace('_', ' ')}, folded from their lives"
            checks.append(_check(name, counted[stage], float(folded[stage])))
    return checks


_EVENTS = {event.label: event for event in Event}


def _event(run_dir: Path, name: str) -> Event:
    if name not in _EVENTS:
        raise RunStateError(f"{run_dir}: life_events holds {name!r}, which no battery can live")
    return _EVENTS[name]


def _chain(run_dir: Path) -> Check:
    columns = ["day", "code", "event", "soh", "grade", "reason", "hash"]
    previous, seen, broken = GENESIS, 0, 0
    for batch in batches(run_dir, "life_events", columns):
        data = [batch.column(c).to_pylist() for c in columns]
        rows = [
            encode_event(
                code, day, _event(run_dir, name), {"soh": round(soh, 6), "grade": g, "reason": r}
            )
            for day, code, name, soh, g, r, _ in zip(*data, strict=True)
        ]
        hashes = [h.encode() for h in data[-1]]
        if broken_link(previous, rows, hashes) is not None:
            broken += 1
        if hashes:
            previous = bytes.fromhex(hashes[-1].decode())
        seen += len(rows)
    return Check("hash chain of the life ledger, pieces broken", 0.0, float(broken), float(broken))
