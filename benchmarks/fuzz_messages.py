"""A long fuzz study of OCPP frames and messages, with the `jsonschema` package as the judge.

    python benchmarks/fuzz_messages.py                     # a million inputs, by structure
    python benchmarks/fuzz_messages.py --inputs 20000 --seed 7 --json
    python benchmarks/fuzz_messages.py --guided            # led by coverage, needs atheris

Counts inputs, crashes, and payloads that a peer passes on though the judge refuses them. Inputs are
frames around payloads that are lawful or nearly so, some with bytes bent; `--guided` lets libFuzzer
keep and change those that reach new lines. Atheris wants an environment of its own:

    python -m venv fuzz
    fuzz/bin/pip install atheris orjson jsonschema-rs msgspec "ocpp>=2.1,<2.2" jsonschema
    PYTHONPATH=src fuzz/bin/python benchmarks/fuzz_messages.py --guided
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from importlib import import_module, util
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "protocols" / "ocpp"))

LONGEST_INPUT = 4096  # bytes, of guided inputs
JUDGE_REFUSALS_EVERY = 10  # inputs: the judge is slow, and refusing too much is no crash
SHOWN = 5


def by_structure(inputs: int, seed: int) -> tuple[Any, float]:
    """Inputs made from the schemas, one generator for all."""
    fuzzing = import_module("fuzzing")
    fuzzing.warm_up()
    rng, tally = Random(seed), fuzzing.Tally()
    before_kib = peak_kib()
    started_s = time.process_time()
    for number in range(inputs):
        made = fuzzing.make_input(rng)
        tally.run(made, also_refusals=number % JUDGE_REFUSALS_EVERY == 0)
        if number == inputs // 10:  # by then every table is filled
            before_kib = peak_kib()
    report(tally, time.process_time() - started_s, peak_kib() - before_kib, "structure", seed)
    return tally, time.process_time() - started_s


def by_coverage(inputs: int, seed: int) -> None:
    """Inputs that libFuzzer leads; it ends the process itself."""
    if util.find_spec("atheris") is None:
        sys.exit("--guided needs atheris; see the head of this file for its environment")
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["zerocity.protocols.ocpp"]):
        fuzzing = import_module("fuzzing")
    fuzzing.warm_up()
    tally = fuzzing.Tally()
    started_s, before_kib = time.process_time(), peak_kib()

    def one(data: bytes) -> None:
        tally.run(data, also_refusals=tally.inputs % JUDGE_REFUSALS_EVERY == 0)
        if tally.inputs == inputs:
            report(tally, time.process_time() - started_s, peak_kib() - before_kib, "coverage",
                   seed)  # fmt: skip

    def change(data: bytes, max_size: int, its_seed: int) -> bytes:
        rng = Random(its_seed)
        match rng.randrange(4):
            case 0:
                changed = fuzzing.make_input(rng)
            case 1:
                changed = fuzzing.bend_bytes(data, rng)
            case 2:
                changed = fuzzing.spoil_input(data, rng)
            case _:
                changed = atheris.Mutate(data, max_size)
        return bytes(changed[:max_size])

    with tempfile.TemporaryDirectory() as corpus:
        rng = Random(seed)
        for number in range(500):
            (Path(corpus) / str(number)).write_bytes(fuzzing.make_input(rng)[:LONGEST_INPUT])
        options = [f"-runs={inputs}", f"-seed={seed}", f"-max_len={LONGEST_INPUT}",
                   "-verbosity=0", "-rss_limit_mb=2048"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, corpus], one, custom_mutator=change)
        atheris.Fuzz()


def peak_kib() -> int:
    """The most memory that this process has held so far [KiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(tally: Any, took_s: float, grown_kib: int, engine: str, seed: int) -> None:
    """Print what came of the study; the process ends with 1 if anything went wrong."""
    figures = {
        "engine": engine,
        "seed": seed,
        "inputs": tally.inputs,
        "frames": tally.frames,
        "crashes": len(tally.crashes),
        "wrong_accepts": len(tally.wrong_accepts),
        "events": dict(tally.events),
        "stricter_than_the_judge": dict(tally.stricter.most_common(12)),
        "slowest_frame_ms": round(tally.slowest_s * 1e3, 2),
        "longest_input_bytes": tally.longest,
        "memory_grown_kib": grown_kib,
        "processor_s": round(took_s, 1),
    }
    if "--json" in sys.argv:
        print(json.dumps(figures), flush=True)
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}", flush=True)
    for problem, data in [*tally.crashes, *tally.wrong_accepts][:SHOWN]:
        print(f"{problem}: {data[:300]!r}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz OCPP frames and messages.")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="led by coverage, needs atheris")
    parser.add_argument("--json", action="store_true", help="figures for another program")
    options = parser.parse_args()
    if options.guided:
        by_coverage(options.inputs, options.seed)
        return 0
    tally, _ = by_structure(options.inputs, options.seed)
    return 1 if tally.crashes or tally.wrong_accepts else 0


if __name__ == "__main__":
    sys.exit(main())
