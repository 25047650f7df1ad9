"""A day's journal on disk: written whole, read as it was, and never half believed."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from days import made_days
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerocity.control.decide import decide
from zerocity.control.snapshot import PlanRow, Snapshot
from zerocity.energy.dispatch import plan_sites
from zerocity.errors import InputError, RunStateError
from zerocity.storage.journal import DayJournal, JournalFile

DAYS = made_days(sites=2, steps=4)


def noted() -> tuple[DayJournal, list[Any]]:
    journal, said = DayJournal(), []
    journal.plan(DAYS, plan_sites(DAYS))
    for step in range(4):
        two, four = np.full(2, 10.0 + step), np.full(4, 5.0)
        site, left = np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4])
        snapshot = Snapshot(step, 0.25, *[two] * 6, site, four, four, four, left)
        row = PlanRow(two, two, two)
        commands = decide(snapshot, row)
        journal.step(snapshot, row, commands)
        said.append((snapshot, row, commands))
    return journal, said


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "day" / "2026-01-01.npz"
    noted()[0].save(path)
    return path


def same(mine: Any, theirs: Any) -> bool:
    values = ((getattr(mine, f.name), getattr(theirs, f.name)) for f in fields(mine))
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in values)


def test_what_was_noted_comes_back_to_the_bit(written: Path) -> None:
    file = JournalFile(written)
    days, plans = file.plan()
    assert same(days, DAYS)
    assert same(plans, plan_sites(DAYS))
    assert file.steps == 4
    for step, wanted in enumerate(noted()[1]):
        assert all(same(a, b) for a, b in zip(file.step(step), wanted, strict=True))


def test_a_note_does_not_change_afterwards(tmp_path: Path) -> None:
    journal, said = noted()
    said[0][2].battery_kw[:] = -1.0
    journal.save(tmp_path / "a.npz")
    assert (JournalFile(tmp_path / "a.npz").step(0)[2].battery_kw >= 0.0).all()


def test_no_part_is_left_and_a_full_disk_is_told(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [path.name for path in written.parent.iterdir()] == ["2026-01-01.npz"]

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunStateError, match=r"No space left.*Free some space"):
        noted()[0].save(tmp_path / "b.npz")
    assert not (tmp_path / "b.npz").exists()


def test_an_absent_file_and_a_missing_step_are_told(written: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file.*RUN/journal"):
        JournalFile(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match="damaged at 0009/snapshot"):
        JournalFile(written).step(9)


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"")
    cases = [path]
    for name, content in (("text", b"hello"), ("zip", b"PK\x03\x04broken")):
        cases.append(tmp_path / name)
        cases[-1].write_bytes(content)
    np.save(tmp_path / "plain.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for case in (*cases, tmp_path / "plain.npy", tmp_path / "other.npz"):
        with pytest.raises(InputError, match="not a journal"):
            JournalFile(case)


def test_another_format_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", format=np.array(2), steps=np.array(0))
    with pytest.raises(InputError, match="format 1"):
        JournalFile(tmp_path / "new.npz")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_anywhere_is_an_input_error_or_harmless(
    written: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(written.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + 8] = data.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content[: data.draw(st.integers(at, len(content)))])
    with contextlib.suppress(InputError):
        file = JournalFile(path)
        file.plan()
        steps = [file.step(step) for step in range(file.steps)]
        for found, wanted in zip(steps, noted()[1], strict=True):
            assert all(same(a, b) for a, b in zip(found, wanted, strict=True))
