"""The platform killed at any moment: what it acknowledged is there once, its sums are right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from held_against import WRONG

STUDY = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_platform.py"
KILLS = int(os.environ.get("ZEROCITY_KILLS", "3"))


def test_nothing_is_lost_or_doubled() -> None:
    words = [sys.executable, STUDY, "--kills", str(KILLS), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240 + 20 * KILLS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: found[name] for name in WRONG} == dict.fromkeys(WRONG, 0), done.stderr
    assert found["all_told"]
    for name in ("messages", "sessions", "swaps", "reports", "acknowledged"):
        assert found[name] > 0
