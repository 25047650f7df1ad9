"""A live day put together from its looks: who wanted what, and what the stores held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from journals_made import START_S, Car, made_journal, made_problem

from zerocity.control.replay import PlanNote, StepNote
from zerocity.measures.arrays import F64
from zerocity.twin.live_day import live_day

Notes = list[PlanNote | StepNote]


def with_need(notes: Notes, key: int, more: F64) -> Notes:
    """Notes in which a car's wish is so much more at each look."""
    found: Notes = []
    for k, note in enumerate(notes):
        if isinstance(note, PlanNote):
            found.append(note)
            continue
        s = note.seen.snapshot
        need = np.maximum(s.need_kwh + np.where(note.seen.key == key, more[k], 0.0), 0.0)
        found.append(replace(note, seen=replace(note.seen, snapshot=replace(s, need_kwh=need))))
    return found


def test_sessions_are_known_by_their_key_with_all_that_they_took() -> None:
    cars = [Car(0, 3, 40, 4.0, 20.0), Car(2, 10, 80, 9.0, 30.0)]
    day = live_day(made_journal(1, cars=cars))
    assert day.number == {7: 0, 8: 1}
    assert list(day.site) == [0, 2]
    assert list(day.first) == [3, 10]
    assert list(day.last) == [39, 79]
    np.testing.assert_allclose(day.begins_s, START_S + 60.0 * np.array([3, 10]))
    np.testing.assert_allclose(day.metered_kwh, [car.taken for car in cars], atol=1.0)
    np.testing.assert_allclose(day.takes_kwh, [4.0, 9.0])
    assert not day.is_open.any()


def test_a_wish_that_changes_is_news_at_its_look() -> None:
    notes = made_journal(1, cars=[Car(0, 0, 80, 4.0, 20.0)])
    more = np.zeros(len(notes))
    more[30:] = 6.0
    day = live_day(with_need(notes, 7, more))
    assert day.takes_kwh == pytest.approx([10.0])
    news = {look: wants for look, (rows, wants) in day.said.items() if rows.size}
    assert news[0] == pytest.approx([4.0])
    assert news[29] == pytest.approx([10.0])


def test_who_charges_beyond_what_was_known_is_open() -> None:
    """A wish that never falls, as that of a car of which nothing is known."""
    notes = made_journal(1, cars=[Car(0, 0, 90, 20.0, 40.0)])
    taken = [n.seen.meter_kwh[0] if isinstance(n, StepNote) else 0.0 for n in notes]
    day = live_day(with_need(notes, 7, np.array(taken)))
    assert day.metered_kwh[0] > 1.0
    assert day.is_open.all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_stores_content_at_the_start_is_found(share: float) -> None:
    content = share * made_problem(2, 3).store_kwh
    day = live_day(made_journal(2, steps=5, store_initial_kwh=content))
    np.testing.assert_allclose(day.store_kwh, content, atol=1e-9)


def test_a_plan_from_before_the_first_reading_does_not_tell_the_content() -> None:
    content = 0.5 * made_problem(2, 3).store_kwh
    plan, *steps = made_journal(2, steps=20, store_initial_kwh=content)
    assert isinstance(plan, PlanNote)
    blind = replace(plan, days=replace(plan.days, store_initial_kwh=np.zeros(3)))
    day = live_day([blind, steps[0], plan, *steps[1:]])
    np.testing.assert_allclose(day.store_kwh, content, atol=1e-9)
