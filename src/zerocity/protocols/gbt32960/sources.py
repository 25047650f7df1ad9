"""Frames out of files: hex lines, JSON lines, packet captures, raw bytes.

Reads as it goes and keeps at most one line, one packet or one frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import BinaryIO, NamedTuple

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.captures import PCAP_MAGICS, PCAPNG_MAGIC, captured_frames
from zerocity.protocols.gbt32960.columns import walk
from zerocity.protocols.gbt32960.frames import (
    FrameFault,
    Skipped,
    Splitter,
    check_byte,
)

MOST_LINE = 1 << 20
"""Characters of a line: several of the longest frames in hex, an assumption."""
PIECE = 1 << 18


class Kind(StrEnum):
    """What a file holds."""

    HEX = "hex"
    JSON = "json"
    PCAP = "pcap"
    RAW = "raw"


class Item(NamedTuple):
    """A frame's bytes (not checked yet) or why there is none; where it stood, when it was seen."""

    where: str
    data: bytes | FrameFault
    at_s: float | None = None


def kind_of(head: bytes) -> Kind:
    """What a file is by its first bytes; raises `InputError` where nothing fits."""
    if head[:4] in PCAP_MAGICS or head[:4] == PCAPNG_MAGIC:
        return Kind.PCAP
    if head[:2] in (b"##", b"$$"):
        return Kind.RAW
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"{":
        return Kind.JSON
    line = text.split(b"\n")[0].strip()
    if line and not line.translate(None, b"0123456789abcdefABCDEFxX \t,:-"):
        return Kind.HEX
    if b"##" in head or b"$$" in head:
        return Kind.RAW
    came = repr(head[:16])[1:] if head else "nothing"
    raise InputError(
        "input", came, "hex lines, JSON lines, a packet capture or frames", "See --from"
    )


def items(stream: BinaryIO, kind: Kind) -> Iterator[Item]:
    """The frames of a stream; raises `InputError` where it is not of that kind at all."""
    return _READERS[kind](stream)


def _lines(stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    number = 0
    while line := stream.readline(MOST_LINE):
        number += 1
        if len(line) == MOST_LINE and not line.endswith(b"\n"):
            raise InputError(f"line {number}", f"more than {MOST_LINE} bytes", "a line of hex")
        if line := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield f"line {number}", line


def _hex(stream: BinaryIO) -> Iterator[Item]:
    for where, line in _lines(stream):
        yield from _frames_of(where, line.decode("latin-1"))


def _json(stream: BinaryIO) -> Iterator[Item]:
    for where, line in _lines(stream):
        try:
            record = json.loads(line)
            text = record["hex"]
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            yield Item(where, FrameFault("text", 0, "no JSON object with a text `hex`"))
        else:
            yield from _frames_of(where, text)


def _frames_of(where: str, text: str) -> Iterator[Item]:
    """The frame of a line of hex, or the frames where they fill it."""
    digits = text.replace("0x", "").replace("0X", "").translate(_FILLERS)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        yield Item(where, FrameFault("text", 0, f"{text[:20]!r} is no hex"))
        return
    starts, lengths = walk(data)
    pieces = [data[s : s + n] for s, n in zip(starts.tolist(), lengths.tolist(), strict=True)]
    if len(pieces) > 1 and all(len(p) > 24 and not check_byte(p[2:]) for p in pieces):
        yield from (Item(where, piece) for piece in pieces)
    else:
        yield Item(where, data)


_FILLERS = dict.fromkeys(map(ord, " \t,:-"))


def _raw(stream: BinaryIO) -> Iterator[Item]:
    splitter, offset = Splitter(), 0
    piece = b"."
    while piece:
        piece = stream.read(PIECE)
        for found in splitter.feed(piece) if piece else splitter.close():
            if isinstance(found, Skipped):
                yield Item(f"byte {found.offset}", _skipped(found))
                offset = found.offset + found.size
            else:
                yield Item(f"byte {offset}", found)
                offset += len(found)


def _captured(stream: BinaryIO) -> Iterator[Item]:
    for at_s, flow, found in captured_frames(stream):
        yield Item(flow, _skipped(found) if isinstance(found, Skipped) else found, at_s)


def _skipped(found: Skipped) -> FrameFault:
    fault = found.fault
    return FrameFault(fault.rule, fault.offset, f"{fault.came} ({found.size} bytes skipped)")


_READERS: dict[Kind, Callable[[BinaryIO], Iterator[Item]]] = {
    Kind.HEX: _hex,
    Kind.JSON: _json,
    Kind.RAW: _raw,
    Kind.PCAP: _captured,
}
