"""Charging sessions in a site's program.

A session that only charges needs its power and one row for its energy; one that may give back
needs its content as well.
"""

from __future__ import annotations

import numpy as np

from zerocity.energy.case_sessions import Flat
from zerocity.energy.program import Entries
from zerocity.energy.site_frame import MOVED_TIE, Frame
from zerocity.measures.arrays import F64, I64

SPREAD = 0.3
"""By how much the tie-breaking cost differs from the first session to the last."""


def add_sessions(frame: Frame) -> None:
    """Add all sessions of the case."""
    fleet = frame.case.fleet
    if not fleet.size:
        return
    need = fleet.energy_kwh
    # Only the sessions that give back count their initial content in their goal.
    goal = np.where(fleet.gives, need + fleet.initial_kwh, need)
    rows = frame.program.rows(fleet.size, goal, goal)
    unmet: list[tuple[I64, float]] = [(rows, 1.0)]
    least = np.maximum(need - (fleet.capacity_kwh - fleet.initial_kwh), 0.0)
    if frame.rules.fair:
        unmet.append((_fair(frame, need), 1.0))
    frame.program.columns("unserved", frame.price.session, need, unmet, need.size, low=least)
    if not fleet.gives.all():
        _add_plain(frame, rows)
    if fleet.gives.any():
        _add_back(frame, rows)


def _tie(frame: Frame, at: Flat) -> F64:
    place = 1.0 + SPREAD * np.arange(frame.case.fleet.size) / max(frame.case.fleet.size, 1)
    return np.asarray(frame.tie(1.3)[at.step] * place[at.owner])


def _add_plain(frame: Frame, rows: I64) -> None:
    fleet = frame.case.fleet
    chosen = fleet.pick(gives=False)
    at = Flat(fleet.place.owner[chosen], fleet.place.step[chosen])
    gain = frame.case.step_h * fleet.charge_efficiency
    entries: Entries = [(frame.balance[at.step], -1.0), (rows[at.owner], gain[at.owner])]
    limit = fleet.take_kw[chosen]
    frame.program.columns("power", 0.0, limit, entries, at.step.size, tie=_tie(frame, at))


def _add_back(frame: Frame, rows: I64) -> None:
    fleet, program, h = frame.case.fleet, frame.program, frame.case.step_h
    chosen = fleet.pick(gives=True)
    at = Flat(fleet.place.owner[chosen], fleet.place.step[chosen])
    owner, last, count = at.owner, at.last, at.step.size
    start = np.where(at.first, fleet.initial_kwh[owner], 0.0)
    content = program.rows(count, start, start)
    most, out = fleet.take_kw[chosen], fleet.give_kw[chosen]
    inward, outward = frame.one_way("sessions", most, out)
    gain = h * fleet.charge_efficiency[owner]
    loss = h / fleet.discharge_efficiency[owner]
    bus = frame.balance[at.step]
    giving: Entries = [(bus, 1.0), (content, loss), *outward]
    price = h * fleet.discharge_price_cny_per_kwh[owner]
    program.columns("give", price, out, giving, count, tie=MOVED_TIE)
    taking: Entries = [(bus, -1.0), (content, -gain), *inward]
    program.columns("take", 0.0, most, taking, count, tie=MOVED_TIE)
    following = np.where(last, rows[owner], content + 1)
    high = fleet.capacity_kwh[owner]
    entries: Entries = [(content, 1.0), (following, np.where(last, 1.0, -1.0))]
    program.columns("held", 0.0, high, entries, count, tie=frame.full_tie)


def _fair(frame: Frame, need: F64) -> I64:
    """Keep the missing share of what each session could get alone under its class's worst.

    The worst share itself is priced, so that it becomes as small as it can be.
    """
    least = frame.case.fleet.unavoidable_kwh(frame.case.step_h)
    most = need - least
    rows = frame.program.rows(need.size, -np.inf, least)
    levels, level = np.unique(frame.case.fleet.priority, return_inverse=True)
    for k in range(levels.size):
        ours = np.flatnonzero(level == k)
        worth = 2.0 * float(frame.price.session[ours[0]] * most[ours].sum())
        entries: Entries = [(rows[ours][None, :], -most[ours][None, :])]
        frame.program.columns(f"worst share {k}", worth, 1.0, entries, 1)
    return rows
