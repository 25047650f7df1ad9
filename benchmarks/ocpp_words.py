"""The messages of the OCPP benchmark: lawful, each one new, of the size that stations send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import orjson

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
TOKEN = "DRIVER-0001"
SUBPROTOCOL = {
    "Heartbeat": "ocpp1.6",
    "MeterValues": "ocpp1.6",
    "TransactionEvent": "ocpp2.0.1",
    "BatterySwap": "ocpp2.1",
}


@cache
def moment(number: int) -> str:
    """The moment of message `number`, one a second."""
    return (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def boot(message: str) -> tuple[str, dict[str, object]]:
    """How a station of that message's version boots."""
    if SUBPROTOCOL[message] == "ocpp1.6":
        return "BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "One"}
    station = {"vendorName": "Bench", "model": "One"}
    return "BootNotification", {"reason": "PowerUp", "chargingStation": station}


def opening(message: str, station: str) -> tuple[str, dict[str, object]] | None:
    """What must come before the measured messages: the start of a transaction."""
    if message == "MeterValues":
        return "StartTransaction", {
            "connectorId": 1, "idTag": TOKEN, "meterStart": 0, "timestamp": moment(0),
        }  # fmt: skip
    if message == "TransactionEvent":
        return "TransactionEvent", _event(station, 0, "Started", "Authorized")
    return None


def measured(message: str, station: str, opened: dict[str, object]) -> Callable[[int], bytes]:
    """A function from a number to the payload of that message; it costs the load next to nothing.

    Two payloads are made in full, and what differs between them is filled in.
    """
    if message == "Heartbeat":
        return lambda number: b"{}"
    if message == "MeterValues":
        transaction = opened.get("transactionId", 1)
        return _filled(orjson.dumps(_meter_values(transaction, _MARK)))
    if message == "TransactionEvent":
        event = _event(station, _MARK, "Updated", "MeterValuePeriodic")
        return _filled(orjson.dumps(event))
    return lambda number: orjson.dumps(_swap(station, number))


# A number that stands for all others in a template; its moment and register are found by value.
_MARK = 777_777


def _filled(template: bytes) -> Callable[[int], bytes]:
    marked = moment(_MARK).encode()
    for whole in (f"{100 * _MARK}.0", f"{100 * _MARK}", f"{_MARK}"):
        template = template.replace(whole.encode(), b"\0" if "00" in whole[-4:] else b"\1")
    text = template.replace(b"%", b"%%").replace(marked, b"%(moment)b")
    text = text.replace(b"\0", b"%(register)d").replace(b"\1", b"%(number)d")

    def make(number: int) -> bytes:
        return text % {
            b"moment": moment(number).encode(), b"register": 100 * number, b"number": number,
        }  # fmt: skip

    return make


def _meter_values(transaction: object, number: int) -> dict[str, object]:
    sampled = [
        _sample(str(100 * number), "Energy.Active.Import.Register", "Wh"),
        _sample("60120.5", "Power.Active.Import", "W"),
        _sample("151.2", "Current.Import", "A", phase="L1"),
        _sample("398.4", "Voltage", "V", phase="L1"),
        _sample("61", "SoC", "Percent", location="EV"),
        _sample("31.5", "Temperature", "Celsius"),
    ]
    value = {"timestamp": moment(number), "sampledValue": sampled}
    return {"connectorId": 1, "transactionId": transaction, "meterValue": [value]}


def _sample(value: str, measurand: str, unit: str, **more: str) -> dict[str, str]:
    text = {"value": value, "context": "Sample.Periodic", "format": "Raw"}
    return text | {"measurand": measurand, "unit": unit} | {"location": "Outlet"} | more


def _event(station: str, number: int, kind: str, trigger: str) -> dict[str, object]:
    reading = {
        "timestamp": moment(number),
        "sampledValue": [
            _reading(100.0 * number, "Energy.Active.Import.Register", "Wh"),
            _reading(60120.5, "Power.Active.Import", "W"),
            _reading(151.2, "Current.Import", "A", phase="L1"),
            _reading(398.4, "Voltage", "V", phase="L1"),
            _reading(61.0, "SoC", "Percent", location="EV"),
        ],
    }
    return {
        "eventType": kind,
        "timestamp": moment(number),
        "triggerReason": trigger,
        "seqNo": number,
        "offline": False,
        "transactionInfo": {"transactionId": f"{station}-1", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": TOKEN, "type": "ISO14443"},
        "meterValue": [reading],
    }


def _reading(value: float, measurand: str, unit: str, **more: str) -> dict[str, object]:
    text: dict[str, object] = {"value": value, "context": "Sample.Periodic"}
    return text | {"measurand": measurand, "unitOfMeasure": {"unit": unit}, **more}


def _swap(station: str, number: int) -> dict[str, object]:
    """In and out of one swap by turns, two packs each."""
    swap, out = divmod(number, 2)
    packs = [
        {
            "evseId": slot + 1 + 2 * out,
            "serialNumber": f"{station}-{slot + 2 * out}",
            "soC": 95.0 if out else 12.5,
            "soH": 97.0,
            "productionDate": "2025-03-01T00:00:00Z",
        }
        for slot in range(2)
    ]
    return {
        "eventType": "BatteryOut" if out else "BatteryIn",
        "requestId": swap,
        "idToken": {"idToken": TOKEN, "type": "ISO14443"},
        "batteryData": packs,
    }
