"""The audit from the written series alone: passes on honest files, fails on one changed value."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zerocity.app.runs import RunRequest, run_city
from zerocity.errors import InputError, RunStateError
from zerocity.reports.recount import Recount, read_books, recount

Change = Callable[[str, str, int, Any], Recount]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days, because an event of the virtual power plant needs a history."""
    folder = tmp_path_factory.mktemp("recount") / "run"
    run_city(RunRequest("starter", folder, start=date(2026, 1, 5), days=12, processes=1))
    assert (folder / "series" / "vpp_events").is_dir()
    return folder


def altered(run: Path, copy: Path, table: str, column: str, row: int, value: Any) -> Path:
    """A copy of the run in which one value of one file is another."""
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("report", "journal"))
    for extra in ("report/index.html", "journal/2026-01-05.npz"):
        (copy / extra).parent.mkdir(exist_ok=True)
        (copy / extra).touch()
    path = sorted((copy / "series" / table).glob("*.parquet"))[0]
    data = pq.read_table(path)
    values = data[column].to_pylist()
    values[row] = value(values[row]) if callable(value) else value
    at = data.schema.get_field_index(column)
    data = data.set_column(at, data.schema.field(at), pa.array(values, data.schema.field(at).type))
    pq.write_table(data, path)
    return copy


def failed(found: Recount) -> set[str]:
    books = {name for name, b in found.balances.items() if not b.relative <= 1e-9}
    return books | {check.name for check in found.checks if not check.passed}


def test_an_honest_run_passes(run: Path) -> None:
    found = recount(run)
    assert found.passed
    assert not failed(found)
    assert len(found.checks) > 20
    assert {"energy_kwh", "money_cny", "carbon_kg", "batteries"} <= found.balances.keys()


def test_the_books_are_read_back_as_they_were(run: Path) -> None:
    books = read_books(run)
    assert books.flow("energy_kwh", "grid", "site_busbar") > 0.0
    assert min(day for day, _, _ in books.stocks) == -1


CASES = [
    ("site_steps", "import_kwh", lambda v: v + 0.01, "import_kwh of all sites"),
    ("site_steps", "import_kwh", float("nan"), "import_kwh of all sites"),
    ("site_steps", "charging_kwh", lambda v: v + 0.01, "charging and storage"),
    ("site_steps", "pv_used_kwh", lambda v: v + 0.01, "worst busbar of any site and step"),
    ("city_steps", "traction_kwh", lambda v: v + 0.01, "traction"),
    ("city_steps", "buy_cny_per_kwh", lambda v: v + 0.01, "energy bill"),
    ("fleet_days", "kwh", lambda v: v + 0.01, "traction by fleet"),
    ("vpp_events", "payment_cny", lambda v: v + 1.0, "virtual power plant"),
    ("stocks", "amount", lambda v: v + 1.0, "batteries"),
    ("life_events", "soh", 0.5, "hash chain of the life ledger, pieces broken"),
    ("life_events", "reason", "none", "hash chain of the life ledger, pieces broken"),
    ("life_events", "hash", "0" * 64, "hash chain of the life ledger, pieces broken"),
]


@pytest.mark.parametrize(("table", "column", "value", "check"), CASES)
def test_one_changed_value_is_found(
    run: Path, tmp_path: Path, table: str, column: str, value: Any, check: str
) -> None:
    copy = altered(run, tmp_path / "copy", table, column, 0, value)
    found = recount(copy)
    assert not found.passed
    assert check in failed(found)


def test_every_amount_of_the_ledger_counts(run: Path, tmp_path: Path) -> None:
    """Whatever is posted is compared with a count of its stock, or with the series."""
    ledger = pq.read_table(next((run / "series" / "ledger").glob("*.parquet"))).to_pylist()
    seen = set()
    for row, entry in enumerate(ledger):
        what = (entry["book"], entry["from_account"], entry["to_account"])
        if what in seen:
            continue
        seen.add(what)
        copy = tmp_path / str(row)
        found = recount(altered(run, copy, "ledger", "amount", row, lambda v: v * 1.01 + 1.0))
        assert not found.passed, what
        shutil.rmtree(copy)
    assert len(seen) > 10


def test_an_unlawful_or_unknown_event_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunStateError, match="'stolen', which no battery can live"):
        recount(altered(run, tmp_path / "a", "life_events", "event", 0, "stolen"))
    with pytest.raises(InputError, match="unlawful"):
        recount(altered(run, tmp_path / "b", "life_events", "event", 0, "processed"))
    with pytest.raises(RunStateError, match="names battery -5"):
        recount(altered(run, tmp_path / "c", "life_events", "battery", 0, -5))


def test_a_cut_file_and_an_unfinished_run_are_told(run: Path, tmp_path: Path) -> None:
    copy = altered(run, tmp_path / "a", "ledger", "amount", 0, 1.0)
    path = next((copy / "series" / "site_steps").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunStateError, match=r"parquet cannot be read"):
        recount(copy)
    path.unlink()
    with pytest.raises(RunStateError, match="is missing"):
        recount(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(RunStateError, match="no finished run"):
        recount(copy)
