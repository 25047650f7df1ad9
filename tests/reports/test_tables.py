"""The large tables fold to what they hold."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zerocity.errors import RunStateError
from zerocity.reports import tables
from zerocity.reports.tables import open_run


def test_site_energy_keeps_every_kwh_and_finds_the_peak(made_run: Path) -> None:
    found = tables.site_energy(open_run(made_run), np.full(3, 100.0))
    assert found is not None
    assert found.step_h == 0.25
    total = 14 * 96 * 6.0 + 49.0
    assert found.city["import_kwh"].sum() == pytest.approx(total)
    assert found.by_site["import_kwh"].sum() == pytest.approx(total)
    assert found.city["import_kwh"][100] == pytest.approx(55.0)
    assert found.peak_kw == pytest.approx([200.0, 8.0, 12.0])
    assert found.peak_step.tolist() == [100, 0, 0]
    assert found.over_h.tolist() == [0.25, 0.0, 0.0]


def test_small_batches_give_the_same(made_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tables.site_energy(open_run(made_run), np.full(3, 100.0))
    monkeypatch.setattr(tables, "BATCH_ROWS", 7)
    parts = tables.site_energy(open_run(made_run), np.full(3, 100.0))
    assert whole is not None
    assert parts is not None
    assert (whole.peak_step == parts.peak_step).all()
    for name, values in whole.city.items():
        assert parts.city[name] == pytest.approx(values)


def test_a_window_of_one_site_is_in_order(made_run: Path) -> None:
    week = tables.site_window(open_run(made_run), 0, 1, 2)
    assert week is not None
    assert len(week["time"]) == 192
    assert (np.diff(week["time"]) == 900_000).all()
    assert week["import_kwh"][4] == 50.0


def test_sessions_count_by_local_hour(made_run: Path) -> None:
    found = tables.sessions(open_run(made_run), 2)
    assert found is not None
    assert found.count[0, 0, 0] == 1
    assert found.count[0, 0, 6] == 1
    assert found.energy_kwh[1, 1, 8] == pytest.approx(5.0)
    assert found.count.sum() == 4


def test_edge_days_come_from_statistics_or_a_scan(made_run: Path) -> None:
    run = open_run(made_run)
    assert tables.edge_days(run) == (date(2025, 1, 6), date(2025, 1, 19))
    assert tables._scanned_edges(run.dataset("battery_days")) == tables.edge_days(run)
    state = tables.battery_state(run, date(2025, 1, 19))
    assert state is not None
    assert len(state["soh"]) == 20


def test_ledger_and_stocks_are_folded(made_run: Path) -> None:
    run = open_run(made_run)
    assert tables.posted(run)["batteries"][("in_service", "repair")] == 6.0
    assert tables.stocks(run) == {"batteries": {"in_service": (20.0, 16.0)}}


def test_days_are_read_as_dates_text_or_run_days(made_run: Path) -> None:
    run = open_run(made_run)
    stored = np.array([(date(2025, 1, 8) - date(1970, 1, 1)).days])
    for values in (np.array([2]), np.array(["2025-01-08"], dtype=object), stored):
        assert tables.run_days(run, values).tolist() == [2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "not finished"),
        ("{", "cannot be read"),
        ('{"city": "x"}', "lacks start, days"),
        (json.dumps({"city": "x", "start": "soon", "days": 1}), "no sense"),
        (json.dumps({"city": "x", "start": "2025-01-01", "days": 0}), "nothing to report"),
    ],
)
def test_a_damaged_run_says_so(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "summary.json").write_text(text)
    with pytest.raises(RunStateError, match=says):
        open_run(tmp_path)
