from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.gbt32960.assembly import MOST_CELLS, PackAssembly
from zerocity.protocols.gbt32960.blocks import CellVoltages, PackCells
from zerocity.protocols.gbt32960.fields import Gap
from zerocity.protocols.gbt32960.messages import Clock, Report

CLOCK = Clock(25, 10, 27, 20, 2, 2)
LATER = CLOCK._replace(second=12)


def part(first: int, cells: tuple[float, ...], total: int, pack: int = 1) -> PackCells:
    return PackCells(pack, 400.0, -5.0, total, first, cells)


def report(*parts: PackCells, clock: Clock = CLOCK) -> Report:
    return Report(clock, (CellVoltages(parts),))


@given(st.integers(1, 600), st.integers(1, 200), st.randoms())
def test_parts_in_any_order_make_the_pack_whole(total: int, each: int, random: object) -> None:
    cells = tuple(3.0 + i / 1000 for i in range(total))
    parts = [part(i + 1, cells[i : i + each], total) for i in range(0, total, each)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    assembly = PackAssembly()
    found = [pack for one in parts for pack in assembly.add("A", report(one))]
    assert [(pack.first_cell, pack.cells_v) for pack in found] == [(1, cells)]
    assert (assembly.waiting, assembly.given_up) == (0, 0)


def test_vehicles_and_packs_are_kept_apart() -> None:
    assembly = PackAssembly()
    assert assembly.add("A", report(part(1, (1.0,), 2), part(1, (2.0,), 2, pack=2))) == []
    assert assembly.add("B", report(part(2, (9.0,), 2))) == []
    (whole,) = assembly.add("A", report(part(2, (3.0,), 2)))
    assert (whole.pack, whole.cells_v) == (1, (1.0, 3.0))
    assert assembly.waiting == 2


def test_a_newer_reading_gives_the_older_up() -> None:
    assembly = PackAssembly()
    assembly.add("A", report(part(1, (1.0,), 2)))
    assert assembly.add("A", report(part(2, (3.0,), 2), clock=LATER)) == []
    assert assembly.given_up == 1
    (whole,) = assembly.add("A", report(part(1, (2.0,), 2), clock=LATER))
    assert whole.cells_v == (2.0, 3.0)


def test_what_claims_no_lawful_total_is_given_as_it_is() -> None:
    assembly = PackAssembly()
    for total in (Gap.INVALID, 0, MOST_CELLS + 1):
        odd = replace(part(1, (1.0,), 1), cells_total=total)
        assert assembly.add("A", report(odd)) == [odd]
    assert assembly.waiting == 0


def test_what_waits_is_bounded() -> None:
    assembly = PackAssembly(most=3)
    for i in range(10):
        assembly.add(str(i), report(part(1, (1.0,), 2)))
    assert (assembly.waiting, assembly.given_up) == (3, 7)
