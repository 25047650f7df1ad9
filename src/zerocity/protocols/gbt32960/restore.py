"""What the gateway must know again after a restart, kill -9 included.

The lake is the truth: what it holds and the process forgot may come again, and must not be stored
twice. The newest segments are read back; what is older is found when the lake is compacted. Open
work orders and the keys of vehicles come from the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.entry import KEY_KIND
from zerocity.protocols.gbt32960.frames import HEAD
from zerocity.storage import segments
from zerocity.storage.live_tables import certificates, work_orders

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


def restore_records(desk: Desk, engine: sa.Engine) -> None:
    """Tell the desk of the open orders and of the vehicles' keys in the live store."""
    orders = sa.select(work_orders.c.subject, work_orders.c.evidence).where(
        work_orders.c.subject_kind == "vehicle", work_orders.c.status == "open"
    )
    keys = sa.select(certificates.c.station, certificates.c.pem).where(
        certificates.c.kind == KEY_KIND, certificates.c.revoked_at.is_(None)
    )
    with engine.connect() as connection:
        for vehicle, evidence in connection.execute(orders):
            desk.watch.opened(vehicle, (evidence or {}).get("alarm", ""))
        for vehicle, pem in connection.execute(keys):
            key = load_pem_public_key(pem.encode("ascii"))
            desk.trust(vehicle, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
