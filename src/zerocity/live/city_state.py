"""A live city put together from its folder: its stations and vehicles in the registry."""

from __future__ import annotations

from zerocity.city.devices import StationSpec, VehicleSpec
from zerocity.live.facts import SiteFacts
from zerocity.live.registry import Connector, LiveStation, Registry, Slot
from zerocity.live.vehicles import Vehicles


def add_stations(registry: Registry, facts: SiteFacts, specs: list[StationSpec]) -> None:
    """Make a city's own stations known; those that the registry has keep what they have."""
    for spec in specs:
        if spec.id in registry.stations:
            continue
        site = facts.names[spec.site]
        station = LiveStation(spec.id, site, kind=spec.kind)
        for evse in range(1, spec.evses + 1):
            station.connectors[evse, 1] = Connector(spec.id, evse, 1, site, spec.max_kw)
            if spec.kind == "swap":
                station.slots[evse] = Slot(evse)
        registry.add_station(station)


def set_default(station: LiveStation, facts: SiteFacts) -> bool:
    """Give a station the power that each of its plugs falls back to; False for an unknown site."""
    if station.site not in facts.names:
        return False
    station.default_kw = float(facts.default_kw[facts.names.index(station.site)])
    return True


def add_vehicles(vehicles: Vehicles, specs: list[VehicleSpec]) -> None:
    """Make a city's own vehicles known."""
    for spec in specs:
        vehicles.add(spec.id, spec.vin, spec.fleet)
