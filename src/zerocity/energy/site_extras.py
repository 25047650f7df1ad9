"""Shiftable loads and heat in a site's program."""

from __future__ import annotations

import highspy
import numpy as np
import numpy.typing as npt

from zerocity.energy.case import Process
from zerocity.energy.program import Entries
from zerocity.energy.site_frame import Frame, heat_limit_kw


def add_processes(frame: Frame) -> None:
    """Add all shiftable loads of the case."""
    for one in frame.case.processes:
        if one.profile_kw is None:
            _add_free(frame, one)
        else:
            _add_profile(frame, one, one.profile_kw)


def _add_free(frame: Frame, one: Process) -> None:
    program, h = frame.program, frame.case.step_h
    span = slice(one.earliest_step, one.latest_step)
    count = one.latest_step - one.earliest_step
    # A least power may force it past its need by less than one step.
    row = program.rows(1, one.energy_kwh, one.energy_kwh + h * one.power_min_kw)
    entries: Entries = [(frame.balance[span], -1.0), (np.broadcast_to(row, (count,)), h)]
    kind = highspy.HighsVarType.kSemiContinuous if one.power_min_kw > 0.0 else None
    program.columns(
        f"process {one.name}", 0.0, one.power_max_kw, entries, count,
        low=one.power_min_kw, tie=frame.tie(1.5)[span], kind=kind,
    )  # fmt: skip
    program.columns(f"undone {one.name}", frame.price.process, one.energy_kwh, [(row, 1.0)], 1)


def _add_profile(frame: Frame, one: Process, profile_kw: npt.NDArray[np.float64]) -> None:
    """One binary for each step at which the profile could start."""
    program = frame.program
    starts = max(one.latest_step - one.earliest_step - profile_kw.size + 1, 0)
    row = program.rows(1, 1.0, 1.0)
    if starts:
        first = one.earliest_step + np.arange(starts)
        rows = frame.balance[first[:, None] + np.arange(profile_kw.size)]
        entries: Entries = [
            (rows, -profile_kw),
            (np.broadcast_to(row, (starts,)), 1.0),
        ]
        tie = frame.tie(1.5)[first] * max(float(profile_kw.sum()), 1.0)
        program.binaries(f"start {one.name}", entries, starts, tie)
    missed = frame.price.process * frame.case.step_h * float(profile_kw.sum())
    program.columns(f"undone {one.name}", missed, 1.0, [(row, 1.0)], 1)


def add_heat(frame: Frame) -> None:
    """Add the heat pump and its tank."""
    case, program, h = frame.case, frame.program, frame.case.step_h
    heat, steps = case.heat, case.steps
    assert heat is not None
    side = -h * heat.demand_kw
    side[0] += (1.0 - heat.loss_per_step) * heat.initial_kwh
    rows = program.rows(steps, side, side)
    entries: Entries = [(frame.balance, -1.0), (rows, -h * heat.cop)]
    program.columns("heat pump", 0.0, heat_limit_kw(case), entries, steps, tie=frame.tie(1.9))
    most = heat.demand_kw + heat.capacity_kwh / h
    program.columns("cold", h * frame.price.process, most, [(rows, -h)], steps)
    low = np.zeros(steps)
    low[-1] = heat.final_kwh
    following = np.append(rows[1:], -1)
    held: Entries = [(rows, 1.0), (following, heat.loss_per_step - 1.0)]
    program.columns("tank", 0.0, heat.capacity_kwh, held, steps, low=low)
