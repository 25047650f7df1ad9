"""Every charge is a check-up: its curve goes to diagnosis when the session ends.

The result goes three ways: into the battery's ledger (its passport is the fold of that), onto the
driver's receipt, and, where it is grave, onto the centre's list of inspections. The rows are stored
in the same transaction as the session's end, so none is lost and none comes twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from zerocity.aftersales.session_capacity import Supply
from zerocity.aftersales.session_checkup import Rated, SessionCheckUp, check_up
from zerocity.batteries.pack import Product
from zerocity.charging.billing import Bill
from zerocity.charging.receipt import check_up_line
from zerocity.city.scenario import City
from zerocity.live.facts import DC_FROM_KW
from zerocity.live.registry import Registry
from zerocity.live.sessions import LiveSession
from zerocity.live.vehicles import Vehicles
from zerocity.passports.lifecycle import TRANSITIONS, Event, Stage
from zerocity.storage.recorder import Row

log = structlog.get_logger(__name__)

MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose battery was charged.

    kind : "battery", named by its serial number, or "vehicle": the battery that is built into it.
    stage : where it stands in its life.
    """

    kind: str
    name: str
    stage: Stage

    @property
    def battery(self) -> str:
        """What the ledger calls it."""
        return self.name if self.kind == "battery" else f"vehicle/{self.name}"

    @property
    def may_be_checked(self) -> bool:
        """Whether a check is a lawful step of its life."""
        return (self.stage, Event.CHECKED) in TRANSITIONS


def on_session_ended(
    session: LiveSession,
    bill: Bill,
    at: datetime,
    *,
    subject: Subject | None = None,
    rated: Rated | None = None,
    supply: Supply | None = None,
) -> tuple[SessionCheckUp, list[Row]]:
    """Check the battery up by a session that has ended; the check-up and the rows to store.

    Parameters
    ----------
    bill : of the session. at : now, UTC. subject : None where nobody knows the battery.
    rated : the battery when new. supply : what the plug gave; None to tell it from the curve.
    """
    found = check_up(session.curve, supply=supply, rated=rated)
    rows = [] if session.cost_cny is None else [_record(session, bill, at, found)]
    if subject is not None and subject.may_be_checked and _says_something(found):
        rows.append(_ledger(session, subject, found))
    if subject is not None and not subject.may_be_checked:
        reason = f"a battery that is {subject.stage.label} was charged"
        rows.append(_order(session, subject, "life", reason, {}, at))
    if found.grave:
        whose = subject or Subject("session", session.id, Stage.IN_SERVICE)
        rows.append(_order(session, whose, "check_up", found.sentence(), found.data(), at))
    return found, rows


def _says_something(found: SessionCheckUp) -> bool:
    return found.capacity_kwh is not None or found.resistance_mohm is not None


def _record(session: LiveSession, bill: Bill, at: datetime, found: SessionCheckUp) -> Row:
    """The charge detail record, with the check-up as its last line."""
    lines = [*bill.lines, check_up_line(found.sentence(), found.sure)]
    values = {
        "id": session.id, "session": session.id, "issued_at": at, "energy_kwh": bill.energy_kwh,
        "cost_cny": bill.cost_cny, "lines": lines,
    }  # fmt: skip
    return Row("cdrs", values)


def _ledger(session: LiveSession, subject: Subject, found: SessionCheckUp) -> Row:
    """The check in the battery's life; a session told again leaves no second one."""
    data = {
        "stage": subject.stage.label, "session": session.id, "station": session.station,
        **found.data(),
    }  # fmt: skip
    values = {
        "key": f"check_up/{session.id}", "battery": subject.battery,
        "at": session.ended_at or session.meter_at or session.started_at,
        "event": Event.CHECKED.label, "data": data,
    }  # fmt: skip
    return Row("ledger_events", values)


def _order(
    session: LiveSession,
    subject: Subject,
    kind: str,
    reason: str,
    evidence: dict[str, Any],
    at: datetime,
) -> Row:
    values = {
        "id": f"{kind}/{subject.kind}/{subject.name}", "subject_kind": subject.kind,
        "subject": subject.name, "kind": kind, "severity": "high", "reason": reason,
        "status": "open", "created_at": at,
        "evidence": {"session": session.id, "station": session.station, **evidence},
    }  # fmt: skip
    return Row("work_orders", values)


RatedOf = Callable[[Subject, str], Rated | None]


def _unrated(subject: Subject, site: str) -> Rated | None:
    return None


def rated_by_city(city: City, vehicles: Vehicles) -> RatedOf:
    """What a battery had when new: a vehicle's by its fleet, a pack in a slot by its site."""
    by_fleet = {
        fleet.name: _as_sold(city.products[fleet.product], fleet.packs_per_vehicle)
        for fleet in city.fleets
    }
    by_site = {
        site: _as_sold(city.products[name], 1)
        for site, name in zip(city.sites.name, city.sites.swap_product, strict=True)
        if name
    }

    def rated(subject: Subject, site: str) -> Rated | None:
        if subject.kind == "battery":
            return by_site.get(site)
        vehicle = vehicles.by_id.get(subject.name)
        return by_fleet.get(vehicle.fleet) if vehicle is not None else None

    return rated


def _as_sold(product: Product, packs: int) -> Rated:
    return Rated(
        product.capacity_kwh * packs, product.resistance_mohm / packs,
        f"the data sheet of {product.name}",
    )  # fmt: skip


class CheckUps:
    """What `live.registry.Registry.ended_hook` calls, with a memory of the last check-ups.

    Parameters
    ----------
    registry, vehicles : who is at which plug; event-loop thread only.
    rated : what a battery that charges at a site had when new.
    """

    def __init__(
        self,
        registry: Registry,
        vehicles: Vehicles,
        rated: RatedOf = _unrated,
    ) -> None:
        self._registry, self._vehicles = registry, vehicles
        self._rated = rated
        self._last: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_KEPT)
        self.made = self.said = self.grave = self.failed = 0

    def __call__(self, session: LiveSession, bill: Bill, at: datetime) -> Sequence[Row]:
        """The rows that an ended session leaves beside its own; never raises."""
        try:
            return self._check(session, bill, at)
        except Exception:
            # A session must end even if its curve cannot be understood.
            self.failed += 1
            log.exception("check_up.failed", session=session.id)
            return []

    def last(self, site: str, most: int = 10) -> list[dict[str, Any]]:
        """The last check-ups of a site, the newest first."""
        found = [data for where, data in reversed(self._last) if where == site]
        return found[:most]

    def subject(self, session: LiveSession) -> Subject | None:
        """Whose battery a session charges, by slot or token; None where nobody knows."""
        station = self._registry.stations.get(session.station)
        if station is not None and station.kind == "swap":
            slot = station.slots.get(session.evse)
            if slot is None or slot.serial is None:
                return None
            return Subject("battery", slot.serial, Stage.SWAP_POOL)
        token = self._registry.token(session.token)
        name = token.vehicle if token is not None else None
        if name is None and session.token in self._vehicles.by_id:
            name = session.token
        return None if name is None else Subject("vehicle", name, Stage.IN_SERVICE)

    def _check(self, session: LiveSession, bill: Bill, at: datetime) -> Sequence[Row]:
        subject = self.subject(session)
        station = self._registry.stations.get(session.station)
        site = station.site if station is not None else ""
        rated = self._rated(subject, site) if subject is not None else None
        seat = station and station.connectors.get((session.evse, session.connector))
        supply = Supply.DC if seat and seat.max_kw >= DC_FROM_KW else None
        found, rows = on_session_ended(
            session, bill, at, subject=subject, rated=rated, supply=supply
        )
        self.made += 1
        self.said += _says_something(found)
        self.grave += found.grave
        self._remember(site, session, subject, found)
        return rows

    def _remember(
        self, site: str, session: LiveSession, subject: Subject | None, found: SessionCheckUp
    ) -> None:
        ended = session.ended_at
        data = {
            "session": session.id, "station": session.station, "evse": session.evse,
            "ended_at": None if ended is None else ended.isoformat(),
            "battery": None if subject is None else subject.battery,
            "text": found.sentence(), "sure": str(found.sure), "grave": found.grave,
        }  # fmt: skip
        self._last.append((site, data))
