"""What the loop asks of a world, a clock of its own included, and of a journal."""

from __future__ import annotations

from typing import Protocol

from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans


class World(Protocol):
    """The twin or the real city."""

    def wait(self, step: int) -> None:
        """Return when step ``step`` of the day begins."""

    def observe(self, step: int) -> Snapshot:
        """Return a frozen picture of now."""

    def apply(self, step: int, snapshot: Snapshot, commands: Commands) -> None:
        """Carry the commands out."""


class Planner(Protocol):
    """The narrow port of the solver: a day of many sites in, their plans out."""

    def __call__(self, days: SiteDays) -> SitePlans:
        """Plan every site's day."""


class Journal(Protocol):
    """Where decisions are written down, so that they can be made again."""

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note the day plan and what it was made from."""

    def step(self, snapshot: Snapshot, row: PlanRow, commands: Commands) -> None:
        """Note one step."""
