"""Journals of a twin or of a live city, decided again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zerocity.control.replay import Replayed, replay_day, replay_live
from zerocity.energy.dispatch import plan_sites
from zerocity.storage.journal import JournalFile
from zerocity.storage.live_journal import (
    SUFFIX,
    is_live_journal,
    read_live_journal,
    torn_bytes,
)


def replay(journal: Path) -> Replayed:
    """Decide a journal's day again and compare, whichever world wrote it.

    What a killed process or a power cut left behind the last whole record of a live journal is no
    difference; ``left_out_bytes`` says how much that is.
    """
    if is_live_journal(journal) or (journal.suffix == SUFFIX and journal.is_file()):
        torn = torn_bytes(journal)
        found = replay_live(read_live_journal(journal), plan_sites)
        return replace(found, left_out_bytes=torn)
    file = JournalFile(journal)
    days, plans = file.plan()
    steps = (file.step(step) for step in range(file.steps))
    return replay_day(days, plans, steps, plan_sites)
