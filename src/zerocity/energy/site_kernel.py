"""Cases with one store, or one session, that the exact kernel of ``stores`` plans without a solver.

It answers only where every limit can be kept; where one must break, the program of ``site_model``
says which.
"""

from __future__ import annotations

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.case_sessions import Session
from zerocity.energy.site_values import Values
from zerocity.energy.stores import StoreDays, StorePlans, dispatch_with_demand
from zerocity.measures.arrays import F64, Bools

SMALL_KW = 1e-9


def plan_by_kernel(case: Case, late: bool = False) -> Values | None:
    """Plan ``case`` exactly, or return None where it is not of this kind or a limit must break."""
    days = _days(case)
    if days is None:
        return None
    charge, floor = (
        np.array([value]) for value in (case.demand_charge_cny_per_kw, case.peak_so_far_kw)
    )
    plans = dispatch_with_demand(days, charge, floor, "late" if late else "early")
    if not plans.feasible[0]:
        return None
    if np.minimum(plans.charge_kw, plans.discharge_kw).max() > SMALL_KW:
        # The kernel solves the linear program, which may do both at once; an inverter cannot.
        return None
    return _values(case, days, plans)


def _days(case: Case) -> StoreDays | None:
    """The case in the kernel's words, or None where it has more than the kernel knows."""
    if len(case.stores) + len(case.sessions) != 1 or case.processes or case.heat is not None:
        return None
    if np.isfinite(case.carbon_budget_kg):
        return None
    if bool((case.sell_cny_per_kwh > case.import_price_cny_per_kwh).any()):
        return None
    if case.sessions and case.sessions[0].discharge_price_cny_per_kwh:
        # The kernel knows a price for both directions only.
        return None
    asset = _of_store(case.stores[0]) if case.stores else _of_session(case.sessions[0], case.steps)
    if bool(np.any(asset["low_kwh"] > asset["high_kwh"])):
        return None
    shared: dict[str, F64 | float] = {
        "load_kw": case.load_kw,
        "pv_kw": case.pv_kw,
        "buy_cny_per_kwh": case.import_price_cny_per_kwh,
        "sell_cny_per_kwh": case.sell_cny_per_kwh,
        "import_limit_kw": case.import_limit_kw,
        "export_limit_kw": case.export_limit_kw,
        "overload_cny_per_kwh": np.inf,
    }
    arrays = {name: np.array([value], dtype=np.float64) for name, value in (shared | asset).items()}
    return StoreDays(step_h=case.step_h, **arrays)


def _of_store(store: Store) -> dict[str, F64 | float]:
    low, high = store.soc_min * store.capacity_kwh, store.soc_max * store.capacity_kwh
    if store.final_soc is not None:
        low, high = low.copy(), high.copy()
        low[-1] = high[-1] = store.final_soc * store.capacity_kwh
    return {
        "charge_limit_kw": store.charge_limit_kw,
        "discharge_limit_kw": store.discharge_limit_kw,
        "low_kwh": low,
        "high_kwh": high,
        "initial_kwh": store.initial_soc * store.capacity_kwh,
        "charge_efficiency": store.charge_efficiency,
        "discharge_efficiency": store.discharge_efficiency,
        "self_discharge": store.self_discharge_per_step,
        "wear_cny_per_kwh": store.wear_cny_per_kwh,
        "final_value_cny_per_kwh": store.final_value_cny_per_kwh,
    }


def _of_session(one: Session, steps: int) -> dict[str, F64 | float]:
    """A session is a store that is there for a while and must end at its goal."""
    there = np.zeros(steps, dtype=np.bool_)
    there[one.arrive_step : one.depart_step] = True
    low, high = np.zeros(steps), np.full(steps, one.capacity_kwh)
    low[: one.arrive_step] = high[: one.arrive_step] = one.initial_kwh
    goal = one.initial_kwh + one.energy_kwh
    end = max(one.depart_step - 1, 0)
    low[end:] = high[end:] = goal
    if one.depart_step <= one.arrive_step or goal > one.capacity_kwh:
        low[-1] = np.inf
    return {
        "charge_limit_kw": np.where(there, one.charge_limit_kw, 0.0),
        "discharge_limit_kw": np.where(there, one.discharge_limit_kw, 0.0),
        "low_kwh": low,
        "high_kwh": high,
        "initial_kwh": one.initial_kwh,
        "charge_efficiency": one.charge_efficiency,
        "discharge_efficiency": one.discharge_efficiency,
        "self_discharge": 0.0,
        "wear_cny_per_kwh": 0.0,
        "final_value_cny_per_kwh": 0.0,
    }


def _values(case: Case, days: StoreDays, plans: StorePlans) -> Values:
    steps, none = case.steps, np.zeros((0, case.steps))
    stored = bool(case.stores)
    net = plans.import_kw[0] - plans.export_kw[0]
    price = plans.stored_price_cny_per_kwh
    return Values(
        import_kw=np.maximum(net, 0.0),
        export_kw=np.maximum(-net, 0.0),
        pv_used_kw=plans.pv_used_kw[0],
        charge_kw=plans.charge_kw if stored else none,
        discharge_kw=plans.discharge_kw if stored else none,
        energy_kwh=plans.energy_kwh if stored else none,
        take_kw=none if stored else plans.charge_kw,
        give_kw=none if stored else plans.discharge_kw,
        held_kwh=none if stored else plans.energy_kwh,
        process_kw=none,
        heat_pump_kw=np.zeros(steps),
        cold_kw=np.zeros(steps),
        tank_kwh=np.zeros(steps),
        stored_price=price if stored else none,
        site_price=_site_price(case, days, plans),
        total_cny=float(plans.objective_cny[0]),
        bound_cny=float(plans.bound_cny[0]),
        finished=True,
    )


def _site_price(case: Case, days: StoreDays, plans: StorePlans) -> F64:
    """What a kWh more at the meter saves, read off the plan, (T,) [CNY/kWh].

    It replaces import, or flows into a store that is charging, or saves one that is discharging;
    else it is sold or stored, whichever is worth more, or lost.
    """
    charge, discharge = plans.charge_kw[0], plans.discharge_kw[0]
    price, wear = plans.stored_price_cny_per_kwh[0], days.wear_cny_per_kwh[0]
    into = days.charge_efficiency[0] * price - wear
    out = price / days.discharge_efficiency[0] + wear
    free = _free(charge, days.charge_limit_kw[0])
    drawn, sold = plans.import_kw[0], plans.export_kw[0]
    spare = plans.pv_used_kw[0] < case.pv_kw - SMALL_KW
    least = np.where(sold < case.export_limit_kw - SMALL_KW, case.sell_cny_per_kwh, 0.0)
    more = np.where(charge < days.charge_limit_kw[0] - SMALL_KW, np.maximum(into, least), least)
    return np.select(
        [
            _free(discharge, days.discharge_limit_kw[0]),
            free,
            spare,
            _free(sold, case.export_limit_kw),
            drawn > SMALL_KW,
        ],
        [out, into, np.zeros(case.steps), case.sell_cny_per_kwh, case.import_price_cny_per_kwh],
        np.maximum(more, 0.0),
    )


def _free(flow: F64, limit: F64) -> Bools:
    """Whether a flow is neither zero nor at its limit."""
    return np.asarray((flow > SMALL_KW) & (flow < limit - SMALL_KW))
