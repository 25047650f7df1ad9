"""The running city as plain data for pages and commands, and the orders that come back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from zerocity.app.live_metrics import Figure
from zerocity.app.passport import passport
from zerocity.app.station_page import station_page
from zerocity.charging.receipt import receipt
from zerocity.control.sighting import METER_FRESH_S
from zerocity.errors import InputError, RunStateError
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.office.commands import BUILDERS, order
from zerocity.storage.live_tables import cdrs, sessions, work_orders
from zerocity.storage.recorder import Row
from zerocity.storage.users import User, by_key, by_password

if TYPE_CHECKING:
    from zerocity.app.live import LivePlatform

MOST_INSPECTIONS = 500
# A password is dear to check: so many at a time, that guessing leaves the city its processor.
MOST_SIGN_INS = 2
# What one must be allowed to do to give a command; any other, and a raw action of the protocol,
# is an administrator's.
PERMISSIONS = {
    "start": "start_charging", "stop": "stop_charging", "reserve": "reserve",
    "cancel_reservation": "reserve", "unlock": "unlock", "swap": "swap", "limit": "set_limit",
    "limit_discharge": "set_limit", "priority": "set_limit", "composite": "see",
    "profiles": "see", "inventory": "see", "transaction_status": "see", "trigger": "trigger",
    "availability": "change_availability", "reset": "reset", "set_variable": "set_variables",
    "get_variables": "see", "update_firmware": "update_firmware", "get_log": "fetch_logs",
    "send_local_list": "edit_tokens", "local_list_version": "see", "clear_cache": "edit_tokens",
    "install_certificate": "edit_certificates", "renew_certificate": "edit_certificates",
    "certificates": "see", "grid_controls": "der_control", "reserve_signal": "der_control",
    "show_message": "set_variables", "clear_message": "set_variables", "shown_messages": "see",
    "show_cost": "edit_tariffs", "monitors": "see", "customer_information": "see_personal",
}  # fmt: skip

# A profile set past the control loop would let a site draw what the loop does not know of.
LOOPS_OWN = {"limit", "SetChargingProfile", "ClearChargingProfile", "UpdateDynamicSchedule"}


@contextmanager
def _asked(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to ask on; RunStateError when the database does not answer."""
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise RunStateError("the database does not answer; ask again later") from error


def _plain(number: float) -> float | None:
    """A number that JSON can say."""
    return None if not math.isfinite(number) else round(number, 4)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


class PlatformView:
    """What `web.api.Platform` asks for."""

    def __init__(self, platform: LivePlatform) -> None:
        self._of = platform
        self._signing_in = asyncio.Semaphore(MOST_SIGN_INS)

    async def person(self, kind: str, secret: str) -> User | None:
        """Who signs in with this key or password."""
        if not kind.isprintable():
            return None
        async with self._signing_in:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, self._person, kind, secret)

    def _person(self, kind: str, secret: str) -> User | None:
        of = self._of
        with _asked(of.engine) as connection:
            if kind == "key":
                return by_key(connection, secret, of.clock.utc())
            found, rows = by_password(connection, kind.removeprefix("password "), secret)
        if rows:
            of.recorder.submit(list(rows))
        return found

    def figures(self) -> list[Figure]:
        """Figures for Prometheus."""
        of = self._of
        return [
            *of.poller.figures(),
            ("counter", "check_ups", "Batteries checked up.", lambda: of.check_ups.made),
            ("counter", "check_ups_grave", "Grave findings.", lambda: of.check_ups.grave),
            ("gauge", "sessions", "Open charging sessions.", lambda: len(of.registry.sessions)),
            ("gauge", "vehicles_online", "Vehicles connected.", lambda: of.vehicles.online()),
            ("counter", "control_steps", "Decisions made.", lambda: of.world.steps),
            ("counter", "control_steps_failed", "Decisions failed.", lambda: of.steps_failed),
            ("counter", "plans", "Plans made.", lambda: of.planning.made),
            ("counter", "limits_sent", "Limits sent to stations.", lambda: of.reach.sent),
            ("counter", "limits_refused", "Limits not taken.", lambda: of.reach.refused),
            ("counter", "journal_lost", "Steps that no journal has.", lambda: of.journal.lost),
            ("counter", "readings_refused", "Readings refused.", lambda: of.readings.refused),
            ("counter", "clock_jumps", "Jumps of the calendar.", lambda: of.clock.jumps),
            ("gauge", "sites_blind", "Sites whose meter is silent.", self._blind),
            ("gauge", "sites_over_limit", "Sites above their connection.", self._over),
            ("gauge", "charging_kw", "Power of all chargers.", self._charging_kw),
        ]

    def _charging_kw(self) -> float:
        return float(self._of.readings.charging_kw.sum())

    def _blind(self) -> int:
        return int((self._of.readings.age_s(self._of.clock.now_s()) > METER_FRESH_S).sum())

    def _over(self) -> int:
        of = self._of
        return int((of.readings.net_kw > of.facts.import_limit_kw * 1.001).sum())

    def health(self) -> dict[str, Any]:
        """How it goes."""
        of = self._of
        problems = []
        if not of.recorder.healthy:
            problems.append(f"the database: {of.recorder.error}")
        if of.journal.error:
            problems.append(of.journal.error)
        if of.planning.failed:
            problems.append(f"the last plan failed: {of.planning.failed}")
        if of.stumbles:
            problems.append(f"decisions fail, {of.steps_failed} so far: see the log")
        if not of.ocpp.ready:
            problems.append("stations are not let in")
        sessions = list(of.registry.sessions.values())
        return {
            "city": of.city.name,
            "at": _moment(of.clock.utc()),
            "ready": not problems,
            "problems": problems,
            "stations": len(of.registry.stations),
            "stations_online": sum(s.online for s in of.registry.stations.values()),
            "sessions": len(sessions),
            "charging_kw": _plain(sum(s.power_kw for s in sessions)),
            "vehicles": len(of.vehicles),
            "vehicles_online": of.vehicles.online(),
            "sites": len(of.facts),
            "sites_blind": self._blind(),
            "sites_over_limit": self._over(),
            "steps": of.world.steps,
            "steps_failed": of.steps_failed,
            "plans": of.planning.made,
            "limits_sent": of.reach.sent,
            "limits_refused": of.reach.refused,
            "rows_waiting": of.recorder.waiting,
            "rows_committed": of.recorder.committed,
            "journal_steps_lost": of.journal.lost,
            **of.proof.report(of.clock.utc()),
        }

    def sites(self) -> list[dict[str, Any]]:
        """Every site with its readings."""
        of = self._of
        age = of.readings.age_s(of.clock.now_s())
        caps = of.world.orders.cap_kw
        return [
            {
                "site": name,
                "import_limit_kw": _plain(of.facts.import_limit_kw[k]),
                "cap_kw": caps.get(name),
                "net_kw": _plain(of.readings.net_kw[k]),
                "charging_kw": _plain(of.readings.charging_kw[k]),
                "pv_kw": _plain(of.readings.pv_kw[k]),
                "pv_share": _plain(of.readings.pv_share[k]),
                "store_kw": _plain(of.readings.store_kw[k]),
                "store_kwh": _plain(of.readings.store_kwh[k]),
                "age_s": _plain(age[k]),
            }
            for k, name in enumerate(of.facts.names)
        ]

    def stations(self) -> list[dict[str, Any]]:
        """Every station."""
        return [
            {
                "station": s.id,
                "site": s.site,
                "kind": s.kind,
                "version": s.version,
                "online": s.online,
                "boot": s.boot,
                "model": f"{s.vendor} {s.model}".strip(),
                "firmware": s.firmware,
                "plugs": [
                    {"evse": evse, "connector": n, "status": c.status, "max_kw": c.max_kw,
                     "session": None if c.session is None else c.session.id}
                    for (evse, n), c in s.connectors.items()
                ],
                "slots": [
                    {"evse": slot.evse, "serial": slot.serial, "soc": slot.soc, "soh": slot.soh}
                    for slot in s.slots.values()
                ],
            }
            for s in self._of.registry.stations.values()
        ]  # fmt: skip

    def sessions(self) -> list[dict[str, Any]]:
        """Every open session."""
        return [self._session(s) for s in self._of.registry.sessions.values()]

    def _session(self, s: LiveSession) -> dict[str, Any]:
        kwh, hours, assumed = s.need(self._of.clock.utc())
        return {
            "session": s.id,
            "station": s.station,
            "evse": s.evse,
            "state": s.state.value,
            "started_at": _moment(s.started_at),
            "energy_kwh": _plain(s.energy_so_far_kwh),
            "power_kw": _plain(s.power_kw),
            "granted_kw": s.granted_kw,
            "soc": s.soc,
            "wants_kwh": _plain(kwh),
            "leaves_in_h": _plain(hours),
            "assumed": assumed,
            "notes": s.notes,
        }

    def receipt(self, session: str) -> dict[str, Any] | None:
        """The receipt of an ended session."""
        if not session.isprintable():
            return None
        with _asked(self._of.engine) as connection:
            row = connection.execute(sa.select(cdrs).where(cdrs.c.session == session)).first()
            about = connection.execute(sa.select(sessions).where(sessions.c.id == session)).first()
        if row is None:
            return None
        return receipt(_row(row), None if about is None else dict(about._mapping)).data()

    def passport(self, battery: str, personal: bool) -> dict[str, Any] | None:
        """What the ledger says of a battery's life."""
        if not battery.isprintable():
            return None
        with _asked(self._of.engine) as connection:
            return passport(connection, battery, personal)

    def page(self, site: str) -> dict[str, Any] | None:
        """Everything about one site: sun, store, chargers, slots, check-ups, today's energy."""
        of = self._of
        if site not in of.readings.number:
            return None
        link = next((one for one in of.poller.status() if one["site"] == site), None)
        return station_page(
            of.registry, of.readings, site, facts=of.facts, at=of.clock.utc(),
            now_s=of.clock.now_s(), check_ups=of.check_ups.last(site), today=of.days.page(site),
            link=link,
        )  # fmt: skip

    def vehicles(self, personal: bool) -> list[dict[str, Any]]:
        """Every vehicle; VIN and position only where ``personal``."""
        now_s = self._of.clock.now_s()
        found = []
        for v in self._of.vehicles:
            row: dict[str, Any] = {
                "vehicle": v.id, "fleet": v.fleet, "online": v.online,
                "age_s": _plain(v.age_s(now_s)),
            }  # fmt: skip
            if v.last is not None:
                row |= {
                    "at": _moment(v.last.at), "soc": _plain(v.last.soc),
                    "power_kw": _plain(v.last.power_kw), "speed_kmh": _plain(v.last.speed_kmh),
                    "charging": v.last.charging, "alarm_level": v.last.alarm_level,
                }  # fmt: skip
            if personal:
                row["vin"] = v.vin
                if v.last is not None:
                    row |= {"longitude": _plain(v.last.longitude),
                            "latitude": _plain(v.last.latitude)}  # fmt: skip
            found.append(row)
        return found

    def inspections(self) -> list[dict[str, Any]]:
        """Open work orders, the gravest first."""
        asked = (
            sa.select(work_orders)
            .where(work_orders.c.status == "open")
            .order_by(work_orders.c.severity.desc(), work_orders.c.created_at)
            .limit(MOST_INSPECTIONS)
        )
        with _asked(self._of.engine) as connection:
            rows = connection.execute(asked).all()
        return [_row(row) for row in rows]

    # Orders

    def cap(self, who: str, site: str, kw: float | None) -> None:
        """Set or end a grid event's import limit of a site."""
        if site not in self._of.readings.number:
            raise InputError("site", repr(site), "a site of the city")
        _set(self._of.world.orders.cap_kw, site, kw)
        self._note(who, "cap", site, kw)

    def order(self, who: str, session: str, kw: float | None) -> None:
        """Set or end a person's order for a session."""
        if session not in self._of.registry.sessions:
            raise InputError("session", repr(session), "an open session")
        _set(self._of.world.orders.asked_kw, session, kw)
        self._note(who, "limit", session, kw)

    def command(self, who: str, station: str, name: str, arguments: dict[str, Any]) -> None:
        """Send a command to a station; its outcome goes into the audit log."""
        if name in LOOPS_OWN:
            raise InputError(
                "a command", name, "one that leaves charging profiles to the control loop",
                "Order a session's power with PUT /api/sessions/SESSION/limit",
            )  # fmt: skip
        found = self._of.registry.stations.get(station)
        if found is None or not found.online:
            came = "an unknown one" if found is None else "one that is not connected"
            raise InputError("station", came, "a station that is connected")
        of = self._of
        asked = order(of.registry, found, name, arguments, of.clock.utc(), who)
        of.ocpp.call(station, asked.action, asked.payload, asked)

    def action_of(self, command: str) -> str | None:
        """The permission that a command needs: that of its word, or an administrator's."""
        if command in PERMISSIONS:
            return PERMISSIONS[command]
        return "edit_stations" if command in BUILDERS or command[:1].isupper() else None

    def _note(self, who: str, action: str, target: str, kw: float | None) -> None:
        of = self._of
        values = {
            "at": of.clock.utc(), "who": who, "action": action, "target": target,
            "outcome": "set" if kw is not None else "ended", "details": {"kw": kw},
        }  # fmt: skip
        of.recorder.submit([Row("audit_log", values)])
        of.world.nudge()


def _set(orders: dict[str, float], key: str, kw: float | None) -> None:
    if kw is None:
        orders.pop(key, None)
    else:
        orders[key] = kw


def _row(row: sa.Row[Any]) -> dict[str, Any]:
    # The database names its columns by a kind of str that JSON does not take.
    return {str(name): _said(value) for name, value in row._mapping.items()}


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
