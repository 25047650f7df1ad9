"""The swap block end to end: a simulated cabinet talks to the office, faults and all."""

from __future__ import annotations

from typing import Any

import pytest
from block_cases import Case, check_rows, rows_of
from station_world import World

from zerocity.protocols.ocpp.messages import Role, Version
from zerocity.protocols.ocpp.office import office
from zerocity.protocols.ocpp.office.handling import Context, Refusal
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.swap import begin_swap
from zerocity.protocols.ocpp.office.upkeep import first_questions, upkeep
from zerocity.protocols.ocpp.peer import Answered, Asked, Peer, Refused
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.swap import Pack, SwapCabinet, SwapFault
from zerocity.storage.recorder import Row


class City(World):
    """A cabinet whose calls are answered by the office, row by row."""

    def __init__(self, packs: list[Pack]) -> None:
        cabinet = SwapCabinet("S1", Make(evses=5), packs)
        super().__init__(Version.V21, station=cabinet)
        self.cabinet, self.case, self.rows = cabinet, Case(), list[Row]()
        self.case.station.boot = "unknown"
        self.case.registry.city.packs = {f"P{number}" for number in range(20)}
        self.connect()

    def context(self, message_id: str) -> Context:
        case = self.case
        return Context(
            case.station, case.registry, self.at, self.now_s, self.version, message_id, self.say
        )

    def say(self, action: str, payload: dict[str, Any], token: object) -> None:
        assert self.csms is not None
        self.csms.call(action, payload, self.now_s, token)

    def _reply(self, event: Asked) -> None:
        assert self.csms is not None
        outcome = office.answer(self.context(event.id), event.action, event.payload)
        if isinstance(outcome, Refusal):
            self.csms.refuse(event.id, outcome.code, outcome.description)
            return
        check_rows(outcome.rows)
        self.rows += outcome.rows
        self.csms.answer(event.id, outcome.payload)
        if outcome.after is not None:
            outcome.after()

    def _heard(self, events: list[Any]) -> None:
        super()._heard(events)
        for event in events:
            if isinstance(event, Answered):
                self.rows += office.replied(
                    self.context("r"), event.token, event.action, event.payload
                )
            elif isinstance(event, Refused):
                self.rows += office.refused(
                    self.context("r"), event.token, event.action, event.code, event.description
                )

    def swaps(self) -> dict[str, dict[str, Any]]:
        """The last row of each swap."""
        return {row["id"]: row for row in rows_of(self.rows, "swaps")}

    def the_swap(self) -> dict[str, Any]:
        (found,) = self.swaps().values()
        return found

    def visit(self, fault: SwapFault | None = None, serial: str = "P9", token: str = "T") -> None:
        packs = [Pack(serial, 0.1)]
        self.cabinet.visit(packs, self.now_s, self.at, token=token, fault=fault)
        self.settle()
        self.run(600.0, 5.0)


@pytest.fixture
def city() -> City:
    return City([Pack(f"P{number}", 0.98) for number in range(3)])


def test_a_rider_swaps(city: City) -> None:
    city.visit()
    swap = city.the_swap()
    assert (swap["status"], swap["authorised"], swap["fault"]) == ("done", True, None)
    ledger = rows_of(city.rows, "ledger_events")
    assert [(row["battery"], row["data"]["to"]) for row in ledger] == [
        ("P9", "swap_pool"),
        (swap["packs_out"][0]["serial"], "in_service"),
    ]
    held = {evse: slot.serial for evse, slot in city.case.station.slots.items() if slot.serial}
    assert held == {evse: pack.serial for evse, pack in city.cabinet.packs.items() if evse in held}
    assert "P9" in held.values()


def test_the_inventory_names_every_battery(city: City) -> None:
    for order in first_questions(city.case.registry, city.case.station, city.at):
        city.say(order.action, order.payload, order)
    city.settle()
    city.run(30.0)
    slots = city.case.station.slots
    held = {evse: slot.serial for evse, slot in slots.items() if slot.serial}
    assert held == {evse: pack.serial for evse, pack in city.cabinet.packs.items()}
    assert all(0.9 <= (slots[evse].soc or 0.0) <= 1.0 for evse in held)
    (report,) = city.case.station.file.reports.values()
    assert report.whole


def test_a_swap_that_we_ask_for(city: City) -> None:
    swap, request = begin_swap(city.case.registry, city.case.station, "T", city.at)
    city.say("RequestBatterySwap", request, Order("RequestBatterySwap", request))
    city.settle()
    assert swap.state == "awaited"
    number = request["requestId"]
    city.cabinet.visit([Pack("P9", 0.1)], city.now_s, city.at, token="T", request_id=number)
    city.settle()
    city.run(600.0, 5.0)
    assert (swap.state, swap.authorised, swap.faults) == ("done", True, ())
    assert list(city.swaps()) == [swap.id]


def test_no_battery(city: City) -> None:
    city.cabinet.drain(0.2, city.now_s, city.at)
    _, request = begin_swap(city.case.registry, city.case.station, "T", city.at)
    city.say("RequestBatterySwap", request, Order("RequestBatterySwap", request))
    city.settle()
    assert (city.the_swap()["status"], city.the_swap()["fault"]) == ("refused", "no_battery")


def test_timeout(city: City) -> None:
    city.visit(SwapFault.TIMEOUT)
    swap = city.the_swap()
    assert (swap["status"], swap["fault"]) == ("timed_out", "timeout")
    assert [pack["serial"] for pack in swap["packs_in"]] == ["P9"]
    assert len(rows_of(city.rows, "ledger_events")) == 1


def test_unregistered_battery(city: City) -> None:
    city.visit(serial="FOREIGN")
    assert "unregistered_battery" in city.the_swap()["fault"]
    assert "FOREIGN" not in {row["battery"] for row in rows_of(city.rows, "ledger_events")}
    (slot,) = [s for s in city.case.station.slots.values() if s.serial == "FOREIGN"]
    city.case.station.online = True
    orders, _ = upkeep(city.case.registry, city.at)
    assert [order.action for _, order in orders] == ["RequestStopTransaction"]
    for _, order in orders:
        city.say(order.action, order.payload, order)
    city.settle()
    city.run(30.0)
    held = city.cabinet.evses[slot.evse]
    assert not held.operative
    assert held.transaction is None
    assert upkeep(city.case.registry, city.at) == ([], [])


@pytest.mark.parametrize(
    ("fault", "noted"), [(SwapFault.DUPLICATE, "duplicate"), (SwapFault.RESEND, None)]
)
def test_one_swap_however_often_it_is_told(city: City, fault: SwapFault, noted: str | None) -> None:
    city.visit(fault)
    swap = city.the_swap()
    assert (swap["status"], swap["fault"], len(swap["packs_in"])) == ("done", noted, 1)
    assert len({row["key"] for row in rows_of(city.rows, "ledger_events")}) == 2


def test_without_authorisation(city: City) -> None:
    city.visit(SwapFault.UNAUTHORISED, token="NOBODY")
    swap = city.the_swap()
    assert (swap["status"], swap["authorised"]) == ("done", False)
    assert swap["fault"] == "not_authorised"
    assert len({row["id"] for row in rows_of(city.rows, "work_orders")}) == 1
    # Who asks first is refused at the door.
    before = len(city.swaps())
    city.visit(token="NOBODY")
    assert len(city.swaps()) == before


def test_the_role_is_the_central_systems(city: City) -> None:
    assert isinstance(city.csms, Peer)
    assert city.csms.role is Role.CSMS
