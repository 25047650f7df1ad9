"""The journal of a live city: one file a day, appended record by record, readable after a crash.

A file is a magic line and records: length and CRC-32 of the body (little endian, 4 bytes each),
then the body, packed with zlib: what it is, and its arrays by name. A torn last record, as a
killed process leaves it, is cut off when the file is opened again and ignored when it is read.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zerocity.control.replay import PlanNote, StepNote
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans
from zerocity.errors import InputError

MAGIC = b"zerocity live journal 1\n"
SUFFIX = ".zcj"
_HEAD = struct.Struct("<II")
# A record of ten thousand sessions is below 1 MiB; more is damage, not a record.
_MOST_BYTES = 256 * 2**20

Parts = dict[str, tuple[str, list[int], bytes]]


class _Record(msgspec.Struct, array_like=True):
    kind: str
    column: int
    parts: Parts


def _flat(prefix: str, part: Any) -> Parts:
    found: Parts = {}
    for one in fields(part):
        value, name = getattr(part, one.name), f"{prefix}.{one.name}"
        if is_dataclass(value):
            found |= _flat(name, value)
        else:
            array = np.ascontiguousarray(value)
            found[name] = (array.dtype.str, list(np.shape(value)), array.tobytes())
    return found


def _array(part: tuple[str, list[int], bytes]) -> Any:
    dtype, shape, raw = part
    values = np.frombuffer(raw, np.dtype(dtype)).reshape(shape)
    return values.item() if not shape else values


def _made(kind: Any, prefix: str, parts: Parts) -> Any:
    values = {
        one.name: _made(Snapshot, f"{prefix}.snapshot", parts)
        if one.name == "snapshot"
        else _array(parts[f"{prefix}.{one.name}"])
        for one in fields(kind)
    }
    return kind(**values)


def _packed(record: _Record) -> bytes:
    body = zlib.compress(msgspec.msgpack.encode(record), 1)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def whole_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (end, body) of each whole record of a file's bytes; stops at the first torn one."""
    at = len(MAGIC)
    while at + _HEAD.size <= len(data):
        length, crc = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        body = data[at + _HEAD.size : end]
        if length > _MOST_BYTES or len(body) < length or zlib.crc32(body) != crc:
            return
        yield end, body
        at = end


class LiveJournalWriter:
    """Writes the journal of a city into ``folder``, one file per day of ``day_of(step)``.

    Control goes on when the disk is full: what could not be written is counted in ``lost``, and
    ``error`` says why until a write works again. ``now`` names the day of what is written now.
    """

    def __init__(self, folder: Path, today: Callable[[], str]) -> None:
        self.folder, self._today = folder, today
        self.lost, self.error = 0, ""
        self._day, self._file = "", -1
        self._plan: bytes = b""

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note a new plan and what it was made from."""
        parts = _flat("days", days) | _flat("plans", plans)
        self._plan = _packed(_Record("plan", 0, parts))
        day = self._day
        # A file that is opened now begins with the plan already.
        if self._turn_over() and self._day == day:
            self._append(self._plan)

    def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None:
        """Note one step that follows column ``column`` of the last plan."""
        if not self._turn_over():
            return
        parts = _flat("seen", seen) | _flat("row", row) | _flat("commands", commands)
        self._append(_packed(_Record("step", column, parts)))

    def close(self) -> None:
        """Put everything on the disk and close the file."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file, self._day = -1, ""

    def _turn_over(self) -> bool:
        """Open today's file where it is not open yet; False when that is not possible."""
        day = self._today()
        if day == self._day:
            return True
        try:
            self.close()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = _opened(self.folder / f"{day}{SUFFIX}")
        except OSError as error:
            self._lose(error)
            return False
        self._day = day
        # A file must be readable by itself: it begins with the plan that holds.
        return self._append(self._plan) if self._plan else True

    def _append(self, data: bytes) -> bool:
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            if os.write(self._file, data) < len(data):
                raise OSError("no space left for a whole record")
        except OSError as error:
            os.ftruncate(self._file, start)
            # The next record begins a file anew, with the plan that it follows.
            os.close(self._file)
            self._file, self._day = -1, ""
            self._lose(error)
            return False
        self.error = ""
        return True

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        self.error = f"the journal cannot be written: {error.strerror or error}"


def _opened(path: Path) -> int:
    """Open ``path`` for appending behind its last whole record."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        os.ftruncate(file, 0)
        os.write(file, MAGIC)
    else:
        end = len(MAGIC)
        for end, _ in whole_records(data):  # noqa: B007 - the last end is what counts
            pass
        os.ftruncate(file, end)
    os.lseek(file, 0, os.SEEK_END)
    return file


def is_live_journal(path: Path) -> bool:
    """Whether ``path`` is the journal of a live city."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_live_journal(path: Path) -> Iterator[PlanNote | StepNote]:
    """Yield the notes of a live journal; InputError when it is none or a record is damaged."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise InputError(str(path), "another kind of file", "a journal of `zerocity serve`")
    decoder = msgspec.msgpack.Decoder(_Record)
    for number, (_, body) in enumerate(whole_records(data)):
        try:
            yield _note(decoder.decode(zlib.decompress(body)))
        except (msgspec.MsgspecError, zlib.error, KeyError, ValueError, TypeError) as error:
            where = f"{path}, record {number}"
            raise InputError(where, f"a damaged record ({error})", "a whole journal") from error


def _note(record: _Record) -> PlanNote | StepNote:
    if record.kind == "plan":
        return PlanNote(
            _made(SiteDays, "days", record.parts), _made(SitePlans, "plans", record.parts)
        )
    return StepNote(
        record.column,
        _made(Sighting, "seen", record.parts),
        _made(PlanRow, "row", record.parts),
        _made(Commands, "commands", record.parts),
    )
