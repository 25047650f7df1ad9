"""What stations are asked at their arrival and from time to time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from block_cases import AT, Case

from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.certificates import make_authority, make_request
from zerocity.protocols.ocpp.office.firmware import Campaign, start_campaign
from zerocity.protocols.ocpp.office.reservations import reserve
from zerocity.protocols.ocpp.office.upkeep import first_questions, upkeep


@pytest.mark.parametrize("version", list(Version))
def test_first_questions_fit_the_schema(version: Version) -> None:
    case = Case(version)
    case.station.version = version.value
    orders = first_questions(case.registry, case.station, AT)
    for order in orders:
        assert check(version, order.action, "request", order.payload) is None
    asked = {order.action for order in orders}
    assert ("GetBaseReport" in asked) == (version is not Version.V16)
    case.station.kind = "charger"
    assert "GetBaseReport" not in {
        order.action for order in first_questions(case.registry, case.station, AT)
    }


def test_all_that_is_due() -> None:
    case = Case()
    case.station.version, case.station.online = "2.1", True
    case.registry.city.authority = make_authority("Lanzhou", AT)
    case.hear("SignCertificate", {"csr": make_request("S1")[0]})
    made = Campaign("c1", "https://city.example/f.bin", AT, AT)
    start_campaign(case.registry, made, ["S1"], AT)
    until = AT + timedelta(hours=1)
    reserve(case.registry, case.station, Version.V21, "T", 0, until, AT)
    later = AT + timedelta(days=340)
    orders, rows = upkeep(case.registry, later)
    assert [(name, order.action) for name, order in orders] == [
        ("S1", "UpdateFirmware"),
        ("S1", "TriggerMessage"),
    ]
    assert {row.table for row in rows} == {"reservations", "firmware_updates"}
    assert upkeep(case.registry, later + timedelta(minutes=1)) == ([], [])
    again, _ = upkeep(case.registry, later + timedelta(days=1))
    assert [order.action for _, order in again] == ["TriggerMessage"]


def test_a_station_that_is_away_is_asked_nothing() -> None:
    case = Case()
    case.station.file.certificate_expires_at = AT
    assert upkeep(case.registry, AT) == ([], [])
