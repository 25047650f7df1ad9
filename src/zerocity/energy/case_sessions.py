"""Charging sessions of a case, one by one and as arrays.

The arrays are laid out flat: one entry for each session and step. A site's program, and the reading
of its plan, work on them and not session by session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np

from zerocity.measures.arrays import F64, I64, Bools


@dataclass(frozen=True, slots=True)
class Session:
    """A vehicle that stands at a plug from ``arrive_step`` until before ``depart_step``.

    Attributes
    ----------
    energy_kwh : what must have gone into the vehicle, net, when it departs [kWh].
    initial_kwh, capacity_kwh : content on arrival and at most [kWh].
    charge_limit_kw, discharge_limit_kw : AC power limits, (T,) [kW]; a discharge limit above 0
        lets the vehicle give energy back in between.
    charge_efficiency, discharge_efficiency : AC to vehicle and back, in (0, 1].
    priority : a higher one is served first when not all can be.
    discharge_price_cny_per_kwh : what each AC kWh given back costs: its wear, or its owner's pay.
    """

    name: str
    arrive_step: int
    depart_step: int
    energy_kwh: float
    initial_kwh: float
    capacity_kwh: float
    charge_limit_kw: F64
    discharge_limit_kw: F64
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    priority: float = 0.0
    discharge_price_cny_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Flat:
    """Sessions and steps laid out flat: owner and step, (n,) each."""

    owner: I64
    step: I64

    @property
    def first(self) -> Bools:
        """Where a session's steps begin, (n,)."""
        found = np.ones(self.owner.size, dtype=np.bool_)
        np.not_equal(self.owner[1:], self.owner[:-1], out=found[1:])
        return found

    @property
    def last(self) -> Bools:
        """Where a session's steps end, (n,)."""
        found = np.ones(self.owner.size, dtype=np.bool_)
        np.not_equal(self.owner[1:], self.owner[:-1], out=found[:-1])
        return found


def flat(begin: I64, end: I64) -> Flat:
    """Lay sessions out flat that are there from ``begin`` until before ``end``, (N,) each."""
    count = end - begin
    owner = np.arange(begin.size).repeat(count)
    before = begin - count.cumsum() + count
    return Flat(owner, np.arange(owner.size) + before[owner])


_FIGURES = (
    "arrive_step", "depart_step", "energy_kwh", "initial_kwh", "capacity_kwh", "charge_efficiency",
    "discharge_efficiency", "priority", "discharge_price_cny_per_kwh",
)  # fmt: skip
_read = attrgetter(*_FIGURES)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All sessions of a case: figures (N,) named as in `Session`, limits while there (n,) [kW].

    ``gives`` (N,) marks the sessions that may discharge while they are there.
    """

    place: Flat
    take_kw: F64
    give_kw: F64
    gives: Bools
    energy_kwh: F64
    initial_kwh: F64
    capacity_kwh: F64
    charge_efficiency: F64
    discharge_efficiency: F64
    priority: F64
    discharge_price_cny_per_kwh: F64

    @property
    def size(self) -> int:
        """Number of sessions N."""
        return int(self.energy_kwh.size)

    def pick(self, gives: bool) -> slice | Bools:
        """Which flat entries belong to the sessions that may discharge, or to the others."""
        if not self.gives.any():
            return slice(0) if gives else slice(None)
        return np.asarray((self.gives == gives)[self.place.owner])

    def by_step(self, flat_kw: F64, steps: int) -> F64:
        """Sum of a flat power over the sessions, (steps,) [kW]."""
        return np.asarray(np.bincount(self.place.step, flat_kw, minlength=steps), np.float64)

    def unavoidable_kwh(self, step_h: float) -> F64:
        """What each session misses even if it has the site for itself, (N,) [kWh]."""
        power = np.bincount(self.place.owner, weights=self.take_kw, minlength=self.size)
        most = step_h * self.charge_efficiency * power
        room = self.capacity_kwh - self.initial_kwh
        return np.maximum(self.energy_kwh - np.minimum(most, room), 0.0)


def fleet_of(sessions: Sequence[Session]) -> Fleet:
    """Gather the sessions of a case."""
    read = chain.from_iterable(map(_read, sessions))
    figures = np.fromiter(read, np.float64, len(sessions) * len(_FIGURES))
    figures = figures.reshape(len(sessions), len(_FIGURES)).T
    begin, end = figures[:2].astype(np.int64)
    place = flat(begin, end)
    take = _while_there(sessions, "charge_limit_kw")
    give = _while_there(sessions, "discharge_limit_kw")
    gives = np.zeros(len(sessions), dtype=np.bool_)
    if give.any():
        gives[place.owner[give > 0.0]] = True
    return Fleet(place, take, give, gives, *figures[2:])


def _while_there(sessions: Sequence[Session], name: str) -> F64:
    read = attrgetter(name)
    parts = [read(one)[one.arrive_step : one.depart_step] for one in sessions]
    return np.concatenate(parts) if parts else np.zeros(0)
