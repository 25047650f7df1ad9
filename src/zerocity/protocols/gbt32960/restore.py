"""What the gateway must know again after a restart, kill -9 included.

The lake is the truth: what it holds and the process forgot may come again, and must not be stored
twice. The newest segments are read back; what is older is found when the lake is compacted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.frames import HEAD
from zerocity.storage import segments

# Segments are some 32 MB each: the reports of the last minutes of a large fleet.
NEWEST = 3


def restore_reports(desk: Desk, closed: Sequence[Path], newest: int = NEWEST) -> int:
    """Tell the desk of the reports in the newest closed segments (``Lake.roll``); how many."""
    count = 0
    for path in closed[-newest:]:
        for vehicle, _, frame in segments.read(path):
            desk.taken_before(vehicle, frame[HEAD:-1])
            count += 1
    return count
