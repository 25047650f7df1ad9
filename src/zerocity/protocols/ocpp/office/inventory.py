"""Which battery stands in which slot, as a swap station's device model says (OCPP 2.1 block S)."""

from __future__ import annotations

import math
from datetime import datetime

from zerocity.live.registry import LiveStation
from zerocity.protocols.ocpp.office.handling import Context, Payload
from zerocity.protocols.ocpp.office.swap import slot_of
from zerocity.protocols.ocpp.office.swap_rows import slot_row
from zerocity.storage.recorder import Row

CARTRIDGE = "BatteryCartridge"
_SOC, _SOH = ("SoC", "StateOfCharge"), ("SoH", "StateOfHealth")
_SERIAL = ("SerialNumber", "Identity")


def note_battery(
    context: Context, component: Payload, variable: str, value: str, at: datetime
) -> list[Row]:
    """Take a variable of a battery cartridge into its slot: serial number, SoC [%], SoH [%].

    Nothing for another component, another kind of station, or a value that cannot be one.
    """
    evse = component.get("evse", {}).get("id", 0)
    if component["name"] != CARTRIDGE or context.station.kind != "swap":
        return []
    slot = slot_of(context.station, evse)
    if slot is None:
        return []
    share = _share(value)
    if variable in _SERIAL:
        slot.serial = value[:50] or None
    elif variable in _SOC and share is not None:
        slot.soc = share
    elif variable in _SOH and share is not None:
        slot.soh = share
    else:
        return []
    slot.changed_at = at
    context.registry.changed(context.station.site)
    return [slot_row(context.station.id, slot)]


def note_availability(context: Context, event: Payload, at: datetime) -> list[Row]:
    """An EVSE of a swap station that becomes Available is an empty slot; Occupied holds a pack."""
    if context.station.kind != "swap" or event["variable"]["name"] != "AvailabilityState":
        return []
    evse = event["component"].get("evse", {}).get("id", 0)
    if event["component"]["name"] not in ("EVSE", "Connector"):
        return []
    slot = slot_of(context.station, evse)
    if slot is None or (slot.changed_at is not None and at < slot.changed_at):
        return []
    if event["actualValue"] == "Available":
        slot.serial = slot.soc = slot.soh = None
    elif event["actualValue"] != "Occupied":
        return []
    slot.changed_at = at
    context.registry.changed(context.station.site)
    return [slot_row(context.station.id, slot)]


def known_soc(station: LiveStation, evse: int) -> float | None:
    """State of charge of the battery in a slot, 0-1: its charging's last, else the slot's own."""
    for seat in station.connectors.values():
        if seat.evse == evse and seat.session is not None and seat.session.soc is not None:
            return seat.session.soc
    slot = station.slots.get(evse)
    return None if slot is None else slot.soc


def _share(value: str) -> float | None:
    try:
        percent = float(value)
    except ValueError:
        return None
    return percent / 100.0 if math.isfinite(percent) and 0.0 <= percent <= 100.0 else None
