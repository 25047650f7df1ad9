"""What never changes about the sites of a live city, and how its loop beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.city.scenario import City
from zerocity.errors import InputError
from zerocity.measures.arrays import F64

# A site's own load at its worst, against its annual mean; an assumption.
PEAK_LOAD_RATIO = 1.6
# Share of what a connection has beyond its own load that its plugs may draw when all links are
# lost together; an assumption.
FALLBACK_SHARE = 0.5
# Least power at which a car charges by AC: 6 A at 230 V (IEC 61851-1 annex A), on one phase or
# three.
ONE_PHASE_KW, THREE_PHASE_KW = 1.38, 4.14
# Above these a plug has three phases, and is DC and knows no least power; usual ratings.
THREE_PHASE_FROM_KW, DC_FROM_KW = 7.5, 44.0
# Usable share of what a store's packs are rated for, and its inverter; assumptions.
STORE_EFFICIENCY_IN, STORE_EFFICIENCY_OUT = 0.94, 0.96
PLAN_STEP_S = 900


@dataclass(frozen=True)
class Rhythm:
    """How the loop beats. Seconds; each divides a quarter of an hour.

    step_s : time between two decisions. least_gap_s : least time between two, when something
    changed. plan_s : time between two plans. most_plan_age_s : a plan older than this is made anew
    even when nothing changed.
    """

    step_s: int = 5
    least_gap_s: float = 0.5
    plan_s: float = 15.0
    most_plan_age_s: float = 300.0

    def __post_init__(self) -> None:
        if not 1 <= self.step_s <= 60 or PLAN_STEP_S % self.step_s:
            raise InputError("rhythm.step_s", str(self.step_s), "1 to 60 s, a divisor of 900")

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self.step_s / 3600.0


@dataclass(frozen=True)
class SiteFacts:
    """The sites of a live city, (sites,) each. Powers AC [kW].

    default_kw : what each plug and slot of a site falls back to when its station loses the link.
    store_capacity_kwh : usable content of the stationary store. pv_kwp : rated power of the panels.
    slot_kwh : content of a pack in its slots.
    """

    names: tuple[str, ...]
    import_limit_kw: F64
    export_limit_kw: F64
    plugs: F64
    default_kw: F64
    store_kw: F64
    store_capacity_kwh: F64
    flex_limit_kw: F64
    pv_kwp: F64
    slot_kwh: F64

    def __len__(self) -> int:
        return len(self.names)


def site_facts(city: City) -> SiteFacts:
    """The facts of a city's sites.

    The fallback leaves room for a site's own load at its worst: were every link lost at once, no
    connection would be overrun.
    """
    sites = city.sites
    plugs = (sites.plugs + sites.swap_slots).astype(np.float64)
    room = np.maximum(sites.grid_limit_kw - PEAK_LOAD_RATIO * sites.load_kw, 0.0)
    each = FALLBACK_SHARE * room / np.maximum(plugs, 1.0)
    rated = np.where(sites.plugs > 0, sites.plug_kw, sites.slot_kw)
    return SiteFacts(
        names=sites.name,
        import_limit_kw=sites.grid_limit_kw,
        export_limit_kw=sites.export_limit_kw,
        plugs=plugs,
        default_kw=np.minimum(each, rated),
        store_kw=sites.storage_kw,
        store_capacity_kwh=sites.storage_kwh,
        flex_limit_kw=sites.plugs * sites.plug_kw + sites.swap_slots * sites.slot_kw,
        pv_kwp=sites.pv_kwp,
        slot_kwh=np.array(
            [city.products[name].capacity_kwh if name else 0.0 for name in sites.swap_product]
        ),
    )


def least_kw(rated_kw: float) -> float:
    """Least power at which a session at a plug of ``rated_kw`` charges at all [kW]."""
    if rated_kw >= DC_FROM_KW:
        return 0.0
    return THREE_PHASE_KW if rated_kw >= THREE_PHASE_FROM_KW else ONE_PHASE_KW
