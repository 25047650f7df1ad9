"""Fleet alarms: what becomes a row of its own, and what the after-sales centre must look at.

An alarm is new when its bit appears or its level rises; its row is keyed by vehicle, time and kind,
so the same report taken twice makes one row. A grave alarm (level 3 and above) or a thermal one
opens one work order of kind "inspection": the list by which the centre calls vehicles in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from zerocity.aftersales.symptoms import Symptom
from zerocity.live.vehicles import Report
from zerocity.protocols.gbt32960.fields import Edition, alarm_names
from zerocity.storage.recorder import Row

GRAVE = 3
THERMAL = frozenset({"temperature_difference", "battery_hot", "thermal_event"})
# A level without any bit: a fault that only the maker's own codes name.
MAKER_FAULT = "maker_fault"


class AlarmWatch:
    """Knows of each vehicle which alarms hold, and which orders are open.

    Live and resent reports are watched apart: a resent one tells of the past, and must neither end
    nor begin an alarm of now.

    Parameters
    ----------
    open_orders : pairs of vehicle id and alarm kind with an open order, as the store has them.
    """

    def __init__(self, open_orders: Iterable[tuple[str, str]] = ()) -> None:
        self._holding: dict[tuple[str, bool], dict[str, int]] = {}
        self._open = set(open_orders)

    def opened(self, vehicle: str, kind: str) -> None:
        """An order is open already: of before a restart, or made by a person."""
        self._open.add((vehicle, kind))

    def closed(self, vehicle: str, kind: str) -> None:
        """An order was closed: the next alarm of this kind opens another."""
        self._open.discard((vehicle, kind))

    def take(
        self,
        vehicle: str,
        edition: Edition,
        report: Report,
        levels: dict[int, int] | None = None,
        *,
        resent: bool = False,
    ) -> list[Row]:
        """Rows of what is new in a report; ``levels``: alarm bit -> level where it tells them."""
        key = (vehicle, resent)
        before = self._holding.get(key)
        if report.alarm_level < 0 or (report.alarm_level == 0 and before is None):
            return []
        now = _levels(edition, report, levels)
        if now:
            self._holding[key] = now
        else:
            self._holding.pop(key, None)
        known = before or {}
        rows: list[Row] = []
        for kind, level in now.items():
            if level > known.get(kind, 0):
                rows.append(_alarm_row(vehicle, kind, level, report, resent))
                rows.extend(self._order(vehicle, kind, level, report))
        return rows

    def _order(self, vehicle: str, kind: str, level: int, report: Report) -> list[Row]:
        grave, thermal = level >= GRAVE, kind in THERMAL
        if not (grave or thermal) or (vehicle, kind) in self._open:
            return []
        self._open.add((vehicle, kind))
        at = report.at.isoformat()
        text = f"{vehicle}|{kind}|{at}".encode()
        words = kind.replace("_", " ")
        values: dict[str, Any] = {
            "id": "inspection-" + hashlib.blake2b(text, digest_size=12).hexdigest(),
            "subject_kind": "vehicle",
            "subject": vehicle,
            "kind": "inspection",
            "severity": "immediate" if grave else "soon",
            "reason": f"{Symptom.FAULT.words}: {words}, level {level}",
            "status": "open",
            "created_at": report.at,
            "evidence": {"alarm": kind, "level": level, "at": at, "source": "GB/T 32960"},
        }
        return [Row("work_orders", values)]


def _levels(edition: Edition, report: Report, levels: dict[int, int] | None) -> dict[str, int]:
    """Kind -> level of the alarms that hold; without levels of their own, the report's highest."""
    if report.alarm_level <= 0:
        return {}
    told = levels or {}
    found: dict[str, int] = {}
    bits = report.alarm_bits
    while bits:
        bit = (bits & -bits).bit_length() - 1
        bits &= bits - 1
        found[alarm_names(1 << bit, edition)[0]] = told.get(bit, report.alarm_level)
    return found or {MAKER_FAULT: report.alarm_level}


def _alarm_row(vehicle: str, kind: str, level: int, report: Report, resent: bool) -> Row:
    data = {
        "soc": _number(report.soc),
        "voltage_v": _number(report.voltage_v),
        "current_a": _number(report.current_a),
        "speed_kmh": _number(report.speed_kmh),
        "resent": resent,
    }
    values = {"vehicle": vehicle, "at": report.at, "kind": kind, "level": level, "data": data}
    return Row("alarms", values)


def _number(value: float) -> float | None:
    return round(value, 3) if value == value else None
