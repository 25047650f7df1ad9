"""The rest that a CSMS may ask of a simulated station: messages, tariffs, customers, networks.

OCPP 1.6 section 5.6 (data transfer); 2.0.1 and 2.1 part 2, B09, E14, I, N09, N10, O, P, and the
tariffs of 2.1 block I.
"""

from __future__ import annotations

from typing import Any

from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.parts import Payload, Transaction
from zerocity.protocols.ocpp.wire_words import clipped, status_info

# The vendor whose data transfers are understood; one message, which gives back what it got.
VENDOR, ECHO = "zerocity", "echo"


def data_transfer(core: StationCore, asked: Payload) -> Payload:
    """DataTransfer."""
    if asked["vendorId"] != VENDOR:
        return {"status": "UnknownVendorId"}
    if asked.get("messageId") != ECHO:
        return {"status": "UnknownMessageId"}
    return {"status": "Accepted", **({"data": asked["data"]} if "data" in asked else {})}


def transaction_status(core: StationCore, asked: Payload) -> Payload:
    """GetTransactionStatus (E14)."""
    wanted = asked.get("transactionId")
    if wanted is None:
        return {"messagesInQueue": core.queued > 0}
    running = _transaction(core, wanted)
    return {
        "ongoingIndicator": running is not None,
        "messagesInQueue": core.queued_for(wanted),
    }


def cost_updated(core: StationCore, asked: Payload) -> Payload:
    """CostUpdated (I02): shown to the driver."""
    core.notes["cost", asked["transactionId"]] = asked["totalCost"]
    return {}


def customer_information(core: StationCore, asked: Payload) -> Payload:
    """CustomerInformation (N09, N10): what is kept of a customer is told, or forgotten."""
    token = asked.get("idToken", {}).get("idToken")
    customer = token or asked.get("customerIdentifier")
    if customer is None and "customerCertificate" not in asked:
        return {"status": "Invalid"}
    known = customer is not None and (customer in core.cache or customer in core.local_list)
    if asked["clear"] and customer is not None:
        core.cache.pop(customer, None)
        core.local_list.pop(customer, None)
    if asked["report"]:
        text = f"{customer}: known" if known else "nothing is kept"
        core.later(0.0, lambda: _tell_customer(core, asked["requestId"], text))
    return {"status": "Accepted"}


def _tell_customer(core: StationCore, request: int, text: str) -> None:
    payload = {
        "data": clipped(text, 512),
        "seqNo": 0,
        "generatedAt": core.stamp(),
        "requestId": request,
    }
    core.say(("NotifyCustomerInformation", payload))


def set_network_profile(core: StationCore, asked: Payload) -> Payload:
    """SetNetworkProfile (B09): kept, and used after a reset if the priorities name it."""
    data = asked["connectionData"]
    if data["ocppTransport"] != "JSON" or not data["ocppCsmsUrl"].startswith(("ws://", "wss://")):
        return _no("InvalidURL")
    core.notes["network", asked["configurationSlot"]] = data
    return {"status": "Accepted"}


# Display messages


def set_display(core: StationCore, asked: Payload) -> Payload:
    """SetDisplayMessage (O01, O02)."""
    message = asked["message"]
    if message["message"]["format"] not in core.settings.members("display_formats"):
        return {"status": "NotSupportedMessageFormat"}
    if "transactionId" in message and _transaction(core, message["transactionId"]) is None:
        return {"status": "UnknownTransaction"}
    shown = _displays(core)
    if message["id"] not in shown and len(shown) >= core.settings.number("display_most"):
        return _no("OutOfStorage")
    shown[message["id"]] = message
    return {"status": "Accepted"}


def get_displays(core: StationCore, asked: Payload) -> Payload:
    """GetDisplayMessages (O03, O04)."""
    ids = asked.get("id")
    found = [
        message
        for message in _displays(core).values()
        if (ids is None or message["id"] in ids)
        and all(asked.get(key) in (None, message.get(key)) for key in ("priority", "state"))
    ]
    if not found:
        return {"status": "Unknown"}
    payload = {"requestId": asked["requestId"], "messageInfo": found}
    core.later(0.0, lambda: core.say(("NotifyDisplayMessages", payload)))
    return {"status": "Accepted"}


def clear_display(core: StationCore, asked: Payload) -> Payload:
    """ClearDisplayMessage (O05)."""
    gone = _displays(core).pop(asked["id"], None)
    return {"status": "Unknown" if gone is None else "Accepted"}


def _displays(core: StationCore) -> dict[int, Payload]:
    found: dict[int, Payload] = core.notes.setdefault("displays", {})
    return found


# Tariffs (2.1)


def set_default_tariff(core: StationCore, asked: Payload) -> Payload:
    """SetDefaultTariff: for an EVSE, or for all with 0."""
    number, tariff = asked["evseId"], asked["tariff"]
    if number != 0 and number not in core.evses:
        return _no("UnknownEvse")
    for evse in core.evses if number == 0 else [number]:
        _tariffs(core)[evse] = tariff
    return {"status": "Accepted"}


def get_tariffs(core: StationCore, asked: Payload) -> Payload:
    """GetTariffs."""
    number = asked["evseId"]
    if number != 0 and number not in core.evses:
        return _no("UnknownEvse")
    where: dict[str, list[int]] = {}
    for evse, tariff in _tariffs(core).items():
        if number in (0, evse):
            where.setdefault(tariff["tariffId"], []).append(evse)
    if not where:
        return {"status": "NoTariff"}
    found = [
        {"tariffId": name, "tariffKind": "DefaultTariff", "evseIds": evses}
        for name, evses in where.items()
    ]
    return {"status": "Accepted", "tariffAssignments": found}


def clear_tariffs(core: StationCore, asked: Payload) -> Payload:
    """ClearTariffs: those named, or all; on one EVSE, or on all."""
    number, wanted = asked.get("evseId", 0), asked.get("tariffIds")
    kept = _tariffs(core)
    found = {
        evse: t["tariffId"]
        for evse, t in kept.items()
        if number in (0, evse) and (wanted is None or t["tariffId"] in wanted)
    }
    for evse in found:
        del kept[evse]
    names = wanted if wanted is not None else sorted(set(found.values()))
    results = [
        {"tariffId": name, "status": "Accepted" if name in found.values() else "NoTariff"}
        for name in names
    ]
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}


def change_tariff(core: StationCore, asked: Payload) -> Payload:
    """ChangeTransactionTariff: the currency of a running transaction stays."""
    running = _transaction(core, asked["transactionId"])
    if running is None:
        return {"status": "TxNotFound"}
    before = _tariffs(core).get(running.evse)
    if before is not None and before["currency"] != asked["tariff"]["currency"]:
        return {"status": "NoCurrencyChange"}
    core.notes["tariff", running.id] = asked["tariff"]
    return {"status": "Accepted"}


def _tariffs(core: StationCore) -> dict[int, Payload]:
    found: dict[int, Payload] = core.notes.setdefault("tariffs", {})
    return found


# Signals of 2.1


def afrr_signal(core: StationCore, asked: Payload) -> Payload:
    """AFRRSignal (Q): only a station that can discharge takes part."""
    if not core.make.bidirectional:
        return _no("NotSupported")
    core.notes["afrr"] = asked["signal"]
    return {"status": "Accepted"}


def allowed_energy_transfer(core: StationCore, asked: Payload) -> Payload:
    """NotifyAllowedEnergyTransfer (Q)."""
    running = _transaction(core, asked["transactionId"])
    return _no("TxNotFound") if running is None else {"status": "Accepted"}


def web_payment_started(core: StationCore, asked: Payload) -> Payload:
    """NotifyWebPaymentStarted (C25): the EVSE is taken for that long."""
    return {}


def _transaction(core: StationCore, wanted: Any) -> Transaction | None:
    for evse in core.evses.values():
        if evse.transaction is not None and evse.transaction.id == wanted:
            return evse.transaction
    return None


def _no(reason: str) -> Payload:
    return {"status": "Rejected", "statusInfo": status_info(reason)}


V16: dict[str, Handler] = {"DataTransfer": data_transfer}
V2: dict[str, Handler] = {
    "DataTransfer": data_transfer,
    "GetTransactionStatus": transaction_status,
    "CostUpdated": cost_updated,
    "CustomerInformation": customer_information,
    "SetNetworkProfile": set_network_profile,
    "SetDisplayMessage": set_display,
    "GetDisplayMessages": get_displays,
    "ClearDisplayMessage": clear_display,
}
V21: dict[str, Handler] = {
    "SetDefaultTariff": set_default_tariff,
    "GetTariffs": get_tariffs,
    "ClearTariffs": clear_tariffs,
    "ChangeTransactionTariff": change_tariff,
    "AFRRSignal": afrr_signal,
    "NotifyAllowedEnergyTransfer": allowed_energy_transfer,
    "NotifyWebPaymentStarted": web_payment_started,
}
