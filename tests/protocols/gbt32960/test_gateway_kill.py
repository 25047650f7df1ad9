"""A gateway killed at any moment loses no report that it acknowledged, and stores none twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

STUDY = Path(__file__).resolve().parents[3] / "benchmarks" / "vehicle_kill_study.py"
KILLS = int(os.environ.get("ZEROCITY_KILLS", "5"))


def test_nothing_is_lost_or_doubled() -> None:
    words = [sys.executable, STUDY, "--kills", str(KILLS), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300 + 2 * KILLS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == KILLS
    assert found["acknowledged_before_kills"] > 0
    assert found["acknowledged"] == found["read"] > found["resent"] > 0
    wrong = ("lost", "missing_at_end", "doubled", "strangers", "orders_doubled")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
