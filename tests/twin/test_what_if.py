"""A live day once more: it balances, keeps every limit, and is itself when nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journals_made import START_S, Car, made_journal, made_problem

from zerocity.control.replay import PlanNote, StepNote
from zerocity.energy.dispatch import plan_sites
from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.errors import InputError
from zerocity.live import wants as live_wants
from zerocity.twin import what_if
from zerocity.twin.live_day import LiveDay, live_day
from zerocity.twin.live_moments import moments
from zerocity.twin.what_if import Rerun, ask
from zerocity.twin.what_if_bill import Outcome
from zerocity.twin.what_if_plans import Prices
from zerocity.twin.what_if_questions import Cap, Plan, WhatIf

Notes = list[PlanNote | StepNote]
SEEDS = st.integers(0, 200)


def asked(notes: Notes, *questions: WhatIf) -> tuple[LiveDay, list[Outcome]]:
    day = live_day(notes)
    return day, ask(day, notes, questions, plan_sites)


def alone(car: Car, **changes: Any) -> Notes:
    """The day of one car at one site that has nothing else."""
    bare = made_problem(0, 1)
    zeros = np.zeros_like(bare.load_kw)
    return made_journal(
        sites=1, cars=[car], load_kw=zeros + 1.0, pv_kw=zeros,
        store_kwh=np.zeros(1), store_charge_kw=np.zeros(1), store_discharge_kw=np.zeros(1),
        store_initial_kwh=np.zeros(1), store_final_kwh=np.zeros(1),
        import_limit_kw=np.array([100.0]), demand_charge_cny_per_kw=np.zeros(1),
        flex_min_kwh=np.cumsum(zeros + 10.0, axis=1), flex_max_kwh=np.cumsum(zeros + 10.0, axis=1),
        flex_limit_kw=zeros + 200.0, **changes,
    )  # fmt: skip


# The day as it was said


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_as_it_was_said_each_command_is_the_journals_own(seed: int) -> None:
    notes = made_journal(seed)
    day = live_day(notes)
    run = Rerun(day, WhatIf(), plan_sites)
    for one in moments(notes):
        if isinstance(one, PlanNote):
            run.plan(one)
            continue
        run.step(one)
        assert run.said is not None
        wrote = one.note.commands
        np.testing.assert_allclose(run.said.battery_kw, wrote.battery_kw, atol=1e-6)
        np.testing.assert_allclose(run.said.store_kw, wrote.store_kw, atol=1e-6)
        np.testing.assert_allclose(run.said.pv_used_kw, wrote.pv_used_kw, atol=1e-6)
    found = run.outcome()
    assert found.vehicles_kwh == pytest.approx(day.commanded_kwh)
    assert found.read_kwh == pytest.approx(day.metered_kwh.sum())


@pytest.mark.parametrize("takes", [1.0, 0.9, 12.0])
def test_a_car_that_takes_less_than_it_may_does_so_again(takes: float) -> None:
    day, [said, now] = asked(alone(Car(0, 3, 200, 20.0, 40.0, takes)), WhatIf(), WhatIf(Plan.NONE))
    assert said.read_kwh == pytest.approx(day.metered_kwh.sum(), rel=0.02)
    assert now.peak_kw[0] <= (takes if takes > 1.0 else 40.0) + 1.2 + 1e-9


def test_a_car_that_refuses_is_given_nothing_under_any_plan() -> None:
    cars = alone(Car(0, 3, 60, 20.0, 40.0, takes=0.0))
    _, found = asked(cars, *(WhatIf(plan) for plan in Plan))
    for one in found:
        assert one.vehicles_kwh == 0.0
        assert not one.short.size


def test_a_car_that_cannot_be_told_takes_what_it_may_alone() -> None:
    notes = made_journal(3, reachable=False)
    day, [said] = asked(notes, WhatIf(plan=Plan.NONE))
    stays_h = sum(len(n.seen.key) for n in notes if isinstance(n, StepNote)) / 60.0
    assert said.vehicles_kwh <= 2.0 * stays_h + 1e-9
    assert said.vehicles_kwh == pytest.approx(day.metered_kwh.sum(), rel=0.1)


def test_what_was_taken_before_a_word_was_said_is_told_apart() -> None:
    notes = alone(Car(0, 3, 200, 30.0, 40.0))
    later: Notes = [
        replace(n, seen=replace(n.seen, meter_kwh=n.seen.meter_kwh + 5.0 * (k > 4)))
        if isinstance(n, StepNote)
        else n
        for k, n in enumerate(notes)
    ]
    day = live_day(later)
    assert day.unasked_kwh == pytest.approx(5.0, abs=0.7)
    assert day.metered_kwh.sum() == pytest.approx(live_day(notes).metered_kwh.sum(), abs=0.7)


def test_who_was_full_stays_as_long_as_announced_and_who_was_not_goes() -> None:
    full = alone(Car(0, 0, 40, 10.0, 40.0, early=40))
    cap = WhatIf(caps=(Cap(0, 1.0, START_S, START_S + 40 * 60),))
    day, [said, capped] = asked(full, WhatIf(), cap)
    assert day.leaves_s[0] == START_S + 80 * 60
    assert said.vehicles_kwh == pytest.approx(10.0)
    assert capped.vehicles_kwh == pytest.approx(10.0)
    assert not capped.short.size
    day, [said] = asked(alone(Car(0, 0, 20, 40.0, 40.0, early=40)), WhatIf())
    assert day.leaves_s[0] == START_S + 20 * 60
    assert list(said.short) == [0]
    assert said.missing_kwh == pytest.approx(40.0 - said.vehicles_kwh)


def test_the_rule_for_the_unknown_is_the_live_citys() -> None:
    assert what_if.STILL_CHARGING_H == live_wants.STILL_CHARGING_H


# Laws of every run


@st.composite
def questions(draw: st.DrawFn) -> WhatIf:
    caps = tuple(
        Cap(
            draw(st.integers(0, 2)),
            draw(st.floats(0.0, 300.0)),
            START_S + 60.0 * (at := draw(st.integers(0, 50))),
            START_S + 60.0 * (at + draw(st.integers(1, 90))),
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    price = draw(st.none() | st.floats(-0.2, 2.0))
    return WhatIf(
        draw(st.sampled_from(Plan)), caps, None if price is None else Prices(np.full(96, price)),
        draw(st.booleans()), draw(st.booleans()), 900.0,
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(SEEDS, questions())
def test_energy_balances_and_no_limit_is_broken(seed: int, question: WhatIf) -> None:
    notes = made_journal(seed, steps=60, floor_kw=1.38 * (seed % 2))
    day, [found] = asked(notes, question)
    assert found.residual_kwh < 1e-6
    assert found.broken == 0
    assert (found.taken_kwh <= day.takes_kwh + 1e-9).all()
    assert (found.store_kwh >= -1e-9).all()
    note = notes[0]
    assert isinstance(note, PlanNote)
    assert (found.store_kwh <= note.days.store_kwh + 1e-6).all()
    assert found.vehicles_kwh == pytest.approx(found.site_kwh.sum())
    wanted = found.vehicles_kwh + found.missing_kwh + found.waiting_kwh
    assert wanted == pytest.approx(day.takes_kwh.sum())
    if not question.store:
        assert found.store_out_kwh == found.store_in_kwh == 0.0
    trade = {line.name: line for line in found.lines}
    assert found.cost_cny == pytest.approx(sum(line.cny for line in trade.values()))
    if question.prices is not None:
        buy = question.prices.buy[0]
        assert trade["energy bought"].cny == pytest.approx(buy * found.bought_kwh)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([Plan.SAID, Plan.NONE]), st.floats(0.0, 200.0), st.floats(0.0, 200.0))
def test_a_lower_cap_never_gives_more(seed: int, plan: Plan, one: float, two: float) -> None:
    """Exactly so where all share equally, and no least power and no store turn the order round."""
    low, high = sorted((one, two))
    notes = made_journal(seed, steps=60)
    ways = [
        WhatIf(plan, tuple(Cap(k, kw) for k in range(3)), store=False, priorities=False)
        for kw in (low, high)
    ]
    _, [less, more] = asked(notes, *ways)
    assert (less.taken_kwh <= more.taken_kwh + 1e-9).all()


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_who_charges_at_once_is_never_behind(seed: int) -> None:
    notes = made_journal(seed, steps=60)
    _, [said, once] = asked(
        notes, WhatIf(store=False, priorities=False),
        WhatIf(Plan.NONE, store=False, priorities=False),
    )  # fmt: skip
    assert once.vehicles_kwh >= said.vehicles_kwh - 1e-9


# Plans and prices


def dear_then_cheap() -> Prices:
    """Dear for the first hour of the made days, cheap after it."""
    prices = np.full(96, 0.1)
    first = START_S // 900 % 96
    prices[first : first + 4] = 1.0
    return Prices(prices)


def test_a_plan_made_again_waits_for_the_cheap_hour() -> None:
    notes = alone(Car(0, 0, 90, 8.0, 40.0), steps=90)
    prices = dear_then_cheap()
    _, [once, again] = asked(
        notes, WhatIf(Plan.NONE, prices=prices), WhatIf(Plan.AGAIN, prices=prices)
    )
    assert once.vehicles_kwh == pytest.approx(8.0)
    assert again.vehicles_kwh == pytest.approx(8.0)
    assert again.cost_cny < 0.5 * once.cost_cny


@pytest.mark.parametrize("plan", [Plan.AGAIN, Plan.HINDSIGHT])
def test_only_hindsight_knows_who_is_to_come(plan: Plan) -> None:
    notes = made_journal(5, cars=[Car(0, 0, 80, 5.0, 20.0), Car(1, 40, 85, 7.0, 20.0)])
    problems: list[SiteDays] = []

    def planner(days: SiteDays) -> SitePlans:
        problems.append(days)
        return plan_sites(days)

    day = live_day(notes)
    ask(day, notes, [WhatIf(plan, every_s=900.0)], planner)
    first, last = problems[0], problems[-1]
    assert len(problems) == 6
    known = {Plan.AGAIN: 0.0, Plan.HINDSIGHT: 7.0}[plan]
    assert first.flex_max_kwh[:2, -1] == pytest.approx([5.0, known])
    assert last.flex_max_kwh[1, -1] <= 7.0
    seen = np.mean(
        [n.seen.snapshot.load_kw for n in notes[1:16] if isinstance(n, StepNote)], axis=0
    )
    assert np.allclose(first.load_kw[:, 0], seen) == (plan is Plan.HINDSIGHT)


def test_prices_alone_change_the_bill_and_nothing_else() -> None:
    notes = made_journal(7)
    _, [said, flat] = asked(notes, WhatIf(), WhatIf(prices=Prices(np.full(96, 0.3))))
    assert flat.bought_kwh == said.bought_kwh
    lines = {line.name: line.cny for line in flat.lines}
    assert lines["energy bought"] == pytest.approx(0.3 * flat.bought_kwh)
    assert lines["energy sold"] >= -0.3 * flat.sold_kwh - 1e-9


# What cannot be asked


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (WhatIf(caps=(Cap(9, 1.0),)), "cap, site"),
        (WhatIf(caps=(Cap(0, float("nan")),)), "cap, power"),
        (WhatIf(caps=(Cap(0, -1.0),)), "cap, power"),
        (WhatIf(caps=(Cap(0, 1.0, START_S + 60.0, START_S),)), "a start before its end"),
        (WhatIf(caps=(Cap(0, 1.0, 0.0, 60.0),)), "outside of the journal"),
        (WhatIf(prices=Prices(np.full(96, np.nan))), "96 finite numbers"),
        (WhatIf(prices=Prices(np.ones(96), np.ones(3))), "96 finite numbers"),
        (WhatIf(every_s=float("nan")), "time between plans"),
    ],
)
def test_a_question_without_sense_is_refused(question: WhatIf, words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked(made_journal(1, steps=5), question)


def test_what_was_added_since_is_left_out() -> None:
    notes = made_journal(2)
    day = live_day(notes[:40])
    [short, long] = (
        ask(day, these, [WhatIf()], plan_sites)[0].vehicles_kwh for these in (notes[:40], notes)
    )
    assert short == long


def broken(notes: Sequence[PlanNote | StepNote]) -> list[tuple[Notes, str]]:
    plan, first = notes[0], notes[1]
    assert isinstance(first, StepNote)
    assert isinstance(plan, PlanNote)
    other = made_journal(1, sites=2, steps=2)
    silent = replace(first, seen=replace(first.seen, meter_kwh=np.zeros(0)))
    busy = [n for n in notes if isinstance(n, StepNote) and n.seen.key.size]
    mute = replace(busy[0], seen=replace(busy[0].seen, meter_kwh=np.zeros(0)))
    return [
        ([], "no step"),
        ([plan], "no step"),
        ([silent], "a step before the first plan"),
        ([plan, other[1]], "another number of sites"),
        ([plan, first, *other], "another number of sites"),
        ([plan, mute], "no meters"),
    ]


@pytest.mark.parametrize("case", range(6))
def test_a_journal_that_tells_no_day_is_refused(case: int) -> None:
    notes, words = broken(made_journal(1, steps=60))[case]
    with pytest.raises(InputError, match=words):
        live_day(notes)
