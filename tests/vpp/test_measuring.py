"""Every baseline measures the same events and says what it gets wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.vpp.baseline import score_baseline
from zerocity.vpp.measuring import METHODS, Meters, delivered_by_site, guess, measure
from zerocity.vpp.program import Program

PROGRAM = Program(price_cny_per_kwh=0.2, penalty_cny_per_kwh=0.1)
DAYS, SITES = 40, 10
WINDOW = PROGRAM.window_mask(24)


def made(relief_kw: float = 20.0, noise: float = 0.0) -> Meters:
    rng = np.random.default_rng(1)
    temperature = rng.uniform(0.0, 10.0, (DAYS, 24))
    base = 100.0 + 2.0 * (18.0 - temperature)
    kw = np.repeat(base[:, :, None], SITES, axis=2) + rng.normal(0.0, noise, (DAYS, 24, SITES))
    events = np.zeros(DAYS, bool)
    events[[30, 35]] = True
    uncalled = np.arange(SITES) >= 7
    kw[np.ix_(events, WINDOW, ~uncalled)] -= relief_kw
    return Meters(kw, temperature, events, np.ones(DAYS, bool), uncalled)


def test_all_methods_see_the_relief_that_was_given() -> None:
    asked = np.array([150.0, 150.0])
    for one in measure(PROGRAM, made(), asked):
        assert one.settlement is not None
        close = 0.6 if one.method == "10_of_10" else 1e-6
        assert one.settlement.delivered_kwh == pytest.approx(np.full(2, 280.0), rel=close)
        assert one.score.days > 0
        assert one.score.rmse_kw >= abs(one.score.bias_kw) - 1e-9


def test_the_better_model_has_the_smaller_error() -> None:
    scores = {m.method: m.score for m in measure(PROGRAM, made(noise=1.0), np.zeros(2))}
    assert scores["regression"].rmse_kw < scores["10_of_10"].rmse_kw
    assert scores["control_group"].false_relief_kw < scores["10_of_10"].false_relief_kw


def test_idle_pay_is_what_false_relief_would_earn() -> None:
    one = measure(PROGRAM, made(), np.zeros(2))[0]
    hours = 2 * PROGRAM.window_h
    assert one.idle_pay_cny == pytest.approx(one.score.false_relief_kw * hours * 0.2)


def test_where_every_site_was_called_there_is_a_score_but_no_control() -> None:
    meters = replace(made(), uncalled=np.zeros(SITES, bool))
    control = measure(PROGRAM, meters, np.zeros(2))[2]
    assert control.settlement is None
    assert "every site was called" in control.why_not
    assert control.score.days > 0


def test_the_first_method_is_the_one_of_before() -> None:
    meters = made(noise=2.0)
    first = measure(PROGRAM, meters, np.zeros(2), ("10_of_10",))[0].score
    old = score_baseline(PROGRAM, meters.total_kw, events=meters.events, workdays=meters.workdays)
    assert first == old


def test_without_history_a_method_says_why_not() -> None:
    meters = made()
    early = np.zeros(DAYS, bool)
    early[0] = True
    for one in measure(PROGRAM, replace(meters, events=early), np.zeros(1)):
        assert one.settlement is None
        assert one.why_not
    none = replace(meters, events=np.zeros(DAYS, bool))
    assert measure(PROGRAM, none, np.zeros(0))[0].why_not == "no event"


def test_delivery_by_site_leaves_the_uncalled_out() -> None:
    meters = made()
    found = delivered_by_site(PROGRAM, meters, 30)
    assert (found[:7] > 0.0).all()
    assert not found[7:].any()


def test_bad_input_is_named() -> None:
    meters = made()
    broken = meters.net_kw.copy()
    broken[3, 4, 5] = np.nan
    with pytest.raises(InputError, match="net_kw, day 3, step 4"):
        replace(meters, net_kw=broken)
    with pytest.raises(InputError, match="events"):
        replace(meters, events=np.zeros(3, bool))
    with pytest.raises(InputError, match="requested_kw"):
        measure(PROGRAM, meters, np.zeros(3))
    with pytest.raises(InputError, match=METHODS[1]):
        guess(PROGRAM, meters, 30, "oracle")
