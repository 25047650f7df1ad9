"""The journal of a live city: one file a day, appended record by record, readable after a crash.

A file is a magic line and records: a mark, length and CRC-32 of the body (little endian, 4 bytes
each), then the body, packed with zlib: what it is, and its arrays by name. A torn last record, as a
killed process or a power cut leaves it, is cut off when the file is opened again and ignored when
it is read. A damaged record that others follow is told; such a file is set aside, not cut.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from zerocity.control.replay import PlanNote, StepNote
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans
from zerocity.errors import InputError

MAGIC = b"zerocity live journal 1\n"
SUFFIX = ".zcj"
MARK = b"\x89zcstep\n"
_HEAD = struct.Struct("<8sII")
# A record of ten thousand sessions is below 1 MiB; more is damage, not a record.
_MOST_BYTES = 256 * 2**20

Parts = dict[str, tuple[str, list[int], bytes]]


@dataclass(frozen=True)
class _CityParts:
    names: Any
    utc_offset_h: float


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
        if one.name == "snapshot"
        or f"{prefix}.{one.name}" in parts
        or one.default_factory is MISSING  # a journal may be older than a field
    }
    return kind(**values)


def _packed(record: _Record) -> bytes:
    body = zlib.compress(msgspec.msgpack.encode(record), 1)
    return _HEAD.pack(MARK, len(body), zlib.crc32(body)) + body


def whole_records(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (end, body) of each whole record; stops at a torn last one.

    Raises InputError when ``file``, called ``name``, is no journal, or when others follow a damaged
    record.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise InputError(name, "another kind of file", "a journal of `zerocity serve`")
    at = len(MAGIC)
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        mark, length, crc = _HEAD.unpack(head)
        body = file.read(length) if mark == MARK and length <= _MOST_BYTES else b""
        # A power cut may leave zeros, which are a sound checksum of nothing.
        if not body or len(body) < length or zlib.crc32(body) != crc:
            break
        at += _HEAD.size + length
        yield at, body
    if _has_mark(file, at + 1):
        raise InputError(f"{name}, byte {at}", "a damaged record", "a whole journal")


def _has_mark(file: BinaryIO, at: int) -> bool:
    """Whether a record begins at byte ``at`` or behind it."""
    file.seek(at)
    last = b""
    while block := file.read(2**20):
        if MARK in last + block:
            return True
        last = block[-len(MARK) :]
    return False


@dataclass(frozen=True, slots=True)
class JournalCity:
    """Whose journal it is: its sites by number, and its clock. Empty where a journal names none."""

    names: tuple[str, ...] = ()
    utc_offset_h: float = 0.0


class LiveJournalWriter:
    """Writes the journal of a city into ``folder``, one file per day of ``day_of(step)``.

    Control goes on when the disk is full: what could not be written is counted in ``lost``, and
    ``error`` says why until a write works again. ``now`` names the day of what is written now.
    """

    def __init__(
        self,
        folder: Path,
        today: Callable[[], str],
        names: Sequence[str] = (),
        utc_offset_h: float = 0.0,
    ) -> None:
        self.folder, self._today = folder, today
        parts = _flat("city", _CityParts(np.array(names, np.str_), utc_offset_h))
        self._city = _packed(_Record("city", 0, parts)) if names else b""
        self.lost, self.error = 0, ""
        self._day, self._file = "", -1
        self._plan: bytes = b""

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note a new plan and what it was made from."""
        parts = _flat("days", days) | _flat("plans", plans)
        self._plan = _packed(_Record("plan", 0, parts))
        # A file that is opened anew begins with the plan.
        self._append(self._plan) if self._is_open() else self._turn_over()

    def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None:
        """Note one step that follows column ``column`` of the last plan."""
        if not self._turn_over():
            return
        parts = _flat("seen", seen) | _flat("row", row) | _flat("commands", commands)
        self._append(_packed(_Record("step", column, parts)))

    def close(self) -> None:
        """Put everything on the disk and close the file; a failure of the disk is in ``error``."""
        if self._file < 0:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            self._say(error)
        self._drop()

    def _is_open(self) -> bool:
        return self._file >= 0 and self._day == self._today()

    def _turn_over(self) -> bool:
        """Open today's file where it is not open yet; False when that is not possible."""
        if self._is_open():
            return True
        self.close()
        day = self._today()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = _opened(self.folder / f"{day}{SUFFIX}")
        except OSError as error:
            self._lose(error)
            return False
        self._day = day
        # A file must be readable by itself: it begins with the city and the plan that holds.
        return self._append(self._city + self._plan) if self._plan else True

    def _append(self, data: bytes) -> bool:
        try:
            start = os.lseek(self._file, 0, os.SEEK_END)
            _write(self._file, data, start)
        except OSError as error:
            # The next record begins a file anew, with the plan that it follows.
            self._drop()
            self._lose(error)
            return False
        self.error = ""
        return True

    def _drop(self) -> None:
        file, self._file, self._day = self._file, -1, ""
        with suppress(OSError):
            os.close(file)

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        self._say(error)

    def _say(self, error: OSError) -> None:
        self.error = f"the journal cannot be written: {error.strerror or error}"


def _write(file: int, data: bytes, start: int) -> None:
    """Write all of ``data`` at the end, byte ``start``, or nothing of it; OSError."""
    try:
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        # A tail that stays, as it cannot be cut off now, is cut off when the file is opened again.
        with suppress(OSError):
            os.ftruncate(file, start)
        raise


def _opened(path: Path) -> int:
    """Open ``path`` for appending behind its last whole record."""
    end = _end_of(path)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        os.ftruncate(file, end)
        os.lseek(file, 0, os.SEEK_END)
        if end == 0:
            _write(file, MAGIC, 0)
    except OSError:
        os.close(file)
        raise
    return file


def _end_of(path: Path) -> int:
    """End of the last whole record; 0 for a new file. What cannot be read is set aside."""
    end = len(MAGIC)
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            if head != MAGIC and MAGIC.startswith(head):
                return 0  # cut off as it was begun
            file.seek(0)
            for end, _ in whole_records(file, path.name):  # noqa: B007 - the last end is what counts
                pass
            return end
    except FileNotFoundError:
        return 0
    except InputError:
        path.rename(path.with_name(f"{path.name}.damaged-{path.stat().st_mtime_ns}"))
        return 0


def is_live_journal(path: Path) -> bool:
    """Whether ``path`` is the journal of a live city."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def torn_bytes(path: Path) -> int:
    """Bytes behind the last whole record; InputError when it is no journal or is damaged."""
    # Taken first: the journal may still grow.
    size, end = path.stat().st_size, len(MAGIC)
    with path.open("rb") as file:
        for end, _ in whole_records(file, str(path)):  # noqa: B007 - the last end is what counts
            pass
    return max(size - end, 0)


def read_live_journal(path: Path) -> Iterator[PlanNote | StepNote]:
    """Yield the notes of a live journal; InputError when it is none or a record is damaged."""
    decoder = msgspec.msgpack.Decoder(_Record)
    with path.open("rb") as file:
        for number, (_, body) in enumerate(whole_records(file, str(path))):
            try:
                record = decoder.decode(zlib.decompress(body))
                note = None if record.kind == "city" else _note(record)
            except (msgspec.MsgspecError, zlib.error, KeyError, ValueError, TypeError) as error:
                where = f"{path}, record {number}"
                raise InputError(where, f"a damaged record ({error})", "a whole journal") from error
            if note is not None:
                yield note


def read_journal_city(path: Path) -> JournalCity:
    """Whose journal it is, from its first record; InputError when it is no journal."""
    decoder = msgspec.msgpack.Decoder(_Record)
    with path.open("rb") as file:
        for _, body in whole_records(file, str(path)):
            try:
                record = decoder.decode(zlib.decompress(body))
                if record.kind == "city":
                    found = _made(_CityParts, "city", record.parts)
                    return JournalCity(tuple(found.names.tolist()), found.utc_offset_h)
            except (msgspec.MsgspecError, zlib.error, KeyError, ValueError, TypeError) as error:
                where = f"{path}, its first record"
                raise InputError(where, f"damaged ({error})", "a whole journal") from error
            break
    return JournalCity()


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
