"""What stands in a table of the live store, for tests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from zerocity.storage.live_tables import metadata


def rows_of(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    """All rows of a table, by their keys."""
    made = metadata.tables[table]
    with engine.connect() as connection:
        found = connection.execute(sa.select(made).order_by(*made.primary_key)).mappings()
        return [dict(row) for row in found]
