"""A live day once more, with other plans: what would have come of it?

Cars, their wishes, own load and sun come as the journal has them; who charges how much is decided
again by the same `say`, from the plan asked for. A car takes at most what it is allowed, and no
more than it was seen to take at the same charge. A driver whose car was full before it left stays
until the time given; who went before that goes at the same moment again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from zerocity.control.ports import Planner
from zerocity.control.replay import PlanNote, StepNote
from zerocity.control.sighting import Sighting, say
from zerocity.control.snapshot import Commands, PlanRow
from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.twin.live_day import LiveDay
from zerocity.twin.live_moments import Moment, moments
from zerocity.twin.live_watch import QUARTER_S
from zerocity.twin.what_if_bill import SHORT_KWH, Flows, Outcome
from zerocity.twin.what_if_plans import (
    Known,
    joined,
    shifted,
    still_to_come,
    with_prices,
    with_sessions,
    with_truth,
)
from zerocity.twin.what_if_questions import Plan, WhatIf, check

# A session whose want is met but for this needs nothing more [kWh].
DONE_KWH = 1e-9
# As `live.look` takes it of cars of which nobody knows what they want.
STILL_CHARGING_H = 0.5
# Nobody is in a hurry who leaves in so many steps.
NO_HURRY = 1_000_000_000


def ask(
    day: LiveDay,
    notes: Iterable[PlanNote | StepNote],
    questions: Sequence[WhatIf],
    planner: Planner,
) -> list[Outcome]:
    """Run the day once for each question, all side by side; pure.

    ``notes`` are those of which ``day`` was made; what has been added since is left out.

    Raises InputError for a question that the day cannot answer.
    """
    for question in questions:
        check(question, day)
    runs = [Rerun(day, question, planner) for question in questions]
    for one in moments(islice(notes, day.notes)):
        for run in runs:
            if isinstance(one, PlanNote):
                run.plan(one)
            else:
                run.step(one)
    return [run.outcome() for run in runs]


_NOBODY = np.zeros(0, np.int64)


def _by_look(looks: I64) -> dict[int, I64]:
    """The sessions of each look."""
    order = np.argsort(looks, kind="stable")
    found, first = np.unique(looks[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, first[1:]), strict=True)) if looks.size else {}


class Rerun:
    """One run of the day. ``said`` keeps the commands of the last step."""

    def __init__(self, day: LiveDay, question: WhatIf, planner: Planner) -> None:
        self.day, self.question, self.planner = day, question, planner
        n = day.site.size
        self.taken, self.wants, self.piece = np.zeros(n), np.zeros(n), day.begins.copy()
        self.power = np.zeros(n)
        self.store_kwh = day.store_kwh * float(question.store)
        self.flows = Flows(day.sites)
        self.said: Commands | None = None
        self._staying = np.zeros(0, np.int64)
        self.read_kwh = np.zeros(n)
        self._last, self._read = _by_look(day.last), _by_look(day.read)
        self._note: PlanNote | None = None
        self._number = -1
        self._made: tuple[SiteDays, SitePlans, int] | None = None
        self._due_s = -np.inf
        self._keys, self._rows = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._gain_kwh = np.zeros(day.sites)

    # The city as it would have been

    def plan(self, note: PlanNote) -> None:
        """A plan of the journal begins to hold."""
        self._note, self._number = note, self._number + 1

    def step(self, moment: Moment) -> None:
        """Decide and live through one look of the journal."""
        if (news := self.day.said.get(moment.number)) is not None:
            self.wants[news[0]] = news[1]
        read = self._read.get(moment.number, _NOBODY)
        self.read_kwh[read] = self.taken[read]
        rows = self._present(moment)
        seen = self._seen(moment, rows)
        row = self._row(moment, seen, rows)
        self.said = commands = say(seen, row)
        self._live(moment, seen, rows, commands)
        gone = self._last.get(moment.number, _NOBODY)
        if gone.size:
            still = (self.day.leaves_s[gone] > moment.at_s) & self._wanting(gone)
            self._staying = np.concatenate([self._staying, gone[still]])

    def _wanting(self, rows: I64) -> Bools:
        return np.asarray(self.taken[rows] < self.day.takes_kwh[rows] - DONE_KWH)

    def _present(self, moment: Moment) -> I64:
        """Who is there: whom the journal has, then those who stay longer than in it."""
        keys = moment.note.seen.key
        if not np.array_equal(keys, self._keys):
            self._keys = keys
            self._rows = np.array([self.day.number[key] for key in keys.tolist()], np.int64)
        if self._staying.size:
            stay = (self.day.leaves_s[self._staying] > moment.at_s) & self._wanting(self._staying)
            self._staying = self._staying[stay]
        return np.concatenate([self._rows, self._staying])

    def _seen(self, moment: Moment, rows: I64) -> Sighting:
        """The look at the city as it would be."""
        seen, day, asked = moment.note.seen, self.day, self.question
        s, more = seen.snapshot, rows.size - seen.key.size
        extra = rows[seen.key.size :]
        limit = day.known_kw[self.piece[rows]]
        need = self._needs(rows)
        left = np.concatenate([s.steps_left, self._steps_left(extra, moment)])
        store_in, store_out = self._store_limits(s.step_h)
        snapshot = replace(
            s,
            site=day.site[rows],
            need_kwh=need,
            limit_kw=limit,
            steps_needed=need / np.maximum(limit, 1e-9) / s.step_h,
            steps_left=left if asked.priorities else np.full(rows.size, NO_HURRY),
            store_charge_limit_kw=store_in,
            store_discharge_limit_kw=store_out,
        )
        orders = np.concatenate([seen.asked_kw, np.full(more, np.nan)])
        return replace(
            seen,
            snapshot=snapshot,
            key=np.concatenate([seen.key, extra]),
            floor_kw=np.concatenate([seen.floor_kw, np.minimum(day.floor_kw[extra], limit[-more:])])
            if more
            else seen.floor_kw,
            fallback_kw=np.concatenate([seen.fallback_kw, day.fallback_kw[extra]]),
            reachable=np.concatenate([seen.reachable, np.ones(more, np.bool_)]),
            asked_kw=orders if asked.priorities else np.full(rows.size, np.nan),
            cap_kw=self._cap(seen.cap_kw, moment.at_s),
        )

    def _needs(self, rows: I64) -> F64:
        """What each is known to want yet; who charges beyond that goes on for a while."""
        need = np.maximum(self.wants[rows] - self.taken[rows], 0.0)
        goes_on = self.day.is_open[rows] & self._wanting(rows)
        return np.where(goes_on, np.maximum(need, self.power[rows] * STILL_CHARGING_H), need)

    def _steps_left(self, rows: I64, moment: Moment) -> I64:
        step_s = moment.note.seen.snapshot.step_h * 3600.0
        left = np.minimum(self.day.leaves_s[rows] - moment.at_s, 1e9) // step_s
        return np.asarray(np.maximum(left, 0.0), np.int64)

    def _cap(self, cap_kw: F64, at_s: float) -> F64:
        found = cap_kw.copy()
        for cap in self.question.caps:
            if cap.from_s <= at_s < cap.to_s:
                found[cap.site] = min(found[cap.site], cap.kw)
        return found

    def _store_limits(self, step_h: float) -> tuple[F64, F64]:
        """As `live.look` gives them: what a store takes and gives over a quarter of an hour."""
        days, on = self._days(), float(self.question.store)
        span = max(step_h, 0.25)
        room = np.maximum(days.store_kwh - self.store_kwh, 0.0)
        return (
            on * np.minimum(days.store_charge_kw, room / span),
            on * np.minimum(days.store_discharge_kw, self.store_kwh / span),
        )

    def _days(self) -> SiteDays:
        if self._note is None:
            raise InputError("the journal", "a step before the first plan", "a plan before it")
        return self._note.days

    # Plans

    def _row(self, moment: Moment, seen: Sighting, rows: I64) -> PlanRow:
        asked, s = self.question, seen.snapshot
        if asked.plan is Plan.NONE:
            everything = np.bincount(s.site, s.limit_kw, self.day.sites).astype(np.float64)
            return PlanRow(s.pv_kw, everything, np.zeros(self.day.sites))
        if asked.plan is Plan.SAID:
            row = moment.note.row
            return row if asked.store else replace(row, store_kw=np.zeros(self.day.sites))
        if self._made is None or moment.at_s >= self._due_s:
            self._due_s = moment.at_s - moment.at_s % asked.every_s + asked.every_s
            self._made = self._plan_again(moment, seen, rows)
        days, plans, first = self._made
        at = min(max(int(moment.at_s // QUARTER_S) - first, 0), days.steps - 1)
        return PlanRow(
            pv_kw=np.ascontiguousarray(days.pv_kw[:, at]),
            flex_kw=np.ascontiguousarray(plans.flex_kw[:, at]),
            store_kw=plans.charge_kw[:, at] - plans.discharge_kw[:, at],
        )

    def _plan_again(
        self, moment: Moment, seen: Sighting, rows: I64
    ) -> tuple[SiteDays, SitePlans, int]:
        asked, quarter = self.question, int(moment.at_s // QUARTER_S)
        days = shifted(self._days(), quarter - self.day.first_quarter[self._number])
        days = with_prices(days, asked.prices, quarter)
        known = self._known(moment, seen, rows)
        if asked.plan is Plan.HINDSIGHT:
            days = with_truth(days, self.day, quarter)
            known = joined(known, still_to_come(self.day, moment.number, quarter))
        held = np.minimum(self.store_kwh, days.store_kwh)
        final = np.minimum(days.store_final_kwh, held)
        peak = np.maximum(days.peak_so_far_kw, self.flows.peak_kw)
        days = replace(
            with_sessions(days, known),
            store_kwh=days.store_kwh * float(asked.store),
            store_initial_kwh=held,
            store_final_kwh=final * float(asked.store),
            peak_so_far_kw=peak,
        )
        return days, self.planner(days), quarter

    def _known(self, moment: Moment, seen: Sighting, rows: I64) -> Known:
        s = seen.snapshot
        need, lost_s = s.need_kwh, moment.at_s % QUARTER_S
        left = seen.snapshot.steps_left
        if self.question.plan is Plan.HINDSIGHT:
            need = np.maximum(self.day.takes_kwh[rows] - self.taken[rows], 0.0)
        leaves = (left * s.step_h * 3600.0 + lost_s) // QUARTER_S
        return Known(
            site=s.site,
            need_kwh=need,
            limit_kw=s.limit_kw,
            arrives=np.zeros(rows.size, np.int64),
            leaves=np.minimum(leaves, 10_000).astype(np.int64),
        )

    # What comes of it

    def _live(self, moment: Moment, seen: Sighting, rows: I64, commands: Commands) -> None:
        day, s, hours = self.day, seen.snapshot, moment.hours
        allowed = np.where(
            seen.reachable, day.share[self.piece[rows]] * commands.battery_kw, seen.fallback_kw
        )
        power = np.minimum(allowed, day.rate_kw[self.piece[rows]])
        power = np.minimum(power, np.maximum(day.takes_kwh[rows] - self.taken[rows], 0.0) / hours)
        self.taken[rows] += power * hours
        self.power[rows] = power
        self._turn(rows)
        charging = np.bincount(s.site, power, day.sites).astype(np.float64)
        days = self._days()
        store = self._store(commands.store_kw, days, hours)
        taking = s.load_kw + charging + store
        sun = np.clip(taking + s.export_limit_kw, 0.0, np.minimum(s.pv_kw, commands.pv_used_kw))
        connection = np.minimum(s.import_limit_kw, seen.cap_kw)
        self.flows.add(
            moment.at_s, hours, (s.load_kw, sun, charging, store), self._prices(moment, days),
            days, connection,
        )  # fmt: skip

    def _turn(self, rows: I64) -> None:
        """Go on to the next piece of each charging curve that has been driven through."""
        while True:
            done = rows[self.taken[rows] >= self.day.up_to_kwh[self.piece[rows]] - DONE_KWH]
            if not done.size:
                return
            self.piece[done] += 1

    def _store(self, said_kw: F64, days: SiteDays, hours: float) -> F64:
        """Move the stores; returns their power, positive into them (S,) [kW]."""
        gain, loss = days.store_charge_efficiency, days.store_discharge_efficiency
        room = np.maximum(days.store_kwh - self.store_kwh, 0.0) / gain / hours
        kw = np.clip(said_kw, -self.store_kwh * loss / hours, room)
        change = np.where(kw > 0.0, kw * gain, kw / loss) * hours
        self.store_kwh = np.clip(self.store_kwh + change, 0.0, None)
        self._gain_kwh += change
        return np.asarray(kw)

    def _prices(self, moment: Moment, days: SiteDays) -> tuple[F64, F64]:
        at = moment.note.column
        buy, sell = days.buy_cny_per_kwh[:, at], days.sell_cny_per_kwh[:, at]
        if self.question.prices is None:
            return buy, sell
        return self.question.prices.of(int(moment.at_s // QUARTER_S), sell)

    def outcome(self) -> Outcome:
        """What the day came to."""
        day, flows, days = self.day, self.flows, self._days()
        flows.close(days)
        missing = np.maximum(day.takes_kwh - self.taken, 0.0)
        left = np.isfinite(day.leaves_s) & (day.leaves_s <= day.to_s)
        short = np.flatnonzero(left & (missing > SHORT_KWH))
        by_site = np.bincount(day.site, self.taken, day.sites).astype(np.float64)
        balance = flows.bought + flows.sun + flows.drawn
        balance = balance - flows.sold - flows.load - by_site - flows.stored
        start = day.store_kwh * float(self.question.store)
        stored = self.store_kwh - start - self._gain_kwh
        return Outcome(
            vehicles_kwh=float(self.taken.sum()),
            read_kwh=float(self.read_kwh.sum()),
            taken_kwh=self.taken.copy(),
            site_kwh=by_site,
            load_kwh=float(flows.load.sum()),
            sun_kwh=float(flows.sun.sum()),
            bought_kwh=float(flows.bought.sum()),
            sold_kwh=float(flows.sold.sum()),
            store_in_kwh=float(flows.stored.sum()),
            store_out_kwh=float(flows.drawn.sum()),
            store_kwh=self.store_kwh.copy(),
            lines=flows.lines(days),
            peak_kw=flows.peak_kw.copy(),
            short=short,
            missing_kwh=float(missing[left].sum()),
            waiting_kwh=float(missing[~left].sum()),
            broken=flows.broken,
            load_alone=flows.load_alone,
            residual_kwh=float(max(np.abs(balance).max(), np.abs(stored).max())),
        )
