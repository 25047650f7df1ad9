"""What cycling costs each site's store today, by the ageing law at its packs' own state."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from zerocity.batteries.ageing_state import AgeingState
from zerocity.batteries.wear import wear_price
from zerocity.city.scenario import City
from zerocity.measures.arrays import F64
from zerocity.passports.lifecycle import Stage
from zerocity.twin.health import Health
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY, Population


def store_wear(city: City, people: Population, health: Health) -> F64:
    """Price of cycling each site's store, the mean of its packs by capacity, (sites,) [CNY/kWh].

    Per AC kWh cycled: half of it on the way in, half on the way out. A pack's capacity is worth
    what the site's own product costs, or, where the site names none, what the pack's product costs.
    Sites without a pack: 0.
    """
    packs, sites = people.packs, city.sites
    ids = np.flatnonzero((packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE))
    where = packs.place[ids]
    own = np.array([p.price_cny_per_kwh for p in people.products])
    named = np.array([city.products[n].price_cny_per_kwh if n else np.nan
                      for n in sites.storage_product])[where]  # fmt: skip
    rows = AgeingState(*(getattr(health.state, f.name)[ids] for f in fields(AgeingState)))
    each_way = wear_price(
        rows, health.laws[ids], np.where(np.isnan(named), own[packs.product[ids]], named),
        spread=packs.spread[ids], charge_efficiency=CHARGER_EFFICIENCY,
        discharge_efficiency=INVERTER_EFFICIENCY,
    )  # fmt: skip
    kwh = packs.usable_kwh[ids]
    held = np.bincount(where, kwh, len(sites))
    paid = np.bincount(where, 2.0 * each_way * kwh, len(sites))
    return np.divide(paid, held, out=np.zeros(len(sites)), where=held > 0.0)
