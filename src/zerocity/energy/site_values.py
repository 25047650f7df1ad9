"""The physical values of a plan, read back from a solved program and made exact.

A solver keeps limits and balances to about 1e-9. Flows are clipped into their limits, contents
follow from the flows, and import or export closes the balance of each step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.case_sessions import Fleet
from zerocity.energy.memory import remembering
from zerocity.energy.program_solve import Solution
from zerocity.energy.site_frame import Frame
from zerocity.measures.arrays import F64

DIGITS_KW = 1e-12
"""Import or export below this share of the power at the meter is rounding."""


@dataclass(frozen=True, slots=True)
class Values:
    """A plan as arrays. S stores, N sessions, P processes, T steps; power [kW], energy [kWh].

    ``stored_price`` is the worth of a kWh more in each store, (S, T) [CNY/kWh], ``site_price``
    that of a kWh more at the meter, (T,). ``total_cny`` is what the plan minimised, money and
    penalties, and ``bound_cny`` its proven lower bound.
    """

    import_kw: F64
    export_kw: F64
    pv_used_kw: F64
    charge_kw: F64
    discharge_kw: F64
    energy_kwh: F64
    take_kw: F64
    give_kw: F64
    held_kwh: F64
    process_kw: F64
    heat_pump_kw: F64
    cold_kw: F64
    tank_kwh: F64
    stored_price: F64
    site_price: F64
    total_cny: float
    bound_cny: float
    finished: bool


def read_back(frame: Frame, solution: Solution) -> Values:
    """Read the plan that solves the program of ``frame``."""
    case, at, steps = frame.case, frame.program.at, frame.case.steps
    value, zero = np.maximum(solution.value, 0.0), np.zeros(steps)

    def block(name: str) -> F64:
        return value[at[name]] if name in at else zero

    charge = _rows([np.minimum(block(f"charge {s.name}"), s.charge_limit_kw)
                    for s in case.stores], steps)  # fmt: skip
    discharge = _rows([np.minimum(block(f"discharge {s.name}"), s.discharge_limit_kw)
                       for s in case.stores], steps)  # fmt: skip
    take, give = _sessions(frame, value)
    process = _rows([_process(frame, value, i) for i in range(len(case.processes))], steps)
    demand = case.load_kw + block("heat pump")
    for inward, outward in ((charge, discharge), (take, give)):
        if inward.size:
            demand += (inward - outward).sum(axis=0)
    if process.size:
        demand += process.sum(axis=0)
    sun = np.minimum(block("sun"), case.pv_kw)
    sun = np.minimum(sun, np.maximum(demand + case.export_limit_kw, 0.0))
    net = demand - sun
    net[np.abs(net) < DIGITS_KW * np.maximum(demand, 1.0)] = 0.0
    return Values(
        import_kw=np.maximum(net, 0.0),
        export_kw=np.maximum(-net, 0.0),
        pv_used_kw=sun,
        charge_kw=charge,
        discharge_kw=discharge,
        energy_kwh=_rows([_content(s, charge[i], discharge[i], case.step_h)
                          for i, s in enumerate(case.stores)], steps),
        take_kw=take,
        give_kw=give,
        held_kwh=_held(frame.case.fleet, case.step_h, take, give),
        process_kw=process,
        heat_pump_kw=block("heat pump"),
        cold_kw=block("cold"),
        tank_kwh=block("tank"),
        **_duals(frame, solution),
        total_cny=solution.cost + _constant(case),
        bound_cny=solution.bound + _constant(case),
        finished=solution.finished,
    )  # fmt: skip


def _constant(case: Case) -> float:
    """The peak until now is paid for already [CNY]."""
    return -case.demand_charge_cny_per_kw * case.peak_so_far_kw


def _rows(rows: list[F64], steps: int) -> F64:
    return np.array(rows) if rows else np.zeros((0, steps))


def _content(store: Store, charge_kw: F64, discharge_kw: F64, step_h: float) -> F64:
    """Content at the end of each step, within the capacity but for a solver's last digits."""
    gain = step_h * (charge_kw * store.charge_efficiency
                     - discharge_kw / store.discharge_efficiency)  # fmt: skip
    kept = 1.0 - store.self_discharge_per_step
    gain[0] += kept * store.initial_soc * store.capacity_kwh
    content = np.cumsum(gain) if kept == 1.0 else remembering(gain, kept)
    return np.minimum(np.maximum(content, 0.0), store.capacity_kwh)


def _sessions(frame: Frame, value: F64) -> tuple[F64, F64]:
    """Power into and out of each vehicle, (N, T) each [kW]."""
    case, at = frame.case, frame.program.at
    take, give = (np.zeros((len(case.sessions), case.steps)) for _ in range(2))
    place = frame.case.fleet.place
    for name, into in (("power", take), ("take", take), ("give", give)):
        if name not in at:
            continue
        chosen = frame.case.fleet.pick(gives=name != "power")
        power = np.minimum(value[at[name]], frame.program.high(name))
        into[place.owner[chosen], place.step[chosen]] = power
    return take, give


def _held(fleet: Fleet, step_h: float, take_kw: F64, give_kw: F64) -> F64:
    """Content of each vehicle at the end of each step, (N, T) [kWh]."""
    if not fleet.size:
        return take_kw
    inward = take_kw * (step_h * fleet.charge_efficiency)[:, None]
    if fleet.gives.any():
        inward -= give_kw * (step_h / fleet.discharge_efficiency)[:, None]
    inward[:, 0] += fleet.initial_kwh
    return np.cumsum(inward, axis=1, out=inward)


def _process(frame: Frame, value: F64, number: int) -> F64:
    """Power of a shiftable load, (T,) [kW]."""
    case, at = frame.case, frame.program.at
    one, power = case.processes[number], np.zeros(case.steps)
    if one.profile_kw is None:
        block = value[at[f"process {one.name}"]]
        power[one.earliest_step : one.latest_step] = np.minimum(block, one.power_max_kw)
    elif f"start {one.name}" in at:
        starts = value[at[f"start {one.name}"]]
        if starts.max() > 0.5:
            first = one.earliest_step + int(starts.argmax())
            power[first : first + one.profile_kw.size] = one.profile_kw
    return power


def _duals(frame: Frame, solution: Solution) -> dict[str, F64]:
    case = frame.case
    site = solution.dual[frame.balance] / case.step_h
    stored = [-solution.dual[frame.content[s.name]] for s in case.stores]
    return {"stored_price": _rows(stored, case.steps), "site_price": site}
