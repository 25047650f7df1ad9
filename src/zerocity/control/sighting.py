"""What the live city's devices last said, how old that is, and what caution makes of it.

The twin knows its present exactly; a live city knows what was last reported. The rules by which
age degrades a decision are here, as one pure function, so that a journal replays them too:

- A meter that is silent counts at its last load plus a reserve that grows with its age, up to half
  of the connection. Its sun counts as nothing and its store is left alone.
- A station that cannot be told anything counts at what it may draw on its own.
- A grid event lowers the connection; it binds people's orders as well as our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from zerocity.control.decide import decide
from zerocity.control.limits import limit
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.measures.arrays import F64, I64, Bools

# A meter is polled every few seconds; assumptions, as are the two numbers below.
METER_FRESH_S = 15.0
# Most that a silent meter's reserve takes of its connection, and the silence after which it does.
MOST_RESERVE_SHARE, FULL_RESERVE_S = 0.5, 300.0


@dataclass(frozen=True)
class Sighting:
    """One look at the live city.

    snapshot : the last readings as they came, `Snapshot`; n sessions, S sites.
    key : a lasting number of each session, (n,).
    floor_kw : least power at which a session charges at all; below it, it pauses (n,) [kW].
    fallback_kw : what each session may draw while it cannot be told anything, (n,) [kW].
    reachable : whether its station can be told something now, (n,).
    asked_kw : power that a person ordered, NaN where nobody did, (n,) [kW].
    meter_age_s : age of each site's meter reading, infinite before the first, (S,) [s].
    cap_kw : import limit of a grid event, infinite without one, (S,) [kW].
    reserve_kw : what plugs may begin to draw before they are told, (S,) [kW].
    meter_kwh : what each session took so far by its meter, (n,) [kWh]; empty where nobody noted it.
        No decision depends on it: it tells afterwards what became of them.
    """

    snapshot: Snapshot
    key: I64
    floor_kw: F64
    fallback_kw: F64
    reachable: Bools
    asked_kw: F64
    meter_age_s: F64
    cap_kw: F64
    reserve_kw: F64
    meter_kwh: F64 = field(default_factory=lambda: np.zeros(0))


def blind_share(age_s: F64) -> F64:
    """Share of its connection that a site keeps free for what a silent meter hides, (S,)."""
    waited = np.maximum(age_s - METER_FRESH_S, 0.0)
    return np.minimum(waited / FULL_RESERVE_S, 1.0) * MOST_RESERVE_SHARE


def cautious(seen: Sighting) -> Snapshot:
    """Return the picture that a careful mind decides on; pure."""
    s = seen.snapshot
    fresh = seen.meter_age_s <= METER_FRESH_S
    lost_kw = np.bincount(
        s.site, np.where(seen.reachable, 0.0, seen.fallback_kw), s.load_kw.size
    ).astype(np.float64)
    connection = np.minimum(s.import_limit_kw, seen.cap_kw)
    reserve = blind_share(seen.meter_age_s) * s.import_limit_kw + seen.reserve_kw
    return replace(
        s,
        load_kw=s.load_kw + lost_kw,
        pv_kw=np.where(fresh, s.pv_kw, 0.0),
        import_limit_kw=np.maximum(connection - reserve, 0.0),
        store_charge_limit_kw=np.where(fresh, s.store_charge_limit_kw, 0.0),
        store_discharge_limit_kw=np.where(fresh, s.store_discharge_limit_kw, 0.0),
        limit_kw=np.where(seen.reachable, s.limit_kw, 0.0),
    )


def say(seen: Sighting, plan: PlanRow) -> Commands:
    """Return the commands for one look at the live city; pure.

    The same `decide` and `limit` as in the twin, on the cautious picture. A person's order takes
    the place of the decision, not of the limits.
    """
    picture = cautious(seen)
    commands = decide(picture, plan, seen.floor_kw)
    asked = ~np.isnan(seen.asked_kw)
    ordered = np.where(asked, seen.asked_kw, commands.battery_kw)
    return limit(picture, replace(commands, battery_kw=ordered), seen.floor_kw)
