from __future__ import annotations

import json
from pathlib import Path

from zerocity.reports.folding import Results
from zerocity.reports.page import Note, Table
from zerocity.reports.sections_foresight import foresight
from zerocity.reports.tables import open_run


def test_the_loss_is_said_in_a_sentence_and_by_site(made_run: Path) -> None:
    parts = foresight(Results(open_run(made_run))).parts
    notes = [part.text for part in parts if isinstance(part, Note)]
    assert "3 sites could have saved 30.0 CNY more; they captured 76.9 %" in notes[0]
    assert "1 site could not be compared" in notes[-1]
    sites, forecasts = (part for part in parts if isinstance(part, Table))
    assert [cells[3] for cells in sites.rows] == [20.0, 10.0]
    assert forecasts.rows[0] == ("load of the sites", 2.0, 0.1, 4.0, "50.0 %")


def test_an_older_run_says_why_there_is_nothing(tmp_path: Path) -> None:
    summary = {"city": "x", "start": "2025-01-06", "days": 1}
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (only,) = foresight(Results(open_run(tmp_path))).parts
    assert isinstance(only, Note)
    assert only.empty
