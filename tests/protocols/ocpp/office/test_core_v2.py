"""OCPP 2.x status and meter values outside transactions."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, City, after, iso, started

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Refusal

VERSIONS = [Version.V201, Version.V21]


def status(word: str, minutes: float = 0.0, evse: int = 1, connector: int = 1) -> dict[str, Any]:
    return {
        "timestamp": iso(after(minutes)), "connectorStatus": word, "evseId": evse,
        "connectorId": connector,
    }  # fmt: skip


def available(word: str, component: str = "Connector", **evse: int) -> dict[str, Any]:
    return {
        "generatedAt": iso(AT), "seqNo": 0,
        "eventData": [{
            "eventId": 1, "timestamp": iso(AT), "trigger": "Delta", "actualValue": word,
            "component": {"name": component, "evse": evse},
            "variable": {"name": "AvailabilityState"},
            "eventNotificationType": "HardWiredNotification",
        }],
    }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_status_of_a_connector(version: Version) -> None:
    city = City(version)
    assert city.hear("StatusNotification", status("Occupied")) == {}
    assert city.registry.stations["A"].connectors[1, 1].status == "occupied"
    assert city.table("connectors")[("A", 1, 1)]["status"] == "occupied"
    city.hear("StatusNotification", status("Faulted", -5.0))
    assert city.registry.stations["A"].connectors[1, 1].status == "occupied"


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (-1, 1), (10**6, 1)])
def test_connectors_that_cannot_be(place: tuple[int, int]) -> None:
    city = City(Version.V201)
    refused = city.ask("StatusNotification", status("Available", 0.0, *place))
    assert isinstance(refused, Refusal)
    assert refused.code == "PropertyConstraintViolation"
    assert not city.rows


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("component", ["Connector", "EVSE"])
def test_availability_told_as_an_event(version: Version, component: str) -> None:
    city = City(version)
    city.hear("NotifyEvent", available("Unavailable", component, id=2))
    assert city.registry.stations["A"].connectors[2, 1].status == "unavailable"
    city.hear("NotifyEvent", available("no such word", component, id=2))
    city.hear("NotifyEvent", available("Available", "Controller", id=2))
    assert city.registry.stations["A"].connectors[2, 1].status == "unavailable"


def test_readings_outside_transactions_show_power_alone() -> None:
    city = City(Version.V201)
    city.hear("TransactionEvent", started())
    power = {"value": 22.0, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW"}}
    told = {
        "evseId": 1,
        "meterValue": [{"timestamp": iso(AT), "sampledValue": [power, {"value": 9e9}]}],
    }
    assert city.hear("MeterValues", told) == {}
    seat = city.registry.stations["A"].connectors[1, 1]
    assert seat.power_kw == 22.0
    assert seat.session is not None
    assert seat.session.meter_wh == 1000.0


def test_plug_that_is_free_takes_no_power() -> None:
    city = City(Version.V201)
    seat = city.registry.stations["A"].connectors[1, 1]
    seat.power_kw = 7.0
    city.hear("StatusNotification", status("Available"))
    assert seat.power_kw == 0.0


def test_nobody_knows_other_vendors_messages() -> None:
    answer = City(Version.V21).hear("DataTransfer", {"vendorId": "x.y"})
    assert answer == {"status": "UnknownVendorId"}
