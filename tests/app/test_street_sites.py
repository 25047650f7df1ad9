"""The meters of a street: what flows adds up, and registers only rise."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.app.street_sites import StreetSites


class Device:
    """A site's meter and inverters: orders in, the last state out."""

    def __init__(self) -> None:
        self.share, self.order, self.state = 1.0, 0.0, {}  # type: ignore[var-annotated]

    def pv_share(self, now_s: float) -> float:
        return self.share

    def store_order_kw(self, now_s: float) -> float:
        return self.order

    def set_state(self, **state: float) -> None:
        self.state = state


def made(load: float, sun: float, store: float = 20.0) -> tuple[StreetSites, Device]:
    seen = SimpleNamespace(
        load_kw=np.array([load]), pv_kw=np.array([sun]),
        store_charge_limit_kw=np.array([store]), store_discharge_limit_kw=np.array([store]),
    )  # fmt: skip
    sites = SimpleNamespace(pv_kwp=np.array([100.0]))
    street = SimpleNamespace(
        seen=seen, store_soc=lambda: (np.array([40.0]), np.array([20.0])),
        city=SimpleNamespace(sites=sites),
    )  # fmt: skip
    device = Device()
    found = StreetSites(street, [device])  # type: ignore[arg-type, list-item]
    found.look()
    return found, device


KW = st.floats(0.0, 200.0)


@settings(max_examples=100, deadline=None)
@given(KW, KW, KW, st.floats(-60.0, 60.0), st.floats(0.0, 1.0))
def test_what_flows_in_is_what_is_used(
    load: float, sun: float, cars: float, order: float, share: float
) -> None:
    sites, device = made(load, sun)
    device.order, device.share = order, share
    sites.second(0.0, np.array([cars]), np.array([0.0]))
    state = device.state
    assert state["net_kw"] == pytest.approx(
        load + cars + state["store_kw"] - state["pv_kw"], abs=1e-9
    )
    assert abs(state["store_kw"]) <= 20.0
    assert 0.0 <= state["pv_kw"] <= min(sun, 100.0 * share) + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(KW, st.floats(-60.0, 60.0), st.floats(0.0, 5.0)), max_size=20))
def test_registers_count_what_flowed_and_only_rise(
    seconds: list[tuple[float, float, float]],
) -> None:
    sites, device = made(10.0, 60.0)
    now_s, imported, exported, net = 0.0, 0.0, 0.0, 0.0
    for cars, order, span_s in seconds:
        now_s += span_s
        imported += max(net, 0.0) * span_s / 3600.0
        exported += max(-net, 0.0) * span_s / 3600.0
        device.order = order
        sites.second(now_s, np.array([cars]), np.array([0.0]))
        net = device.state["net_kw"]
    if seconds:
        # Nothing is known of the time before the first look.
        assert device.state["import_kwh"] == pytest.approx(imported, abs=1e-9)
        assert device.state["export_kwh"] == pytest.approx(exported, abs=1e-9)
        assert 0.0 <= device.state["store_kwh"] <= 40.0


def test_the_mean_power_of_a_minute_is_told_and_begun_anew() -> None:
    sites, device = made(10.0, 60.0)
    none = np.zeros(1)
    for second, order in ((0.0, 10.0), (30.0, -10.0), (60.0, 5.0)):
        device.order = order
        sites.second(second, none, none)
    store_kw, pv_kw = sites.minute()
    assert store_kw[0] == pytest.approx(0.0)
    assert pv_kw[0] == pytest.approx(60.0)
    sites.second(70.0, none, none)
    assert sites.minute()[0][0] == pytest.approx(5.0)
