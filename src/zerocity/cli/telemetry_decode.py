"""What `zerocity telemetry decode` does: bunches of frames from a source to tables and files."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from zerocity.cli.telemetry_output import Refused, Totals, Wishes, print_totals, writers
from zerocity.errors import InputError
from zerocity.protocols.gbt32960.columns import Columns, decode_columns
from zerocity.protocols.gbt32960.frames import FrameFault, mask_vin
from zerocity.protocols.gbt32960.lake import lake_table
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.plain import plain_frame
from zerocity.protocols.gbt32960.sources import Item, Kind, items, kind_of

BUNCH = 20_000
"""Frames decoded at once: some 10 MB."""
MOST_BUNCH_BYTES = 1 << 24
SLOW = 8 << 20
"""From this size on a progress bar is worth its lines [bytes]."""


class _Counted(io.RawIOBase):
    """A stream that tells how much of it was read."""

    def __init__(self, raw: Any) -> None:
        self._raw, self.read_bytes = raw, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Not `read`, which waits until a pipe has given as much as was asked for.
        data = self._raw.read1(len(buffer))
        buffer[: len(data)] = data
        self.read_bytes += len(data)
        return len(data)


def decode_file(wishes: Wishes) -> None:
    """Decode a file as wished; raises `InputError` where it cannot be read."""
    if wishes.as_json and wishes.out:
        raise InputError("--json", "together with --out", "one of them")
    totals = Totals()
    with ExitStack() as stack:
        counted, size = _opened(wishes.file, stack)
        stream: Any = io.BufferedReader(counted, 1 << 20)
        kind = _kind(wishes, stream)
        out = stack.enter_context(writers(wishes.out, wishes.errors))
        progress = stack.enter_context(
            Progress(transient=True, disable=size < SLOW or not sys.stderr.isatty(), console=_bar())
        )
        task = progress.add_task("decoding", total=size)
        for bunch in _bunches(items(stream, kind)):
            _decode(bunch, wishes, totals, out)
            progress.update(task, completed=counted.read_bytes)
    print_totals(totals, wishes)


def _bar() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _opened(file: str, stack: ExitStack) -> tuple[_Counted, int]:
    if file == "-":
        return _Counted(sys.stdin.buffer), 0
    path = Path(file)
    try:
        stream = stack.enter_context(path.open("rb"))
        return _Counted(stream), path.stat().st_size
    except OSError as error:
        raise InputError(file, error.strerror or "an error", "a readable file") from error


def _kind(wishes: Wishes, stream: Any) -> Kind:
    if wishes.source is None:
        try:
            return kind_of(stream.peek(4_096)[:4_096])
        except InputError as error:
            raise InputError(wishes.file, error.came, error.wanted, error.way_out) from error
    if wishes.source not in tuple(Kind):
        raise InputError("--from", wishes.source, ", ".join(Kind))
    return Kind(wishes.source)


def _bunches(source: Iterator[Item]) -> Iterator[list[Item]]:
    while bunch := list(islice(_up_to(source, MOST_BUNCH_BYTES), BUNCH)):
        yield bunch


def _up_to(source: Iterator[Item], most: int) -> Iterator[Item]:
    size = 0
    for item in source:
        yield item
        size += len(item.data) if isinstance(item.data, bytes) else 0
        if size > most:
            return


def _decode(bunch: list[Item], wishes: Wishes, totals: Totals, out: Any) -> None:
    base = totals.frames
    whole = [(i, item) for i, item in enumerate(bunch) if isinstance(item.data, bytes)]
    columns = decode_columns([item.data for _, item in whole if isinstance(item.data, bytes)])
    refused = [
        Refused(base + i + 1, item.where, item.data)
        for i, item in enumerate(bunch)
        if isinstance(item.data, FrameFault)
    ]
    for fault in columns.faults:
        place, item = whole[fault.frame]
        why = FrameFault(fault.rule, fault.offset, fault.came)
        refused.append(Refused(base + place + 1, item.where, why))
    refused.sort(key=lambda one: one.frame)
    _count(bunch, columns, refused, totals)
    out.errors(refused)
    totals.faults += refused[: max(0, wishes.limit - len(totals.faults))]
    if wishes.as_json:
        _print_json(bunch, base, refused, wishes.show_vin)
    elif wishes.out or len(totals.rows) < wishes.limit:
        _tables([item for _, item in whole], columns, wishes, totals, out)


def _count(bunch: list[Item], columns: Columns, refused: list[Refused], totals: Totals) -> None:
    totals.frames += len(bunch)
    totals.reports += int(columns.report.sum())
    totals.others += len(columns.others)
    totals.refused += len(refused)
    totals.vehicles.update(np.unique(columns.vin[columns.sound]).tolist())
    for one in refused:
        totals.rules[one.fault.rule] = totals.rules.get(one.fault.rule, 0) + 1
    known = columns.at[~np.isnat(columns.at)]
    if known.size:
        first, last = known.min(), known.max()
        totals.first = first if totals.first is None else min(totals.first, first)
        totals.last = last if totals.last is None else max(totals.last, last)


def _tables(frames: list[Item], columns: Columns, wishes: Wishes, totals: Totals, out: Any) -> None:
    now = time.time()
    seen = np.array([now if item.at_s is None else item.at_s for item in frames])
    received = (seen * 1e3).astype(np.int64).astype("datetime64[ms]")
    if not wishes.show_vin:
        vins = {vin: mask_vin(vin.decode("latin-1")) for vin in set(columns.vin.tolist())}
        columns.vin = np.array([vins[vin] for vin in columns.vin.tolist()], "S17")
    if wishes.out is None:
        rows = np.flatnonzero(columns.report)[: wishes.limit - len(totals.rows)]
        shown = np.zeros_like(columns.report)
        shown[rows] = True
        columns.report = shown
    table = lake_table(columns, received)
    out.reports(table)
    totals.rows += table.slice(0, max(0, wishes.limit - len(totals.rows))).to_pylist()


def _print_json(bunch: list[Item], base: int, refused: list[Refused], show_vin: bool) -> None:
    faults = {one.frame: one.fault for one in refused}
    lines = []
    for number, item in enumerate(bunch, base + 1):
        record: dict[str, Any] = {"frame": number, "where": item.where}
        if number in faults or not isinstance(item.data, bytes):
            fault = faults[number]
            record |= {"rule": fault.rule, "offset": fault.offset, "came": fault.came}
        else:
            record |= plain_frame(*read(item.data), show_vin=show_vin)
        lines.append(json.dumps(record, ensure_ascii=False))
    sys.stdout.write("\n".join(lines) + "\n")
