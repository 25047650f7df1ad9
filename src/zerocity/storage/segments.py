"""Write-ahead segments of the telemetry lake: raw frames in files that survive a kill.

A segment is a magic line and records: length and CRC-32 of the body (little endian, 4 bytes each),
then the body: when it was received (microseconds since 1970, 8 bytes), the length of the vehicle's
number (1 byte), the number, the frame. A reader stops at the first record that does not fit.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

MAGIC = b"zerocity lake 1\n"
SUFFIX = ".seg"
# A data unit of GB/T 32960 has at most 65,535 bytes, its envelope 25 (GB/T 32960.3, table 2).
MOST_FRAME_BYTES = 1 << 17
_HEAD = struct.Struct("<II")
_BODY = struct.Struct("<qB")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_READ_BYTES = 1 << 22

Frame = tuple[str, datetime, bytes]

log = structlog.get_logger(__name__)


def record(vehicle: str, received_at: datetime, frame: bytes) -> bytes:
    """Return one record. ValueError for a moment without a zone or what is too long."""
    name = vehicle.encode()
    if received_at.tzinfo is None:
        raise ValueError(f"{received_at.isoformat()} has no time zone")
    if len(name) > 255 or len(frame) > MOST_FRAME_BYTES:
        raise ValueError(f"a frame of {len(frame)} bytes, at most {MOST_FRAME_BYTES} are kept")
    at_us = (received_at - _EPOCH) // _MICROSECOND
    body = _BODY.pack(at_us, len(name)) + name + frame
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def name_of(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:012d}{SUFFIX}"


def numbers(folder: Path) -> list[int]:
    """Return the numbers of the segments in a folder, oldest first."""
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())


def read(path: Path) -> Iterator[Frame]:
    """Yield the frames of a segment, up to its end or the first record that does not fit."""
    for body, _ in _bodies(path):
        at_us, length = _BODY.unpack_from(body)
        start = _BODY.size + length
        name = body[_BODY.size : start].decode(errors="replace")
        yield name, _EPOCH + at_us * _MICROSECOND, body[start:]


def mend(path: Path) -> int:
    """Cut off the torn tail that a killed process left; return how many bytes that were.

    A file without a whole record goes; one that is no segment is put aside as ``.damaged``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    if head != MAGIC and not MAGIC.startswith(head):
        log.error("a segment is damaged and was put aside", segment=path.name)
        path.replace(path.with_suffix(".damaged"))
        return 0
    good = 0
    for _, good in _bodies(path):  # noqa: B007 - the last end is what is wanted
        pass
    if not good:
        path.unlink()
    elif good < size:
        with path.open("r+b") as file:
            file.truncate(good)
            os.fsync(file.fileno())
    if good < size:
        log.warning("a torn tail was cut off", segment=path.name, cut_bytes=size - good)
    return size - good


def _bodies(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield the body and the end of each record that fits."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
        at, held, offset = len(MAGIC), b"", 0
        while True:
            end = offset + _HEAD.size
            if len(held) >= end:
                length, checksum = _HEAD.unpack_from(held, offset)
                if not _BODY.size <= length <= MOST_FRAME_BYTES + 300:
                    return
                end += length
            if len(held) < end:
                held, offset = held[offset:], 0
                if not (more := file.read(_READ_BYTES)):
                    return
                held += more
                continue
            body = held[offset + _HEAD.size : end]
            if zlib.crc32(body) != checksum:
                return
            at += end - offset
            offset = end
            yield body, at
