"""A small city cut from a large one: fewer sites, plugs and vehicles in the same proportions.

A demonstration runs every device by its real protocol, so its size is chosen in devices. Grid
connection, sun, storage and own load of a site shrink with its plugs or pack places, so that what
is scarce in the large city is scarce in the small one too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from zerocity.city.places import BoolArray, FloatArray, IntArray, Sites
from zerocity.city.scenario import City
from zerocity.errors import InputError

PLUGS_PER_CHARGER = 2
CHARGERS_PER_SITE = 5
LEAST_SLOTS = 6
# Sites that neither charge nor swap are kept in this number of each kind.
OTHER_SITES = 1


@dataclass(frozen=True)
class Size:
    """How many chargers (of two plugs), swap stations and vehicles a small city has."""

    chargers: int = 300
    swap_stations: int = 20
    vehicles: int = 2000


def shared_out(total: int, weight: FloatArray, least: int) -> IntArray:
    """Share ``total`` by ``weight`` in whole numbers of at least ``least``, (n,).

    Largest remainders; when the least alone is more than ``total``, everyone gets the least.
    """
    base = np.full(weight.size, least, np.int64)
    rest = total - int(base.sum())
    if rest <= 0 or not weight.sum() > 0.0:
        return base
    exact = rest * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: rest - int(whole.sum())]] += 1
    shared: IntArray = base + whole
    return shared


def thinned(city: City, size: Size) -> City:
    """Return ``city`` cut down to ``size``.

    Raises InputError when it has fewer swap stations or vehicles than asked for.
    """
    sites = city.sites
    swaps = np.flatnonzero(sites.swap_slots > 0)
    if size.swap_stations > swaps.size:
        raise InputError("swap stations", str(size.swap_stations), f"at most {swaps.size}")
    if not 0 < size.vehicles <= city.vehicles:
        raise InputError("vehicles", str(size.vehicles), f"from 1 to {city.vehicles}")
    chosen = _chosen(sites, size)
    plugs = np.zeros(len(sites), np.int64)
    with_plugs = chosen[sites.plugs[chosen] > 0]
    weight = np.sqrt(sites.plugs[with_plugs].astype(np.float64))
    chargers = shared_out(size.chargers, weight, 1)
    plugs[with_plugs] = PLUGS_PER_CHARGER * chargers
    share = size.vehicles / city.vehicles
    slots = np.where(
        sites.swap_slots > 0,
        np.maximum(np.ceil(sites.swap_slots * share * _left_out(sites, chosen)), LEAST_SLOTS),
        0,
    ).astype(np.int64)
    slots = np.minimum(slots, sites.swap_slots)
    cut = replace(sites, plugs=plugs, swap_slots=slots, **_scaled(sites, plugs, slots))
    counts = shared_out(size.vehicles, np.array([float(f.vehicles) for f in city.fleets]), 1)
    names = {sites.name[i] for i in chosen}
    parks = tuple(
        replace(park, sites=tuple(n for n in park.sites if n in names))
        for park in city.parks
        if any(n in names for n in park.sites)
    )
    fleets = tuple(replace(f, vehicles=int(n)) for f, n in zip(city.fleets, counts, strict=True))
    return replace(city, sites=_picked(cut, chosen), fleets=fleets, parks=parks)


def _chosen(sites: Sites, size: Size) -> IntArray:
    """The sites that stay, in file order: the largest of each kind."""
    swaps = _largest(sites, sites.swap_slots > 0, sites.swap_slots, size.swap_stations)
    only_plugs = (sites.plugs > 0) & (sites.swap_slots == 0)
    count = max(size.chargers // CHARGERS_PER_SITE - swaps.size, 1)
    plugs = _largest(sites, only_plugs, sites.plugs, count)
    other = (sites.plugs == 0) & (sites.swap_slots == 0)
    kinds = {sites.kind[i] for i in np.flatnonzero(other)}
    rest = _largest(sites, other, sites.plugs, OTHER_SITES * len(kinds))
    return np.sort(np.concatenate([swaps, plugs, rest]))


def _largest(sites: Sites, allowed: BoolArray, by: IntArray, count: int) -> IntArray:
    kinds = np.array(sites.kind)
    names = sorted(set(kinds[allowed]))
    if not names:
        return np.zeros(0, np.int64)
    have = np.array([float((allowed & (kinds == name)).sum()) for name in names])
    wanted = np.minimum(shared_out(count, np.sqrt(have), 1), have.astype(np.int64))
    while (more := min(count, int(have.sum())) - int(wanted.sum())) > 0:
        room = have - wanted
        wanted += np.minimum(shared_out(more, room, 0), room.astype(np.int64))
    found = []
    for name, n in zip(names, wanted, strict=True):
        here = np.flatnonzero(allowed & (kinds == name))
        found.append(here[np.argsort(-by[here], kind="stable")[: int(n)]])
    return np.concatenate(found)


def _left_out(sites: Sites, chosen: IntArray) -> FloatArray:
    """By how much the pack places of a kept site stand for those of its kind, (S,)."""
    kinds = np.array(sites.kind)
    kept = np.zeros(len(sites), bool)
    kept[chosen] = True
    factor = np.ones(len(sites))
    for name in set(sites.kind):
        here = kinds == name
        left = sites.swap_slots[here & kept].sum()
        factor[here] = sites.swap_slots[here].sum() / left if left else 1.0
    return factor


def _scaled(sites: Sites, plugs: IntArray, slots: IntArray) -> dict[str, Any]:
    old = sites.plugs * sites.plug_kw + sites.swap_slots * sites.slot_kw
    new = plugs * sites.plug_kw + slots * sites.slot_kw
    factor = np.divide(new, old, out=np.ones_like(old), where=old > 0.0)
    names = ("grid_limit_kw", "export_limit_kw", "pv_kwp", "storage_kwh", "storage_kw", "load_kw")
    return {name: getattr(sites, name) * factor for name in names}


def _picked(sites: Sites, chosen: IntArray) -> Sites:
    def pick(values: Any) -> Any:
        if isinstance(values, tuple):
            return tuple(values[i] for i in chosen)
        return np.asarray(values)[chosen]

    return Sites(**{one.name: pick(getattr(sites, one.name)) for one in fields(sites)})
