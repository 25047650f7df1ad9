"""How the packs of the twin age: one ageing state beside `Packs`, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from zerocity.batteries.ageing_health import POWERS, read_health
from zerocity.batteries.ageing_models import MODEL_OF_CHEMISTRY
from zerocity.batteries.ageing_state import (
    AgeingState,
    aged_state,
    new_state,
    put,
    start_at,
)
from zerocity.batteries.pack import Product
from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F32, F64, I8, I16, I64
from zerocity.twin.day_ageing import DayAgeing, age_slices, day_ageing

# A hidden fault raises a pack's resistance by this factor; an assumption.
FAULT_RESISTANCE = 1.7
# What packs saw before the run: mean charge, temperature, depth and rate; assumptions.
PAST_SOC, PAST_C, PAST_DOD, PAST_RATE_C = 0.65, 15.0, 0.5, 0.3
# What a thread takes at once at night.
SLICES_AT_ONCE, PACKS_AT_ONCE = 16, 16_384


class Health:
    """Ageing of every pack, kept in the order of `Packs`; rows beyond them are spare."""

    def __init__(self, products: tuple[Product, ...], threads: int) -> None:
        self._law = np.array([MODEL_OF_CHEMISTRY[p.chemistry] for p in products], np.int8)
        self._loss_when_new = np.array([p.loss_kw_per_kw2 for p in products])
        self.state: AgeingState = new_state(0)
        self.laws: I8 = np.zeros(0, np.int8)
        self._now: F64 = np.zeros((2, 0))
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def adopt(self, packs: Packs, age_days: F64, cycles: F64) -> None:
        """Take in packs that are not known yet: the last ``age_days.size`` rows of ``packs``.

        age_days, cycles : days lived and equivalent full cycles done, (n,).
        """
        fresh = slice(packs.size - age_days.size, packs.size)
        laws = self._law[packs.product[fresh]]
        state = aged_state(
            laws, packs.spread[fresh], age_days, cycles, PAST_SOC, PAST_C, PAST_DOD, PAST_RATE_C
        )
        start_at(state, slice(None), packs.soc[fresh])
        if packs.size > self.state.packs:
            # Room to grow into, because most nights bring a few new packs.
            roomy, known = new_state(packs.size + max(packs.size // 20, 64)), self.state.packs
            put(roomy, slice(known), self.state)
            self.laws = np.append(self.laws, np.zeros(roomy.packs - known, np.int8))
            self.state = roomy
        put(self.state, fresh, state)
        self.laws[fresh] = laws

    def day(
        self, packs: Packs, lived: int, soc: F32, temperature_c: F32, step_h: float
    ) -> DayAgeing:
        """What the first ``lived`` packs have to age by a day, for whoever has time for a part.

        `finish` does the rest. soc, temperature_c : the day's histories (steps, packs or more).
        """
        return day_ageing(self.state, self.laws, packs.spread[:lived], soc, temperature_c, step_h)

    def finish(self, day: DayAgeing) -> None:
        """Age what of a day is not aged yet."""

        def work(first: int) -> None:
            age_slices(day, first, first + SLICES_AT_ONCE)

        self._for_each(work, range(0, day.done.size, SLICES_AT_ONCE))

    def refresh(self, packs: Packs) -> None:
        """Write today's health into ``packs``; energy that no longer fits becomes loss."""
        n = packs.size
        if self._now.shape[1] < n:
            self._now = np.zeros((2, self.state.packs))
        health, ratio = self._now

        def work(lo: int) -> None:
            hi = min(lo + PACKS_AT_ONCE, n)
            read_health(lo, hi, self.laws, POWERS, self.state.sums.T, health, ratio)
            put_health(
                lo, hi, health, ratio, packs.fault, packs.product, packs.capacity_kwh,
                self._loss_when_new, packs.soh, packs.usable_kwh, packs.energy_kwh, packs.loss_kwh,
                packs.resistance, packs.loss_kw_per_kw2,
            )  # fmt: skip

        self._for_each(work, range(0, n, PACKS_AT_ONCE))

    def _for_each(self, work: Callable[[int], None], items: Iterable[int]) -> None:
        """Do ``work`` for all items, on all threads."""
        list(map(work, items) if self._pool is None else self._pool.map(work, items))

    def expected_soh(self, packs: Packs, ids: I64) -> F64:
        """Health that a pack of ordinary make would have after the same life, (n,)."""
        return np.asarray(1.0 - (1.0 - packs.soh[ids]) / packs.spread[ids])

    def flagged(self) -> int:
        """Packs that have left the tested range of their ageing law."""
        return int(np.count_nonzero(self.state.flags))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


@njit(cache=True, nogil=True)
def put_health(
    lo: int, hi: int, health: F64, ratio: F64, fault: I8, product: I16, capacity_kwh: F64,
    loss_when_new: F64, soh: F64, usable_kwh: F64, energy_kwh: F64, loss_kwh: F64, resistance: F64,
    loss_kw_per_kw2: F64,
) -> None:  # fmt: skip
    """Write health and resistance ratio (packs,) of packs [lo, hi) into theirs, see `Packs`."""
    for p in range(lo, hi):
        # A capacity never grows again, whatever rounding says; what is no number must show.
        left = 1e-3 if health[p] < 1e-3 else health[p]
        soh[p] = soh[p] if left > soh[p] else left
        usable_kwh[p] = capacity_kwh[p] * soh[p]
        excess = energy_kwh[p] - usable_kwh[p]
        excess = 0.0 if excess < 0.0 else excess
        energy_kwh[p] -= excess
        loss_kwh[p] += excess
        resistance[p] = ratio[p] * (FAULT_RESISTANCE if fault[p] > 0 else 1.0)
        loss_kw_per_kw2[p] = loss_when_new[product[p]] * resistance[p]
