"""Frames of GB/T 32960 grown at random for a fuzzer, by the standard's tables and nothing of ours.

The sizes stand here once more, so that what is grown judges the readers: a frame that is not
spoilt must be taken by all of them.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from operator import xor
from random import Random

START = {2016: b"##", 2025: b"$$"}
VIN = b"LZYTAGBW2E1000001"
VINS = [VIN, VIN, VIN, b"LZYTAGBW2E1000002", b"LZYTAGBW2E\0\0\0\0\0\0\0", b"?" * 17]
REALTIME, RESEND, LOGIN = 2, 3, 1
ASKS = 0xFE
NO_CODE = (0xFE, 0xFF)
FIXED = {
    2016: {0x01: 20, 0x04: 5, 0x05: 9, 0x06: 14},
    2025: {0x01: 18, 0x03: 12, 0x04: 2, 0x05: 10, 0x32: 18},
}
COUNTED = {2016: (0x02, 0x03, 0x07, 0x08, 0x09), 2025: (0x02, 0x06, 0x07, 0x08, 0x30, 0x31)}
LONGEST_UNIT = 65_531


def framed(edition: int, command: int, unit: bytes, vin: bytes = VIN, response: int = ASKS,
           encryption: int = 1) -> bytes:  # fmt: skip
    """A frame around a data unit, its check byte right."""
    body = bytes((command, response)) + vin + bytes((encryption,)) + len(unit).to_bytes(2, "big")
    return checked(START[edition] + body + unit + b"\0")


def checked(frame: bytes) -> bytes:
    """The frame with its last byte made the right check."""
    return frame[:-1] + bytes((reduce(xor, frame[2:-1], 0),))


def grow_frame(rng: Random, edition: int) -> bytes:
    """A lawful frame; mostly a report."""
    vin = rng.choice(VINS)
    if rng.random() < 0.85:
        unit = grow_clock(rng) + b"".join(grow_blocks(rng, edition))
        return framed(edition, rng.choice((REALTIME, REALTIME, RESEND)), unit[:LONGEST_UNIT], vin)
    command = rng.choice((1, 1, 4, 5, 6, 7, 8))
    return framed(edition, command, grow_other(rng, edition, command), vin)


def grow_blocks(rng: Random, edition: int) -> list[bytes]:
    """Blocks of a report in any order, the signature last."""
    kinds = [*FIXED[edition], *COUNTED[edition], *COUNTED[edition], 0x80, 0xFE]
    blocks = [grow_block(rng, edition, rng.choice(kinds)) for _ in range(rng.choice((0, 1, 2, 5)))]
    if edition == 2025 and rng.random() < 0.2:
        blocks.append(b"\xff" + filled(rng, 1) + sized(rng, 2, 1) + sized(rng, 2, 1))
    return blocks


def grow_block(rng: Random, edition: int, kind: int) -> bytes:
    """One block with its type byte."""
    head = bytes((kind,))
    if size := FIXED[edition].get(kind):
        return head + filled(rng, size)
    if kind >= 0x80:
        return head + sized(rng, 2, 1)
    return head + _counted(rng, edition, kind)


def _counted(rng: Random, edition: int, kind: int) -> bytes:
    old = edition == 2016
    if kind == 0x02:
        if old:  # FE and FF are numbers of motors in 2016
            count = rng.choice((254, 255)) if rng.random() < 0.03 else rng.choice((0, 1, 2, 4))
            return bytes((count,)) + filled(rng, 12 * count)
        return sized(rng, 1, 10, codes=True)
    if kind == 0x03:
        return filled(rng, 6) + sized(rng, 2, 1, codes=True) + filled(rng, 10)
    if kind == (0x07 if old else 0x06):
        lists = b"".join(sized(rng, 1, 4, codes=True) for _ in range(4))
        return filled(rng, 5) + lists + (b"" if old else sized(rng, 1, 2, codes=True))
    if kind == 0x31:
        return filled(rng, 5) + sized(rng, 2, 2, codes=True) + sized(rng, 2, 1, codes=True)
    count = rng.choice((0, 1, 1, 2, 3, *NO_CODE))
    packs = range(count if count not in NO_CODE else 0)
    return bytes((count,)) + b"".join(_pack(rng, old, kind) for _ in packs)


def _pack(rng: Random, old: bool, kind: int) -> bytes:
    if kind == 0x30:
        return filled(rng, 10) + sized(rng, 2, 1, codes=True)
    if kind == (0x09 if old else 0x08):
        return filled(rng, 1) + sized(rng, 2, 1, codes=True)
    if old:
        return filled(rng, 9) + sized(rng, 1, 2)
    return filled(rng, 5) + sized(rng, 2, 2, codes=True)


def grow_other(rng: Random, edition: int, command: int) -> bytes:
    """The data unit of a command that is no report."""
    clock, serial = grow_clock(rng), filled(rng, 2)
    if command in (7, 8):
        return b""
    if command in (4, 6):
        return clock + serial
    if command == 5:
        return clock + serial + filled(rng, 12) + filled(rng, 20) + b"\1"
    head = clock + serial + filled(rng, 20)
    count = rng.choice((0, 1, 2))
    if edition == 2016:
        length = rng.choice((0, 24, 50))
        return head + bytes((count, length)) + filled(rng, count * length)
    packs = bytes(rng.choice((0, 1, 2)) for _ in range(count))
    return head + bytes((count,)) + packs + filled(rng, 24 * sum(packs))


def grow_clock(rng: Random) -> bytes:
    """Six bytes of time, now and then of none."""
    if rng.random() < 0.1:
        return rng.choice((b"\xff" * 6, b"\x1a\x02\x1d\0\0\0", rng.randbytes(6)))
    return bytes((26, 5, rng.choice((1, 2)), rng.randrange(24), rng.randrange(60), 0))


def filled(rng: Random, size: int) -> bytes:
    """Bytes of readings; often those that are codes."""
    match rng.randrange(5):
        case 0:
            return b"\xff" * size
        case 1:
            return (b"\xff\xfe" * size)[:size]
        case 2:
            return bytes(size)
    return rng.randbytes(size)


def sized(rng: Random, width: int, each: int, *, codes: bool = False) -> bytes:
    """A count of ``width`` bytes and as many values of ``each`` bytes."""
    count = rng.choice((0, 1, 2, 3, 8, 40))
    if rng.random() < 0.03:
        count = rng.choice((200, 253, 255 if width == 1 else 256, 300 if width == 2 else 254))
    if codes and rng.random() < 0.15:
        return rng.choice((b"\xfe", b"\xff") if width == 1 else (b"\xff\xfe", b"\xff\xff"))
    if codes and width == 1:
        count = min(count, 253)
    return count.to_bytes(width, "big") + filled(rng, count * each)


# Spoiling


def spoil_frame(frame: bytes, rng: Random) -> bytes:
    """Change bytes of a frame behind a head that stays sound: length and check are made right."""
    if len(frame) < 25:
        return frame
    unit = bytearray(frame[24:-1])
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(unit) + 1)
        end = min(len(unit), at + rng.choice((1, 1, 2, 6, 40)))
        match rng.randrange(6):
            case 0 | 1:
                unit[at:end] = rng.choice((b"\xff", b"\xfe", b"\0", b"\1", rng.randbytes(1)))
            case 2:
                del unit[at:end]
            case 3:
                unit[at:at] = unit[at:end]
            case 4:
                unit[at:at] = bytes((rng.choice((0x0A, 0x30, 0x7F, 0x80, 0xFE, 0xFF, 2, 8, 9)),))
            case _:
                unit = unit[:at]
    del unit[LONGEST_UNIT:]
    return checked(frame[:22] + len(unit).to_bytes(2, "big") + bytes(unit) + b"\0")


def bend_bytes(data: bytes, rng: Random) -> bytes:
    """Flip, drop, double and put in bytes anywhere, nothing made right afterwards."""
    bent = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(bent) + 1)
        end = min(len(bent), at + rng.choice((1, 2, 8, 40)))
        match rng.randrange(5):
            case 0:
                bent[at:end] = bytes(byte ^ (1 << rng.randrange(8)) for byte in bent[at:end])
            case 1:
                del bent[at:end]
            case 2:
                bent[at:at] = bent[at:end]
            case 3:
                bent[at:at] = rng.choice((b"##", b"$$", b"#", b"\xff\xff", VIN, bytes(9)))
            case _:
                bent[at:end] = rng.randbytes(end - at)
    return bytes(bent)


def mended(stream: bytes) -> bytes:
    """The stream with the check of each frame made right, where its length allows."""
    found = sorted({0, len(stream), *_starts(stream)})
    whole = bytearray(stream)
    for at, _ in pairwise(found):
        size = 25 + int.from_bytes(whole[at + 22 : at + 24], "big")
        if at + size <= len(whole):
            whole[at : at + size] = checked(bytes(whole[at : at + size]))
    return bytes(whole)


def _starts(stream: bytes) -> list[int]:
    found: list[int] = []
    for start in START.values():
        at = stream.find(start)
        while at >= 0 and len(found) < 16:
            found.append(at)
            at = stream.find(start, at + 2)
    return found


def make_stream(rng: Random) -> tuple[bytes, int]:
    """A stream of a few frames, and how many lawful ones it is if none is spoilt, else -1."""
    edition = rng.choice((2016, 2025))
    frames = [grow_frame(rng, edition)]
    while rng.random() < 0.25 and len(frames) < 4:
        frames.append(rng.choice((frames[-1], grow_frame(rng, rng.choice((2016, 2025))))))
    draw = rng.random()
    if draw < 0.3:
        return b"".join(frames), len(frames)
    if draw < 0.75:
        frames = [spoil_frame(frame, rng) for frame in frames]
    if draw > 0.65:
        frames = [bend_bytes(frame, rng) for frame in frames]
    if draw > 0.9:
        at = rng.randrange(len(frames) + 1)
        frames.insert(at, rng.choice((b"#", b"##", b"$$$$", false_starts(rng), rng.randbytes(40))))
    return b"".join(frames), -1


def false_starts(rng: Random) -> bytes:
    """Heads behind each other, each of which claims to be a long frame."""
    unit = rng.choice((100, 3_000, 65_531)).to_bytes(2, "big")
    return (b"##\2\xfe" + VIN + b"\1" + unit) * rng.choice((2, 10, 200))
