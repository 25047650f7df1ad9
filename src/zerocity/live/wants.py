"""What a session still wants: as its driver said, or as far as can be seen.

A driver's word comes first. Without it the state of charge and the size of the pack tell, and
without these an assumption, until the car draws nothing more.
"""

from __future__ import annotations

from datetime import datetime

from zerocity.live.registry import LiveStation
from zerocity.live.sessions import LiveSession

# While nobody said what a car needs and it still charges, it is taken to want this much longer.
STILL_CHARGING_H = 0.5
# Charging ends by itself above this state of charge; an assumption.
FULL_SOC = 0.999
# Usable content of a car's pack that nobody has told, and grid to pack; assumptions.
ASSUMED_PACK_KWH, CHARGER_EFFICIENCY = 60.0, 0.94


def wants(
    station: LiveStation, session: LiveSession, slot_kwh: float, at: datetime
) -> tuple[float, float, bool]:
    """Energy wanted [kWh, AC], hours until it leaves, and whether either was assumed.

    slot_kwh : usable content of the packs in the slots of this site [kWh].
    """
    kwh, hours, assumed = session.need(at)
    if session.soc is not None and session.soc >= FULL_SOC:
        return 0.0, hours, assumed
    if not assumed:
        return kwh, hours, False
    swaps = station.kind == "swap"
    pack = session.capacity_kwh or (slot_kwh if swaps else ASSUMED_PACK_KWH)
    if session.soc is not None:
        room = (1.0 - session.soc) * pack / CHARGER_EFFICIENCY
        kwh = room if swaps else min(kwh, room)
    elif swaps:
        kwh = min(kwh, pack)
    if session.power_kw > 0.0:
        kwh = max(kwh, min(session.power_kw * STILL_CHARGING_H, pack))
    return kwh, hours, True
