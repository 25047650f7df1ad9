"""Boot and heartbeat."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, City, station

from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.handling import Context, Refusal
from zerocity.protocols.ocpp.office.office import answer


def test_what_a_16_station_says_of_itself() -> None:
    city = City()
    said = {"chargePointVendor": "V\x00", "chargePointModel": "M", "firmwareVersion": "1.2"}
    city.hear("BootNotification", said | {"chargeBoxSerialNumber": "box"})
    here = city.registry.stations["A"]
    assert (here.serial, here.firmware, here.version) == ("box", "1.2", "1.6")
    city.hear("BootNotification", said | {"chargePointSerialNumber": "point"})
    assert here.serial == "point"
    assert city.table("stations")[("A",)]["vendor"] == "V\ufffd"


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_what_a_2x_station_says_of_itself(version: Version) -> None:
    city = City(version)
    said = {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "F"}
    city.hear("BootNotification", {"chargingStation": said, "reason": "PowerUp"})
    row = city.table("stations")[("A",)]
    assert (row["serial"], row["firmware"], row["status"]) == ("S", "F", "accepted")
    assert city.changes == ["site"]


@pytest.mark.parametrize("version", list(Version))
def test_station_that_forgot_to_boot_is_asked_once_a_minute(version: Version) -> None:
    city = City(version)
    here = city.registry.add_station(station("A", boot="unknown"))
    said: list[tuple[str, dict[str, Any], object]] = []
    for now_s in (0.0, 1.0, 59.0, 61.0):
        context = Context(
            here, city.registry, AT, now_s, version, "m", lambda *call: said.append(call)
        )
        assert isinstance(answer(context, "Heartbeat", {}), Refusal)
    assert [call[0] for call in said] == ["TriggerMessage", "TriggerMessage"]
    assert check(version, "TriggerMessage", "request", said[0][1]) is None


def test_pending_station_is_not_asked() -> None:
    city = City()
    here = city.registry.add_station(station("A", boot="pending"))
    said: list[Any] = []
    context = Context(
        here, city.registry, AT, 0.0, Version.V16, "m", lambda *call: said.append(call)
    )
    assert isinstance(answer(context, "Heartbeat", {}), Refusal)
    assert said == []
