"""Charging at a simulated station: plug, authorise, start, obey the limits, meter, stop.

The order is the usual one of a public charger: the token is checked first, the transaction starts
once it is accepted (2.x TxStartPoint "Authorized") and ends when either the token or the car is
gone (TxStopPoint "EVConnected,Authorized").
"""

from __future__ import annotations

from collections.abc import Callable

from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.limits import (
    charging_state,
    limit_kw,
    next_change_s,
    usable,
    wish_kw,
)
from zerocity.protocols.ocpp.station.parts import (
    LEAST_KW,
    Car,
    Evse,
    Payload,
    Remote,
    Transaction,
)
from zerocity.protocols.ocpp.station.profiles import to_ms


def plug(core: StationCore, evse: Evse, car: Car) -> None:
    """A car connects; with a token it is authorised, else it waits for one or a remote start."""
    evse.settle(core.now_s)
    evse.car, evse.finishing = car, False
    evse.generation += 1
    remote, evse.remote = evse.remote, None
    tell_status(core, evse)
    if remote is not None and remote.until_s >= core.now_s and car.token is None:
        start_remotely(core, evse, remote.token, remote.remote_start)
    elif car.token is not None:
        authorize(core, evse, car.token, lambda: begin(core, evse, car.token, "Authorized"))


def unplug(core: StationCore, evse: Evse) -> None:
    """The car leaves; its transaction ends."""
    evse.settle(core.now_s)
    evse.power_kw = 0.0
    if evse.transaction is not None:
        stop(core, evse, "EVDeparted", "EVDisconnected")
    evse.car, evse.finishing = None, False
    evse.generation += 1
    tell_status(core, evse)
    core.try_pending()


def authorize(core: StationCore, evse: Evse, token: str, accepted: Callable[[], object]) -> None:
    """Ask whether a token may charge, or decide it from what is known while the link is away."""
    generation = evse.generation

    def decide(status: str | None) -> None:
        if status == "Accepted" and generation == evse.generation:
            accepted()

    def answered(payload: Payload) -> None:
        status = core.voice.token_status(payload) or "Invalid"
        if core.settings.yes("cache"):
            core.cache[token] = status
        decide(status)

    def refused(_code: str) -> None:
        decide(known_status(core, token))

    if _held_for_another(core, evse, token):
        return
    if core.settings.yes("local_first") and _listed(core, token) == "Accepted":
        decide("Accepted")
        return
    core.say(core.voice.authorize(token), answered, refused)


def known_status(core: StationCore, token: str) -> str:
    """A token's standing without the CSMS: local list, then cache, then the rule for strangers.

    OCPP 1.6 3.5 (LocalAuthorizeOffline, AllowOfflineTxForUnknownId); 2.0.1 C13, C15.
    """
    if not core.settings.yes("local_offline"):
        return "Invalid"
    found = _listed(core, token)
    if found is not None:
        return found
    return "Accepted" if core.settings.yes("unknown_offline") else "Invalid"


def start_remotely(core: StationCore, evse: Evse, token: str, remote_start: int | None) -> None:
    """Begin for the CSMS; without a car the EVSE waits for one, as long as the settings say."""
    if evse.car is None:
        until_s = core.now_s + core.settings.number("connection_s")
        evse.remote = Remote(token, remote_start, until_s)
        tell_status(core, evse)
        core.when(until_s, lambda: _give_up_remote(core, evse, until_s))
        return

    def go() -> None:
        begin(core, evse, token, "RemoteStart", remote_start)

    if core.settings.yes("remote_authorize"):
        authorize(core, evse, token, go)
    else:
        go()


def begin(
    core: StationCore,
    evse: Evse,
    token: str | None,
    trigger: str,
    remote_start: int | None = None,
) -> Transaction | None:
    """Start a transaction; None if the EVSE cannot (no car, out of order, one runs already)."""
    if evse.car is None or evse.transaction is not None or not usable(core, evse):
        return None
    evse.settle(core.now_s)
    evse.car.token = token
    transaction = Transaction(
        id=f"{to_ms(core.at):x}-{core.random.getrandbits(64):016x}",
        evse=evse.id,
        token=token,
        started_at=core.at,
        meter_start_wh=evse.energy_wh,
        remote_start=remote_start,
        reservation=_used_reservation(core, evse, token),
    )
    evse.transaction = transaction
    core.counts.sessions += 1
    refresh_power(core, evse, tell=False)
    transaction.charging_state = charging_state(core, evse)

    def answered(payload: Payload) -> None:
        if core.is_16:
            transaction.number = payload["transactionId"]
        _judge(core, evse, transaction, core.voice.token_status(payload))

    core.post(core.voice.begin(transaction, trigger), transaction, on_answer=answered)
    core.say(core.voice.needs(transaction, evse.car))
    tell_status(core, evse)
    _meter_later(core, evse, transaction)
    _step_later(core, evse, transaction)
    return transaction


def stop(core: StationCore, evse: Evse, trigger: str, reason: str) -> None:
    """End the transaction of an EVSE, if one runs; the car may stay."""
    transaction = evse.transaction
    if transaction is None:
        return
    evse.settle(core.now_s)
    evse.power_kw = 0.0
    transaction.stopped = reason
    transaction.charging_state = "EVConnected" if reason != "EVDisconnected" else "Idle"

    def answered(payload: Payload) -> None:
        status = core.voice.token_status(payload)
        if status is not None and transaction.token and core.settings.yes("cache"):
            core.cache[transaction.token] = status

    core.post(core.voice.end(transaction, trigger, reason), transaction, on_answer=answered)
    core.profiles.end_transaction(transaction.running(core.is_16).id)
    evse.transaction = None
    evse.finishing = True
    tell_status(core, evse)
    core.try_pending()


def set_power(core: StationCore, evse: Evse, kw: float) -> None:
    """A new power at the meter [kW]; the energy up to now was counted at the old one."""
    evse.settle(core.now_s)
    evse.power_kw = kw
    _tell_state(core, evse)


def refresh_power(core: StationCore, evse: Evse, *, tell: bool = True) -> None:
    """What the station's own car takes now: the least of limits, plug and battery.

    Where the station's maximum is shared, all its cars move together, or their sum would exceed
    it until each has noticed the others.
    """
    if core.profiles.station_span(to_ms(core.at)).limit_kw is not None:
        for other in core.evses.values():
            if other is not evse and other.transaction is not None:
                _refresh_one(core, other, tell=True)
    _refresh_one(core, evse, tell=tell)


def _refresh_one(core: StationCore, evse: Evse, *, tell: bool) -> None:
    evse.settle(core.now_s)
    car, transaction = evse.car, evse.transaction
    if car is not None and not car.own:
        if transaction is None:
            evse.power_kw = 0.0
    elif car is None or transaction is None or not usable(core, evse):
        evse.power_kw = 0.0
    else:
        evse.power_kw = min(max(limit_kw(core, evse), 0.0), wish_kw(evse))
        if evse.power_kw < LEAST_KW:
            evse.power_kw = 0.0
    if tell:
        _tell_state(core, evse)


def refresh_all(core: StationCore) -> None:
    """The limits have changed: each of the station's own cars takes what it now may."""
    for evse in core.evses.values():
        if evse.transaction is not None:
            _refresh_one(core, evse, tell=True)


def tell_status(core: StationCore, evse: Evse) -> None:
    """Tell a connector's status if it is another than the one last told."""
    status = core.voice.connector_status(evse)
    if status != evse.told_status and core.online and core.say(core.voice.status(evse.id)):
        evse.told_status = status


def meter_now(core: StationCore, evse: Evse, context: str) -> None:
    """Queue the meter values of a running transaction."""
    transaction = evse.transaction
    if transaction is None:
        return
    evse.settle(core.now_s)
    core.post(core.voice.meter(transaction, context), transaction, may_drop=True)


def _tell_state(core: StationCore, evse: Evse) -> None:
    transaction = evse.transaction
    if transaction is None:
        return
    state = charging_state(core, evse)
    if state == transaction.charging_state:
        return
    transaction.charging_state = state
    core.post(core.voice.change(transaction, "ChargingStateChanged"), transaction)
    tell_status(core, evse)


def _judge(core: StationCore, evse: Evse, transaction: Transaction, status: str | None) -> None:
    """The CSMS's word on the token of a transaction that has begun (1.6 4.8; 2.0.1 C15, E05)."""
    if transaction.token is not None and status is not None and core.settings.yes("cache"):
        core.cache[transaction.token] = status
    if status in (None, "Accepted", "ConcurrentTx") or evse.transaction is not transaction:
        return
    if core.settings.yes("stop_on_invalid"):
        stop(core, evse, "Deauthorized", "DeAuthorized")


def _meter_later(core: StationCore, evse: Evse, transaction: Transaction) -> None:
    interval_s = core.settings.number("meter_s")
    # Without an interval nothing is sent, but a new setting must be noticed.
    core.later(interval_s or 60.0, lambda: _meter_due(core, evse, transaction, interval_s > 0))


def _meter_due(core: StationCore, evse: Evse, transaction: Transaction, send: bool) -> None:
    if evse.transaction is not transaction:
        return
    if send:
        meter_now(core, evse, "Sample.Periodic")
    _meter_later(core, evse, transaction)


def _step_later(core: StationCore, evse: Evse, transaction: Transaction) -> None:
    """Look again when a limit changes, the car is done, or the battery has moved on."""
    wait_s = min(core.make.step_s, next_change_s(core, evse))
    car = evse.car
    if car is not None and car.own and car.need_kwh is not None and evse.power_kw > LEAST_KW:
        wait_s = min(wait_s, car.need_kwh / evse.power_kw * 3600.0)
    core.later(max(wait_s, 1e-3), lambda: _step_due(core, evse, transaction))


def _step_due(core: StationCore, evse: Evse, transaction: Transaction) -> None:
    if evse.transaction is transaction:
        refresh_power(core, evse)
        _step_later(core, evse, transaction)


def _give_up_remote(core: StationCore, evse: Evse, until_s: float) -> None:
    if evse.remote is not None and evse.remote.until_s == until_s:
        evse.remote = None
        tell_status(core, evse)


def _listed(core: StationCore, token: str) -> str | None:
    if core.settings.yes("list") and token in core.local_list:
        return core.local_list[token]
    return core.cache.get(token) if core.settings.yes("cache") else None


def _held_for_another(core: StationCore, evse: Evse, token: str) -> bool:
    held = next((r for r in core.reservations.values() if r.evse == evse.id), None)
    return held is not None and token not in (held.token, held.group)


def _used_reservation(core: StationCore, evse: Evse, token: str | None) -> int | None:
    for held in core.reservations.values():
        if held.evse in (0, evse.id) and token in (held.token, held.group):
            del core.reservations[held.id]
            return held.id
    return None
