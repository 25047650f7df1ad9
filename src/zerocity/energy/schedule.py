"""The answer to a case: schedule, bill and the limits that had to break."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.case_bill import BillLine, bill_of
from zerocity.energy.case_breaks import BrokenLimit, breaks_of
from zerocity.energy.site_frame import penalties
from zerocity.energy.site_values import Values
from zerocity.errors import AuditError
from zerocity.measures.arrays import F64

BALANCE_KW = 1e-6
"""Largest error of the power balance of a step, relative to the largest power but at least 1 kW."""


@dataclass(frozen=True, slots=True)
class StoreSchedule:
    """A store's plan, (T,) each; ``price_cny_per_kwh`` is what a kWh more in it would save."""

    name: str
    charge_kw: F64
    discharge_kw: F64
    energy_kwh: F64
    price_cny_per_kwh: F64


@dataclass(frozen=True, slots=True)
class SessionSchedule:
    """A session's plan, (T,) each: power into the vehicle (below 0 out of it), its content."""

    name: str
    power_kw: F64
    energy_kwh: F64


@dataclass(frozen=True, slots=True)
class ProcessSchedule:
    """A shiftable load's power, (T,) [kW]."""

    name: str
    power_kw: F64


@dataclass(frozen=True, slots=True)
class HeatSchedule:
    """Electricity of the heat pump, heat that is missing, and content of the tank, (T,) each."""

    power_kw: F64
    missing_kw: F64
    energy_kwh: F64


@dataclass(frozen=True, slots=True)
class Schedule:
    """A planned case. All powers (T,) [kW], AC, mean over the step; energy at its end.

    Attributes
    ----------
    objective_cny : the money of the plan: the sum of the bill. Penalties are not part of it.
    gap : how far money and penalties may lie above the best possible plan, relative; proven.
    status : "optimal", "limits_broken" or "time_limit".
    bill : the lines of the bill; they add up to ``objective_cny``.
    penalties_cny : what the broken limits cost in the plan's choice; nobody pays it.
    carbon_kg : carbon of the imported energy.
    stored_energy_price_cny_per_kwh : worth of a kWh more in the first store at the end of each
        step; without a store, of a kWh more at the meter.
    site_price_cny_per_kwh : worth of a kWh more at the meter.
    notes : what was wrong with the input and how it was planned around.
    """

    objective_cny: float
    gap: float
    status: str
    broken_limits: tuple[BrokenLimit, ...]
    bill: tuple[BillLine, ...]
    penalties_cny: float
    carbon_kg: float
    import_kw: F64
    export_kw: F64
    pv_used_kw: F64
    stores: tuple[StoreSchedule, ...]
    sessions: tuple[SessionSchedule, ...]
    processes: tuple[ProcessSchedule, ...]
    heat: HeatSchedule | None
    stored_energy_price_cny_per_kwh: F64
    site_price_cny_per_kwh: F64
    notes: tuple[str, ...]


def finish(case: Case, values: Values) -> Schedule:
    """Check the balance of a plan and put schedule, bill and broken limits together.

    Raises AuditError when power does not balance at some step, which would be our fault.
    """
    check_balance(case, values)
    bill = bill_of(case, values)
    breaks = breaks_of(case, values, lambda: penalties(case))
    money = float(sum(line.cny for line in bill))
    status = "limits_broken" if breaks else "optimal"
    first = values.stored_price[0] if case.stores else values.site_price
    scale = max(1.0, abs(values.total_cny))
    return Schedule(
        objective_cny=money,
        gap=max(0.0, values.total_cny - values.bound_cny) / scale,
        status=status if values.finished else "time_limit",
        broken_limits=breaks,
        bill=bill,
        penalties_cny=float(sum(one.amount * one.price for one in breaks)),
        carbon_kg=float(case.step_h * (case.carbon_kg_per_kwh * values.import_kw).sum()),
        import_kw=values.import_kw,
        export_kw=values.export_kw,
        pv_used_kw=values.pv_used_kw,
        stores=tuple(
            StoreSchedule(s.name, values.charge_kw[i], values.discharge_kw[i],
                          values.energy_kwh[i], values.stored_price[i])
            for i, s in enumerate(case.stores)
        ),
        sessions=_sessions(case, values),
        processes=tuple(
            ProcessSchedule(p.name, values.process_kw[i]) for i, p in enumerate(case.processes)
        ),
        heat=_heat(case, values),
        stored_energy_price_cny_per_kwh=first,
        site_price_cny_per_kwh=values.site_price,
        notes=case.notes,
    )  # fmt: skip


def _sessions(case: Case, values: Values) -> tuple[SessionSchedule, ...]:
    names, power_kw = (one.name for one in case.sessions), values.take_kw - values.give_kw
    return tuple(map(SessionSchedule, names, power_kw, values.held_kwh))


def _heat(case: Case, values: Values) -> HeatSchedule | None:
    if case.heat is None:
        return None
    return HeatSchedule(values.heat_pump_kw, values.cold_kw, values.tank_kwh)


def check_balance(case: Case, values: Values) -> None:
    """Raise AuditError when what comes in and what goes out differ at a step."""
    used = (case.load_kw + values.charge_kw.sum(axis=0) + values.take_kw.sum(axis=0)
            + values.process_kw.sum(axis=0) + values.heat_pump_kw + values.export_kw)  # fmt: skip
    come = (values.import_kw + values.pv_used_kw + values.discharge_kw.sum(axis=0)
            + values.give_kw.sum(axis=0))  # fmt: skip
    error = np.abs(come - used)
    if error.max() > BALANCE_KW * max(1.0, float(used.max())):
        at = int(error.argmax())
        raise AuditError(f"site plan: {error[at]:.3g} kW come from nowhere at step {at}")


def as_json(schedule: Schedule) -> dict[str, Any]:
    """Return the schedule as plain lists and numbers, the bill as a table with its reasons."""
    raw = {key: _plain(value) for key, value in asdict(schedule).items()}
    raw["bill"] = {line.name: line.cny for line in schedule.bill}
    raw["bill_explained"] = {line.name: line.reason for line in schedule.bill}
    return raw


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_number(one) for one in value.tolist()]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | None:
    """No minus zero, no digits below what a solver means; null for what is not known."""
    return round(value, 9) + 0.0 if np.isfinite(value) else None
