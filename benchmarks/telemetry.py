"""Decoding GB/T 32960 frames of 2016: ours, a plain loop with `struct`, and rtm_con.

    python benchmarks/telemetry.py                        # NumPy, Numba, struct loop
    python benchmarks/telemetry.py --peer                 # builds an environment with rtm_con
    python benchmarks/telemetry.py --peer-python P        # uses one you have
    python benchmarks/telemetry.py --frames FILE --json   # JSON lines with a field `hex`

Frames are made up: a dozen kinds of vehicles with 0 to 2 motors, 1 or 2 packs, 17 to 192 cells,
some with blocks of the maker's own; all readings random. "mixed" is all kinds, "cells" those with a
full block of cells. Times are CPU times of one thread, the ways in turns in one process; the least
of several counts (of rtm_con: one pass over a sample). Every way checks the BCC. All but the kernel
decode everything a frame says; NumPy's time includes finding the frames in the stream and decoding
every column. The kernel takes the fleet's fields: VIN, time, charge, voltage, current, speed,
odometer, place, alarms, extremes and mean of the cells, extremes of the temperatures. Compiling is
not counted.
"""

from __future__ import annotations

from zerocity.cli.kernel_cache import use_fresh_kernels

use_fresh_kernels()

import argparse  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import struct  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import reduce  # noqa: E402
from operator import xor  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from zerocity.protocols.gbt32960 import blocks as b  # noqa: E402
from zerocity.protocols.gbt32960 import messages as m  # noqa: E402
from zerocity.protocols.gbt32960.columns import Columns, decode_buffer, walk  # noqa: E402
from zerocity.protocols.gbt32960.frames import Command  # noqa: E402
from zerocity.protocols.gbt32960.kernel import fleet  # noqa: E402
from zerocity.protocols.gbt32960.message_reader import read  # noqa: E402
from zerocity.protocols.gbt32960.message_writer import write  # noqa: E402

PEER = "rtm_con"
GOALS = {"NumPy": 200_000, "Numba, fleet fields": 1_000_000}
# Motors, cells of each pack, probes of each pack, sizes of private blocks.
KINDS = (
    (1, (162,), (48,), ()),
    (1, (144,), (72,), ()),
    (0, (144,), (72,), ()),
    (2, (192,), (48,), (28,)),
    (1, (126,), (18,), ()),
    (1, (36,), (6,), ()),
    (2, (60,), (12,), (45,)),
    (0, (36,), (8,), ()),
    (1, (17,), (5,), (44,)),
    (1, (90, 90), (20, 20), ()),
    (0, (48, 48), (10, 10), (16, 8)),
    (1, (96,), (24,), ()),
)
FULL = tuple(kind for kind in KINDS if sum(kind[1]) > 120)


def made_frame(kind: tuple[Any, ...], vehicle: int, rng: np.random.Generator) -> bytes:
    """One report of a vehicle with random readings."""
    motors, cells, probes, private = kind
    volts = [np.round(rng.uniform(3.2, 3.5, n), 3).tolist() for n in cells]
    warm = [rng.integers(10, 40, n).tolist() for n in probes]
    pack_v, pack_a = round(sum(volts[0]), 1), round(float(rng.uniform(-100, 300)), 1)
    every, heat = [v for one in volts for v in one], [t for one in warm for t in one]
    speed, km = round(float(rng.uniform(0, 90)), 1), round(float(rng.uniform(0, 3e5)), 1)
    blocks = [
        b.Vehicle(1, 3, 1, speed, km, pack_v, pack_a, int(rng.integers(101)), 1, 14, 5000, 10, 0),
        b.Position.at(*np.round(rng.uniform((103.5, 36.0), (104.0, 36.2)), 6).tolist()),
        b.Extremes(1, 1, max(every), 1, 2, min(every), 1, 1, max(heat), 1, 2, min(heat)),
        b.Alarm(0, 0),
        b.CellVoltages(
            tuple(
                b.PackCells(i + 1, pack_v, pack_a, len(v), 1, tuple(v)) for i, v in enumerate(volts)
            )
        ),
        b.Temperatures(tuple(b.PackProbes(i + 1, tuple(t)) for i, t in enumerate(warm))),
        *(b.Private(0x80 + i, rng.bytes(size)) for i, size in enumerate(private)),
    ]
    if motors:
        torque = round(float(rng.uniform(-100, 300)), 1)
        one = b.Motor(1, 1, 40, int(rng.integers(9000)), torque, 55, pack_v, pack_a)
        blocks.insert(1, b.Motors((one,) * motors))
    clock = m.Clock(25, *rng.integers((1, 1, 0, 0, 0), (13, 29, 24, 60, 60)).tolist())
    return write(f"LZ9BENCH{vehicle:09}", Command.REALTIME, m.Report(clock, tuple(blocks)))


def made(kinds: tuple[Any, ...], count: int) -> list[bytes]:
    """Frames of a thousand vehicles, in random order."""
    rng = np.random.default_rng(32_960)
    of = rng.integers(0, 1_000, count)
    return [made_frame(kinds[int(i) % len(kinds)], int(i), rng) for i in of]


def plain_decode(data: bytes) -> dict[str, Any] | None:
    """The fair plain way: one frame with `struct` and comprehensions, codes as None."""
    if data[:2] != b"##" or reduce(xor, data[2:-1]) != data[-1]:
        return None
    found: dict[str, Any] = {"vin": data[4:21].decode(), "time": tuple(data[24:30])}
    at, end = 30, len(data) - 1
    while at < end:
        kind = data[at]
        at = PLAIN[min(kind, 0x80)](data, at + 1, found)
    return found


def tenth(raw: int, add: int = 0) -> float | None:
    """A word in tenths, or None for a code."""
    return raw * 0.1 + add if raw < 0xFFFE else None


def plain_vehicle(data: bytes, at: int, found: dict[str, Any]) -> int:
    state, charging, mode, speed, km, volts, amps, soc, dcdc, gear, ohms, more, brake = (
        struct.unpack_from(">BBBHIHHBBBHBB", data, at)
    )
    found["vehicle"] = (
        state, charging, mode, tenth(speed), km * 0.1 if km < 0xFFFFFFFE else None, tenth(volts),
        tenth(amps, -1000), soc if soc < 254 else None, dcdc, gear, ohms,
        more if more < 254 else None, brake if brake < 254 else None,
    )  # fmt: skip
    return at + 20


def plain_motors(data: bytes, at: int, found: dict[str, Any]) -> int:
    found["motors"] = [
        (n, state, hot - 40, rpm - 20_000, tenth(nm, -2000), warm - 40, tenth(v), tenth(a, -1000))
        for n, state, hot, rpm, nm, warm, v, a in struct.iter_unpack(
            ">BBBHHBHH", data[at + 1 : at + 1 + 12 * data[at]]
        )
    ]
    return at + 1 + 12 * data[at]


def plain_position(data: bytes, at: int, found: dict[str, Any]) -> int:
    flags, east, north = struct.unpack_from(">BII", data, at)
    sides = (-1e-6 if flags & 4 else 1e-6), (-1e-6 if flags & 2 else 1e-6)
    found["position"] = not flags & 1, east * sides[0], north * sides[1]
    return at + 9


def plain_extremes(data: bytes, at: int, found: dict[str, Any]) -> int:
    row = struct.unpack_from(">BBHBBHBBBBBB", data, at)
    found["extremes"] = (
        *row[:2], row[2] * 0.001 if row[2] < 0xFFFE else None,
        *row[3:5], row[5] * 0.001 if row[5] < 0xFFFE else None,
        *row[6:8], row[8] - 40 if row[8] < 254 else None,
        *row[9:11], row[11] - 40 if row[11] < 254 else None,
    )  # fmt: skip
    return at + 14


def plain_alarm(data: bytes, at: int, found: dict[str, Any]) -> int:
    level, bits = struct.unpack_from(">BI", data, at)
    at, lists = at + 5, []
    for _ in range(4):
        lists.append(struct.unpack_from(f">{data[at]}I", data, at + 1))
        at += 1 + 4 * data[at]
    found["alarm"] = level, bits, lists
    return at


def plain_cells(data: bytes, at: int, found: dict[str, Any]) -> int:
    count, at, packs = data[at], at + 1, []
    for _ in range(count):
        pack, volts, amps, total, first, n = struct.unpack_from(">BHHHHB", data, at)
        raws = struct.unpack_from(f">{n}H", data, at + 10)
        cells = [raw * 0.001 if raw < 0xFFFE else None for raw in raws]
        packs.append((pack, tenth(volts), tenth(amps, -1000), total, first, cells))
        at += 10 + 2 * n
    found["cells"] = packs
    return at


def plain_probes(data: bytes, at: int, found: dict[str, Any]) -> int:
    count, at, packs = data[at], at + 1, []
    for _ in range(count):
        pack, n = struct.unpack_from(">BH", data, at)
        packs.append((pack, [t - 40 if t < 254 else None for t in data[at + 3 : at + 3 + n]]))
        at += 3 + n
    found["probes"] = packs
    return at


def plain_private(data: bytes, at: int, found: dict[str, Any]) -> int:
    size = data[at] << 8 | data[at + 1]
    found.setdefault("private", []).append((data[at - 1], data[at + 2 : at + 2 + size]))
    return at + 2 + size


PLAIN = {
    1: plain_vehicle, 2: plain_motors, 5: plain_position, 6: plain_extremes, 7: plain_alarm,
    8: plain_cells, 9: plain_probes, 0x80: plain_private,
}  # fmt: skip


def with_numpy(stream: bytes) -> Columns:
    """All columns of a stream."""
    return decode_buffer(stream, *walk(stream)).decode_all()


def least(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Least CPU time [s] of each way, the ways in turns; one round before the clock runs."""
    found = dict.fromkeys(ways, np.inf)
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if turn:
                found[name] = min(found[name], time.process_time() - start)
    return found


def race(frames: list[bytes], sample: int, repeats: int) -> dict[str, dict[str, float]]:
    """Frames a second and MB a second of each way; all ways must agree."""
    stream = b"".join(frames)
    places = walk(stream)
    check(frames[:sample], with_numpy(b"".join(frames[:sample])))
    spent = least(
        {
            "NumPy": lambda: with_numpy(stream),
            "Numba, fleet fields": lambda: fleet(stream, *places),
            "struct loop": lambda: [plain_decode(frame) for frame in frames[:sample]],
            "typed messages": lambda: [read(frame) for frame in frames[: sample // 4]],
        },
        repeats,
    )
    counts = {"struct loop": sample, "typed messages": sample // 4}
    mean = len(stream) / len(frames)
    rates = {name: counts.get(name, len(frames)) / s for name, s in spent.items()}
    return {name: {"frames_per_s": r, "mb_per_s": r * mean / 1e6} for name, r in rates.items()}


def check(frames: list[bytes], columns: Columns) -> None:
    """The loop and the columns must say the same."""
    cells = columns.packs.lists["cell_v"]
    values, pack = cells.values(), 0
    for i, frame in enumerate(frames):
        found = plain_decode(frame)
        assert found is not None
        if "vehicle" in found:
            wanted = np.array(found["vehicle"][6], float)
            assert np.array_equal(wanted, columns.vehicle["current_a"][i], equal_nan=True)
        for *_, wanted in found.get("cells", []):
            start = cells.starts[pack]
            own = values[start : start + cells.counts[pack]]
            assert np.array_equal(own, np.array(wanted, float), equal_nan=True)
            pack += 1


def peer(python: str, frames: list[bytes]) -> dict[str, float]:
    """Frames a second of rtm_con, and in how many of them its readings differ from ours."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frames.hex"
        file.write_text("\n".join(frame.hex() for frame in frames))
        script = str(Path(__file__).with_name("telemetry_peer.py"))
        words = [python, script, str(file)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    columns = with_numpy(b"".join(frames))
    first = np.searchsorted(columns.packs.frame, np.arange(len(frames)))
    volts, amps = np.array(found["found"]).T
    return {
        "frames_per_s": 1.0 / found["seconds"],
        "mb_per_s": sum(map(len, frames)) / len(frames) / found["seconds"] / 1e6,
        "vehicle_voltage_differs": float(np.sum(abs(volts - columns.vehicle["voltage_v"]) > 1e-6)),
        "pack_current_differs": float(np.sum(abs(amps - columns.packs["current_a"][first]) > 1e-6)),
        "of_frames": float(len(frames)),
    }


def peer_python(given: str | None) -> tuple[str, str | None]:
    """An interpreter with rtm_con, and the folder to remove afterwards if it was made for this."""
    if given:
        return given, None
    made_here = tempfile.mkdtemp(prefix="zerocity-peer-")
    python = str(Path(made_here) / "bin" / "python")
    # rtm_con imports its Excel export, and with it openpyxl, whatever is asked of it.
    wanted = [PEER, "openpyxl"]
    uv = shutil.which("uv")
    if uv:
        commands = [[uv, "venv", "-q", made_here], [uv, "pip", "install", "-q", "-p", python]]
    else:
        commands = [[sys.executable, "-m", "venv", made_here], [python, "-m", "pip", "install"]]
    subprocess.run(commands[0], check=True)
    subprocess.run([*commands[1], *wanted], check=True)
    return python, made_here


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50_000, help="frames for our own ways")
    parser.add_argument("--sample", type=int, default=4_000, help="frames for the struct loop")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=Path, help="JSON lines with reports of 2016 in `hex`")
    parser.add_argument("--peer", action="store_true", help="compare with rtm_con")
    parser.add_argument("--peer-python", help="interpreter that has rtm_con")
    parser.add_argument("--peer-frames", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sets = given(args.frames, args.count) if args.frames else {
        "mixed": made(KINDS, args.count), "cells": made(FULL, args.count)
    }  # fmt: skip
    result = {name: race(frames, args.sample, args.repeats) for name, frames in sets.items()}
    if args.peer or args.peer_python:
        python, made_here = peer_python(args.peer_python)
        try:
            for name, frames in sets.items():
                whole = [f for f in frames[: 4 * args.peer_frames] if whole_report(f)]
                result[name][PEER] = peer(python, whole[: args.peer_frames])
        finally:
            if made_here:
                shutil.rmtree(made_here)
    print(json.dumps(result, indent=2) if args.json else as_text(result, sets))


def given(file: Path, count: int) -> dict[str, list[bytes]]:
    """The reports of a file, over and over."""
    lines = file.read_text(encoding="utf-8").splitlines()
    frames = [bytes.fromhex(json.loads(line)["hex"]) for line in lines]
    reports = [frame for frame in frames if frame[2] in (2, 3) and frame[3] == 0xFE]
    cells = [frame for frame in reports if len(frame) > 450]
    return {
        name: (some * (count // len(some) + 1))[:count]
        for name, some in {"mixed": reports, "cells": cells}.items()
    }


def whole_report(frame: bytes) -> bool:
    """Whether a report has the blocks by which the peer is compared."""
    found = plain_decode(frame) or {}
    return "vehicle" in found and bool(found.get("cells"))


def as_text(result: dict[str, dict[str, dict[str, float]]], sets: dict[str, list[bytes]]) -> str:
    """The result as lines for people."""
    lines = []
    for title, table in result.items():
        mean = sum(map(len, sets[title])) / len(sets[title])
        lines.append(f"{title}: frames of {mean:.0f} bytes")
        loop = table["struct loop"]["frames_per_s"]
        for name, row in table.items():
            rate = row["frames_per_s"]
            ratios = f"{rate / loop:8.2f} x struct loop"
            if PEER in table:
                ratios += f"{rate / table[PEER]['frames_per_s']:9.1f} x {PEER}"
            goal = f" (goal {GOALS[name]:,})" if name in GOALS else ""
            lines.append(
                f"  {name:20s} {rate:12,.0f} frames/s {row['mb_per_s']:7.1f} MB/s{ratios}{goal}"
            )
        if PEER in table:
            row = table[PEER]
            lines.append(
                f"  {PEER} differs in {row['pack_current_differs']:.0f} pack currents and "
                f"{row['vehicle_voltage_differs']:.0f} voltages of {row['of_frames']:.0f} frames"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
