"""The telemetry lake of a live city: frames in, Parquet by the hour, old hours made large."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog

from zerocity.protocols.gbt32960.columns import decode_columns
from zerocity.protocols.gbt32960.lake import lake_table
from zerocity.protocols.gbt32960.lake_schema import LAKE_KEY, LAKE_SORT
from zerocity.storage.compaction import Layout, Work, compact, convert
from zerocity.storage.segments import Frame

# An hour's small files are joined once vehicles have had this long to send the hour again.
SETTLED = timedelta(hours=2)
LAYOUT = Layout(key=LAKE_KEY, sort=LAKE_SORT)

log = structlog.get_logger(__name__)


def decoded(frames: Sequence[Frame]) -> pa.Table:
    """Stored frames as rows of the lake: every report that was acknowledged, unknown ends too."""
    columns = decode_columns([frame for _, _, frame in frames], keep_unknown=True)
    if columns.faults:
        rules = sorted({fault.rule for fault in columns.faults})
        log.error("lake.frames_not_decoded", count=len(columns.faults), rules=rules)
    received = np.array([at.replace(tzinfo=None) for _, at, _ in frames], dtype="datetime64[ms]")
    return lake_table(columns, received)


def tidy(closed: Sequence[Path], folder: Path, now: datetime) -> tuple[Work, Work]:
    """Turn closed segments into Parquet, and join what has settled; takes a while."""
    return (
        convert(folder, closed, decoded, LAYOUT),
        compact(folder, LAYOUT, before=now - SETTLED),
    )
