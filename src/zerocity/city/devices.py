"""The devices that a city's sites have: charging stations, swap cabinets and vehicles, by name.

A city folder names plugs and pack places; protocols need stations with numbers. Both the platform
and whoever stands in for the devices derive them here, so they agree without talking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zerocity.city.scenario import City
from zerocity.fleets.vin import demo_vin

PLUGS_PER_CHARGER = 2
# OCPP editions that a mixed city speaks, in turns; swapping needs 2.1 (block S).
EDITIONS = ("1.6", "2.0.1", "2.1")
SWAP_EDITION = "2.1"


@dataclass(frozen=True)
class StationSpec:
    """A charging station, or the swap cabinet of a site.

    evses : plugs, or pack places. max_kw : of each [kW]. version : OCPP edition it speaks.
    """

    id: str
    site: int
    kind: str
    evses: int
    max_kw: float
    version: str


@dataclass(frozen=True)
class VehicleSpec:
    """A vehicle; ``id`` is what we call it, ``vin`` is personal."""

    id: str
    vin: str
    fleet: str


def stations_of(city: City) -> list[StationSpec]:
    """Every charging station and swap cabinet of a city, in the order of its sites."""
    found: list[StationSpec] = []
    sites = city.sites
    for site, name in enumerate(_wire_names(sites.name)):
        plugs = int(sites.plugs[site])
        for k in range(-(-plugs // PLUGS_PER_CHARGER)):
            evses = min(PLUGS_PER_CHARGER, plugs - k * PLUGS_PER_CHARGER)
            version = EDITIONS[len(found) % len(EDITIONS)]
            kw = float(sites.plug_kw[site])
            found.append(StationSpec(f"{name}-c{k + 1}", site, "charger", evses, kw, version))
        if sites.swap_slots[site]:
            slots, kw = int(sites.swap_slots[site]), float(sites.slot_kw[site])
            found.append(StationSpec(f"{name}-swap", site, "swap", slots, kw, SWAP_EDITION))
    return found


def _wire_names(names: tuple[str, ...]) -> list[str]:
    """A name for each site of letters, digits and hyphens, as identities on the wire allow."""
    found: list[str] = []
    for number, name in enumerate(names):
        short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].rstrip("-")
        found.append(short if short and short not in found else f"site-{number + 1}")
    return found


def vehicles_of(city: City) -> list[VehicleSpec]:
    """Every vehicle of a city with a made VIN, in the order of its fleets."""
    found: list[VehicleSpec] = []
    for fleet in city.fleets:
        for k in range(fleet.vehicles):
            number = len(found)
            found.append(VehicleSpec(f"{fleet.name}-{k + 1}", demo_vin(number), fleet.name))
    return found
