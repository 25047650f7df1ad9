"""Speed of fleet ageing, and NREL's BLAST-Lite beside it on the same profile in the same run.

    python benchmarks/ageing.py                                      # ours alone
    python benchmarks/ageing.py --peer                               # makes a peer environment
    python benchmarks/ageing.py --peer-python /path/to/bin/python    # one with blast-lite, numpy<2
    python benchmarks/ageing.py --peer --json

A battery-step is one pack over one 15-minute step, everything included: calendar and resistance
sums, rainflow, throughput, flags, reading and writing the state. All times are CPU time of one
thread, so a busy machine shifts them less. The peer's 365 days are one battery; it takes the
profile as Time_s, SOC, Temperature_C.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zerocity.batteries.ageing_models import MODEL_KEYS, MODELS
from zerocity.batteries.ageing_reference import blast_history, total_loss
from zerocity.batteries.ageing_state import age_slice, loss, new_state

Array = npt.NDArray[np.float64]
Array32 = npt.NDArray[np.float32]
STEP_H = 0.25
PER_DAY = 96

# One interpreter for the peer: it reads a profile and prints CPU seconds and losses.
PEER_SCRIPT = """
import json, sys, time
import numpy as np
from blast import models
data = np.load(sys.argv[1])
profile = {"Time_s": data["time_s"], "SOC": data["soc"], "Temperature_C": data["temperature_c"]}
out = {}
for key, name in (("lfp250", "Lfp_Gr_250AhPrismatic"), ("nmc_b1", "NMC_Gr_50Ah_B1")):
    cell = getattr(models, name)()
    start = time.process_time()
    cell.simulate_battery_life(profile, is_conserve_energy_throughput=False)
    seconds = time.process_time() - start
    out[key] = {"seconds": seconds, "loss": float(1 - cell.outputs["q"][-1]),
                "days": float(cell.stressors["t_days"][-1])}
print(json.dumps(out))
"""


def shapes(days: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """One driver's soc and pack temperature over ``days``: commute, rest, evening charge."""
    hours = np.arange(days * PER_DAY) * STEP_H
    day = (hours // 24).astype(np.int64)
    deep = rng.uniform(0.15, 0.35, days)[day]
    clock = hours % 24.0
    out = np.clip((clock - 7.5) / 1.0, 0, 1) + np.clip((clock - 17.5) / 1.0, 0, 1)
    soc = 0.85 - deep * (out - 2.0 * np.clip((clock - 19.0) / 3.0, 0, 1))
    season = 18.0 + 10.0 * np.sin(2 * np.pi * (hours / 24.0 - 100.0) / 365.0)
    return soc, season + 5.0 * np.sin(2 * np.pi * (clock - 9.0) / 24.0)


def fleet(kind: str, packs: int, days: int) -> tuple[Array32, Array32]:
    """(steps, packs) profiles: "parked", "calm" (a commute) or "noisy" (turns at every step)."""
    rng = np.random.default_rng(11)
    soc, warm = shapes(days, rng)
    scale = rng.uniform(0.5, 1.0, packs)
    block = 0.9 - (0.85 - soc)[:, None] * scale
    if kind == "parked":
        block = np.broadcast_to(0.5 + 0.5 * scale, block.shape)
    if kind == "noisy":
        block = block + rng.normal(0.0, 0.02, block.shape)
    temperature_c = warm[:, None] + rng.normal(0.0, 2.0, packs)
    return np.clip(block, 0, 1).astype(np.float32), temperature_c.astype(np.float32)


def cpu_seconds(work: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Median and least CPU time of ``work`` [s]; neighbours on the core cannot lower the least."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken)), min(taken)


def measure(kind: str, packs: int, days: int, repeats: int) -> dict[str, float]:
    """M battery-steps per second and core on one kind of profile."""
    soc, temperature_c = fleet(kind, packs, days)
    rng = np.random.default_rng(1)
    model = rng.integers(0, len(MODEL_KEYS), packs).astype(np.int8)
    spread = rng.lognormal(0.0, 0.05, packs)
    state = new_state(packs)

    def work() -> None:
        for start in range(0, days * PER_DAY, PER_DAY):
            day = slice(start, start + PER_DAY)
            age_slice(state, model, spread, soc[day], temperature_c[day], STEP_H, 0, packs)

    work()
    median, least = cpu_seconds(work, repeats)
    steps = packs * days * PER_DAY / 1e6
    return {"median": steps / median, "best": steps / least}


def peer_python(given: str | None) -> tuple[str, str | None]:
    """An interpreter with blast-lite, and the folder to remove afterwards if it was made here."""
    if given:
        return given, None
    folder = tempfile.mkdtemp(prefix="blast-peer-")
    python = str(Path(folder) / "bin" / "python")
    wanted = ["blast-lite", "numpy<2"]
    uv = shutil.which("uv")
    if uv:
        commands = [[uv, "venv", "-q", folder], [uv, "pip", "install", "-q", "-p", python, *wanted]]
    else:
        commands = [[sys.executable, "-m", "venv", folder],
                    [python, "-m", "pip", "install", "-q", *wanted]]  # fmt: skip
    for command in commands:
        subprocess.run(command, check=True)
    return python, folder


def compare(python: str, days: int) -> dict[str, dict[str, float]]:
    """The same ``days`` through the peer and through us, per law."""
    soc, warm = shapes(days, np.random.default_rng(2))
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "profile.npz")
        np.savez(file, time_s=np.arange(soc.size) * 900.0, soc=soc, temperature_c=warm)
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        done = subprocess.run(
            [python, "-c", PEER_SCRIPT, file],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **alone},
        )
    peer = json.loads(done.stdout.splitlines()[-1])
    rows: dict[str, dict[str, float]] = {}
    for index, key in enumerate(MODEL_KEYS):
        ours, speed = ours_on(index, soc, warm)
        averaged = total_loss(MODELS[key], blast_history(MODELS[key], soc, warm, STEP_H))
        theirs = soc.size / peer[key]["seconds"] / 1e6
        rows[key] = {
            "peer_m_steps_per_s": theirs,
            "ours_m_steps_per_s": speed,
            "ratio": speed / theirs,
            "peer_loss": peer[key]["loss"],
            "peer_days": peer[key]["days"],
            "ours_loss": ours,
            "ours_loss_stress_averaged_over_days": averaged,
        }
    return rows


def ours_on(index: int, soc: Array, warm: Array, packs: int = 4096) -> tuple[float, float]:
    """Loss of one pack on a profile, and our speed with ``packs`` copies of it."""
    block = np.repeat(soc.astype(np.float32)[:, None], packs, axis=1)
    heat = np.repeat(warm.astype(np.float32)[:, None], packs, axis=1)
    model = np.full(packs, index, dtype=np.int8)
    spread = np.ones(packs)
    state = new_state(packs)

    def work() -> None:
        for start in range(0, soc.size, PER_DAY):
            day = slice(start, start + PER_DAY)
            age_slice(state, model, spread, block[day], heat[day], STEP_H, 0, packs)

    seconds, _ = cpu_seconds(work, 1)
    return float(loss(state, model)[0]), packs * soc.size / seconds / 1e6


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packs", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", action="store_true", help="compare with BLAST-Lite")
    parser.add_argument("--peer-python", help="interpreter that has blast-lite and numpy<2")
    parser.add_argument("--peer-days", type=int, default=365)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    speeds = {
        kind: measure(kind, args.packs, args.days, args.repeats)
        for kind in ("parked", "calm", "noisy")
    }
    result: dict[str, object] = {"m_battery_steps_per_s_per_core": speeds}
    if args.peer or args.peer_python:
        python, made = peer_python(args.peer_python)
        try:
            result["blast_lite"] = compare(python, args.peer_days)
        finally:
            if made:
                shutil.rmtree(made)
    print(json.dumps(result, indent=2) if args.json else as_text(result))


def as_text(result: dict[str, object]) -> str:
    """The result as lines for people."""
    lines = []
    for title, rows in result.items():
        assert isinstance(rows, dict)
        lines.append(title.replace("_", " "))
        for name, value in rows.items():
            cells = value.items() if isinstance(value, dict) else [("", value)]
            lines.append(f"  {name:8s} " + ", ".join(f"{k} {v:.5g}".strip() for k, v in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
