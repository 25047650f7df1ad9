"""A simulated charging station, without socket and clock: bytes, people and time go in.

It is made from the same `Peer` as the server, in the station's role. ``now_s`` is monotonic time
[s], ``at`` the UTC moment that messages carry; powers are in kW at the meter, charging positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.peer import Asked
from zerocity.protocols.ocpp.station import limits, sessions
from zerocity.protocols.ocpp.station.answers import ANSWERS
from zerocity.protocols.ocpp.station.core import LEAST_HEARTBEAT_S, RefusalError, StationCore
from zerocity.protocols.ocpp.station.parts import Car, Evse, Make, Payload
from zerocity.protocols.ocpp.station.profiles import to_ms
from zerocity.protocols.ocpp.station.settings import Settings
from zerocity.protocols.ocpp.station.v2 import VoiceV2
from zerocity.protocols.ocpp.station.v16 import VoiceV16

_DAY_MS = 86_400_000
# How soon a setting that was off is looked at again [s]; an assumption.
_LOOK_AGAIN_S = 60.0
# How soon to boot again where the server gives no interval [s]; an assumption.
_BOOT_AGAIN_S = 30.0
# Codes by which a server says that it does not know us (1.6 4.2; 2.0.1 B01.FR.10).
_UNKNOWN_TO_CSMS = frozenset({"SecurityError"})


class SimStation(StationCore):
    """One station: `connected`, `receive`, `tick` and `take` are its link, the rest its life."""

    def __init__(
        self,
        station_id: str,
        version: Version,
        make: Make | None = None,
        *,
        seed: int = 0,
        password: str = "",
        settings: Settings | None = None,
    ) -> None:
        """A station that has just been switched on; ``seed`` fixes everything random in it."""
        make = make or Make()
        super().__init__(station_id, version, make, seed=seed, password=password, settings=settings)
        self.voice = VoiceV16(self) if version is Version.V16 else VoiceV2(self)
        self._beats = 0
        self._aligns = False

    # The link

    def connected(self, now_s: float, at: datetime) -> None:
        """A connection is up: boot, or go on where it was lost."""
        self.set_moment(now_s, at)
        if not self._aligns:
            self._aligns = True
            self._align_later()
        self.open_link()
        if self.registered == "Accepted":
            self._back()
        else:
            self.boot()
        self._finish()

    def disconnected(self, now_s: float, at: datetime) -> None:
        """The connection is gone; the station goes on charging by what it knows."""
        self.set_moment(now_s, at)
        self.close_link()
        sessions.refresh_all(self)
        self._finish()

    def receive(self, data: bytes | str, now_s: float, at: datetime) -> None:
        """One WebSocket message from the CSMS."""
        if self.peer is None:
            return
        self.set_moment(now_s, at)
        self.take_in(self.peer.receive(data, now_s))
        self._finish()

    def tick(self, now_s: float, at: datetime) -> None:
        """Time has passed; call it at `next_due` or more often."""
        self.set_moment(now_s, at)
        if self.peer is not None:
            self.take_in(self.peer.tick(now_s))
        self._finish()

    def take(self) -> list[bytes]:
        """The frames that wait to leave, each given once."""
        if self.peer is None:
            return []
        frames = self.peer.take()
        if frames:
            self.counts.sent += len(frames)
            self._last_sent_s = self.now_s
        return frames

    def wants_link(self, now_s: float) -> bool:
        """Whether the station wants to be connected now (not while it reboots)."""
        return now_s >= self.link_from_s and not self.hang_up

    # People and the twin

    def plug(
        self,
        evse: int,
        now_s: float,
        at: datetime,
        *,
        token: str | None,
        soc: float,
        capacity_kwh: float,
        need_kwh: float | None = None,
        depart_at: datetime | None = None,
        limit_kw: float = float("inf"),
        own: bool = True,
    ) -> None:
        """A car connects.

        ``token`` None waits for a remote start; ``soc`` 0 to 1; ``need_kwh`` what it wants at the
        meter; ``limit_kw`` what the car takes at most; ``own`` False leaves its power to
        `set_power`. Raises InputError for an unknown or occupied EVSE or values out of range.
        """
        self.set_moment(now_s, at)
        place = self._evse(evse)
        if place.car is not None:
            raise InputError(f"{self.id}, EVSE {evse}", "a second car", "a free EVSE")
        if not 0.0 <= soc <= 1.0 or not capacity_kwh > 0.0 or not limit_kw >= 0.0:
            came = f"soc {soc}, capacity {capacity_kwh} kWh, limit {limit_kw} kW"
            raise InputError(f"{self.id}, EVSE {evse}", came, "0 to 1, above 0, at least 0")
        sessions.plug(
            self, place, Car(token, soc, capacity_kwh, need_kwh, depart_at, limit_kw, own)
        )
        self._finish()

    def unplug(self, evse: int, now_s: float, at: datetime) -> None:
        """The car leaves; nothing happens where there is none."""
        self.set_moment(now_s, at)
        place = self._evse(evse)
        if place.car is not None:
            sessions.unplug(self, place)
        self._finish()

    def set_power(
        self, evse: int, kw: float, now_s: float, at: datetime, *, soc: float | None = None
    ) -> None:
        """The measured power [kW] of a car whose battery somebody else plays, and its SoC."""
        self.set_moment(now_s, at)
        place = self._evse(evse)
        sessions.set_power(self, place, kw if place.transaction is not None else 0.0)
        if soc is not None and place.car is not None:
            place.car.soc = min(max(soc, 0.0), 1.0)
        self._finish()

    def limit_kw(self, evse: int, now_s: float, at: datetime) -> float:
        """What profiles and plug allow now [kW]; 0 while no transaction runs there."""
        self.set_moment(now_s, at)
        place = self._evse(evse)
        if place.transaction is None or not limits.usable(self, place):
            return 0.0
        return limits.limit_kw(self, place)

    def stop(self, evse: int, now_s: float, at: datetime) -> None:
        """The driver ends the transaction at the station; the car stays plugged."""
        self.set_moment(now_s, at)
        sessions.stop(self, self._evse(evse), "StopAuthorized", "Local")
        self._finish()

    def fault(self, evse: int, error: str | None, now_s: float, at: datetime) -> None:
        """The EVSE breaks (a 1.6 error code) or, with None, is well again."""
        self.set_moment(now_s, at)
        place = self._evse(evse)
        if error is not None:
            sessions.stop(self, place, "AbnormalCondition", "Other")
        place.faulted = error
        sessions.refresh_power(self, place)
        sessions.tell_status(self, place)
        self._finish()

    # Its own life

    def boot(self) -> None:
        """Send BootNotification, again and again until the CSMS accepts the station."""
        peer = self.peer

        def answered(payload: Payload) -> None:
            if self.peer is not peer:
                return
            self.registered = payload["status"]
            interval_s = float(payload["interval"]) or _BOOT_AGAIN_S
            if self.registered == "Accepted":
                self.settings.put("heartbeat_s", str(max(int(interval_s), 1)))
                self._accepted()
            else:
                self.later(interval_s, again)

        def refused(_code: str) -> None:
            if self.peer is peer:
                self.later(_BOOT_AGAIN_S, again)

        def again() -> None:
            if self.peer is peer and peer is not None and self.registered != "Accepted":
                self.boot()

        self.say(self.voice.boot(self.boot_reason), answered, refused, unregistered=True)

    def not_accepted(self, code: str) -> None:
        """A server that lost its memory of us wants a BootNotification first."""
        if code in _UNKNOWN_TO_CSMS and self.registered == "Accepted" and self.peer is not None:
            self.registered = "Unknown"
            self.boot_reason = "Unknown"
            self.boot()

    def asked(self, event: Asked) -> None:
        """Answer a call of the CSMS; what the version does not have is refused."""
        assert self.peer is not None
        handler = ANSWERS[self.version].get(event.action)
        if handler is None:
            self.peer.refuse(event.id, "NotSupported", "not served by this station")
            return
        try:
            self.peer.answer(event.id, handler(self, event.payload))
        except RefusalError as refusal:
            self.peer.refuse(event.id, refusal.code, refusal.description)

    def _accepted(self) -> None:
        self.boot_reason = "PowerUp"
        self.lost_at_s = None
        self.profiles.back_online(to_ms(self.at))
        if self.is_16:
            self.say(self.voice.status(0))
        for evse in self.evses.values():
            evse.told_status = None
            sessions.tell_status(self, evse)
        self.pump()
        self._beat()

    def _back(self) -> None:
        """The link is back and nothing was restarted: tell what changed, or all after long."""
        away_s = self.now_s - (self.now_s if self.lost_at_s is None else self.lost_at_s)
        self.lost_at_s = None
        self.profiles.back_online(to_ms(self.at))
        sessions.refresh_all(self)
        for evse in self.evses.values():
            # 2.0.1 B04.FR.01: beyond OfflineThreshold every connector is told anew.
            if away_s > self.settings.number("offline_threshold_s"):
                evse.told_status = None
            sessions.tell_status(self, evse)
        self.pump()
        self._beat()

    def _beat(self) -> None:
        """Begin to beat anew, and no longer as before."""
        self._beats += 1
        self._beat_later(self._beats)

    def _beat_later(self, run: int) -> None:
        def beat() -> None:
            if self._beats != run or not self.online:
                return
            every_s = self.settings.number("heartbeat_s")
            # Any message shows that the station lives (1.6 4.6).
            if self.now_s - self._last_sent_s >= 0.5 * every_s:
                self.say(("Heartbeat", {}))
            self._beat_later(run)

        self.later(max(self.settings.number("heartbeat_s"), LEAST_HEARTBEAT_S), beat)

    def _align_later(self) -> None:
        """Meter values on the clock's full intervals, counted from midnight UTC (1.6 9.1.5)."""
        every_s = self.settings.number("aligned_s")
        now_s = to_ms(self.at) % _DAY_MS / 1000.0
        # Without an interval nothing is sent, but a new setting must be noticed.
        wait_s = every_s - now_s % every_s if every_s else _LOOK_AGAIN_S

        def act() -> None:
            for evse in self.evses.values() if every_s else ():
                evse.settle(self.now_s)
                self.say(self.voice.clock_meter(evse))
            self._align_later()

        self.later(wait_s, act)

    def _evse(self, evse: int) -> Evse:
        found: Mapping[int, Evse] = self.evses
        if evse not in found:
            raise InputError(f"{self.id}, EVSE", str(evse), f"1 to {len(found)}")
        return found[evse]

    def _finish(self) -> None:
        self.run_timers()
        self.pump()
