"""Whole packs from the parts that 2016 sends: at most 200 cells of a pack fit into a frame.

Source: GB/T 32960.3-2016 table B.6. Parts belong together when vehicle, pack and time of reading
are the same; the pack is whole when its cells 1 to ``cells_total`` are there. No clock: what is
incomplete is given up when a newer reading of the same pack comes, or too many vehicles wait.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from zerocity.protocols.gbt32960.blocks import CellVoltages, PackCells
from zerocity.protocols.gbt32960.fields import Gap, Number, Value
from zerocity.protocols.gbt32960.messages import Clock, Report

MOST_CELLS = 4_096
"""Cells of one pack that are waited for, an assumption; a pack that claims more is not joined."""


@dataclass(slots=True)
class _Waiting:
    clock: Clock
    part: PackCells
    cells: dict[int, Value] = field(default_factory=dict)


class PackAssembly:
    """Joins the parts of packs over the frames of many vehicles; bounded by ``most`` packs."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.given_up = 0
        self._waiting: OrderedDict[tuple[str, Number], _Waiting] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Packs of which parts are missing."""
        return len(self._waiting)

    def add(self, vin: str, report: Report) -> list[PackCells]:
        """The packs that this report makes whole, each with all its cells from cell 1 on.

        A pack that comes whole is given as it is; so is a part that says no lawful total, for
        nothing tells what belongs to it.
        """
        whole = []
        for block in report.of(CellVoltages):
            for part in () if isinstance(block.packs, Gap) else block.packs:
                found = self._add(vin, report.clock, part)
                if found is not None:
                    whole.append(found)
        return whole

    def _add(self, vin: str, clock: Clock, part: PackCells) -> PackCells | None:
        total, key = part.cells_total, (vin, part.pack)
        whole = part.first_cell == 1 and len(part.cells_v) == total
        if isinstance(total, Gap) or not 0 < total <= MOST_CELLS or whole:
            if self._waiting.pop(key, None) is not None:
                self.given_up += 1
            return part
        waiting = self._waiting.get(key)
        if waiting is None or waiting.clock != clock or waiting.part.cells_total != total:
            self.given_up += waiting is not None
            waiting = self._waiting[key] = _Waiting(clock, part)
        self._waiting.move_to_end(key)
        for i, value in enumerate(part.cells_v, part.first_cell):
            if 1 <= i <= total:
                waiting.cells[i] = value
        if len(waiting.cells) < total:
            self._drop_oldest()
            return None
        del self._waiting[key]
        cells = tuple(waiting.cells[i] for i in range(1, total + 1))
        return replace(waiting.part, first_cell=1, cells_v=cells)

    def _drop_oldest(self) -> None:
        while len(self._waiting) > self.most:
            self._waiting.popitem(last=False)
            self.given_up += 1
