"""What a live day can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from zerocity.errors import InputError
from zerocity.twin.live_day import LiveDay
from zerocity.twin.what_if_plans import Prices


class Plan(StrEnum):
    """What the decisions follow.

    SAID : the plans of the journal. NONE : no plan; everyone charges at once, stores rest. AGAIN :
    plans made again from what is known by then. HINDSIGHT : the same, knowing every arrival, the
    load and the sun to come; no city can have it, it shows what foresight is worth.
    """

    SAID = "said"
    NONE = "none"
    AGAIN = "again"
    HINDSIGHT = "hindsight"


@dataclass(frozen=True, slots=True)
class Cap:
    """A grid event: a site imports at most ``kw`` [kW] from ``from_s`` until ``to_s`` (UTC)."""

    site: int
    kw: float
    from_s: float = -np.inf
    to_s: float = np.inf


@dataclass(frozen=True)
class WhatIf:
    """One question. ``every_s``: time between two plans [s].

    priorities False: nobody is urgent and no person's order counts; all share equally.
    """

    plan: Plan = Plan.SAID
    caps: tuple[Cap, ...] = ()
    prices: Prices | None = None
    store: bool = True
    priorities: bool = True
    every_s: float = 300.0


def check(question: WhatIf, day: LiveDay) -> None:
    """Raise InputError naming the first part that no day can be asked."""
    for cap in question.caps:
        if not 0 <= cap.site < day.sites:
            raise InputError("cap, site", str(cap.site), f"a number from 0 to {day.sites - 1}")
        if not 0.0 <= cap.kw < np.inf:
            raise InputError("cap, power", str(cap.kw), "a finite power of 0 kW or more")
        if not cap.from_s < cap.to_s:
            raise InputError("cap, time", f"{cap.from_s} to {cap.to_s}", "a start before its end")
        if cap.from_s >= day.to_s or cap.to_s <= day.from_s:
            raise InputError("cap, time", "outside of the journal", "a part of the journal's time")
    if question.prices is not None:
        for values in (question.prices.buy, question.prices.sell):
            if values is not None and not (values.size == 96 and np.isfinite(values).all()):
                raise InputError("prices", str(values), "96 finite numbers [CNY/kWh]")
    if not 60.0 <= question.every_s <= 86_400.0:
        raise InputError("time between plans", f"{question.every_s} s", "from 60 s to a day")
