"""Small pictures of the world for the tests of decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zerocity.control.snapshot import PlanRow, Snapshot

Make = Callable[..., tuple[Snapshot, PlanRow]]


def made(
    seed: int = 0, sites: int = 3, batteries: int = 20, **changes: Any
) -> tuple[Snapshot, PlanRow]:
    """A random but lawful picture and the plan for it."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(10.0, 300.0, sites)
    limit = rng.uniform(0.0, 60.0, batteries) * (rng.random(batteries) > 0.1)
    need = rng.uniform(0.0, 40.0, batteries)
    snapshot = Snapshot(
        step=seed,
        step_h=0.25,
        load_kw=size * rng.uniform(0.0, 1.3, sites),
        pv_kw=size * rng.uniform(0.0, 2.0, sites) * (rng.random(sites) > 0.3),
        import_limit_kw=size,
        export_limit_kw=size * rng.uniform(0.0, 0.7, sites),
        store_charge_limit_kw=size * rng.uniform(0.0, 1.0, sites),
        store_discharge_limit_kw=size * rng.uniform(0.0, 1.0, sites),
        site=rng.integers(0, sites, batteries),
        need_kwh=need,
        limit_kw=limit,
        steps_needed=need / np.maximum(limit * 0.25, 1e-9),
        steps_left=rng.integers(0, 12, batteries),
    )
    row = PlanRow(
        pv_kw=snapshot.pv_kw * rng.uniform(0.5, 1.5, sites),
        flex_kw=size * rng.uniform(0.0, 1.5, sites),
        store_kw=size * rng.uniform(-1.5, 1.5, sites),
    )
    return replace(snapshot, **changes), row


@pytest.fixture(scope="session")
def picture() -> Make:
    """Makes a snapshot and a plan row: ``picture(seed, sites=3, batteries=20, **changes)``."""
    return made
