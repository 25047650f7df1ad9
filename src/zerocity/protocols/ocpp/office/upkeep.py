"""What the city asks its stations by itself: at their arrival, and from time to time."""

from __future__ import annotations

from datetime import datetime, timedelta

from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.firmware import Campaign, campaign_orders
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.reservations import sweep
from zerocity.protocols.ocpp.office.security import due_for_renewal, renewal_message
from zerocity.protocols.ocpp.office.swap import held_orders
from zerocity.protocols.ocpp.office.transactions import end_lost
from zerocity.storage.recorder import Row

# A station that does not renew its certificate is asked again after this long; an assumption.
ASK_AGAIN = timedelta(days=1)
_KEYS = ("ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel")
_VARIABLES = (("SmartChargingCtrlr", "RateUnit"), ("SmartChargingCtrlr", "ProfileStackLevel"))


def first_questions(registry: Registry, station: LiveStation, at: datetime) -> list[Order]:
    """What to ask a station once it is accepted: how to limit it, its list, its inventory.

    A swap station is asked for its full inventory, as only that names the batteries in its slots.
    """
    version = Version(station.version or Version.V16)
    if version is Version.V16:
        return [
            Order("GetConfiguration", {"key": list(_KEYS)}),
            Order("GetLocalListVersion", {}),
        ]
    data = [
        {"component": {"name": component}, "variable": {"name": variable}}
        for component, variable in _VARIABLES
    ]
    orders = [
        Order("GetVariables", {"getVariableData": data}),
        Order("GetLocalListVersion", {}),
    ]
    if station.kind == "swap":
        number = registry.city.next_request(at)
        report = {"requestId": number, "reportBase": "FullInventory"}
        orders.append(Order("GetBaseReport", report))
    return orders


def upkeep(registry: Registry, at: datetime) -> tuple[list[tuple[str, Order]], list[Row]]:
    """What is due now, each minute or so: (station, order) to send, and rows to store.

    Ends reservations and sessions whose end was lost, carries firmware campaigns on, has
    certificates renewed in time, and keeps batteries that must not be handed out from charging.
    """
    rows = [*sweep(registry, at), *end_lost(registry, at)]
    orders = [
        (station.id, order)
        for station in registry.stations.values()
        if station.file.held and station.online
        for order in held_orders(station)
    ]
    for campaign in registry.city.campaigns.values():
        if isinstance(campaign, Campaign) and campaign.status == "running":
            more, changed = campaign_orders(registry, campaign, at)
            orders += more
            rows += changed
    for name in due_for_renewal(registry, at):
        station = registry.stations[name]
        asked_at = station.file.renewal_asked_at
        if not station.online or (asked_at is not None and at - asked_at < ASK_AGAIN):
            continue
        station.file.renewal_asked_at = at
        action, payload = renewal_message(Version(station.version or Version.V16))
        orders.append((name, Order(action, payload)))
    return orders, rows
