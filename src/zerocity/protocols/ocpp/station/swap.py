"""A simulated swap cabinet: block S of OCPP 2.1.

Slots are EVSEs: Available is empty, Occupied holds a pack, told by NotifyEvent. A swap itself is
no transaction; charging each pack is one, from its coming to its going (S04). BatterySwap tells
what came in and what went out under one request id; the CSMS may ask for a swap by
RequestBatterySwap, which is refused where no pack is charged (S02).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station import sessions
from zerocity.protocols.ocpp.station.answers import ANSWERS
from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.device import row
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.parts import Car, Entry, Evse, Make, Payload
from zerocity.protocols.ocpp.station.settings import Settings
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap_parts import TOKEN_TYPE, Pack, SwapFault, SwapVoice
from zerocity.protocols.ocpp.wire_words import status_info

# The first request id of swaps that begin at the cabinet; a CSMS counts its own from below.
# An assumption: block S does not say how the two ranges keep apart.
_OWN_REQUESTS = 1_000_000
# So long a cabinet waits for its CSMS before it charges unasked [s]; an assumption.
_ALONE_S = 30.0


class SwapCabinet(SimStation):
    """A station whose slots hold packs; `packs` are those in the slots, the fullest go first."""

    def __init__(
        self,
        station_id: str,
        make: Make,
        packs: Sequence[Pack | None] = (),
        *,
        seed: int = 0,
        password: str = "",
        charges: bool = True,
    ) -> None:
        """A cabinet of ``make.evses`` slots with ``packs`` in the first ones; None leaves a gap.

        ``charges`` False leaves the packs' power and SoC to `set_power`.
        """
        if len(packs) > make.evses:
            raise InputError(f"{station_id}, packs", str(len(packs)), f"at most {make.evses}")
        settings = Settings(
            password=password,
            identity=station_id,
            model=make.model,
            vendor=make.vendor,
            connectors=str(make.evses),
            # The cabinet's own token is nobody's to refuse.
            stop_on_invalid="false",
        )
        super().__init__(
            station_id, Version.V21, make, seed=seed, password=password, settings=settings
        )
        self.voice = SwapVoice(self)
        self.packs: dict[int, Pack] = {}
        self.charges = charges
        self.requests: dict[int, str] = {}
        """Swaps that the CSMS asked for and nobody has come for yet: request id, token."""
        self.on_request: Callable[[int, str], None] | None = None
        """Called once a swap of the CSMS is accepted: request id and token."""
        self._next_request = _OWN_REQUESTS
        self._switched_on = False
        for evse, pack in zip(self.evses.values(), packs, strict=False):
            if pack is not None:
                self._seat(evse, pack)

    # The link

    def tick(self, now_s: float, at: datetime) -> None:
        """Time has passed; a cabinet that no CSMS accepts charges its packs all the same."""
        if not self._switched_on:
            self._switched_on = True
            self.set_moment(now_s, at)
            self.later(_ALONE_S, self._wake_all)
        super().tick(now_s, at)

    def disconnected(self, now_s: float, at: datetime) -> None:
        """The connection is gone, perhaps for a restart."""
        if self.registered != "Accepted":
            self.set_moment(now_s, at)
            self.later(self.make.reboot_s + _ALONE_S, self._wake_all)
        super().disconnected(now_s, at)

    # What the twin and the riders do

    def swap_in(
        self,
        packs: Sequence[Pack],
        now_s: float,
        at: datetime,
        *,
        token: str,
        request_id: int | None = None,
        slots: Sequence[int] | None = None,
    ) -> int:
        """Packs come into empty slots, ``slots`` if given, and begin to charge; the request id.

        Raises InputError where there are not slots enough.
        """
        self.set_moment(now_s, at)
        empty = [e for e in self.empty_slots() if slots is None or e.id in slots]
        if len(empty) < len(packs):
            raise InputError(f"{self.id}, packs", str(len(packs)), f"at most {len(empty)}")
        number = self._number(request_id)
        used = [evse.id for evse, _ in zip(empty, packs, strict=False)]
        for evse, pack in zip(empty, packs, strict=False):
            self._seat(evse, pack)
        self._tell("BatteryIn", number, token, used)
        for evse in empty[: len(packs)]:
            sessions.tell_status(self, evse)
            self._charge(evse)
        self._finish()
        return number

    def swap_out(
        self,
        request_id: int,
        count: int,
        now_s: float,
        at: datetime,
        *,
        token: str,
        taken: bool = True,
        slots: Sequence[int] | None = None,
    ) -> list[Pack]:
        """Packs go out: of ``slots``, or the fullest that are ready; those that went.

        ``taken`` False: they are offered, and after the timeout the cabinet keeps them. Fewer
        than ``count`` go where fewer are charged.
        """
        self.set_moment(now_s, at)
        ready = self.ready_slots()[:count] if slots is None else [self._evse(n) for n in slots]
        ready = [evse for evse in ready if evse.id in self.packs]
        if not ready:
            return []
        numbers = [evse.id for evse in ready]
        if not taken:
            wait_s = self.settings.number("swap_timeout_s")
            self.later(wait_s, lambda: self._not_taken(request_id, token, numbers))
            return []
        self._settle(ready)
        self._tell("BatteryOut", request_id, token, numbers)
        gone = [self._unseat(evse) for evse in ready]
        self.counts.swaps += 1
        self._finish()
        return gone

    def visit(
        self,
        packs: Sequence[Pack],
        now_s: float,
        at: datetime,
        *,
        token: str,
        request_id: int | None = None,
        fault: SwapFault | None = None,
        done: Callable[[list[Pack]], None] | None = None,
    ) -> None:
        """A rider brings packs and takes as many away; ``done`` hears what the rider has then.

        The rider's token is authorised first, unless the CSMS asked for the swap. Who is refused,
        or finds no charged pack, leaves with the own packs.
        """
        self.set_moment(now_s, at)

        def refused() -> None:
            self.counts.swaps_refused += 1
            if done is not None:
                done(list(packs))

        def go() -> None:
            self._exchange(packs, token, request_id, fault, refused, done)

        def unheard(_code: str) -> None:
            if sessions.known_status(self, token) == "Accepted":
                go()
            else:
                refused()

        def judged(payload: Payload) -> None:
            if self.voice.token_status(payload) == "Accepted":
                go()
            else:
                refused()

        if request_id is not None or fault is SwapFault.UNAUTHORISED:
            go()
        else:
            self.say(self.voice.authorize(token), judged, unheard)
        self._finish()

    def drain(self, soc: float, now_s: float, at: datetime) -> None:
        """Every pack falls to ``soc`` (0 to 1), so that none can be handed out."""
        self.set_moment(now_s, at)
        self._settle(list(self.evses.values()))
        for evse in self.evses.values():
            if evse.car is not None:
                evse.car.soc = soc
            sessions.refresh_power(self, evse)
        self._finish()

    def next_request(self) -> int:
        """A request id for a swap that begins here."""
        return self._number(None)

    def empty_slots(self) -> list[Evse]:
        """The slots that can take a pack."""
        return [e for e in self.evses.values() if e.car is None and usable(self, e)]

    def ready_slots(self) -> list[Evse]:
        """The slots whose packs may go out, the fullest first."""
        least = self.settings.number("swap_ready_soc") / 100.0
        self._settle(list(self.evses.values()))
        ready = [
            e
            for e in self.evses.values()
            if e.car is not None and e.car.soc >= least - 1e-9 and usable(self, e)
        ]
        return sorted(ready, key=lambda e: -self._soc(e))

    # Inside

    def more_rows(self) -> Iterator[Payload]:
        """The packs, for reports: BatteryCartridge with serial, SoC and SoH of each slot."""
        for number, pack in self.packs.items():
            where = {"id": number}
            soc = f"{self._soc(self.evses[number]) * 100.0:.1f}"
            yield row("BatteryCartridge", where, "SerialNumber", pack.serial, "string")
            yield row("BatteryCartridge", where, "SoC", soc, "decimal", "Percent")
            soh = f"{pack.soh * 100.0:.1f}"
            yield row("BatteryCartridge", where, "SoH", soh, "decimal", "Percent")
        wh = "BatterySwapCtrlr"
        yield row(wh, None, "ReadyBatteries", str(len(self.ready_slots())), "integer")

    def wake(self, evse: Evse) -> None:
        """A slot serves again: its pack goes on charging."""
        if evse.car is not None and evse.transaction is None:
            self._charge(evse)

    def _accepted(self) -> None:
        super()._accepted()
        self._wake_all()

    def _wake_all(self) -> None:
        """A boot opens new transactions for what stands in the slots (S04.FR.11)."""
        for evse in self.evses.values():
            self.wake(evse)

    def _exchange(
        self,
        packs: Sequence[Pack],
        token: str,
        request_id: int | None,
        fault: SwapFault | None,
        refused: Callable[[], None],
        done: Callable[[list[Pack]], None] | None,
    ) -> None:
        if len(self.ready_slots()) < len(packs) or len(self.empty_slots()) < len(packs):
            refused()
            return
        number = self._number(request_id)
        timeout = fault is SwapFault.TIMEOUT

        def bring() -> None:
            self.swap_in(packs, self.now_s, self.at, token=token, request_id=number)

        def take() -> list[Pack]:
            return self.swap_out(
                number, len(packs), self.now_s, self.at, token=token, taken=not timeout
            )

        def leave(gone: list[Pack]) -> None:
            if done is not None:
                done(gone)

        if self.settings.text("swap_order") == "Out-In":
            gone = take()

            def close() -> None:
                bring()
                leave(gone)

            self.later(self.make.phase_s, close)
            return
        bring()
        self._disturb(fault)
        self.later(self.make.phase_s, lambda: leave(take()))

    def _disturb(self, fault: SwapFault | None) -> None:
        entry = self._last
        if fault is SwapFault.DUPLICATE and entry is not None:
            self.later(1.0, lambda: self.post((entry.action, entry.payload), None))
        elif fault is SwapFault.RESEND and entry is not None:
            self.later(1.0, lambda: self.repeat(entry))

    def _not_taken(self, request_id: int, token: str, slots: list[int]) -> None:
        there = [n for n in slots if n in self.packs]
        if there:
            self._settle([self.evses[n] for n in there])
            self._tell("BatteryOutTimeout", request_id, token, there)

    _last: Entry | None = None

    def _tell(self, kind: str, request_id: int, token: str, slots: list[int]) -> None:
        batteries = []
        for number in slots:
            pack = self.packs[number]
            data: Payload = {
                "evseId": number,
                "serialNumber": pack.serial,
                "soC": round(self._soc(self.evses[number]) * 100.0, 1),
                "soH": round(pack.soh * 100.0, 1),
            }
            if pack.produced is not None:
                data["productionDate"] = pack.produced
            batteries.append(data)
        payload = {
            "eventType": kind,
            "requestId": request_id,
            "idToken": {"idToken": token, "type": TOKEN_TYPE},
            "batteryData": batteries,
        }
        self._last = self.post(("BatterySwap", payload), None)

    def _seat(self, evse: Evse, pack: Pack) -> None:
        self.packs[evse.id] = pack
        evse.car = Car(None, pack.soc, pack.capacity_kwh, limit_kw=evse.max_kw, own=self.charges)
        evse.generation += 1

    def _unseat(self, evse: Evse) -> Pack:
        sessions.stop(self, evse, "EVDeparted", "EVDisconnected")
        pack = self.packs.pop(evse.id)
        pack.soc = self._soc(evse)
        evse.car, evse.finishing = None, False
        evse.generation += 1
        sessions.tell_status(self, evse)
        return pack

    def _charge(self, evse: Evse) -> None:
        sessions.begin(self, evse, self.settings.text("swap_token"), "CablePluggedIn")

    def _settle(self, evses: Sequence[Evse]) -> None:
        for evse in evses:
            evse.settle(self.now_s)

    def _soc(self, evse: Evse) -> float:
        return self.packs[evse.id].soc if evse.car is None else evse.car.soc

    def _number(self, request_id: int | None) -> int:
        if request_id is not None:
            self.requests.pop(request_id, None)
            return request_id
        self._next_request += 1
        return self._next_request


def request_battery_swap(core: StationCore, asked: Payload) -> Payload:
    """RequestBatterySwap (S02): refused without a charged pack or an empty slot."""
    if not isinstance(core, SwapCabinet):
        return {"status": "Rejected", "statusInfo": status_info("NotSupported")}
    if not core.settings.yes("swap_enabled"):
        return {"status": "Rejected", "statusInfo": status_info("NotEnabled")}
    if not core.ready_slots():
        core.counts.swaps_refused += 1
        return {"status": "Rejected", "statusInfo": status_info("NoBatteryAvailable")}
    if not core.empty_slots():
        return {"status": "Rejected", "statusInfo": status_info("NoSlotAvailable")}
    number, token = asked["requestId"], asked["idToken"]["idToken"]
    core.requests[number] = token
    come = core.on_request
    if come is not None:
        core.later(0.0, lambda: come(number, token))
    return {"status": "Accepted"}


ANSWERS[Version.V21]["RequestBatterySwap"] = request_battery_swap
