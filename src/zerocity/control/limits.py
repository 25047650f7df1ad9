"""The last word: whatever was decided, a site stays inside its grid connection.

Order of retreat: the store stops charging, then batteries share what is left (urgent ones first);
if a site still imports too much, the store helps; what cannot be exported is curtailed.
"""

from __future__ import annotations

import numpy as np

from zerocity.control.decide import is_urgent, site_charging_kw
from zerocity.control.snapshot import Commands, Snapshot
from zerocity.energy.sharing import share
from zerocity.measures.arrays import F64


def limit(snapshot: Snapshot, commands: Commands, floor_kw: F64 | None = None) -> Commands:
    """Return ``commands`` cut to what the grid connections allow; pure.

    floor_kw : least power at which each battery charges at all, (n,) [kW]; it gets that or nothing.

    A site whose own load alone exceeds its connection keeps that load: it is not ours to shed.
    """
    battery_kw = np.clip(commands.battery_kw, 0.0, snapshot.limit_kw)
    store_kw = np.clip(
        commands.store_kw, -snapshot.store_discharge_limit_kw, snapshot.store_charge_limit_kw
    )
    charging = site_charging_kw(snapshot, Commands(battery_kw, store_kw, commands.pv_used_kw))
    room = snapshot.import_limit_kw + snapshot.pv_kw - snapshot.load_kw
    most_store = np.maximum(room - charging, -snapshot.store_discharge_limit_kw)
    store_kw = np.minimum(store_kw, most_store)
    budget = np.maximum(room - store_kw, 0.0)
    if np.any(charging > budget):
        battery_kw = share(budget, snapshot.site, battery_kw, is_urgent(snapshot), floor_kw)
        charging = site_charging_kw(snapshot, Commands(battery_kw, store_kw, snapshot.pv_kw))
    # The store may not push more into the grid than the connection takes, the sun going first.
    net = snapshot.load_kw + charging + store_kw - snapshot.pv_kw
    over = np.maximum(-net - snapshot.export_limit_kw, 0.0)
    store_kw = store_kw + np.minimum(over, np.maximum(-store_kw, 0.0))
    taken = snapshot.load_kw + charging + store_kw
    pv_used_kw = np.clip(taken + snapshot.export_limit_kw, 0.0, snapshot.pv_kw)
    return Commands(battery_kw=battery_kw, store_kw=store_kw, pv_used_kw=pv_used_kw)
