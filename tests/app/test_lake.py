"""What was acknowledged is in the lake: parts of one report, unknown blocks, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zerocity.app.lake import LAYOUT, decoded
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.assembly import PackAssembly
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Frame, write_frame
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import write
from zerocity.storage import compaction
from zerocity.storage.compaction import compact, convert
from zerocity.storage.lake import Lake
from zerocity.storage.segments import Frame as Stored

VIN = "LZYTAGBW2E1000001"
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
CELLS = tuple(3.0 + i / 1000 for i in range(300))


def frame(
    *parts: b.Block,
    second: int = 0,
    command: int = Command.REALTIME,
    edition: Edition = Edition.Y2016,
    signature: m.Signature | None = None,
) -> bytes:
    report = m.Report(m.Clock.of(AT + timedelta(seconds=second)), parts, signature)
    return write(VIN, command, report, edition)


def part(first: int, count: int) -> b.CellVoltages:
    cells = CELLS[first - 1 : first - 1 + count]
    return b.CellVoltages((b.PackCells(1, 400.0, -5.0, len(CELLS), first, cells),))


def probes(*packs: int) -> b.Temperatures:
    return b.Temperatures(tuple(b.PackProbes(pack, (20, 21)) for pack in packs))


FIRST, SECOND = frame(part(1, 200), probes(1)), frame(part(201, 100), probes(2))
AGAIN = frame(part(201, 100), probes(2), command=Command.RESEND)


def poured(folder: Path, *frames: bytes, minutes: float = 0.0) -> None:
    """One life of the platform: frames come in at a moment, and become files."""
    lake = Lake(folder, flush_s=0.0)
    stored: list[Stored] = [("v1", AT + timedelta(minutes=minutes), each) for each in frames]
    lake.append(stored)
    while lake.waiting:
        pass
    converted = convert(folder, lake.roll(), decoded, LAYOUT)
    lake.close()
    assert not converted.failed


def rows(folder: Path) -> list[dict[str, Any]]:
    day = timedelta(days=1)
    found: list[dict[str, Any]] = compaction.read(folder, AT - day, AT + day).to_pylist()
    return found


def test_both_halves_of_a_split_report_stay_and_a_true_repeat_goes(tmp_path: Path) -> None:
    poured(tmp_path, FIRST, SECOND, AGAIN)
    poured(tmp_path, FIRST, AGAIN, minutes=30)
    assert len(rows(tmp_path)) == 4
    work = compact(tmp_path, LAYOUT)
    assert (work.rows, work.dropped) == (2, 2)
    found = sorted(rows(tmp_path), key=lambda row: row["pack_first_cell"])
    assert [row["pack_first_cell"] for row in found] == [[1], [201]]
    cells = [mv for row in found for mv in row["cell_mv"]]
    assert cells == [round(1000 * volt) for volt in CELLS]
    assert [row["probe_packs"] for row in found] == [[1], [2]]
    assert [row["resent"] for row in found] == [False, False]
    assert {row["received_at"] for row in found} == {AT}


def test_the_parts_that_the_lake_keeps_make_the_pack_whole() -> None:
    assembly = PackAssembly()
    first, second = (read(each)[1] for each in (FIRST, SECOND))
    assert isinstance(first, m.Report)
    assert isinstance(second, m.Report)
    assert assembly.add(VIN, second) == []
    (whole,) = assembly.add(VIN, first)
    assert whole.cells_v == pytest.approx(CELLS)
    assert decoded([("v1", AT, FIRST), ("v1", AT, SECOND)])["pack_cells"].to_pylist() == [
        [200], [100],
    ]  # fmt: skip


def test_two_reports_of_one_second_that_differ_both_stay(tmp_path: Path) -> None:
    first, second = (frame(b.Position.at(103.8, north)) for north in (36.5, 36.6))
    poured(tmp_path, first, second, first, frame(b.Position.at(103.8, 36.5), second=1))
    compact(tmp_path, LAYOUT)
    assert sorted(row["latitude_deg"] for row in rows(tmp_path)) == [36.5, 36.5, 36.6]


def test_a_report_signed_again_is_the_same_report(tmp_path: Path) -> None:
    for number, sign in enumerate((b"first", b"second")):
        signed = frame(b.Position.at(103.8, 36.5, coordinates=1), edition=Edition.Y2025,
                       signature=m.Signature(3, sign, b"s"))  # fmt: skip
        poured(tmp_path, signed, minutes=number)
    work = compact(tmp_path, LAYOUT)
    assert (work.rows, work.dropped) == (1, 1)


@pytest.mark.parametrize(("edition", "kind"), [("2016", 0x0A), ("2016", 0xFF), ("2025", 0x7F)])
def test_a_report_with_an_unknown_end_is_kept_whole(
    tmp_path: Path, edition: str, kind: int
) -> None:
    which = Edition(int(edition))
    system = None if which is Edition.Y2016 else 1
    known, _ = read(frame(b.Position.at(103.8, 36.5, coordinates=system), edition=which))
    odd = Frame(which, known.command, known.response, VIN, 1, known.data + bytes((kind,)) + b"odd")
    poured(tmp_path, write_frame(odd))
    (row,) = rows(tmp_path)
    assert (row["latitude_deg"], row["private_kinds"]) == (36.5, [kind])
    assert row["private_data"] == [b"odd"]
