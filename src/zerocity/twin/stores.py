"""The stationary stores of the sites: what their packs can do together, and who does it."""

from __future__ import annotations

import numpy as np

from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F64, I32
from zerocity.passports.lifecycle import Stage
from zerocity.twin.berths import TILE, Berths, dock_all, held_kwh, new_berths
from zerocity.twin.kernel import kernel
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY

# A store gives no more than this share of what it holds in one step, so its losses are covered.
LAST_SHARE = 0.95


class Stores:
    """The packs of all stores in ``berths``, from one `begin_day` to the next."""

    def __init__(self, power_kw: F64) -> None:
        """power_kw : most that each site's store takes or gives, AC, (sites,) [kW]."""
        self._power_kw = power_kw
        self.berths: Berths = new_berths(0)
        self._able_kw = np.zeros((2, 0))
        self._site_kw = np.zeros((2, power_kw.size))

    def begin_day(self, packs: Packs) -> None:
        """Take in the packs that stand in a store today."""
        ids = np.flatnonzero((packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE))
        self.berths = new_berths(ids.size)
        self._able_kw = np.zeros((2, ids.size))
        dock_all(self.berths, packs, ids.astype(np.int32))

    def limits_kw(self, step_h: float) -> tuple[F64, F64]:
        """Power that each site's store can take and give in one step, AC, (sites,) [kW]."""
        self._site_kw[:] = 0.0
        _find_limits(
            self.berths, step_h, CHARGER_EFFICIENCY, INVERTER_EFFICIENCY, LAST_SHARE,
            self._able_kw, self._site_kw,
        )  # fmt: skip
        into, out = np.minimum(self._site_kw, self._power_kw)
        return into, out

    def shared_kw(self, store_kw: F64) -> F64:
        """Each site's power (sites,) shared among its packs by what each can do, (packs,) [kW].

        By the limits that `limits_kw` found last; positive into the store.
        """
        given = np.zeros(self._able_kw.shape[1])
        _share_out(store_kw, self.berths.site, self._able_kw, self._site_kw, given)
        return given


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _find_limits(
    berths: Berths, step_h: float, efficiency_in: float, efficiency_out: float, last_share: float,
    able_kw: F64, site_kw: F64,
) -> None:  # fmt: skip
    for k in range(able_kw.shape[1]):
        held, usable, most = held_kwh(berths.work[k // TILE], k % TILE)
        able_kw[0, k] = min(most, (usable - held) / (efficiency_in * step_h))
        able_kw[1, k] = min(most, last_share * held * efficiency_out / step_h)
        site_kw[0, berths.site[k]] += able_kw[0, k]
        site_kw[1, berths.site[k]] += able_kw[1, k]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _share_out(store_kw: F64, site: I32, able_kw: F64, site_kw: F64, given_kw: F64) -> None:
    for k in range(given_kw.size):
        wanted = store_kw[site[k]]
        way = 0 if wanted > 0.0 else 1
        total = site_kw[way, site[k]]
        given_kw[k] = wanted * able_kw[way, k] / total if total > 0.0 else 0.0
