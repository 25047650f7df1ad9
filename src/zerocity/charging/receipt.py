"""The driver's receipt: what was taken, what it cost and why, and what the charge says.

It is made from a charge detail record, whose lines say everything already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

CHECK_UP = "check_up"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt. Costs in ``currency``, moments in UTC; None where nobody knows it.

    lines : as `charging.billing.bill` makes them, without notes and check-up. notes : what was
    found about the meter. check_up, sure : the battery's check-up in words, and how sure it is
    (good, fair, poor, none); empty where there was none.
    """

    session: str
    station: str
    started_at: datetime | None
    ended_at: datetime | None
    energy_kwh: float
    cost: float
    currency: str
    lines: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()
    check_up: str = ""
    sure: str = ""

    def data(self) -> dict[str, Any]:
        """The receipt as plain data."""
        moments = {
            name: None if at is None else at.isoformat()
            for name, at in (("started_at", self.started_at), ("ended_at", self.ended_at))
        }
        rest = {name: value for name, value in asdict(self).items() if name not in moments}
        lists = {"lines": [dict(line) for line in self.lines], "notes": list(self.notes)}
        return rest | moments | lists

    def text(self, utc_offset_h: float = 0.0) -> str:
        """The receipt as plain text, in the city's own time."""
        offset = timedelta(hours=utc_offset_h)
        told = [
            f"Charging session {self.session} at station {self.station}",
            f"{_clock(self.started_at, offset)} to {_clock(self.ended_at, offset)}",
            "",
            *(self._line(line) for line in self.lines),
            f"{'total':<24}{self.energy_kwh:>10.3f} kWh{'':>12}{self.cost:>10.2f} {self.currency}",
        ]
        told += [f"Note: {note}" for note in self.notes]
        return "\n".join([*told, *([self.check_up] if self.check_up else [])]) + "\n"

    def _line(self, line: Mapping[str, Any]) -> str:
        name = " ".join(str(line[key]) for key in ("kind", "window") if line.get(key))
        return (
            f"{name:<24}{line['energy_kwh']:>10.3f} kWh"
            f"{line['price_cny_per_kwh']:>12.4f}{line['cost_cny']:>10.2f} {self.currency}"
        )


def check_up_line(text: str, sure: str) -> dict[str, Any]:
    """The line of a charge detail record that carries a check-up of the battery."""
    return {"kind": CHECK_UP, "text": text, "sure": sure}


def receipt(
    record: Mapping[str, Any], session: Mapping[str, Any] | None = None, currency: str = "CNY"
) -> Receipt:
    """The receipt of a session.

    Parameters
    ----------
    record : session, energy_kwh, cost_cny and lines of a charge detail record.
    session : station, started_at and ended_at of the session, where they are known.
    """
    lines: Sequence[Mapping[str, Any]] = record.get("lines") or ()
    about = session or {}
    found = next((line for line in lines if line.get("kind") == CHECK_UP), None)
    return Receipt(
        str(record["session"]), str(about.get("station") or ""), about.get("started_at"),
        about.get("ended_at"), float(record["energy_kwh"] or 0.0),
        float(record["cost_cny"] or 0.0), currency,
        tuple(line for line in lines if line.get("kind") not in ("note", CHECK_UP)),
        tuple(str(line["text"]) for line in lines if line.get("kind") == "note"),
        "" if found is None else str(found["text"]), "" if found is None else str(found["sure"]),
    )  # fmt: skip


def _clock(at: datetime | None, offset: timedelta) -> str:
    return "?" if at is None else (at + offset).strftime("%Y-%m-%d %H:%M")
