"""A long fuzz study of GB/T 32960 frames: five ways of reading them, each the others' judge.

    python benchmarks/fuzz_telemetry.py                     # a million inputs, by structure
    python benchmarks/fuzz_telemetry.py --inputs 20000 --seed 7 --json
    python benchmarks/fuzz_telemetry.py --guided            # led by coverage, needs atheris

Splitter, typed reader, NumPy columns, compiled kernel and the gateway's desk must take and refuse
the same frames, by the same rule at the same byte; what is taken must be sound by the standard's
table 2, and what is lawful must be taken. Inputs are streams of frames that are lawful or nearly
so; `--guided` lets libFuzzer keep and change those that reach new lines. Atheris wants an
environment of its own:

    python -m venv fuzz
    fuzz/bin/pip install atheris numpy numba pyarrow cryptography sqlalchemy structlog alembic
    fuzz/bin/pip install 'psycopg[binary]'
    PYTHONPATH=src fuzz/bin/python benchmarks/fuzz_telemetry.py --guided
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import sys
import tempfile
import time
from importlib import import_module, util
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "protocols" / "gbt32960"))

LONGEST_INPUT = 4096  # bytes, of guided inputs
SEALED_EVERY = 25  # inputs: a report encrypted with the link's key
# They read in bunches, which tells nothing of one input, or are compiled.
NOT_LED = ("columns", "tables", "fleet", "lake", "lake_schema", "kernel", "kernel_bytes")
SHOWN = 5


def by_structure(inputs: int, seed: int) -> int:
    """Inputs made from the standard's tables, one generator for all."""
    judged = import_module("frames_judged")
    rng, tally = Random(seed), warm(judged)
    before_kib = peak_kib()
    started_s = time.process_time()
    for number in range(inputs):
        if number % SEALED_EVERY:
            tally.run(*judged.make_input(rng))
        else:
            tally.run(judged.sealed_input(rng))
        if number == inputs // 10:  # by then every table is filled
            before_kib = peak_kib()
    return report(tally, time.process_time() - started_s, before_kib, "structure", seed)


def warm(judged: Any) -> Any:
    """A new tally, after everything was loaded and compiled, so that timings show inputs alone."""
    first, rng = judged.Tally(), Random(0)
    for _ in range(200):
        first.run(*judged.make_input(rng))
    first.settle()
    # Or the collector walks all loaded libraries now and then, for a tenth of a second.
    gc.collect()
    gc.freeze()
    return judged.Tally()


def by_coverage(inputs: int, seed: int) -> None:
    """Inputs that libFuzzer leads; it ends the process itself."""
    if util.find_spec("atheris") is None:
        sys.exit("--guided needs atheris; see the head of this file for its environment")
    atheris = import_module("atheris")
    room = "zerocity.protocols.gbt32960"
    bunches = [f"{room}.{name}" for name in NOT_LED]
    with atheris.instrument_imports(include=[room], exclude=bunches):
        judged = import_module("frames_judged")
    tally = warm(judged)
    started_s, before_kib = time.process_time(), peak_kib()

    def one(data: bytes) -> None:
        tally.run(data)
        if tally.inputs == inputs // 10:
            nonlocal before_kib
            before_kib = peak_kib()
        if tally.inputs == inputs:
            code = report(tally, time.process_time() - started_s, before_kib, "coverage", seed)
            if code:
                os._exit(code)

    with tempfile.TemporaryDirectory() as corpus:
        rng = Random(seed)
        for number in range(500):
            made = judged.make_input(rng)[0] if number % SEALED_EVERY else judged.sealed_input(rng)
            (Path(corpus) / str(number)).write_bytes(made[:LONGEST_INPUT])
        options = [f"-runs={inputs}", f"-seed={seed}", f"-max_len={LONGEST_INPUT}",
                   "-verbosity=0", "-rss_limit_mb=2048"]  # fmt: skip
        bend = import_module("frames_grown").bend_bytes
        atheris.Setup([sys.argv[0], *options, corpus], one, custom_mutator=changer(judged, bend))
        atheris.Fuzz()


def changer(judged: Any, bend: Any) -> Any:
    """A mutator for libFuzzer that knows frames, and makes checks right more often than not."""

    def change(data: bytes, max_size: int, its_seed: int) -> bytes:
        rng = Random(its_seed)
        match rng.randrange(4):
            case 0:
                changed, _ = judged.make_input(rng)
            case 1 | 2:
                changed = judged.change_input(data, rng)
            case _:
                changed = bend(data, rng)
                if rng.random() < 0.8:
                    changed = changed[:2] + judged.mended(changed[2:])
        return bytes(changed[:max_size])

    return change


def peak_kib() -> int:
    """The most memory that this process has held so far [KiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(tally: Any, took_s: float, before_kib: int, engine: str, seed: int) -> int:
    """Print what came of the study; 1 if anything went wrong, else 0."""
    tally.settle()
    figures = {
        "engine": engine,
        "seed": seed,
        "inputs": tally.inputs,
        "frames": tally.frames,
        "problems": len(tally.problems),
        "outcomes": dict(tally.outcomes.most_common()),
        "slowest_input_ms": round(tally.slowest_s * 1e3, 2),
        "slowest_input": tally.slowest[:200].hex(),
        "slowest_us_a_byte": round(tally.slowest_us_a_byte, 2),
        "longest_input_bytes": tally.longest,
        "memory_grown_kib": peak_kib() - before_kib,
        "processor_s": round(took_s, 1),
    }
    if "--json" in sys.argv:
        print(json.dumps(figures), flush=True)
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}", flush=True)
    for problem, data in tally.problems[:SHOWN]:
        print(f"{problem[:300]}: {data[:300].hex()}", file=sys.stderr, flush=True)
    return 1 if tally.problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz GB/T 32960 frames.")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="led by coverage, needs atheris")
    parser.add_argument("--json", action="store_true", help="figures for another program")
    options = parser.parse_args()
    if options.guided:
        by_coverage(options.inputs, options.seed)
        return 0
    return by_structure(options.inputs, options.seed)


if __name__ == "__main__":
    sys.exit(main())
