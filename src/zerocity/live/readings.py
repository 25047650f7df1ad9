"""What each site's meters, panels and store said last, and when. Power in is positive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zerocity.measures.arrays import F64


@dataclass(frozen=True, slots=True)
class SiteReading:
    """One reading of a site; all powers AC [kW].

    net_kw : through the grid connection, import positive. charging_kw : all chargers and slots.
    pv_kw : from the panels, >= 0. pv_share : share of their rated power that they are allowed, 0-1.
    store_kw : into the stationary store. store_kwh : what it holds.
    import_kwh, export_kwh, charging_kwh : registers, ever rising [kWh].
    """

    net_kw: float
    charging_kw: float = 0.0
    pv_kw: float = 0.0
    pv_share: float = 1.0
    store_kw: float = 0.0
    store_kwh: float = 0.0
    import_kwh: float = math.nan
    export_kwh: float = math.nan
    charging_kwh: float = math.nan


# Panels that give this share of what they are allowed are held back by it; an assumption.
BINDING = 0.97


class Readings:
    """The last readings of all sites, as arrays (sites,), with their age.

    ``sun_kw`` is what the panels could give: what they give, or while an order holds them back, the
    most that they gave before. A reading that is not a finite number is refused and counted: the
    last good one grows old. pv_kwp : rated power of the panels, (sites,).
    """

    def __init__(self, sites: Sequence[str], pv_kwp: F64) -> None:
        self.sites = tuple(sites)
        self.number = {name: k for k, name in enumerate(self.sites)}
        n = len(self.sites)
        self.net_kw, self.charging_kw, self.pv_kw = np.zeros(n), np.zeros(n), np.zeros(n)
        self.store_kw, self.store_kwh = np.zeros(n), np.zeros(n)
        self.pv_share, self.sun_kw = np.ones(n), np.zeros(n)
        self._pv_kwp = pv_kwp
        self.at_s = np.full(n, -np.inf)
        self.last: list[SiteReading | None] = [None] * n
        self.refused = 0

    def take(self, site: str, reading: SiteReading, now_s: float) -> bool:
        """Take a reading of a known site; False when it is refused."""
        k = self.number.get(site)
        powers = (
            reading.net_kw, reading.charging_kw, reading.pv_kw, reading.pv_share,
            reading.store_kw, reading.store_kwh,
        )  # fmt: skip
        if k is None or not all(map(math.isfinite, powers)):
            self.refused += 1
            return False
        self.net_kw[k], self.charging_kw[k] = reading.net_kw, reading.charging_kw
        self.pv_kw[k], self.pv_share[k] = max(reading.pv_kw, 0.0), reading.pv_share
        allowed = reading.pv_share * float(self._pv_kwp[k])
        held = reading.pv_share < 1.0 and reading.pv_kw >= BINDING * allowed
        self.sun_kw[k] = max(self.sun_kw[k], self.pv_kw[k]) if held else self.pv_kw[k]
        self.store_kw[k], self.store_kwh[k] = reading.store_kw, max(reading.store_kwh, 0.0)
        self.at_s[k] = now_s
        self.last[k] = reading
        return True

    def age_s(self, now_s: float) -> F64:
        """Age of each site's reading, infinite before the first, (sites,) [s]."""
        return now_s - self.at_s

    def load_kw(self) -> F64:
        """Each site's own load: what no charger and no store explains, (sites,) [kW]."""
        load: F64 = self.net_kw + self.pv_kw - self.charging_kw - self.store_kw
        return np.maximum(load, 0.0)
