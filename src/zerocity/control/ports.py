"""What the loop asks of a world, a clock of its own included, and of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zerocity.control.sighting import Sighting
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


@dataclass(frozen=True, eq=False)
class PlanInForce:
    """A plan and the step of the live loop at which its first column begins.

    ``steps_per_column`` loop steps make one step of the plan.
    """

    days: SiteDays
    plans: SitePlans
    first_step: int
    steps_per_column: int

    def column(self, step: int) -> int:
        """Column of the plan at loop step ``step``; beyond its end the last one holds."""
        column = (step - self.first_step) // self.steps_per_column
        return min(max(column, 0), self.days.steps - 1)


class LiveWorld(Protocol):
    """The real city, in the wall clock's time."""

    async def wait(self) -> int | None:
        """Return the step that begins, or None when the loop is to end."""

    def plan(self) -> PlanInForce:
        """Return the plan that holds now; the same object until there is a new one."""

    def observe(self, step: int) -> Sighting:
        """Return what the devices last said, with its age."""

    def apply(self, seen: Sighting, commands: Commands) -> None:
        """Tell the devices."""


class LiveJournal(Protocol):
    """Where live decisions are written down."""

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note a new plan and what it was made from."""

    def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None:
        """Note one step that follows column ``column`` of the last plan."""
