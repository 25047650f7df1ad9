"""An integrated station as plain data for its page: sun, store, chargers, slots, check-ups, today.

Power into the site and into its store is positive. None stands where nobody knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from zerocity.live.facts import SiteFacts
from zerocity.live.readings import Readings, SiteReading
from zerocity.live.registry import LiveStation, Registry
from zerocity.live.sessions import LiveSession

# A reading that is older does not show what happens now; an assumption, several polls.
FRESH_S = 15.0
# Between readings further apart than this the power is unknown and its energy is not counted.
LONGEST_GAP_S = 60.0
# A pack in a slot with this charge can be handed out; an assumption.
READY_SOC = 0.9


@dataclass(slots=True)
class _Day:
    day: date
    since: datetime
    first: SiteReading
    last: SiteReading
    last_s: float
    solar_kwh: float = 0.0
    store_in_kwh: float = 0.0
    store_out_kwh: float = 0.0
    unknown_s: float = 0.0


class DayEnergy:
    """Energy of each site since local midnight, or since the platform saw it first.

    Grid and chargers are counted by their registers; sun and store by their power over time.
    """

    def __init__(self) -> None:
        self._days: dict[str, _Day] = {}

    def take(self, site: str, reading: SiteReading, now_s: float, local: datetime) -> None:
        """Take a reading at ``now_s`` on the steady clock and ``local`` of the city's calendar."""
        day = self._days.get(site)
        if day is None or day.day != local.date():
            self._days[site] = _Day(local.date(), local, reading, reading, now_s)
            return
        span_s = now_s - day.last_s
        if 0.0 < span_s <= LONGEST_GAP_S:
            hours = span_s / 3600.0
            day.solar_kwh += 0.5 * (day.last.pv_kw + reading.pv_kw) * hours
            store_kwh = 0.5 * (day.last.store_kw + reading.store_kw) * hours
            day.store_in_kwh += max(store_kwh, 0.0)
            day.store_out_kwh += max(-store_kwh, 0.0)
        else:
            day.unknown_s += max(span_s, 0.0)
        day.last, day.last_s = reading, now_s

    def page(self, site: str) -> dict[str, Any] | None:
        """Today's energy of a site [kWh]; None before its first reading."""
        day = self._days.get(site)
        if day is None:
            return None
        return {
            "since": day.since.isoformat(),
            "import_kwh": _risen(day.first.import_kwh, day.last.import_kwh),
            "export_kwh": _risen(day.first.export_kwh, day.last.export_kwh),
            "charging_kwh": _risen(day.first.charging_kwh, day.last.charging_kwh),
            "solar_kwh": _plain(day.solar_kwh),
            "store_in_kwh": _plain(day.store_in_kwh),
            "store_out_kwh": _plain(day.store_out_kwh),
            "without_readings_s": round(day.unknown_s, 1),
        }


def station_page(
    registry: Registry,
    readings: Readings,
    site: str,
    *,
    facts: SiteFacts,
    at: datetime,
    now_s: float,
    check_ups: Sequence[Mapping[str, Any]] = (),
    today: Mapping[str, Any] | None = None,
    link: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A site's page; KeyError for a site that the city has not.

    Parameters
    ----------
    at, now_s : now, UTC and on the steady clock.
    check_ups : the site's last ones, as `CheckUps.last` gives them. today : `DayEnergy.page`.
    link : the site's row of `SunspecPoller.status`.
    """
    k = readings.number[site]
    stations = [one for one in registry.stations.values() if one.site == site]
    chargers = [one for one in stations if one.kind != "swap"]
    cabinets = [one for one in stations if one.kind == "swap"]
    age_s = float(readings.age_s(now_s)[k])
    return {
        "site": site,
        "at": at.isoformat(),
        "age_s": _plain(age_s),
        "fresh": age_s <= FRESH_S,
        "grid": {
            "power_kw": _plain(readings.net_kw[k]),
            "import_limit_kw": _plain(facts.import_limit_kw[k]),
            "export_limit_kw": _plain(facts.export_limit_kw[k]),
        },
        "load_kw": _plain(readings.load_kw()[k]),
        "solar": _solar(readings, facts, k),
        "store": _store(readings, facts, k),
        "charging": {"power_kw": _plain(readings.charging_kw[k]), **_charging(chargers, at)},
        "swap": _swap(cabinets),
        "check_ups": [dict(one) for one in check_ups],
        "today": None if today is None else dict(today),
        "link": None if link is None else dict(link),
    }


def _solar(readings: Readings, facts: SiteFacts, k: int) -> dict[str, Any] | None:
    if facts.pv_kwp[k] <= 0.0:
        return None
    return {
        "power_kw": _plain(readings.pv_kw[k]),
        "rated_kwp": _plain(facts.pv_kwp[k]),
        "allowed_share": _plain(readings.pv_share[k]),
    }


def _store(readings: Readings, facts: SiteFacts, k: int) -> dict[str, Any] | None:
    room_kwh = float(facts.store_capacity_kwh[k])
    if room_kwh <= 0.0:
        return None
    kw, held_kwh = float(readings.store_kw[k]), float(readings.store_kwh[k])
    doing = "rests" if abs(kw) < 0.05 else "charges" if kw > 0.0 else "gives"
    return {
        "power_kw": _plain(kw),
        "rated_kw": _plain(facts.store_kw[k]),
        "held_kwh": _plain(held_kwh),
        "capacity_kwh": _plain(room_kwh),
        "soc": _plain(min(held_kwh / room_kwh, 1.0)),
        "doing": doing,
    }


def _charging(stations: Sequence[LiveStation], at: datetime) -> dict[str, Any]:
    plugs = [
        {
            "station": station.id, "evse": seat.evse, "connector": seat.connector,
            "status": seat.status if station.online else "offline", "max_kw": _plain(seat.max_kw),
            "session": None if seat.session is None else _session(seat.session, at),
        }
        for station in stations
        for seat in station.connectors.values()
    ]  # fmt: skip
    return {
        "plugs": plugs,
        "busy": sum(plug["session"] is not None for plug in plugs),
        "free": sum(plug["status"] == "available" for plug in plugs),
        "out_of_service": sum(
            plug["status"] in ("faulted", "unavailable", "offline") for plug in plugs
        ),
    }


def _session(session: LiveSession, at: datetime) -> dict[str, Any]:
    """A session without who charges: the page is public."""
    wants_kwh, hours, assumed = session.need(at)
    granted = session.granted_kw
    return {
        "session": session.id,
        "since": session.started_at.isoformat(),
        "power_kw": _plain(session.power_kw),
        "granted_kw": None if granted is None else _plain(granted),
        "energy_kwh": _plain(session.energy_so_far_kwh),
        "soc": session.soc,
        "wants_kwh": _plain(wants_kwh),
        "leaves_in_h": _plain(hours),
        "wish_assumed": assumed,
    }


def _swap(stations: Sequence[LiveStation]) -> dict[str, Any] | None:
    if not stations:
        return None
    places = [(station, slot) for station in stations for slot in station.slots.values()]
    filled = [(station, slot) for station, slot in places if slot.serial is not None]
    ready = [
        slot for station, slot in filled
        if slot.evse not in station.file.held and slot.soc is not None and slot.soc >= READY_SOC
    ]  # fmt: skip
    slots = [
        {
            "station": station.id, "evse": slot.evse, "serial": slot.serial, "soc": slot.soc,
            "soh": slot.soh, "power_kw": _slot_kw(station, slot.evse),
            "held": slot.evse in station.file.held,
        }
        for station, slot in places
    ]  # fmt: skip
    return {
        "slots": slots,
        "empty": len(places) - len(filled),
        "ready": len(ready),
        "charging": sum(_slot_kw(station, slot.evse) > 0.05 for station, slot in places),
        "online": all(station.online for station in stations),
    }


def _slot_kw(station: LiveStation, evse: int) -> float:
    return round(sum(s.power_kw for (at, _), s in station.connectors.items() if at == evse), 4)


def _risen(first: float, last: float) -> float | None:
    """How far a register rose; None where there is none, or it was set back."""
    return _plain(last - first) if last >= first else None


def _plain(number: float) -> float | None:
    """A number that JSON can say."""
    return None if not math.isfinite(number) else round(float(number), 4)
