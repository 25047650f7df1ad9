"""The starter town, its people, and days of its life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest

from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.energy.dispatch import plan_sites
from zerocity.energy.weather import made_weather
from zerocity.measures.timeline import Timeline
from zerocity.twin.population import Population, populate
from zerocity.twin.year import Options, Twin

Rows = dict[str, list[tuple[str, Mapping[str, Any]]]]


@dataclass
class Lived:
    """A twin after its days, and the rows that it wrote."""

    twin: Twin
    rows: Rows

    def column(self, table: str, name: str) -> np.ndarray[Any, Any]:
        """One column of a table over all days."""
        parts = [np.asarray(rows[name]) for _, rows in self.rows[table]]
        return np.concatenate([part for part in parts if part.size] or parts)


def lived(
    overrides: Mapping[str, str] | None = None,
    days: int = 3,
    start: date = date(2026, 1, 5),
    seed: int = 1,
    prepare: Callable[[Twin], None] | None = None,
) -> Lived:
    """Run the starter town for some days, after ``prepare`` has had its hands on it."""
    city = load_city("starter", dict(overrides or {}))
    timeline = Timeline(start, days, 15, city.utc_offset_h)
    rows: Rows = {}

    class Sink:
        def write(self, table: str, part: str, columns: Mapping[str, Any]) -> None:
            copies = {name: copy(values) for name, values in columns.items()}
            rows.setdefault(table, []).append((part, copies))

    weather = made_weather(city.climate, timeline, seed)
    twin = Twin(city, timeline, weather, Options(seed), Sink(), plan_sites)
    twin.open()
    if prepare is not None:
        prepare(twin)
    for _ in twin.days():
        pass
    twin.close()
    return Lived(twin, rows)


@pytest.fixture(scope="session")
def live() -> Callable[..., Lived]:
    """Runs a town of one's own: ``live(overrides, days=3, start=..., prepare=...)``."""
    return lived


@pytest.fixture(scope="session")
def three_days() -> Lived:
    """Three ordinary days; for reading only."""
    return lived()


@pytest.fixture(scope="session")
def hard_times() -> Lived:
    """Ten days in which packs wear out, fail and come to the centre; for reading only."""

    def old_packs(twin: Twin) -> None:
        packs = twin.people.packs
        packs.life_days[::4] = 5.0 - packs.born_day[::4]  # a quarter is given up on day 5
        packs.life_days[1::8] = 2.0 - packs.born_day[1::8]
        packs.fault[2::12] = 1

    return lived(
        {
            "aftersales.repair_days": "2",
            "aftersales.repair_success": "0.5",
            "aftersales.tests_per_day": "4",
            "recycling.policy.informal_share": "0.2",
        },
        days=10,
        prepare=old_packs,
    )


@pytest.fixture(scope="session")
def city() -> City:
    return load_city("starter")


@pytest.fixture(scope="session")
def timeline(city: City) -> Timeline:
    return Timeline(date(2026, 1, 5), 3, 15, city.utc_offset_h)


@pytest.fixture
def people(city: City, timeline: Timeline) -> Population:
    """The town on the evening before; the test may change it."""
    return populate(city, timeline, 1)
