"""One look at the registry and the readings: the arrays that a decision is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from zerocity.charging.session import State
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Snapshot
from zerocity.live.facts import SiteFacts, least_kw
from zerocity.live.grants import Grants
from zerocity.live.readings import Readings
from zerocity.live.registry import Connector, LiveStation, Registry
from zerocity.live.sessions import LiveSession
from zerocity.live.wants import wants
from zerocity.measures.arrays import F64

# Drivers are served this long before they leave; an assumption.
MARGIN_H = 10.0 / 60.0
# Sessions that may begin at one site before the first of them is told its limit; an assumption.
BEGINNERS = 2
# An idle car is held so much room above what it draws, so that it can wake up; assumptions.
IDLE_ROOM_KW, IDLE_GROWTH = 1.0, 1.15


@dataclass(frozen=True)
class Look:
    """A sighting and what it was made of; ``limits_kw`` and ``defaults_kw`` as `grants.Wish`.

    A session in the sighting is bound further: by others' limits, and by what it is seen to take.
    """

    seen: Sighting
    sessions: list[LiveSession]
    limits_kw: list[float]
    defaults_kw: list[float]


def look(
    step: int,
    facts: SiteFacts,
    registry: Registry,
    readings: Readings,
    asked_kw: Mapping[str, float],
    cap_kw: Mapping[str, float],
    grants: Grants,
    at: datetime,
    now_s: float,
    step_h: float,
) -> Look:
    """Take a picture of the live city at ``at`` (UTC), ``now_s`` on the steady clock."""
    seated = [
        (station, seat, seat.session)
        for station in registry.stations.values()
        for seat in station.connectors.values()
        if seat.session is not None and _draws(seat.session) and station.site in readings.number
    ]
    rows = [_row(*one, facts, readings, asked_kw, grants, at, now_s, step_h) for one in seated]
    table = np.array(rows, np.float64).reshape(-1, 9)
    site = table[:, 0].astype(np.int64)
    store_in, store_out = _store_limits(facts, readings, step_h)
    snapshot = Snapshot(
        step=step,
        step_h=step_h,
        load_kw=readings.load_kw(),
        pv_kw=readings.sun_kw.copy(),
        import_limit_kw=facts.import_limit_kw,
        export_limit_kw=facts.export_limit_kw,
        store_charge_limit_kw=store_in,
        store_discharge_limit_kw=store_out,
        site=site,
        need_kwh=table[:, 1].copy(),
        limit_kw=table[:, 2].copy(),
        steps_needed=table[:, 3].copy(),
        steps_left=table[:, 4].astype(np.int64),
    )
    seen = Sighting(
        snapshot=snapshot,
        key=np.array([_key(s.id) for _, _, s in seated], np.int64),
        floor_kw=table[:, 5].copy(),
        fallback_kw=table[:, 6].copy(),
        reachable=table[:, 7] > 0.0,
        asked_kw=table[:, 8].copy(),
        meter_age_s=readings.age_s(now_s),
        cap_kw=np.array([cap_kw.get(name, np.inf) for name in facts.names]),
        reserve_kw=_reserve_kw(facts, registry, readings),
        meter_kwh=np.array([s.energy_so_far_kwh for _, _, s in seated], np.float64),
    )
    limits = [_most_kw(seat, session) for _, seat, session in seated]
    defaults = [
        _default_kw(station, kw) for (station, _, _), kw in zip(seated, limits, strict=True)
    ]
    return Look(seen, [s for _, _, s in seated], limits, defaults)


DRAWING = frozenset({State.READY, State.CHARGING, State.VEHICLE_PAUSE, State.STATION_PAUSE})


def _draws(session: LiveSession) -> bool:
    return session.state in DRAWING


def _most_kw(seat: Connector, session: LiveSession) -> float:
    """The most that plug and car let a session take [kW]."""
    return min(seat.max_kw, session.limit_kw)


def _default_kw(station: LiveStation, most_kw: float) -> float:
    """What a session draws that was told nothing: the station's default, where it took that."""
    return min(station.default_kw, most_kw) if station.file.has_default else most_kw


def _in_full(station: LiveStation, session: LiveSession, grants: Grants) -> bool:
    """Whether a station does not take our limits: its session counts at all that it may draw."""
    grant = grants.of.get(session.id)
    refused = grant is not None and grant.refused
    return refused or station.file.counts_in_full(session.evse)


def _limit_kw(
    station: LiveStation, seat: Connector, session: LiveSession, grants: Grants, now_s: float
) -> float:
    """The most a session takes: by plug, car and others' limits, and as it was seen to take."""
    limit = min(_most_kw(seat, session), station.file.external_kw(session.evse))
    grants.drawn(session.id, session.power_kw, now_s)
    if not grants.is_idle(session.id, now_s):
        return limit
    some = session.power_kw * IDLE_GROWTH + IDLE_ROOM_KW
    return min(limit, max(some, least_kw(seat.max_kw)))


def _row(
    station: LiveStation,
    seat: Connector,
    session: LiveSession,
    facts: SiteFacts,
    readings: Readings,
    asked_kw: Mapping[str, float],
    grants: Grants,
    at: datetime,
    now_s: float,
    step_h: float,
) -> tuple[float, ...]:
    limit, most = _limit_kw(station, seat, session, grants, now_s), _most_kw(seat, session)
    in_full = _in_full(station, session, grants)
    alone = grants.fallback_kw(session.id, _default_kw(station, most), most, now_s)
    number = readings.number[station.site]
    need, hours, _ = wants(station, session, float(facts.slot_kwh[number]), at)
    steps_left = 0.0 if session.priority > 0 else max(hours - MARGIN_H, 0.0) // step_h
    return (
        float(number),
        need,
        limit,
        need / max(limit, 1e-9) / step_h,
        min(steps_left, 1e9),
        min(least_kw(seat.max_kw), limit),
        most if in_full else alone,
        float(station.online and not in_full),
        asked_kw.get(session.id, np.nan),
    )


def _key(session_id: str) -> int:
    digest = hashlib.blake2b(session_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _store_limits(facts: SiteFacts, readings: Readings, step_h: float) -> tuple[F64, F64]:
    """Power that each store takes and gives until it is full or empty within a quarter, AC."""
    span = max(step_h, 0.25)
    room = np.maximum(facts.store_capacity_kwh - readings.store_kwh, 0.0)
    return (
        np.minimum(facts.store_kw, room / span),
        np.minimum(facts.store_kw, readings.store_kwh / span),
    )


def _reserve_kw(facts: SiteFacts, registry: Registry, readings: Readings) -> F64:
    """What plugs may begin to draw before they are told.

    A station without a link may let drivers in by itself: all its plugs count. Of the others, a
    few at most begin between two looks.
    """
    reserve = np.zeros(len(facts))
    begin = np.zeros(len(facts))
    for station in registry.stations.values():
        k = readings.number.get(station.site)
        if k is None:
            continue
        seats = station.connectors.values()
        idle = sum(seat.session is None or not _draws(seat.session) for seat in seats)
        if station.online:
            begin[k] += idle
        else:
            reserve[k] += idle * station.default_kw
    return reserve + np.minimum(begin, BEGINNERS) * facts.default_kw
