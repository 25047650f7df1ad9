"""Journals of a twin or of a live city, decided again."""

from __future__ import annotations

from pathlib import Path

from zerocity.control.replay import Replayed, replay_day, replay_live
from zerocity.energy.dispatch import plan_sites
from zerocity.storage.journal import JournalFile
from zerocity.storage.live_journal import is_live_journal, read_live_journal


def replay(journal: Path) -> Replayed:
    """Decide a journal's day again and compare, whichever world wrote it."""
    if is_live_journal(journal):
        return replay_live(read_live_journal(journal), plan_sites)
    file = JournalFile(journal)
    days, plans = file.plan()
    steps = (file.step(step) for step in range(file.steps))
    return replay_day(days, plans, steps, plan_sites)
