"""Events of the virtual power plant: proven by history, settled once, paid as the rule says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

Live = Callable[..., Any]


@pytest.fixture(scope="module")
def january(live: Live) -> Any:
    return live(days=12)


def test_no_event_without_a_history(live: Live) -> None:
    first = live(days=1)
    assert first.twin.plant.events == 0
    assert "vpp_events" not in first.rows


def test_events_are_called_in_their_months_on_workdays(january: Any) -> None:
    days = [row["day"][0] for _, row in january.rows["vpp_events"]]
    plant = january.twin.plant
    assert 0 < len(days) == plant.events <= plant.program.max_events_per_month
    for day in days:
        when = day.astype(object)
        assert when.month in plant.program.months
        assert when.weekday() < 5
        assert plant.called[(when - january.twin.timeline.start).days]


def test_pay_is_for_what_was_delivered(january: Any) -> None:
    plant = january.twin.plant
    for _, row in january.rows["vpp_events"]:
        delivered, paid = row["delivered_kwh"][0], row["payment_cny"][0]
        assert delivered >= 0.0
        assert paid <= plant.program.price_cny_per_kwh * max(delivered, 0.0) + 1e-9
    assert plant.payment_cny == pytest.approx(january.column("vpp_events", "payment_cny").sum())
    earned = january.twin.books.flow("money_cny", "power_market", "operators")
    lost = january.twin.books.flow("money_cny", "operators", "power_market")
    assert earned - lost == pytest.approx(plant.payment_cny)


def test_sites_of_the_control_group_live_an_ordinary_day(live: Live) -> None:
    """On the first event's day they do to the last digit what they do in a town without events."""
    share = {"vpp.control_share": "0.3"}
    called = live({**share, "vpp.admission_kw": "0"}, days=12)
    calm = live({**share, "vpp.max_events_per_month": "0"}, days=12)
    plant, first = called.twin.plant, int(np.argmax(called.twin.plant.called))
    assert plant.events > 0
    assert calm.twin.plant.events == 0
    assert 0 < plant.uncalled.sum() < plant.uncalled.size
    ours, theirs = (
        run.column("site_steps", "import_kwh").reshape(12, plant.uncalled.size, 96)[first]
        for run in (called, calm)
    )
    differs = (ours != theirs).any(axis=1)
    assert differs.any()
    assert not differs[plant.uncalled].any()


def test_no_event_out_of_season(live: Live) -> None:
    april = live(days=4, start=date(2026, 4, 6))
    assert not april.twin.plant.called.any()
    assert april.twin.plant.events == 0


def test_the_plant_meters_the_whole_portfolio(january: Any) -> None:
    net = january.column("site_steps", "import_kwh") - january.column("site_steps", "export_kwh")
    per_step = net.reshape(12, 6, 96).sum(axis=1) * 4.0
    np.testing.assert_allclose(january.twin.plant.metered_kw, per_step, rtol=1e-9, atol=1e-6)
