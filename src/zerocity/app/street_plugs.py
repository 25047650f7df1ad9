"""The street's plugs and slots as OCPP stations: who stands where, and what each takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from zerocity.city.devices import StationSpec, VehicleSpec
from zerocity.errors import InputError
from zerocity.live.facts import site_facts
from zerocity.measures.arrays import F64
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.smart_charging import default_messages
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.profiles import to_ms
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.protocols.ocpp.station.swap_parts import Pack
from zerocity.twin.street import Guest, Handover, Street

# Power that is no more than noise [kW].
LEAST_KW = 0.05


@dataclass
class Place:
    """A plug or slot that is taken: its guest, and what it took in this minute [kWh].

    ``register_wh`` is the meter's register when it was last read.
    """

    station: SimStation
    evse: int
    site: int
    guest: Guest
    vehicle: int = -1
    register_wh: float = 0.0
    kwh: float = 0.0
    power_kw: float = 0.0


def serial_of(pack: int) -> str:
    """What a pack of the street is called at a cabinet."""
    return f"ZC-{pack:08d}"


class StreetPlugs:
    """All stations of a street. Call `minute` after each look at it, `second` between."""

    def __init__(
        self,
        street: Street,
        specs: list[StationSpec],
        vehicles: list[VehicleSpec],
        meter_s: int,
        at: datetime,
    ) -> None:
        self._street, self._vehicles = street, vehicles
        self.stations: list[SimStation] = []
        self._site_of: list[int] = []
        self._free: dict[int, list[tuple[SimStation, int]]] = {}
        self._cabinets: dict[int, SwapCabinet] = {}
        self._at_plug: dict[int, Place] = {}
        self._in_slot: dict[tuple[int, int], Place] = {}
        self._kwh = np.zeros(len(street.city.sites))
        self.unplaced = 0
        in_slots, facts = street.in_slots(), site_facts(street.city)
        for spec in specs:
            station = self._made(spec, in_slots, meter_s)
            self._commission(station, float(facts.default_kw[spec.site]), at)
            self.stations.append(station)
            self._site_of.append(spec.site)
            if spec.kind == "charger":
                plugs = self._free.setdefault(spec.site, [])
                plugs += [(station, evse) for evse in range(1, spec.evses + 1)]
        for key, guest in in_slots.items():
            self._seat(key, guest)

    def _made(
        self, spec: StationSpec, in_slots: dict[tuple[int, int], Guest], meter_s: int
    ) -> SimStation:
        dc = spec.max_kw > 22.0
        make = Make(
            model="Twin cabinet" if spec.kind == "swap" else "Twin charger",
            evses=spec.evses, max_kw=spec.max_kw, is_dc=dc, is_swap=spec.kind == "swap",
        )  # fmt: skip
        station: SimStation
        if spec.kind == "swap":
            guests = [in_slots.get((spec.site, slot)) for slot in range(spec.evses)]
            packs = [None if guest is None else self._pack(guest.packs[0]) for guest in guests]
            station = self._cabinets[spec.site] = SwapCabinet(spec.id, make, packs, charges=False)
        else:
            station = SimStation(spec.id, Version(spec.version), make)
        station.settings.put("meter_s", str(meter_s))
        return station

    def _commission(self, station: SimStation, kw: float, at: datetime) -> None:
        """Give a station the default that its installer leaves: it is safe before any server is."""
        for _, payload in default_messages(station.version, kw, at=at):
            profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
            station.profiles.install(profile, 0, to_ms(at), None)

    def _pack(self, pack: int) -> Pack:
        packs = self._street.people.packs
        soc = float(packs.energy_kwh[pack] / packs.usable_kwh[pack])
        return Pack(
            serial_of(pack), min(max(soc, 0.0), 1.0), float(packs.soh[pack]),
            float(packs.usable_kwh[pack]),
        )  # fmt: skip

    def _seat(self, key: tuple[int, int], guest: Guest) -> None:
        site, slot = key
        cabinet = self._cabinets[site]
        register = cabinet.evses[slot + 1].energy_wh
        self._in_slot[key] = Place(cabinet, slot + 1, site, guest, register_wh=register)

    def minute(self, handed: list[Handover], now_s: float, at: datetime) -> None:
        """Follow the street's people: swaps, departures, arrivals, and new wishes."""
        for one in handed:
            self._swap(one, now_s, at)
        there = self._street.at_plugs()
        for vehicle in [v for v in self._at_plug if v not in there]:
            self._leave(vehicle, now_s, at)
        for vehicle, (site, guest) in there.items():
            place = self._at_plug.get(vehicle)
            if place is None or place.site != site:
                if place is not None:
                    self._leave(vehicle, now_s, at)
                self._come(vehicle, site, guest, now_s, at)
            else:
                place.guest, place.kwh = guest, 0.0
        for key, guest in self._street.in_slots().items():
            if key in self._in_slot:
                self._in_slot[key].guest, self._in_slot[key].kwh = guest, 0.0
            elif key[0] in self._cabinets:
                self._seat(key, guest)

    def _come(self, vehicle: int, site: int, guest: Guest, now_s: float, at: datetime) -> None:
        free = self._free.get(site)
        if not free:
            self.unplaced += 1
            return
        station, evse = free.pop(0)
        station.plug(
            evse, now_s, at, token=self._vehicles[vehicle].id, soc=guest.soc,
            capacity_kwh=guest.capacity_kwh, need_kwh=guest.need_kwh or None,
            depart_at=guest.leaves_at, limit_kw=max(guest.limit_kw, LEAST_KW), own=False,
        )  # fmt: skip
        register = station.evses[evse].energy_wh
        self._at_plug[vehicle] = Place(station, evse, site, guest, vehicle, register)

    def _leave(self, vehicle: int, now_s: float, at: datetime) -> None:
        place = self._at_plug.pop(vehicle)
        place.station.set_power(place.evse, 0.0, now_s, at)
        place.station.unplug(place.evse, now_s, at)
        self._free[place.site].append((place.station, place.evse))

    def _swap(self, one: Handover, now_s: float, at: datetime) -> None:
        cabinet = self._cabinets.get(one.site)
        if cabinet is None:
            return
        token = self._vehicles[one.vehicle].id if one.vehicle >= 0 else "staff"
        place = self._in_slot.pop((one.site, one.slot), None)
        if place is not None:
            cabinet.set_power(place.evse, 0.0, now_s, at)
        number = cabinet.next_request()
        if one.given >= 0:
            cabinet.swap_out(number, 1, now_s, at, token=token, slots=[one.slot + 1])
        if one.taken >= 0:
            try:
                cabinet.swap_in(
                    [self._pack(one.taken)], now_s, at, token=token, request_id=number,
                    slots=[one.slot + 1],
                )  # fmt: skip
            except InputError:
                self.unplaced += 1

    def second(self, now_s: float, at: datetime) -> tuple[F64, F64]:
        """Let every guest take what it may; power and energy of each site's chargers.

        Shapes (sites,) each [kW, kWh]; the energy is a register that only rises.
        """
        power = np.zeros(len(self._street.city.sites))
        for place in [*self._at_plug.values(), *self._in_slot.values()]:
            self._take(place, now_s, at)
            power[place.site] += place.power_kw
        energy = np.zeros_like(power)
        for station, site in zip(self.stations, self._site_of, strict=True):
            energy[site] += sum(evse.energy_wh for evse in station.evses.values()) / 1000.0
        return power, energy

    def _take(self, place: Place, now_s: float, at: datetime) -> None:
        evse = place.station.evses[place.evse]
        evse.settle(now_s)
        place.kwh += (evse.energy_wh - place.register_wh) / 1000.0
        place.register_wh = evse.energy_wh
        guest = place.guest
        wish = guest.limit_kw if place.kwh < guest.need_kwh - 1e-6 else 0.0
        kw = min(wish, place.station.limit_kw(place.evse, now_s, at)) if wish > 0.0 else 0.0
        kw = kw if kw >= LEAST_KW else 0.0
        if kw != place.power_kw or evse.power_kw != kw:
            place.station.set_power(place.evse, kw, now_s, at, soc=self._soc(place))
        place.power_kw = evse.power_kw

    def _soc(self, place: Place) -> float:
        guest = place.guest
        return min(guest.soc + place.kwh * 0.94 / max(guest.capacity_kwh, 1e-9), 1.0)

    def taken_kwh(self, packs: int) -> F64:
        """What each pack took in this minute, (packs,) [kWh]."""
        kwh = np.zeros(packs)
        for place in [*self._at_plug.values(), *self._in_slot.values()]:
            ids = list(place.guest.packs)
            kwh[ids] += place.kwh / len(ids)
        return kwh

    def charging_kw(self) -> dict[int, float]:
        """Vehicle -> power at its plug [kW]."""
        return {vehicle: place.power_kw for vehicle, place in self._at_plug.items()}
