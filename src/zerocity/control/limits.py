"""The last word: whatever was decided, a site stays inside its grid connection.

Order of retreat: the store stops charging, then batteries share what is left (urgent ones first);
if a site still imports too much, the store helps; what cannot be exported is curtailed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zerocity.control.decide import is_urgent, site_charging_kw
from zerocity.control.snapshot import Commands, Snapshot
from zerocity.energy.sharing import share
from zerocity.measures.arrays import F64, I64


def limit(snapshot: Snapshot, commands: Commands, floor_kw: F64 | None = None) -> Commands:
    """Return ``commands`` cut to what the grid connections allow; pure.

    floor_kw : least power at which each battery charges at all, (n,) [kW]; it gets that or nothing.

    A site whose own load alone exceeds its connection keeps that load: it is not ours to shed.
    """
    s, n = snapshot, snapshot.load_kw.size
    battery_kw, store_kw, budget = np.empty(s.limit_kw.size), np.empty(n), np.empty(n)
    charging, pv_used_kw = np.zeros(n), np.empty(n)
    fits = fit(
        s.site, s.limit_kw, commands.battery_kw, commands.store_kw, s.load_kw, s.pv_kw,
        s.import_limit_kw, s.store_charge_limit_kw, s.store_discharge_limit_kw,
        battery_kw, store_kw, budget, charging,
    )  # fmt: skip
    if not fits:
        battery_kw = share(budget, s.site, battery_kw, is_urgent(s), floor_kw)
        charging = site_charging_kw(s, Commands(battery_kw, store_kw, s.pv_kw))
    spill(s.load_kw, s.pv_kw, s.export_limit_kw, charging, store_kw, pv_used_kw)
    return Commands(battery_kw=battery_kw, store_kw=store_kw, pv_used_kw=pv_used_kw)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def fit(
    site: I64, limit_kw: F64, wanted_kw: F64, wanted_store_kw: F64, load_kw: F64, pv_kw: F64,
    import_limit_kw: F64, store_in_kw: F64, store_out_kw: F64,
    battery_kw: F64, store_kw: F64, budget_kw: F64, charging_kw: F64,
) -> bool:  # fmt: skip
    """Write the power that batteries and stores can have, and each site's budget for charging.

    ``charging_kw`` (sites,) begins at zero. Returns whether all batteries fit into the budgets;
    else they must share them.
    """
    for k in range(site.size):
        battery_kw[k] = min(max(wanted_kw[k], 0.0), limit_kw[k])
        charging_kw[site[k]] += battery_kw[k]
    fits = True
    for i in range(load_kw.size):
        least, room = -store_out_kw[i], import_limit_kw[i] + pv_kw[i] - load_kw[i]
        store = min(max(wanted_store_kw[i], least), store_in_kw[i])
        store_kw[i] = min(store, max(room - charging_kw[i], least))
        budget_kw[i] = max(room - store_kw[i], 0.0)
        fits = fits and charging_kw[i] <= budget_kw[i]
    return fits


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def spill(
    load_kw: F64, pv_kw: F64, export_limit_kw: F64, charging_kw: F64, store_kw: F64, pv_used_kw: F64
) -> None:
    """Keep what would be exported beyond the limit: the store first gives less, then the sun."""
    for i in range(load_kw.size):
        # The store may not push more into the grid than the connection takes, the sun going first.
        net = load_kw[i] + charging_kw[i] + store_kw[i] - pv_kw[i]
        over = max(-net - export_limit_kw[i], 0.0)
        store_kw[i] += min(over, max(-store_kw[i], 0.0))
        taken = load_kw[i] + charging_kw[i] + store_kw[i]
        pv_used_kw[i] = min(max(taken + export_limit_kw[i], 0.0), pv_kw[i])
