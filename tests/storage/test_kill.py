"""A writer killed at any moment loses nothing it acknowledged, and doubles nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

STUDY = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_study.py"
KILLS = 10


COUNTS = ("lost", "missing_at_end", "doubled", "strangers")


def test_nothing_is_lost_or_doubled(database_url: str) -> None:
    words = [sys.executable, STUDY, "--database", database_url, "--kills", str(KILLS), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["given"]
    assert found["kills"] == KILLS
    assert found["acknowledged_before_kills"] > 0
    counted = {name: found[name] for name in COUNTS}
    assert counted == dict.fromkeys(counted, 0)
    assert found["sessions_wrong"] == 0
    assert found["chain_whole"]


def test_the_lake_loses_and_doubles_nothing() -> None:
    words = [sys.executable, STUDY, "--lake", "--kills", str(KILLS), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["lake"]
    assert found["kills"] == KILLS
    assert found["acknowledged_before_kills"] > 0
    counted = {name: found[name] for name in (*COUNTS, "segments_not_decoded")}
    assert counted == dict.fromkeys(counted, 0)
