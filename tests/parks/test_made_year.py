"""A made year balances and uses its store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from park_years import small_case, small_year

from zerocity.parks.made_year import made_meters


def test_a_made_year_balances_and_earns_with_its_store() -> None:
    year = replace(small_year(), weight=np.ones(144))
    case = small_case(year=year)
    meters = made_meters(year, case.assets)
    assert meters.use_kwh == pytest.approx(year.use_kw)
    gained = 0.95 * meters.charge_kwh.sum() - meters.discharge_kwh.sum() / 0.95
    assert gained == pytest.approx(0.0, abs=1e-6)
    assert meters.discharge_kwh.sum() > 0.0
    bare = made_meters(year, replace(case.assets, store_kwh=0.0, store_kw=0.0))
    assert float(meters.import_kwh @ year.buy_cny_per_kwh) < float(
        bare.import_kwh @ year.buy_cny_per_kwh
    )
