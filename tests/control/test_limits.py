"""The last word, whatever was decided: also for commands that no one in their senses would give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.control.decide import decide, is_urgent, site_charging_kw
from zerocity.control.limits import limit
from zerocity.control.snapshot import Commands, Snapshot

SEEDS = st.integers(0, 10_000)
Make = Callable[..., Any]
TINY_KW = 1e-9


def wild(snapshot: Snapshot, seed: int) -> Commands:
    """Commands far outside every limit."""
    rng = np.random.default_rng(seed)
    return Commands(
        battery_kw=rng.normal(30.0, 200.0, snapshot.limit_kw.size),
        store_kw=rng.normal(0.0, 500.0, snapshot.load_kw.size),
        pv_used_kw=rng.normal(0.0, 500.0, snapshot.load_kw.size),
    )


def net_kw(snapshot: Snapshot, said: Commands) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Power from the grid, negative into it."""
    taken = snapshot.load_kw + site_charging_kw(snapshot, said) + said.store_kw
    return np.asarray(taken - said.pv_used_kw)


def check(snapshot: Snapshot, said: Commands) -> None:
    assert (said.battery_kw >= 0.0).all()
    assert (said.battery_kw <= snapshot.limit_kw).all()
    assert (said.store_kw <= snapshot.store_charge_limit_kw + TINY_KW).all()
    assert (said.store_kw >= -snapshot.store_discharge_limit_kw - TINY_KW).all()
    assert (said.pv_used_kw >= 0.0).all()
    assert (said.pv_used_kw <= snapshot.pv_kw).all()
    net = net_kw(snapshot, said)
    over = net > snapshot.import_limit_kw + TINY_KW
    # Beyond the connection only a load that is not ours to shed, with everything else helping.
    assert (site_charging_kw(snapshot, said)[over] == 0.0).all()
    np.testing.assert_allclose(said.store_kw[over], -snapshot.store_discharge_limit_kw[over])
    np.testing.assert_array_equal(said.pv_used_kw[over], snapshot.pv_kw[over])
    assert (net >= -snapshot.export_limit_kw - TINY_KW).all()


@given(SEEDS)
def test_every_limit_holds_for_what_was_decided(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    check(snapshot, limit(snapshot, decide(snapshot, row)))


@given(SEEDS)
def test_every_limit_holds_for_wild_commands(picture: Make, seed: int) -> None:
    snapshot, _ = picture(seed)
    check(snapshot, limit(snapshot, wild(snapshot, seed)))


@given(SEEDS)
def test_sun_is_curtailed_only_where_it_cannot_leave(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    said = limit(snapshot, decide(snapshot, row))
    wasted = said.pv_used_kw < snapshot.pv_kw - TINY_KW
    np.testing.assert_allclose(
        net_kw(snapshot, said)[wasted], -snapshot.export_limit_kw[wasted], atol=TINY_KW
    )


@given(SEEDS)
def test_lawful_commands_pass_unchanged(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    once = limit(snapshot, decide(snapshot, row))
    twice = limit(snapshot, once)
    np.testing.assert_allclose(twice.battery_kw, once.battery_kw, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(twice.store_kw, once.store_kw, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(twice.pv_used_kw, once.pv_used_kw, rtol=1e-9, atol=1e-9)


@given(SEEDS, st.floats(1.0, 5.0))
def test_a_wider_connection_never_charges_less(picture: Make, seed: int, wider: float) -> None:
    snapshot, row = picture(seed)
    more = replace(snapshot, import_limit_kw=snapshot.import_limit_kw * wider)
    narrow = limit(snapshot, decide(snapshot, row)).battery_kw
    wide = limit(more, decide(more, row)).battery_kw
    assert (wide >= narrow * (1.0 - 1e-9) - TINY_KW).all()


@given(SEEDS)
def test_scarce_power_goes_to_the_urgent_first(picture: Make, seed: int) -> None:
    snapshot, row = picture(seed)
    decided = decide(snapshot, row)
    said, urgent = limit(snapshot, decided), is_urgent(snapshot)
    for site in range(snapshot.load_kw.size):
        mine = snapshot.site == site
        let_down = said.battery_kw < decided.battery_kw * (1.0 - 1e-9) - TINY_KW
        if (let_down & mine & urgent).any():
            assert (said.battery_kw[mine & ~urgent] <= TINY_KW).all()


def test_the_retreat_goes_store_first_then_batteries_then_the_store_helps(picture: Make) -> None:
    def imported(limit_kw: float) -> tuple[float, float]:
        snapshot, _ = picture(0, sites=1, batteries=1)
        snapshot = replace(
            snapshot,
            load_kw=np.array([50.0]), pv_kw=np.zeros(1), import_limit_kw=np.array([limit_kw]),
            store_charge_limit_kw=np.array([20.0]), store_discharge_limit_kw=np.array([10.0]),
            site=np.zeros(1, np.int64), limit_kw=np.array([30.0]), need_kwh=np.array([50.0]),
        )  # fmt: skip
        said = limit(snapshot, Commands(np.array([30.0]), np.array([20.0]), np.zeros(1)))
        return float(said.store_kw[0]), float(said.battery_kw[0])

    assert imported(100.0) == (20.0, 30.0)
    assert imported(90.0) == (10.0, 30.0)
    assert imported(75.0) == (-5.0, 30.0)
    assert np.allclose(imported(60.0), (-10.0, 20.0))
    assert np.allclose(imported(40.0), (-10.0, 0.0))
    assert np.allclose(imported(10.0), (-10.0, 0.0)), "the load is not ours to shed"
