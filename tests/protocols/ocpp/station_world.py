"""A station and a small CSMS face to face in memory, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from zerocity.protocols.ocpp.messages import Role, Version
from zerocity.protocols.ocpp.peer import Answered, Asked, Broke, Peer, Refused, Told
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.station import SimStation

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
Payload = dict[str, Any]


class World:
    """One link; ``asked`` is what the station called, ``results`` what it answered."""

    def __init__(
        self,
        version: Version = Version.V201,
        make: Make | None = None,
        station: SimStation | None = None,
    ) -> None:
        self.version = version
        self.station = station or SimStation("sim-0001", version, make, seed=7)
        self.now_s = 1000.0
        self.csms: Peer | None = None
        self.asked: list[tuple[str, Payload]] = []
        self.told: list[tuple[str, Payload]] = []
        self.results: list[Answered | Refused] = []
        self.broken: list[Broke] = []
        self.frames: list[bytes] = []
        self.token_status = "Accepted"
        self.boot_status = "Accepted"
        self.answers: dict[str, Callable[[Payload], Payload | str]] = {}
        self.silent = False
        self.interval_s = 60
        self.unanswered: list[Asked] = []
        self._transactions = 100

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.now_s - 1000.0)

    def connect(self) -> World:
        self.csms = Peer(self.version, Role.CSMS)
        self.station.connected(self.now_s, self.at)
        self.settle()
        return self

    def cut(self) -> None:
        self.csms = None
        self.station.disconnected(self.now_s, self.at)

    def run(self, seconds: float, step_s: float = 1.0) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s = min(self.now_s + step_s, end_s)
            self.station.tick(self.now_s, self.at)
            self.settle()

    def ask(self, action: str, payload: Payload) -> Payload:
        """Call the station; its answer."""
        assert self.csms is not None
        self.csms.call(action, payload, self.now_s)
        before = len(self.results)
        self.settle()
        result = self.results[before]
        assert isinstance(result, Answered), result
        return result.payload

    def speak(self) -> None:
        """End a silence: what was left unanswered is answered now."""
        self.silent, waiting, self.unanswered = False, self.unanswered, []
        for event in waiting:
            self._reply(event)
        self.settle()

    def said(self, action: str) -> list[Payload]:
        return [payload for name, payload in self.asked if name == action]

    def events(self) -> list[Payload]:
        return self.said("TransactionEvent")

    def settle(self) -> None:
        """Carry frames both ways until nothing moves."""
        while self.csms is not None:
            up, down = self.station.take(), self.csms.take()
            if not up and not down:
                return
            self.frames += up
            for frame in up:
                self._heard(self.csms.receive(frame, self.now_s))
            for frame in down:
                self.station.receive(frame, self.now_s, self.at)

    def _heard(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Asked):
                self.asked.append((event.action, event.payload))
                if self.silent:
                    self.unanswered.append(event)
                else:
                    self._reply(event)
            elif isinstance(event, Told):
                self.told.append((event.action, event.payload))
            elif isinstance(event, Broke):
                self.broken.append(event)
            else:
                self.results.append(event)

    def _reply(self, event: Asked) -> None:
        assert self.csms is not None
        special = self.answers.get(event.action)
        found = special(event.payload) if special else self._usual(event.action, event.payload)
        if isinstance(found, str):
            self.csms.refuse(event.id, found, "by the test")
        else:
            self.csms.answer(event.id, found)

    def _usual(self, action: str, payload: Payload) -> Payload:
        now = self.at.isoformat()
        tag = {"idTagInfo": {"status": self.token_status}}
        token = {"idTokenInfo": {"status": self.token_status}}
        self._transactions += action == "StartTransaction"
        boot = {"status": self.boot_status, "currentTime": now, "interval": self.interval_s}
        accepted = {"status": "Accepted"}
        return {
            "BootNotification": boot,
            "Heartbeat": {"currentTime": now},
            "StartTransaction": {"transactionId": self._transactions, **tag},
            "Authorize": tag if self.version is Version.V16 else token,
            "TransactionEvent": token if "idToken" in payload else {},
            "SignCertificate": accepted,
            "OpenPeriodicEventStream": accepted,
            "NotifyEVChargingNeeds": accepted,
        }.get(action, {})


def plugged(world: World, evse: int = 1, **more: Any) -> None:
    """A usual car plugs in."""
    usual: Payload = {"token": "driver-1", "soc": 0.3, "capacity_kwh": 60.0, "need_kwh": 20.0}
    world.station.plug(evse, world.now_s, world.at, **{**usual, **more})
    world.settle()
