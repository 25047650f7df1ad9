"""What never changes: fallbacks that fit together, and a rhythm that fits into plans."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned
from zerocity.errors import InputError
from zerocity.live.facts import (
    DC_FROM_KW,
    ONE_PHASE_KW,
    PEAK_LOAD_RATIO,
    THREE_PHASE_KW,
    Rhythm,
    least_kw,
    site_facts,
)


@pytest.mark.parametrize("size", [None, Size(8, 2, 30), Size(30, 4, 200)])
def test_were_every_link_lost_at_once_no_connection_would_be_overrun(size: Size | None) -> None:
    city = load_city("lanzhou")
    city = city if size is None else thinned(city, size)
    facts = site_facts(city)
    worst = facts.plugs * facts.default_kw + PEAK_LOAD_RATIO * city.sites.load_kw
    can_be_kept = PEAK_LOAD_RATIO * city.sites.load_kw <= facts.import_limit_kw
    assert (worst[can_be_kept] <= facts.import_limit_kw[can_be_kept] + 1e-9).all()
    assert (facts.default_kw[~can_be_kept] == 0.0).all()
    assert (facts.default_kw >= 0.0).all()
    assert len(facts) == len(facts.names) == np.unique(facts.names).size


@pytest.mark.parametrize("step_s", [1, 5, 15, 60])
def test_steps_that_fit_into_a_quarter(step_s: int) -> None:
    assert Rhythm(step_s).step_h == pytest.approx(step_s / 3600.0)


@pytest.mark.parametrize("step_s", [0, -5, 7, 61, 900])
def test_steps_that_do_not_fit_are_refused(step_s: int) -> None:
    with pytest.raises(InputError, match=r"rhythm\.step_s"):
        Rhythm(step_s)


@pytest.mark.parametrize(
    ("rated", "least"),
    [(3.7, ONE_PHASE_KW), (7.4, ONE_PHASE_KW), (11.0, THREE_PHASE_KW), (22.0, THREE_PHASE_KW),
     (DC_FROM_KW, 0.0), (120.0, 0.0)],
)  # fmt: skip
def test_the_least_power_of_a_plug(rated: float, least: float) -> None:
    assert least_kw(rated) == least
