"""What a simulated station's EVSEs may take, want, and get of a limit that they share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zerocity.charging.acceptance import acceptance
from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.parts import LEAST_KW, Evse
from zerocity.protocols.ocpp.station.profiles import Running, to_ms

# A car that is this near to what it asked for has it [kWh].
_ENOUGH_KWH = 1e-6
# In plain Python: compiling it would stop every station for a second.
_acceptance = acceptance.py_func


def usable(core: StationCore, evse: Evse) -> bool:
    """Whether the EVSE may serve anyone."""
    return core.operative and evse.operative and evse.faulted is None


def wish_kw(evse: Evse) -> float:
    """What plug and car would take without any limit from outside [kW]."""
    car = evse.car
    if car is None or evse.transaction is None:
        return 0.0
    enough = car.need_kwh is not None and car.need_kwh <= _ENOUGH_KWH
    if enough or car.soc >= 1.0:
        return 0.0
    most_kw = min(evse.max_kw, car.limit_kw)
    if not car.own:
        return most_kw
    pack_kw = car.limit_kw if math.isfinite(car.limit_kw) else evse.max_kw
    return min(most_kw, pack_kw * float(_acceptance(car.soc)))


def limit_kw(core: StationCore, evse: Evse) -> float:
    """What profiles and plug allow an EVSE now [kW]; below 0 a 2.1 set point asks for discharge.

    The station's own maximum is shared among its EVSEs with a transaction: equal shares, and what
    one cannot use goes to the others.
    """
    now_ms = to_ms(core.at)
    own = _own_limit_kw(core, evse, now_ms)
    whole = core.profiles.station_span(now_ms).limit_kw
    if whole is None or own <= 0.0:
        return own
    others = [e for e in core.evses.values() if e.transaction is not None and e is not evse]
    wishes = [max(min(_own_limit_kw(core, e, now_ms), wish_kw(e)), 0.0) for e in others]
    return fair_part(whole, own, wishes)


def fair_part(whole: float, wish: float, others: Sequence[float]) -> float:
    """The part of ``whole`` for one whose ``wish`` competes with ``others``; all at least 0.

    Max-min fair: small wishes are met, the larger ones get equal parts (Bertsekas and Gallager,
    Data Networks, 1992, section 6.5.2).
    """
    left, sharers = whole, len(others) + 1
    for other in sorted(others):
        if other >= left / sharers:
            break
        left -= other
        sharers -= 1
    return max(min(wish, left / sharers), 0.0)


def charging_state(core: StationCore, evse: Evse) -> str:
    """Charging, SuspendedEVSE (the station gives nothing) or SuspendedEV (the car takes none)."""
    if abs(evse.power_kw) > LEAST_KW:
        return "Charging"
    if abs(limit_kw(core, evse)) <= LEAST_KW or not usable(core, evse):
        return "SuspendedEVSE"
    return "SuspendedEV"


def next_change_s(core: StationCore, evse: Evse) -> float:
    """Seconds until the limits of an EVSE change by themselves."""
    now_ms = to_ms(core.at)
    until_ms = core.profiles.composite_span(evse.id, now_ms, _running(core, evse)).until_ms
    return math.inf if until_ms - now_ms > 10**12 else (until_ms - now_ms) / 1000.0


def _running(core: StationCore, evse: Evse) -> Running | None:
    return None if evse.transaction is None else evse.transaction.running(core.is_16)


def _own_limit_kw(core: StationCore, evse: Evse, now_ms: int) -> float:
    span = core.profiles.transaction_span(evse.id, now_ms, _running(core, evse))
    limit = math.inf if span.limit_kw is None else span.limit_kw
    if limit < 0.0 and not core.make.bidirectional:
        limit = 0.0
    return max(min(limit, evse.max_kw), -evse.max_kw)
