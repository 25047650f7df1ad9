"""A reservation holds once the station took it, and ends by use, time or the station's word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from block_cases import AT, Case, rows_of

from zerocity.errors import InputError
from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office import blocks
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.reservations import reserve, sweep

UNTIL = AT + timedelta(hours=1)


def booked(version: Version, evse: int = 1) -> tuple[Case, dict[str, Any], int]:
    case = Case(version)
    case.station.connectors[1, 1] = Connector("S1", 1, 1, "site", 50.0)
    _, request = reserve(case.registry, case.station, version, "T", evse, UNTIL, AT)
    return case, request, next(iter(case.registry.reservations))


@pytest.mark.parametrize("version", list(Version))
def test_it_holds_once_the_station_took_it(version: Version) -> None:
    case, request, number = booked(version)
    seat = case.station.connectors[1, 1]
    assert seat.reservation is None
    (row,) = case.reply("ReserveNow", request, {"status": "Accepted"})
    assert (row.values["status"], seat.reservation) == ("active", number)
    with pytest.raises(InputError, match="EVSE"):
        reserve(case.registry, case.station, version, "T", 1, UNTIL, AT)
    (row,) = case.reply("CancelReservation", {"reservationId": number}, {"status": "Accepted"})
    assert (row.values["status"], seat.reservation) == ("cancelled", None)
    assert not case.registry.reservations


@pytest.mark.parametrize("status", ["Rejected", "Occupied", "Faulted"])
def test_a_refused_one_is_none(status: str) -> None:
    case, request, _ = booked(Version.V201)
    (row,) = case.reply("ReserveNow", request, {"status": status})
    assert row.values["status"] == "refused"
    assert not case.registry.reservations


def test_without_an_answer_nobody_can_count_on_it() -> None:
    case, request, _ = booked(Version.V21)
    (row,) = blocks.REFUSALS["ReserveNow"](case.context(), Order("", request), "Timeout", "")
    assert row.values["status"] == "refused"


@pytest.mark.parametrize(("word", "status"), [("Expired", "expired"), ("Removed", "removed")])
def test_the_stations_word_ends_it(word: str, status: str) -> None:
    case, request, number = booked(Version.V201)
    case.reply("ReserveNow", request, {"status": "Accepted"})
    told = {"reservationId": number, "reservationUpdateStatus": word}
    (row,) = rows_of(case.hear("ReservationStatusUpdate", told).rows, "reservations")
    assert row["status"] == status
    assert rows_of(case.hear("ReservationStatusUpdate", told).rows, "messages")


def test_use_and_time_end_it() -> None:
    case, request, number = booked(Version.V201)
    case.reply("ReserveNow", request, {"status": "Accepted"})
    assert sweep(case.registry, AT) == []
    session = LiveSession("S1~1", "S1", 1, 1, "T", AT, 0.0, reservation=number)
    case.registry.sessions["S1~1"] = session
    assert [row.values["status"] for row in sweep(case.registry, AT)] == ["used"]
    later, _, _ = booked(Version.V201, evse=0)
    assert [row.values["status"] for row in sweep(later.registry, UNTIL)] == ["expired"]


def test_what_cannot_be_kept_is_refused() -> None:
    case = Case()
    for token, until in (("NOBODY", UNTIL), ("T", AT)):
        with pytest.raises(InputError):
            reserve(case.registry, case.station, Version.V21, token, 1, until, AT)
