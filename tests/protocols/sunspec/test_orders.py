"""Orders as writes to SunSpec models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.sunspec.orders import OrderError, share_order, step_writes, store_order
from zerocity.protocols.sunspec.words import Ratings

DER_SHARE = {"WMaxLimPctEna": 0.0, "WMaxLimPct": 100.0, "WMaxLimPctEnaRvrt": 0.0,
             "WMaxLimPctRvrtTms": 0.0, "WMaxLimPct_SF": -1.0}  # fmt: skip
OLD_SHARE = {"WMaxLim_Ena": 0.0, "WMaxLimPct": 100.0, "WMaxLimPct_WinTms": 0.0,
             "WMaxLimPct_RvrtTms": 0.0, "WMaxLimPct_SF": 0.0}  # fmt: skip
DER_STORE = {"WSetEna": 0.0, "WSetMod": 1.0, "WSet": 0.0, "WSetEnaRvrt": 0.0,
             "WSetRvrtTms": 0.0, "WSet_SF": 0.0}  # fmt: skip
OLD_STORE = {"WChaMax": 50_000.0, "StorCtl_Mod": 0.0, "OutWRte": 100.0, "InWRte": 100.0,
             "InOutWRte_WinTms": 0.0, "InOutWRte_RvrtTms": 0.0, "InOutWRte_SF": -2.0,
             "WChaMax_SF": 1.0, "ChaState": 50.0}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "values", "switch"),
    [(704, DER_SHARE, "WMaxLimPctEna"), (123, OLD_SHARE, "WMaxLim_Ena")],
)
def test_the_switch_comes_last_and_the_timer_before_it(
    model: int, values: dict[str, float], switch: str
) -> None:
    steps = share_order(model, values, 0.5).steps
    assert steps[0] == {"WMaxLimPct": 50.0}
    assert steps[-1] == {switch: 1.0}
    assert any(60.0 in step.values() for step in steps[1:-1])


@given(st.floats(-0.5, 1.5), st.integers(-2, 1))
def test_a_bound_is_never_rounded_up(wanted: float, scale: int) -> None:
    values = {**DER_SHARE, "WMaxLimPct_SF": float(scale)}
    percent = share_order(704, values, wanted).steps[0]["WMaxLimPct"]
    asked = 100.0 * min(max(wanted, 0.0), 1.0)
    assert percent <= asked + 2e-6 * 10.0**scale
    assert asked - percent <= 10.0**scale


def test_a_percentage_that_fits_is_kept() -> None:
    for share in (0.29, 0.57, 0.58, 1.0):
        steps = share_order(123, OLD_SHARE, share).steps
        assert steps[0]["WMaxLimPct"] == pytest.approx(100.0 * share)


def test_points_that_a_device_lacks_are_left_out() -> None:
    bare = {**DER_SHARE, "WMaxLimPctEnaRvrt": None, "WMaxLimPctRvrtTms": None}
    assert share_order(704, bare, 0.5).steps == ({"WMaxLimPct": 50.0}, {"WMaxLimPctEna": 1.0})


def test_a_store_is_told_what_it_injects() -> None:
    steps = store_order(704, DER_STORE, Ratings(), 12.5).steps
    assert {"WSet": -12_500.0} in steps
    assert steps[-1] == {"WSetEna": 1.0}


@pytest.mark.parametrize(
    ("kw", "into", "out"), [(25.0, 50.0, -50.0), (-10.0, -20.0, 20.0), (0.0, 0.0, 0.0),
                            (80.0, 100.0, -100.0)],
)  # fmt: skip
def test_an_older_store_is_left_one_power_only(kw: float, into: float, out: float) -> None:
    steps = store_order(124, OLD_STORE, Ratings(), kw).steps
    assert steps[0] == pytest.approx({"OutWRte": out, "InWRte": into})
    assert steps[-1] == {"StorCtl_Mod": 3.0}


def test_discharging_has_its_own_rating() -> None:
    steps = store_order(124, OLD_STORE, Ratings(discharge_w=25_000.0), -10.0).steps
    assert steps[0] == pytest.approx({"OutWRte": 40.0, "InWRte": -20.0})


@pytest.mark.parametrize(
    ("model", "gap"),
    [(704, "WSet_SF"), (124, "InOutWRte_SF"), (124, "WChaMax")],
)
def test_a_store_that_lacks_what_an_order_needs_takes_none(model: int, gap: str) -> None:
    values = {**(DER_STORE if model == 704 else OLD_STORE), gap: None}
    with pytest.raises(OrderError, match="does not say"):
        store_order(model, values, Ratings(), 10.0)


def test_neighbours_go_in_one_write() -> None:
    runs = step_writes(124, {"OutWRte": -50.0, "InWRte": 50.0}, OLD_STORE)
    assert runs == [(12, [0x10000 - 5000, 5000])]
    assert len(step_writes(704, {"WSetMod": 1.0, "WSet": 5.0, "WSetEna": 1.0}, DER_STORE)) == 1
    assert len(step_writes(704, {"WSetEna": 1.0, "WSetRvrtTms": 60.0}, DER_STORE)) == 2


def test_a_value_beyond_the_registers_is_refused() -> None:
    with pytest.raises(OrderError, match="cannot say"):
        step_writes(704, {"WSet": 1e12}, DER_STORE)
