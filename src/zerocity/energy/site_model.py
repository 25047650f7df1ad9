"""A whole site as one sparse program: grid, sun, stores, and the parts of the sibling files.

Every limit that could leave no plan is soft: it may be broken at a price above anything that
breaking it saves. Names of column blocks are the keys by which ``schedule`` reads the plan back.
"""

from __future__ import annotations

import math

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.program import Entries, Program
from zerocity.energy.site_extras import add_heat, add_processes
from zerocity.energy.site_frame import (
    MOVED_TIE,
    Frame,
    Rules,
    charge_limit_kw,
    most_import_kw,
    penalties,
)
from zerocity.energy.site_sessions import add_sessions
from zerocity.measures.arrays import F64, I64


def build(case: Case, rules: Rules) -> Frame:
    """Build the program of ``case``: minimise money and penalties."""
    program = _room_for(case)
    balance = program.rows(case.steps, case.load_kw, case.load_kw)
    frame = Frame(case, program, balance, penalties(case), rules)
    _add_grid(frame)
    for store in case.stores:
        _add_store(frame, store)
    add_sessions(frame)
    add_processes(frame)
    if case.heat is not None:
        add_heat(frame)
    return frame


def _room_for(case: Case) -> Program:
    """An empty program with room for what the case will usually need."""
    fleet = case.fleet
    stays = fleet.place.step.size * (3 if fleet.gives.any() else 1) + fleet.size
    columns = case.steps * (7 + 5 * len(case.stores)) + stays + 64
    return Program(columns, case.steps * (3 + 2 * len(case.stores)) + stays + 64, 3 * columns)


def _add_grid(frame: Frame) -> None:
    case, program, h = frame.case, frame.program, frame.case.step_h
    most, out = most_import_kw(case), case.pv_kw
    for store in case.stores:
        out = out + store.discharge_limit_kw
    if case.fleet.gives.any():
        out = out + case.fleet.by_step(case.fleet.give_kw, case.steps)
    room = np.minimum(case.export_limit_kw, out)
    inward, outward = frame.one_way("grid", most, room)
    entries: Entries = [
        (frame.balance, 1.0), *_peak(frame, most), *_budget(frame, most), *inward
    ]  # fmt: skip
    price = h * case.import_price_cny_per_kwh
    program.columns("import", price, np.minimum(case.import_limit_kw, most), entries, case.steps)
    tight = case.import_limit_kw < most
    if tight.any():
        cost = price + h * frame.price.overload
        program.columns("overload", cost, np.where(tight, most, 0.0), entries, case.steps)
    back: Entries = [(frame.balance, -1.0), *outward]
    program.columns("export", -h * case.sell_cny_per_kwh, room, back, case.steps, tie=MOVED_TIE)
    program.columns("sun", 0.0, case.pv_kw, [(frame.balance, 1.0)], case.steps)


def _peak(frame: Frame, most: F64) -> list[tuple[I64, float]]:
    """Rows that keep import under the peak, for the import's entries."""
    case = frame.case
    if case.demand_charge_cny_per_kw == 0.0:
        return []
    rows = frame.program.rows(case.steps, -np.inf, 0.0)
    floor = case.peak_so_far_kw
    frame.program.columns(
        "peak", case.demand_charge_cny_per_kw, max(floor, float(most.max())),
        [(rows[None, :], -1.0)], 1, low=floor,
    )  # fmt: skip
    return [(rows, 1.0)]


def _budget(frame: Frame, most: F64) -> list[tuple[I64, F64]]:
    """Row that keeps carbon under its budget, for the import's entries."""
    case = frame.case
    if not math.isfinite(case.carbon_budget_kg):
        return []
    row = frame.program.rows(1, -np.inf, case.carbon_budget_kg)
    carbon = case.step_h * case.carbon_kg_per_kwh
    excess = float(carbon @ most)
    frame.program.columns("carbon excess", frame.price.carbon, excess, [(row, -1.0)], 1)
    return [(np.broadcast_to(row, (case.steps,)), carbon)]


def is_soft(store: Store, step_h: float) -> bool:
    """Whether the store's own limits could leave it no way, so that its bounds must yield."""
    low, high = store.soc_min, store.soc_max
    varies = bool((low != low[0]).any() or (high != high[0]).any())
    if varies or not low[0] <= store.initial_soc <= high[0]:
        return True
    if store.self_discharge_per_step == 0.0:
        return False
    gain = step_h * store.charge_efficiency * store.charge_limit_kw
    lost = store.self_discharge_per_step * low * store.capacity_kwh
    return bool((gain < lost).any())


def _add_store(frame: Frame, store: Store) -> None:
    case, program, h = frame.case, frame.program, frame.case.step_h
    steps, name, size = case.steps, store.name, store.capacity_kwh
    most = charge_limit_kw(store.charge_limit_kw, size, store.charge_efficiency, h)
    out = np.minimum(store.discharge_limit_kw, size * store.discharge_efficiency / h)
    start = np.zeros(steps)
    start[0] = (1.0 - store.self_discharge_per_step) * store.initial_soc * size
    content = frame.content[name] = program.rows(steps, start, start)
    inward, outward = frame.one_way(f"store {name}", most, out)
    wear = h * store.wear_cny_per_kwh
    gain: Entries = [(frame.balance, -1.0), (content, -h * store.charge_efficiency), *inward]
    program.columns(f"charge {name}", wear, most, gain, steps, tie=MOVED_TIE)
    loss: Entries = [(frame.balance, 1.0), (content, h / store.discharge_efficiency), *outward]
    program.columns(f"discharge {name}", wear, out, loss, steps, tie=MOVED_TIE)
    _add_content(frame, store, content)


def _add_content(frame: Frame, store: Store, content: I64) -> None:
    case, program, size = frame.case, frame.program, store.capacity_kwh
    steps, name, price = case.steps, store.name, frame.price
    low, high = np.minimum(store.soc_min, store.soc_max) * size, store.soc_max * size
    entries: Entries = [(content, 1.0), _left_over(frame, store, content)]
    if is_soft(store, case.step_h):
        bounds = program.rows(steps, low, high)
        entries = [*entries, (bounds, 1.0)]
        program.columns(f"under {name}", price.soc_min, size, [(bounds, 1.0)], steps)
        program.columns(f"above {name}", price.soc_max, size, [(bounds, -1.0)], steps)
        low, high = np.zeros(steps), np.full(steps, size)
    worth = np.zeros(steps)
    worth[-1] = -store.final_value_cny_per_kwh
    program.columns(f"energy {name}", worth, high, entries, steps, low=low, tie=frame.full_tie)


def _left_over(frame: Frame, store: Store, content: I64) -> tuple[I64, F64]:
    """Where the content of a step stands again: in the next step's row, at last in the goal's."""
    rows, kept = content + 1, np.full(content.size, store.self_discharge_per_step - 1.0)
    rows[-1], kept[-1] = -1, 1.0
    if store.final_soc is not None:
        target = store.final_soc * store.capacity_kwh
        goal = frame.program.rows(1, target, target)
        rows[-1] = goal[0]
        missed: Entries = [(goal.repeat(2), np.array([1.0, -1.0]))]
        price, name = frame.price.final, f"off {store.name}"
        frame.program.columns(name, price, store.capacity_kwh, missed, 2)
    return rows, kept
