"""The city on the evening before: every pack, every vehicle, and where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zerocity.batteries.heat import heat_capacity_kwh_per_k
from zerocity.batteries.pack import Product
from zerocity.batteries.state import Packs, joined, new_packs
from zerocity.city.places import Sites
from zerocity.city.scenario import City
from zerocity.errors import InputError
from zerocity.fleets.duty import FleetSpec
from zerocity.measures.arrays import F64, I32, I64
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.passports.identity import FIRST_YEAR, LAST_YEAR
from zerocity.passports.lifecycle import Stage
from zerocity.twin.stations import FleetRules, Stations
from zerocity.twin.vehicles import MOST_PACKS, Vehicles, new_vehicles

DAYS_PER_YEAR = 365.25
# Grid to pack of a charger, and pack to grid of a storage inverter; assumptions.
CHARGER_EFFICIENCY = 0.94
INVERTER_EFFICIENCY = 0.96
# Drivers and routes differ: lognormal sigma of a vehicle's consumption; an assumption.
DRIVER_SPREAD = 0.08
# Vehicles mostly use sites near their base; e-folding distance [km]; an assumption.
NEAR_KM = 6.0
# Ageing differs between packs of one make: lognormal sigma; an assumption.
AGEING_SPREAD = 0.08
# What a fleet's batteries live if they stand in a station; assumptions.
STATION_LIFE_YEARS, STATION_LIFE_SPREAD, STATION_MEAN_AGE = 15.0, 2.0, 2.0


@dataclass
class Population:
    """The state of the city, and what never changes about it."""

    packs: Packs
    cars: Vehicles
    at: Stations
    rules: FleetRules
    products: tuple[Product, ...]
    _room: Packs = field(default_factory=lambda: new_packs(0))

    def take_in(self, fresh: Packs) -> Packs:
        """Put new packs behind the others; returns all of them, whose arrays may have moved."""
        before, size = self.packs.size, self.packs.size + fresh.size
        if size > self._room.size:
            # Room to grow into, because most nights bring a few new packs.
            self._room = joined([self.packs, new_packs(fresh.size + size // 20)])
        pairs: tuple[tuple[Any, Any], ...] = tuple(zip(self._room, fresh, strict=True))
        for array, values in pairs:
            array[before:size] = values
        self.packs = Packs._make(array[:size] for array in self._room)
        return self.packs

    def copy(self) -> Population:
        """A copy whose state is its own."""
        parts: tuple[Any, ...] = (self.packs, self.cars, self.at)
        packs, cars, at = (part._make(a.copy() for a in part) for part in parts)
        return Population(packs, cars, at, self.rules, self.products)

    def restore(self, kept: Population) -> None:
        """Go back to a copy, in place: others hold these arrays."""
        pairs: tuple[tuple[Any, Any], ...] = (
            (self.packs, kept.packs), (self.cars, kept.cars), (self.at, kept.at)
        )  # fmt: skip
        for mine, theirs in pairs:
            for array, before in zip(mine, theirs, strict=True):
                array[:] = before


def populate(city: City, timeline: Timeline, seed: int) -> Population:
    """Make every pack and vehicle of ``city``; the same for the same seed."""
    names = list(city.products)
    products = tuple(city.products.values())
    parts: list[Packs] = []
    cars = _vehicles(city, seed, parts, names)
    at = _stations(city, timeline, seed, parts, names, sum(p.product.size for p in parts))
    packs = joined(parts)
    _require_years(city, timeline, packs)
    fleets = city.fleets
    rules = FleetRules(
        plug_below_soc=np.array([f.plug_below_soc for f in fleets]),
        target_soc=np.array([f.target_soc for f in fleets]),
        swaps=np.array([f.refuel == "swap" for f in fleets]),
        efficiency=np.array([CHARGER_EFFICIENCY]),
        step_h=np.array([timeline.step_h]),
    )
    return Population(packs, cars, at, rules, products)


def _require_years(city: City, timeline: Timeline, packs: Packs) -> None:
    """Refuse what no identity code can say: packs made before 2011 or after 2040."""
    last = timeline.local_date(timeline.days - 1)
    if last.year > LAST_YEAR:
        wanted = f"at most {LAST_YEAR}, the last year that a GB/T 34014 battery code can name"
        raise InputError("last day of the run", str(last), wanted, "Start earlier or run less.")
    oldest = timeline.local_date(int(packs.born_day.min())) if packs.size else timeline.start
    if oldest.year < FIRST_YEAR:
        wanted = f"at least {FIRST_YEAR}, the first year that a GB/T 34014 battery code can name"
        way_out = "Start later, or lower mean_age_years of the fleets."
        raise InputError("date of making of the oldest pack", str(oldest), wanted, way_out)


def make_packs(
    products: Sequence[Product], which: I64, rng: np.random.Generator, born_day: I64
) -> Packs:
    """New packs of ``products[which]``, born on ``born_day`` (n,), at 50 % charge.

    New lithium-ion packs are delivered partly charged; one half is an assumption.
    """
    packs = new_packs(which.size)
    table = np.array(
        [(p.capacity_kwh, p.loss_kw_per_kw2, p.max_charge_kw, p.mass_kg) for p in products]
    ).reshape(-1, 4)
    packs.product[:] = which
    packs.capacity_kwh[:] = table[which, 0]
    packs.usable_kwh[:] = packs.capacity_kwh
    packs.energy_kwh[:] = 0.5 * packs.capacity_kwh
    packs.loss_kw_per_kw2[:] = table[which, 1]
    packs.charge_limit_kw[:] = table[which, 2]
    packs.heat_k_per_kwh[:] = 1.0 / heat_capacity_kwh_per_k(table[which, 3])
    packs.spread[:] = np.exp(rng.normal(0.0, AGEING_SPREAD, which.size) - AGEING_SPREAD**2 / 2)
    packs.born_day[:] = born_day
    packs.checked_day[:] = born_day
    return packs


def draw_life_days(
    rng: np.random.Generator, count: int, years: float, spread: float, age_days: F64
) -> F64:
    """Age at which the owner gives a pack up [days], (count,): normal, past today's age."""
    life = rng.normal(years, spread, count) * DAYS_PER_YEAR
    # Those already past their draw leave during the coming year, one after the other.
    late = life <= age_days
    life[late] = age_days[late] + rng.uniform(1.0, DAYS_PER_YEAR, int(late.sum()))
    return life


def _aged(
    products: tuple[Product, ...], which: I64, rng: np.random.Generator, mean_age: float
) -> tuple[Packs, F64]:
    age = rng.uniform(0.0, 2.0 * mean_age * DAYS_PER_YEAR, which.size)
    packs = make_packs(products, which, rng, -np.floor(age).astype(np.int64) - 1)
    packs.energy_kwh[:] = packs.capacity_kwh * rng.uniform(0.55, 0.85, which.size)
    packs.checked_day[:] = -rng.integers(0, 180, which.size)
    return packs, age


def _vehicles(city: City, seed: int, parts: list[Packs], names: list[str]) -> Vehicles:
    products = tuple(city.products.values())
    cars = new_vehicles(sum(f.vehicles for f in city.fleets))
    first_car, first_pack = 0, 0
    for number, spec in enumerate(city.fleets):
        rng = stream(seed, "fleet", spec.name)
        n, k = spec.vehicles, spec.packs_per_vehicle
        own = slice(first_car, first_car + n)
        cars.fleet[own] = number
        cars.factor[own] = np.exp(rng.normal(0.0, DRIVER_SPREAD, n) - DRIVER_SPREAD**2 / 2)
        _places(city.sites, spec, rng, cars, own)
        which = np.full(n * k, names.index(spec.product))
        packs, age = _aged(products, which, rng, spec.mean_age_years)
        packs.fleet[:] = number
        packs.stage[:] = Stage.IN_SERVICE
        packs.vehicle[:] = np.repeat(np.arange(own.start, own.stop), k)
        packs.life_days[:] = draw_life_days(
            rng, n * k, spec.life_years, spec.life_spread_years, age
        )
        ids = first_pack + np.arange(n * k).reshape(n, k)
        cars.packs[own, :k] = ids
        parts.append(packs)
        first_car, first_pack = first_car + n, first_pack + n * k
    return cars


def _places(
    sites: Sites, spec: FleetSpec, rng: np.random.Generator, cars: Vehicles, own: slice
) -> None:
    base = _pick(sites, spec.base_site_kind, None, rng, spec.vehicles, None)
    if base is not None:
        cars.base[own] = np.where(rng.random(spec.vehicles) < spec.base_plug_share, base, -1)
    mid = _pick(sites, spec.mid_site_kind, None, rng, spec.vehicles, base)
    if mid is not None:
        cars.mid[own] = np.where(rng.random(spec.vehicles) < spec.mid_plug_share, mid, -1)
    product = spec.product if spec.refuel == "swap" else None
    demand = _pick(sites, spec.on_demand_site_kind, product, rng, spec.vehicles, base)
    if demand is not None:
        cars.demand[own] = demand


def _pick(
    sites: Sites,
    kind: str,
    product: str | None,
    rng: np.random.Generator,
    count: int,
    near: I32 | None,
) -> I32 | None:
    """A site of ``kind`` for each vehicle, (count,); by size, and by nearness to ``near``."""
    if not kind:
        return None
    # Who swaps may do so wherever the pack fits, integrated stations included.
    options = sites.of_kind(kind) if product is None else sites.swapping(product)
    if options.size == 0:
        return None
    size = sites.swap_slots if product is not None else sites.plugs
    weight = np.maximum(size[options].astype(np.float64), 1e-3)
    if near is None:
        return rng.choice(options, count, p=weight / weight.sum()).astype(np.int32)
    chosen = np.empty(count, np.int32)
    for home in np.unique(near):
        here = near == home
        pull = weight * np.exp(-_distance_km(sites, home, options) / NEAR_KM)
        pull = pull if pull.sum() > 0.0 else weight
        chosen[here] = rng.choice(options, int(here.sum()), p=pull / pull.sum())
    return chosen


def _distance_km(sites: Sites, home: int, options: I64) -> F64:
    # Equirectangular: exact enough within one city.
    x = (sites.longitude[options] - sites.longitude[home]) * np.cos(
        np.radians(sites.latitude[home])
    )
    y = sites.latitude[options] - sites.latitude[home]
    return np.asarray(111.2 * np.hypot(x, y))


def _stations(
    city: City,
    timeline: Timeline,
    seed: int,
    parts: list[Packs],
    names: list[str],
    first_pack: int,
) -> Stations:
    sites = city.sites
    rng = stream(seed, "stations")
    products = tuple(city.products.values())
    first_slot = np.concatenate([[0], np.cumsum(sites.swap_slots)]).astype(np.int32)
    slots = np.full(int(first_slot[-1]), -1, np.int32)
    pool, storage = city.pool_packs(), city.storage_packs()
    for site in range(len(sites)):
        for count, product, stage in (
            (int(pool[site]), sites.swap_product[site], Stage.SWAP_POOL),
            (int(storage[site]), sites.storage_product[site], Stage.STORAGE),
        ):
            if count == 0:
                continue
            packs = _station_packs(city, products, names.index(product), count, rng, stage)
            packs.place[:] = site
            packs.stage[:] = stage
            if stage == Stage.SWAP_POOL:
                packs.plug_kw[:] = sites.slot_kw[site]
                packs.depart_step[:] = 24
                slots[first_slot[site] : first_slot[site] + count] = first_pack + np.arange(count)
            first_pack += count
            parts.append(packs)
    steps = np.zeros((len(sites), timeline.steps_per_day))
    return Stations(
        free=sites.plugs.astype(np.int32),
        plug_kw=sites.plug_kw.astype(np.float64),
        slot_kw=sites.slot_kw.astype(np.float64),
        first_slot=first_slot[:-1].copy(),
        last_slot=first_slot[1:].copy(),
        slots=slots,
        cursor=first_slot[:-1].copy(),
        swaps_left=np.zeros(len(sites)),
        swaps=steps.copy(),
        expected=steps.copy(),
        early=steps.copy(),
        late=steps.copy(),
        due=np.zeros(len(sites), np.int32),
        due_for=np.full(len(sites), -1, np.int32),
        chosen=np.zeros(MOST_PACKS, np.int32),
    )


def _station_packs(
    city: City,
    products: tuple[Product, ...],
    product: int,
    count: int,
    rng: np.random.Generator,
    stage: Stage,
) -> Packs:
    which = np.full(count, product)
    users = [n for n, f in enumerate(city.fleets) if f.product == products[product].name]
    years, spread, mean_age = STATION_LIFE_YEARS, STATION_LIFE_SPREAD, STATION_MEAN_AGE
    if stage == Stage.SWAP_POOL and users:
        user = city.fleets[users[0]]
        years, spread, mean_age = user.life_years, user.life_spread_years, user.mean_age_years
    packs, age = _aged(products, which, rng, mean_age)
    if stage == Stage.SWAP_POOL and users:
        packs.fleet[:] = users[0]
        packs.energy_kwh[:] = 0.95 * packs.capacity_kwh
    packs.life_days[:] = draw_life_days(rng, count, years, spread, age)
    return packs
