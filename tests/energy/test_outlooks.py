from __future__ import annotations

import numpy as np
import pytest
from runs import HISTORY_DAYS, made_run

from zerocity.energy.forecasting import fit, forecast
from zerocity.energy.outlooks import Exact, FromHistory, draw
from zerocity.errors import InputError

START = HISTORY_DAYS * 96


def test_exact_foresight_shows_what_comes() -> None:
    truth, _, _ = made_run(2)
    seen = Exact(truth.load_kw, truth.pv_kw, horizon=8)(5, 3)
    assert seen.load_kw.shape == (2, 3, 1, 8)
    assert (seen.load_kw[:, 2, 0] == truth.load_kw[:, 7:15]).all()


def test_scenarios_stay_within_the_bands_and_spread_as_they_do() -> None:
    _, load, _ = made_run(2)
    model = fit(load, START)
    issues = np.array([START, START + 30])
    bands = forecast(model, load, issues)
    drawn = draw(model, bands, issues, 40)
    assert drawn.shape == (2, 2, 40, 96)
    inside = {}
    for share in (0.5, 0.9):
        low, high = bands.interval(share)
        inside[share] = ((drawn >= low[:, :, None]) & (drawn <= high[:, :, None])).mean()
    assert 0.4 <= inside[0.5] <= 0.75
    assert inside[0.9] >= 0.85
    assert np.array_equal(drawn, draw(model, bands, issues, 40))


def test_ups_and_downs_hold_on_as_long_as_they_really_do() -> None:
    """Neighbouring leads of a made load share an hour's wandering; scenarios keep that."""
    _, load, _ = made_run(8)
    issues = np.array([START + 6 * 96])
    model = fit(load, int(issues[0]))
    bands = forecast(model, load, issues)
    drawn = draw(model, bands, issues, 30)[0, 0]
    rank = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    near = float((rank[:, :-1] * rank[:, 1:]).mean())
    far = float((rank[:, :-24] * rank[:, 24:]).mean())
    assert near > 0.4
    assert near > far + 0.2


def test_the_outlook_ends_with_the_expected_course_and_night_is_dark() -> None:
    _, load, sun = made_run(2)
    seen = FromHistory(load, sun, START, scenarios=5)(10, 4)
    assert seen.load_kw.shape == seen.pv_kw.shape == (2, 4, 6, 96)
    assert (seen.load_kw >= 0.0).all()
    night = sun.past.scale[0, START + 10 : START + 10 + 96] == 0.0
    assert (seen.pv_kw[:, 0][..., night] == 0.0).all()
    drawn, expected = seen.load_kw[:, :, :5], seen.load_kw[:, :, 5]
    assert drawn.mean() == pytest.approx(expected.mean(), rel=0.1)


def test_a_model_is_kept_for_some_days_and_then_fitted_again() -> None:
    _, load, sun = made_run(4)
    foreseer = FromHistory(load, sun, START, refit_days=2)
    first = foreseer(0, 1), foreseer._models
    foreseer(96, 1)
    assert foreseer._models is first[1]
    foreseer(2 * 96, 1)
    assert foreseer._models is not first[1]


def test_histories_must_belong_together() -> None:
    _, load, _ = made_run(2)
    _, _, sun = made_run(3)
    with pytest.raises(InputError, match="same rows and days"):
        FromHistory(load, sun, START)
