"""What `serve` leaves in its data folder so that other commands know the city: its sites' names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

FILE = "city.json"


def note_city(folder: Path, city: str, sites: Sequence[str]) -> None:
    """Write down which city is served from this data folder; whole, or as it was."""
    made = folder / f"{FILE}.new"
    made.write_text(json.dumps({"city": city, "sites": list(sites)}, indent=1), "utf-8")
    made.replace(folder / FILE)


def noted_sites(folder: Path) -> tuple[str, ...] | None:
    """The sites of the city that was served from this folder last; None where none was."""
    try:
        return tuple(map(str, json.loads((folder / FILE).read_text("utf-8"))["sites"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
