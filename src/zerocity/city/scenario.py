"""Everything a run needs to know of a city, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from zerocity.aftersales.centre import Centre
from zerocity.batteries.pack import Product
from zerocity.carbon.factors import Factors
from zerocity.city.figures import Figure, assumptions
from zerocity.city.places import Sites
from zerocity.energy.climate import ClimateNormals
from zerocity.energy.tariffs import Tariff
from zerocity.fleets.duty import FleetSpec
from zerocity.parks.indicators import ParkSpec
from zerocity.recycling.policy import Policy
from zerocity.recycling.processing import ProcessingBase
from zerocity.recycling.routing import SecondLife
from zerocity.vpp.market import MarketDay
from zerocity.vpp.products import EnergyMarket, FrequencyReserve
from zerocity.vpp.program import Program


@dataclass(frozen=True)
class Panels:
    """How the city's photovoltaic panels stand; azimuth 180 = south [deg]."""

    tilt_deg: float
    azimuth_deg: float
    performance_ratio: float


@dataclass(frozen=True)
class SpotMarket:
    """Limits and mean of the wholesale market that tariffs may follow [CNY/kWh]."""

    floor_cny_per_kwh: float
    cap_cny_per_kwh: float
    mean_cny_per_kwh: float


@dataclass(frozen=True)
class Drivers:
    """What drivers pay beside what the site itself pays for the energy."""

    service_cny_per_kwh: float


@dataclass(frozen=True)
class River:
    """The river that boats use.

    ``flow_m3_s`` is the monthly mean flow, shape (12,), ``flow_spread`` the lognormal sigma of a
    day about it; boats stay at the pier above ``stop_above_m3_s`` [m3/s].
    """

    flow_m3_s: npt.NDArray[np.float64]
    flow_spread: float
    stop_above_m3_s: float


@dataclass(frozen=True)
class City:
    """One city folder, read and checked.

    ``swap_fill_share`` is the share of swap places that hold a pack at the start of a run.
    ``river`` is None for a city without boats; ``energy_market``, ``frequency_reserve`` and
    ``market_day`` are None for a city whose plant sells peak shaving alone.
    """

    name: str
    title: str
    place: str
    start: date
    utc_offset_h: float
    grid_region: str
    swap_fill_share: float
    climate: ClimateNormals
    tariff: Tariff
    factors: Factors
    products: Mapping[str, Product]
    fleets: tuple[FleetSpec, ...]
    sites: Sites
    policy: Policy
    centre: Centre
    base: ProcessingBase
    second_life: SecondLife
    vpp: Program
    parks: tuple[ParkSpec, ...]
    panels: Panels
    spot: SpotMarket | None
    river: River | None
    figures: tuple[Figure, ...]
    energy_market: EnergyMarket | None = None
    frequency_reserve: FrequencyReserve | None = None
    market_day: MarketDay | None = None
    drivers: Drivers | None = None

    @property
    def vehicles(self) -> int:
        """Vehicles of all fleets."""
        return sum(fleet.vehicles for fleet in self.fleets)

    def vehicle_packs(self) -> int:
        """Packs built into vehicles."""
        return sum(fleet.vehicles * fleet.packs_per_vehicle for fleet in self.fleets)

    def pool_packs(self) -> npt.NDArray[np.int64]:
        """Packs waiting at each swap site at the start, shape (S,)."""
        filled: npt.NDArray[np.int64] = np.floor(
            self.sites.swap_slots * self.swap_fill_share
        ).astype(np.int64)
        return filled

    def storage_packs(self) -> npt.NDArray[np.int64]:
        """Packs that make up each site's stationary storage, rounded up, shape (S,).

        Second-life sites begin empty: used packs fill them during the run.
        """
        capacity = [
            self.products[name].capacity_kwh if name else np.inf
            for name in self.sites.storage_product
        ]
        packs: npt.NDArray[np.int64] = np.ceil(
            self.sites.storage_kwh / np.array(capacity) - 1e-9
        ).astype(np.int64)
        packs[self.sites.of_kind("second_life")] = 0
        return packs

    @property
    def packs(self) -> int:
        """All packs of the city at the start of a run."""
        return self.vehicle_packs() + int(self.pool_packs().sum() + self.storage_packs().sum())

    def fleet(self, name: str) -> FleetSpec:
        """Return the fleet of that name; KeyError when there is none."""
        return next(fleet for fleet in self.fleets if fleet.name == name)

    def assumptions(self) -> tuple[Figure, ...]:
        """Return the figures that nobody has measured or published, the heaviest first."""
        return assumptions(self.figures)
