"""A run's stores lived again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from zerocity.errors import InputError, RunStateError
from zerocity.reports.rolling_run import study_run


def test_the_last_days_of_a_run_are_lived_again(plant_run: Path) -> None:
    found = study_run(plant_run, 2, only=("Town battery centre", "Town bus depot"), scenarios=2)
    assert found.names == ("Town bus depot", "Town battery centre")
    assert [one.policy for one in found.judged][:2] == ["day-ahead plan", "rolling plan"]
    for one in found.judged:
        assert one.paid_cny.shape == (2,)
        assert (one.lost_cny >= -1e-6 * one.paid_cny).all()
    assert found.judged[-1].lost_cny.sum() <= found.judged[0].lost_cny.sum()


def test_a_site_without_a_store_is_named(plant_run: Path) -> None:
    with pytest.raises(InputError, match="a site with a store"):
        study_run(plant_run, 2, only=("Town second-life storage",))


def test_too_many_days_are_refused(plant_run: Path) -> None:
    with pytest.raises(InputError, match="1 to 7 days"):
        study_run(plant_run, 8)


def test_a_run_of_an_older_kind_says_so(plant_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(plant_run, folder)
    summary = json.loads((folder / "summary.json").read_text())
    for row in summary["foresight"]["sites"]:
        del row["usable_kwh"]
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunStateError, match="older kind"):
        study_run(folder, 2)
