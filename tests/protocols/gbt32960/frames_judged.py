"""What must hold for every input of the fuzzer of GB/T 32960 frames, whatever its bytes.

An input is two bytes that set the scene (who is on the link; how the stream is cut) and a stream.
The splitter, the typed reader, the columns, the compiled kernel and the desk read it each in its
own way, and must say the same of each frame: taken or refused, by which rule, at which byte.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache, reduce
from math import isnan
from operator import xor
from random import Random
from typing import Any

import numpy as np
from frames_grown import VIN, VINS, bend_bytes, framed, make_stream, mended, spoil_frame

from zerocity.live.vehicles import Report as Picture
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.blocks import Alarm, Unknown, Vehicle
from zerocity.protocols.gbt32960.columns import decode_columns
from zerocity.protocols.gbt32960.crypto import KeyRing
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.fleet import FLEET, REPORT, fleet_of
from zerocity.protocols.gbt32960.frames import LONGEST, FrameFault, Skipped, Splitter
from zerocity.protocols.gbt32960.glance import glance
from zerocity.protocols.gbt32960.kernel import fleet
from zerocity.protocols.gbt32960.lake import lake_table
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.messages import Report
from zerocity.protocols.gbt32960.seats import Batch, Caller, Policy

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
AES = bytes(range(16))
RESPONSES = {1, 2, 3, 4, 5, 6, 7, 0xFE}
ENCRYPTIONS = {1, 2, 3, 4, 5, 0xFE, 0xFF}
# Frames that columns and kernel take together.
TOGETHER = 64
LONGEST_INPUT = 200_000
STRUCTURE = {"block", "block-length", "block-type", "trailing", "encryption"}
Outcome = tuple[str, int, str] | Any


@dataclass
class Tally:
    """What came of the inputs."""

    inputs: int = 0
    frames: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, bytes]] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: bytes = b""
    slowest_us_a_byte: float = 0.0
    longest: int = 0
    _waiting: list[bytes] = field(default_factory=list)

    def run(self, data: bytes, lawful: int = -1) -> None:
        """Feed one input; nothing is raised, all is noted. ``lawful``: frames that must be taken,
        if all bytes are sound ones."""
        self.inputs += 1
        self.longest = max(self.longest, len(data))
        began_s = time.process_time()
        try:
            self._feed(data, lawful)
        except Exception as error:
            self.problems.append((f"{type(error).__name__}: {error}", data))
        took_s = time.process_time() - began_s
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, data
        self.slowest_us_a_byte = max(self.slowest_us_a_byte, took_s * 1e6 / (len(data) + 1_000))
        if len(self._waiting) >= TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Let columns and kernel read the frames that wait, together; alone where they disagree."""
        frames, self._waiting = self._waiting, []
        try:
            judge_many(frames)
        except Exception as error:
            guilty = [frame for frame in frames if _fails(frame)]
            for frame in guilty or [b"".join(frames)]:
                self.problems.append((f"together {type(error).__name__}: {error}", frame))

    def _feed(self, data: bytes, lawful: int) -> None:
        scene, cut, stream = (data[:2] + b"\0\0")[0], (data[:2] + b"\0\0")[1], data[2:]
        frames = judge_splitter(stream, cut)
        if lawful >= 0:
            assert len(frames) == lawful, "the splitter lost a lawful frame"
        self.frames += len(frames)
        self._waiting += frames
        if len(stream) < 4_096:
            self._waiting.append(stream)
        desk, caller = scenery(scene)
        for frame in frames:
            outcome = typed(frame, keep_unknown=False)
            name = outcome[0] if isinstance(outcome, tuple) else type(outcome).__name__
            self.outcomes[name] += 1
            assert lawful < 0 or not isinstance(outcome, tuple), f"{outcome} for a lawful frame"
            self.outcomes[judge_desk(desk, caller, frame)] += 1


def _fails(frame: bytes) -> bool:
    try:
        judge_many([frame])
    except Exception:
        return True
    return False


def sound(frame: bytes) -> bool:
    """Whether the envelope is, by the standard's table 2 alone."""
    if len(frame) < 25 or frame[:2] not in (b"##", b"$$"):
        return False
    unit = frame[22] << 8 | frame[23]
    whole = len(frame) == 25 + unit and unit <= 65_531
    flags = frame[3] in RESPONSES and frame[21] in ENCRYPTIONS
    return whole and flags and reduce(xor, frame[2:]) == 0


@lru_cache(4 * TOGETHER)
def typed(frame: bytes, *, keep_unknown: bool) -> Outcome:
    """The message, or rule, byte and what came."""
    try:
        return read(frame, keep_unknown=keep_unknown)[1]
    except FrameFault as fault:
        return fault.rule, fault.offset, fault.came


def judge_splitter(stream: bytes, cut: int) -> list[bytes]:
    """The frames of a stream: the same whatever pieces it comes in, all sound, no byte lost."""
    pieces: list[list[bytes | Skipped]] = []
    for size in (len(stream) or 1, max(cut + 1, len(stream) // 50)):
        splitter, found = Splitter(), []
        for at in range(0, len(stream), size):
            found += splitter.feed(stream[at : at + size])
            assert splitter.held <= LONGEST, "the splitter holds more than a frame"
        found += splitter.close()
        assert splitter.held == 0
        at = 0
        for each in found:
            if isinstance(each, Skipped):
                assert each.offset == at, "a skipped place is not where it is said to be"
                at += each.size
            else:
                assert sound(each), "a frame that is not sound was passed on"
                assert each == stream[at : at + len(each)]
                at += len(each)
        assert at == len(stream), "bytes were lost"
        pieces.append(found)
    whole, cut_up = ([each for each in found if isinstance(each, bytes)] for found in pieces)
    assert whole == cut_up, "other frames from other pieces"
    if len(stream) < 4_096:
        assert whole == plain_split(stream), "other frames than a plain walk finds"
    return whole


def plain_split(stream: bytes) -> list[bytes]:
    """The sound frames of a stream, by the plainest walk there is."""
    found, at = [], 0
    while at < len(stream):
        size = 25 + int.from_bytes(stream[at + 22 : at + 24], "big")
        if sound(stream[at : at + size]):
            found.append(stream[at : at + size])
            at += size
        else:
            at += 1
    return found


@cache
def known_vehicles() -> list[str]:
    return [vin.rstrip(b"\0").decode() for vin in dict.fromkeys(VINS) if vin != b"?" * 17]


def scenery(scene: int) -> tuple[Desk, Caller]:
    """A desk and who talks to it: a stranger, a vehicle, a platform, or a vehicle with a key."""
    vehicles = Vehicles()
    for number, vin in enumerate(known_vehicles()):
        vehicles.add(f"v{number}", vin)
    policy = Policy(require_signatures=bool(scene & 8), keys_in_clear=bool(scene & 16))
    desk = Desk(vehicles, policy)
    caller = Caller(keys=KeyRing(aes=AES) if scene & 3 == 3 else KeyRing())
    edition = 2025 if scene & 4 else 2016
    clock, batch = bytes((26, 5, 1, 8, 0, 0)), Batch()
    if scene & 3 == 2:
        login = framed(edition, 5, clock + b"\0\1" + bytes(32) + b"\1")
        desk.take(caller, login, AT, 0.0, batch)
        desk.platform_checked(caller, login, "city", True, AT, batch)
    elif scene & 3:
        count = b"\0" if edition == 2025 else b"\0\0"
        desk.take(caller, framed(edition, 1, clock + b"\0\1" + bytes(20) + count), AT, 0.0, batch)
    assert not batch.faults, "the scene is not set"
    return desk, caller


def judge_desk(desk: Desk, caller: Caller, frame: bytes) -> str:
    """Give the desk a frame and judge what it does; a word for it."""
    batch = Batch()
    login = desk.take(caller, frame, AT, 1.0, batch)
    if login is not None:
        desk.platform_checked(caller, frame, login.user, bool(frame[-1] % 2), AT, batch)
    if frame[3] != 0xFE:
        assert not batch, "an answer was answered"
        return "desk: silent"
    assert len(batch.answers) == 1, f"{len(batch.answers)} answers to one frame"
    said = batch.answers[0][1]
    assert sound(said), "an answer that is no frame"
    assert said[3] != 0xFE, "an answer that asks"
    assert said[4:21] == frame[4:21], "an answer to somebody else"
    assert said[:2] == frame[:2], "an answer of another edition"
    assert said[:2] == b"$$" or said[3] <= 3, "a code of 2025 in a frame of 2016"
    assert len(batch.frames) + len(batch.faults) <= 1
    for _, _, stored in batch.frames:
        judge_stored(stored)
        return "desk: stored"
    if not batch.faults:
        assert said[3] == 1 or said[2] == 0x0A, "refused without a reason"
        return "desk: taken"
    fault = batch.faults[0]
    assert said[3] != 1, "taken with a fault"
    if frame[2] in (2, 3) and frame[21] == 1 and fault.rule in STRUCTURE:
        outcome = typed(frame, keep_unknown=True)
        assert outcome == (fault.rule, fault.offset, fault.came), f"desk {fault}, reader {outcome}"
    return f"desk: {fault.rule}"


def judge_stored(frame: bytes) -> None:
    """A report that the desk takes is one that the reader takes, and says the same to both."""
    assert sound(frame), "an unsound frame was stored"
    report = typed(frame, keep_unknown=True)
    assert isinstance(report, Report), f"stored, but the reader says {report}"
    assert report.clock.utc() is not None, "stored without a time"
    edition = Edition.Y2016 if frame[:2] == b"##" else Edition.Y2025
    look = glance(frame[24:-1], edition)
    assert look.report.at == report.clock.utc()
    assert (look.signed is None) == (report.signature is None)
    same_picture(look.report, report)


def same_picture(picture: Picture, report: Report) -> None:
    """The desk's picture shows the last readings of the report."""
    vehicles, alarms = report.of(Vehicle), report.of(Alarm)
    if vehicles:
        wanted = vehicles[-1]
        close(picture.soc * 100, wanted.soc_percent, "soc")
        close(picture.speed_kmh, wanted.speed_km_h, "speed")
        close(picture.odometer_km, wanted.odometer_km, "odometer")
        close(picture.voltage_v, wanted.voltage_v, "voltage")
        close(-picture.current_a, wanted.current_a, "current")
    else:
        assert isnan(picture.soc)
        assert isnan(picture.current_a)
    level = alarms[-1].level if alarms else Gap.INVALID
    assert picture.alarm_level == (-1 if isinstance(level, Gap) else level)
    assert picture.alarm_bits == (alarms[-1].bits if alarms else 0)


def close(found: float, wanted: Any, what: str) -> None:
    """Equal to a millionth, or both none."""
    if isinstance(wanted, Gap):
        assert isnan(found), f"{what}: {found} where none was sent"
    else:
        assert abs(found - wanted) <= 1e-6 * max(1.0, abs(wanted)), f"{what}: {found}, {wanted}"


def judge_many(frames: list[bytes]) -> None:
    """Columns and kernel say of each frame what the typed reader says."""
    columns = decode_columns(frames)
    said = [typed(frame, keep_unknown=False) for frame in frames]
    refused = {i: each for i, each in enumerate(said) if isinstance(each, tuple)}
    found = {fault.frame: (fault.rule, fault.offset, fault.came) for fault in columns.faults}
    assert found == refused, _first_difference(found, refused)
    reports = [isinstance(each, Report) for each in said]
    assert columns.report.tolist() == reports, "columns take another frame for a report"
    assert columns.sound.tolist() == [sound(frame) for frame in frames], "another envelope"
    records, faults = fleet(columns.buffer, columns.starts, columns.lengths)
    assert faults == columns.faults, "the kernel refuses others than the columns"
    wanted = fleet_of(columns)
    for name in FLEET.names or ():
        floats = FLEET[name] == np.float64
        same = np.array_equal(records[name], wanted[name], equal_nan=floats)
        assert same, f"kernel and columns differ in {name}"
    assert (records["status"] == REPORT).tolist() == reports
    judge_lake(frames, said)


def judge_lake(frames: list[bytes], said: list[Outcome]) -> None:
    """The lake keeps every report that the desk takes, its unknown end included."""
    columns = decode_columns(frames, keep_unknown=True)
    # Only an unknown block is read in another way.
    kept = [
        typed(frame, keep_unknown=True)
        if isinstance(each, tuple) and each[0] == "block-type"
        else each
        for frame, each in zip(frames, said, strict=True)
    ]
    reports = [each for each in kept if isinstance(each, Report)]
    table = lake_table(columns, AT)
    table.validate(full=True)
    assert table.num_rows == len(reports), "the lake loses reports"
    assert columns.edition.tolist() == [
        0 if isinstance(each, tuple) else 2016 if frame[:1] == b"#" else 2025
        for frame, each in zip(frames, kept, strict=True)
    ]
    data = table["private_data"].to_pylist()
    for report, blocks, now in zip(reports, data, table["at"].to_pylist(), strict=True):
        rest = [each.data for each in report.of(Unknown)]
        assert not rest or blocks[-1:] == rest, "an unknown block is not kept"
        assert now == report.clock.utc()


def _first_difference(found: dict[int, Any], wanted: dict[int, Any]) -> str:
    for number in sorted({*found, *wanted}):
        if found.get(number) != wanted.get(number):
            return f"columns {found.get(number)}, reader {wanted.get(number)}"
    return "no difference"


def make_input(rng: Random) -> tuple[bytes, int]:
    """One input and how many lawful frames it is, -1 where it may be anything."""
    stream, lawful = make_stream(rng)
    scene = rng.choice((0, 1, 1, 2, 2, 2, 3)) + rng.choice((0, 0, 0, 8, 16))
    if (stream[:1] == b"$") != (rng.random() < 0.05):
        scene += 4
    return bytes((scene, rng.randrange(80))) + stream[:LONGEST_INPUT], lawful


def sealed_input(rng: Random) -> bytes:
    """A report closed with the scene's key, by AES as the key ring does it."""
    edition = rng.choice((2016, 2025))
    stream, _ = make_stream(rng)
    unit = KeyRing(aes=AES).close(3, stream[24:-1][:4_000], AT)
    scene = 3 | (4 if edition == 2025 else 0)
    return bytes((scene, 0)) + framed(edition, 2, unit, VIN, encryption=3)


def change_input(data: bytes, rng: Random) -> bytes:
    """Another input made from one, its checks made right more often than not."""
    head, stream = data[:2], data[2:]
    changed = spoil_frame(stream, rng) if rng.random() < 0.5 else bend_bytes(stream, rng)
    return head + (mended(changed) if rng.random() < 0.8 else changed)
