"""The bill of a plan, each line with the reason for its amount."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.site_values import Values
from zerocity.measures.arrays import F64


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line: what it is called, its amount (below 0 earned) and how it comes about."""

    name: str
    cny: float
    reason: str


def bill_of(case: Case, values: Values) -> tuple[BillLine, ...]:
    """Return the lines of the bill; their sum is the money of the plan."""
    h = case.step_h
    bought, sold = h * values.import_kw, h * values.export_kw
    lines = [
        _energy("energy_bought", "bought", bought, case.buy_cny_per_kwh, 1.0),
        _energy("energy_sold", "sold", sold, case.sell_cny_per_kwh, -1.0),
    ]
    if case.demand_charge_cny_per_kw:
        lines.append(_demand(case, values))
    if case.stores:
        lines.append(_wear(case, values))
    if case.fleet.discharge_price_cny_per_kwh.any():
        lines.append(_given(case, values))
    if any(s.final_value_cny_per_kwh for s in case.stores):
        lines.append(_left(case, values))
    if case.carbon_price_cny_per_t:
        kg = float(case.carbon_kg_per_kwh @ bought)
        reason = f"{kg:,.1f} kg of carbon at {case.carbon_price_cny_per_t:g} CNY/t"
        lines.append(BillLine("carbon", kg * case.carbon_price_cny_per_t / 1000.0, reason))
    return tuple(lines)


def _energy(name: str, verb: str, kwh: F64, price: F64, sign: float) -> BillLine:
    total, cny = float(kwh.sum()), float(kwh @ price)
    mean = f" at {cny / total:.4f} CNY/kWh on average" if total > 1e-9 else ""
    return BillLine(name, sign * cny + 0.0, f"{total:,.1f} kWh {verb}{mean}")


def _demand(case: Case, values: Values) -> BillLine:
    price, floor = case.demand_charge_cny_per_kw, case.peak_so_far_kw
    at = int(np.argmax(values.import_kw))
    peak = float(values.import_kw[at])
    rise = max(peak - floor, 0.0)
    if rise > 0.0:
        reason = f"{rise:,.1f} kW above the peak so far of {floor:,.1f} kW (step {at})"
        reason += f" at {price:g} CNY/kW"
    else:
        reason = f"the highest import, {peak:,.1f} kW, is within the peak so far, {floor:,.1f} kW"
    return BillLine("demand_charge", price * rise, reason)


def _wear(case: Case, values: Values) -> BillLine:
    moved = case.step_h * (values.charge_kw + values.discharge_kw).sum(axis=1)
    price = np.array([s.wear_cny_per_kwh for s in case.stores])
    return BillLine("wear", float(moved @ price), f"{moved.sum():,.1f} kWh through the stores")


def _given(case: Case, values: Values) -> BillLine:
    given = case.step_h * values.give_kw.sum(axis=1)
    price = case.fleet.discharge_price_cny_per_kwh
    reason = f"{given.sum():,.1f} kWh given back by vehicles"
    return BillLine("given_back", float(given @ price), reason)


def _left(case: Case, values: Values) -> BillLine:
    left = values.energy_kwh[:, -1]
    price = np.array([s.final_value_cny_per_kwh for s in case.stores])
    reason = f"{left[price != 0.0].sum():,.1f} kWh left in the stores, credited"
    return BillLine("final_value", -float(left @ price), reason)
