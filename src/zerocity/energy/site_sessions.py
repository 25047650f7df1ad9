"""Charging sessions in a site's program, laid out flat: one entry for each session and step.

A session that only charges needs its power and one row for its energy; one that may give back
needs its content as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zerocity.energy.case import Case, Session
from zerocity.energy.program import Entries
from zerocity.energy.site_frame import MOVED_TIE, Frame
from zerocity.measures.arrays import F64, I64, Bools

SPREAD = 0.3
"""By how much the tie-breaking cost differs from the first session to the last."""


@dataclass(frozen=True, slots=True)
class Flat:
    """Sessions and steps laid out flat, (n,) each: owner, step, and first of its session."""

    owner: I64
    step: I64
    first: Bools
    last: Bools


def flat(sessions: Sequence[Session], chosen: I64) -> Flat:
    """Lay the steps of the chosen sessions out flat."""
    begin = np.array([sessions[j].arrive_step for j in chosen], dtype=np.int64)
    count = np.array([sessions[j].depart_step for j in chosen], dtype=np.int64) - begin
    start = np.cumsum(count) - count
    step = np.arange(int(count.sum())) - np.repeat(start - begin, count)
    owner = np.repeat(chosen, count)
    turn = np.diff(owner, prepend=-1) != 0
    return Flat(owner, step, turn, np.append(turn[1:], True)[: turn.size])


def gives_back(one: Session) -> bool:
    """Whether a session may discharge while it is there."""
    return bool(one.discharge_limit_kw[one.arrive_step : one.depart_step].any())


def split(sessions: Sequence[Session]) -> tuple[I64, I64]:
    """Numbers of the sessions that only charge, and of those that may give back."""
    back = np.array([gives_back(one) for one in sessions], dtype=np.bool_)
    return np.flatnonzero(~back), np.flatnonzero(back)


def add_sessions(frame: Frame) -> None:
    """Add all sessions of the case."""
    sessions = frame.case.sessions
    if not sessions:
        return
    plain, back = frame.plain, frame.back
    need = _each(sessions, "energy_kwh")
    # Only the sessions that give back count their initial content in their goal.
    goal = need.copy()
    goal[back] += _each(sessions, "initial_kwh")[back]
    rows = frame.program.rows(len(sessions), goal, goal)
    unmet: list[tuple[I64, float]] = [(rows, 1.0)]
    room = _each(sessions, "capacity_kwh") - _each(sessions, "initial_kwh")
    least = np.maximum(need - room, 0.0)
    if frame.rules.fair:
        unmet.append((_fair(frame, need), 1.0))
    frame.program.columns("unserved", frame.price.session, need, unmet, need.size, low=least)
    if plain.size:
        _add_plain(frame, flat(sessions, plain), rows)
    if back.size:
        _add_back(frame, flat(sessions, back), rows)


def _each(sessions: Sequence[Session], name: str) -> F64:
    return np.array([getattr(one, name) for one in sessions], dtype=np.float64)


def _limits(sessions: Sequence[Session], at: Flat, name: str) -> F64:
    chosen = np.unique(at.owner)
    parts = [
        getattr(sessions[j], name)[sessions[j].arrive_step : sessions[j].depart_step]
        for j in chosen
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _tie(frame: Frame, at: Flat) -> F64:
    place = 1.0 + SPREAD * at.owner / max(len(frame.case.sessions), 1)
    return np.asarray(frame.tie(1.3)[at.step] * place)


def _add_plain(frame: Frame, at: Flat, rows: I64) -> None:
    case, h = frame.case, frame.case.step_h
    gain = h * _each(case.sessions, "charge_efficiency")[at.owner]
    entries: Entries = [
        (frame.balance[at.step], -1.0),
        (rows[at.owner], gain),
    ]
    limit = _limits(case.sessions, at, "charge_limit_kw")
    frame.program.columns("power", 0.0, limit, entries, at.step.size, tie=_tie(frame, at))


def _add_back(frame: Frame, at: Flat, rows: I64) -> None:
    case, program, h = frame.case, frame.program, frame.case.step_h
    count = at.step.size
    start = np.where(at.first, _each(case.sessions, "initial_kwh")[at.owner], 0.0)
    content = program.rows(count, start, start)
    most = _limits(case.sessions, at, "charge_limit_kw")
    out = _limits(case.sessions, at, "discharge_limit_kw")
    inward, outward = frame.one_way("sessions", most, out)
    gain = h * _each(case.sessions, "charge_efficiency")[at.owner]
    loss = h / _each(case.sessions, "discharge_efficiency")[at.owner]
    bus = frame.balance[at.step]
    giving: Entries = [(bus, 1.0), (content, loss), (outward, 1.0)]
    price = h * _each(case.sessions, "discharge_price_cny_per_kwh")[at.owner]
    program.columns("give", price, out, giving, count, tie=MOVED_TIE)
    taking: Entries = [(bus, -1.0), (content, -gain), (inward, 1.0)]
    program.columns("take", 0.0, most, taking, count, tie=MOVED_TIE)
    following = np.where(at.last, -1, np.append(content[1:], -1))
    goal = np.where(at.last, rows[at.owner], -1)
    high = _each(case.sessions, "capacity_kwh")[at.owner]
    entries: Entries = [(content, 1.0), (following, -1.0), (goal, 1.0)]
    program.columns("held", 0.0, high, entries, count, tie=frame.full_tie)


def unavoidable_kwh(case: Case) -> F64:
    """What each session misses even if it has the site for itself, (N,) [kWh]."""
    missed = np.zeros(len(case.sessions))
    for j, one in enumerate(case.sessions):
        power = one.charge_limit_kw[one.arrive_step : one.depart_step]
        most = case.step_h * one.charge_efficiency * float(power.sum())
        room = one.capacity_kwh - one.initial_kwh
        missed[j] = max(one.energy_kwh - min(most, room), 0.0)
    return missed


def _fair(frame: Frame, need: F64) -> I64:
    """Keep the missing share of what each session could get alone under its class's worst.

    The worst share itself is priced, so that it becomes as small as it can be.
    """
    case = frame.case
    least = unavoidable_kwh(case)
    most = need - least
    rows = frame.program.rows(need.size, -np.inf, least)
    levels, level = np.unique(_each(case.sessions, "priority"), return_inverse=True)
    for k in range(levels.size):
        ours = np.flatnonzero(level == k)
        worth = 2.0 * float(frame.price.session[ours[0]] * most[ours].sum())
        entries: Entries = [(rows[ours][None, :], -most[ours][None, :])]
        frame.program.columns(f"worst share {k}", worth, 1.0, entries, 1)
    return rows
