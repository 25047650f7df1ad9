"""Block S: swaps joined by request id, slots, ledger, and the six faults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from block_cases import AT, Case, rows_of

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation, Slot
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.swap import begin_swap, swap_refused
from zerocity.protocols.ocpp.office.swap_rows import restore_swap
from zerocity.protocols.ocpp.steps import TIMEOUT
from zerocity.swapping.swap_session import State

USED = {"evseId": 3, "serialNumber": "P-USED", "soC": 12.5, "soH": 95}
FULL = {"evseId": 7, "serialNumber": "P-FULL", "soC": 98, "soH": 97}


@pytest.fixture
def case() -> Case:
    made = Case()
    made.registry.city.packs = {"P-USED", "P-FULL"}
    made.station.slots[7] = Slot(7, "P-FULL", 0.98, 0.97)
    return made


def told(kind: str, pack: dict[str, Any], number: int = 5, token: str = "T") -> dict[str, Any]:
    return {
        "eventType": kind, "requestId": number, "batteryData": [pack],
        "idToken": {"idToken": token, "type": "ISO14443"},
    }  # fmt: skip


def test_a_swap_asked_for_runs_to_its_end(case: Case) -> None:
    swap, request = begin_swap(case.registry, case.station, "T", AT)
    case.reply("RequestBatterySwap", request, {"status": "Accepted"})
    assert swap.state is State.AWAITED
    number = request["requestId"]
    into = case.hear("BatterySwap", told("BatteryIn", USED, number))
    out = case.hear("BatterySwap", told("BatteryOut", FULL, number), at=AT + timedelta(minutes=2))
    (row,) = rows_of(out.rows, "swaps")
    assert (row["status"], row["authorised"], row["fault"]) == ("done", True, None)
    assert [p["serial"] for p in row["packs_in"]] == ["P-USED"]
    assert row["packs_in"][0]["soc"] == 0.125
    (ledger_in,) = rows_of(into.rows, "ledger_events")
    assert (ledger_in["battery"], ledger_in["data"]["to"]) == ("P-USED", "swap_pool")
    (ledger_out,) = rows_of(out.rows, "ledger_events")
    assert (ledger_out["battery"], ledger_out["data"]["to"]) == ("P-FULL", "in_service")
    assert case.station.slots[3].serial == "P-USED"
    assert case.station.slots[7].serial is None
    assert case.changes


def test_a_swap_begun_at_the_station_is_authorised_by_its_token(case: Case) -> None:
    case.hear("BatterySwap", told("BatteryOut", FULL))
    out = case.hear("BatterySwap", told("BatteryIn", USED))
    (row,) = rows_of(out.rows, "swaps")
    assert (row["status"], row["authorised"], row["fault"]) == ("done", True, None)
    assert not rows_of(out.rows, "work_orders")


def test_no_battery_is_a_refused_swap(case: Case) -> None:
    swap, request = begin_swap(case.registry, case.station, "T", AT)
    answer = {"status": "Rejected", "statusInfo": {"reasonCode": "NoBatteryAvailable"}}
    (row,) = rows_of(case.reply("RequestBatterySwap", request, answer), "swaps")
    assert (row["status"], row["fault"]) == ("refused", "no_battery")
    other, request = begin_swap(case.registry, case.station, "T", AT)
    (row,) = rows_of(case.reply("RequestBatterySwap", request, {"status": "Rejected"}), "swaps")
    assert (row["status"], row["fault"]) == ("refused", "rejected")
    assert other.id != swap.id


def test_a_timeout_leaves_an_orphan_that_somebody_must_see_to(case: Case) -> None:
    case.hear("BatterySwap", told("BatteryIn", USED))
    end = case.hear("BatterySwap", told("BatteryOutTimeout", FULL))
    (row,) = rows_of(end.rows, "swaps")
    assert (row["status"], row["fault"]) == ("timed_out", "timeout")
    assert [p["serial"] for p in row["packs_in"]] == ["P-USED"]
    assert row["packs_out"] == []
    assert [order["severity"] for order in rows_of(end.rows, "work_orders")] == ["high"]
    assert not rows_of(end.rows, "ledger_events")
    assert case.station.slots[7].serial == "P-FULL"


def test_an_unregistered_battery_is_kept_in_its_slot_and_out_of_the_ledger(case: Case) -> None:
    stranger = USED | {"serialNumber": "FOREIGN"}
    outcome = case.hear("BatterySwap", told("BatteryIn", stranger))
    (row,) = rows_of(outcome.rows, "swaps")
    assert row["fault"] == "unregistered_battery"
    assert not rows_of(outcome.rows, "ledger_events")
    assert len(rows_of(outcome.rows, "work_orders")) == 1
    assert [(action, payload["evse"]) for action, payload, _ in case.said] == [
        ("ChangeAvailability", {"id": 3})
    ]
    assert case.station.slots[3].serial == "FOREIGN"


def test_a_second_battery_in_under_a_new_message_id_is_one_swap(case: Case) -> None:
    first = case.hear("BatterySwap", told("BatteryIn", USED))
    again = case.hear("BatterySwap", told("BatteryIn", USED))
    (one,), (two,) = rows_of(first.rows, "swaps"), rows_of(again.rows, "swaps")
    assert one["id"] == two["id"]
    assert (two["fault"], len(two["packs_in"])) == ("duplicate", 1)
    assert not rows_of(again.rows, "ledger_events")
    assert not rows_of(again.rows, "work_orders")


def test_a_swap_without_authorisation_is_answered_and_kept_as_an_anomaly(case: Case) -> None:
    outcome = case.hear("BatterySwap", told("BatteryIn", USED, token="NOBODY"))
    assert outcome.payload == {}
    (row,) = rows_of(outcome.rows, "swaps")
    assert (row["authorised"], row["fault"]) == (False, "not_authorised")
    (order,) = rows_of(outcome.rows, "work_orders")
    assert order["kind"] == "swap_not_authorised"
    # The pack moved all the same.
    assert rows_of(outcome.rows, "ledger_events")


def test_where_anyone_may_charge_anyone_may_swap(case: Case) -> None:
    case.station.free_vend = True
    outcome = case.hear("BatterySwap", told("BatteryIn", USED, token="NOBODY"))
    (row,) = rows_of(outcome.rows, "swaps")
    assert (row["authorised"], row["fault"]) == (True, None)
    assert not rows_of(outcome.rows, "work_orders")
    later = case.hear("BatterySwap", told("BatteryOut", FULL, token="NOBODY"))
    assert not rows_of(later.rows, "work_orders")


def test_a_resend_with_the_same_id_changes_nothing(case: Case) -> None:
    first = case.hear("BatterySwap", told("BatteryIn", USED), "same")
    again = case.hear("BatterySwap", told("BatteryIn", USED), "same")
    assert rows_of(first.rows, "swaps") == rows_of(again.rows, "swaps")
    assert not rows_of(again.rows, "ledger_events")
    assert rows_of(first.rows, "messages")[0]["key"] == rows_of(again.rows, "messages")[0]["key"]


def test_another_token_than_the_one_that_asked_is_noted(case: Case) -> None:
    _, request = begin_swap(case.registry, case.station, "T", AT)
    outcome = case.hear("BatterySwap", told("BatteryIn", USED, request["requestId"], "NOBODY"))
    assert rows_of(outcome.rows, "swaps")[0]["fault"] == "other_token"


def test_a_request_id_used_again_is_another_swap(case: Case) -> None:
    first = case.hear("BatterySwap", told("BatteryIn", USED))
    case.hear("BatterySwap", told("BatteryOut", FULL))
    second = case.hear("BatterySwap", told("BatteryIn", FULL | {"evseId": 4}))
    assert rows_of(first.rows, "swaps")[0]["id"] != rows_of(second.rows, "swaps")[0]["id"]


def test_silence_decides_nothing_but_an_error_does(case: Case) -> None:
    swap, request = begin_swap(case.registry, case.station, "T", AT)
    order = Order("RequestBatterySwap", request)
    assert swap_refused(case.context(), order, TIMEOUT, "") == []
    assert swap.state is State.ASKED
    (row,) = swap_refused(case.context(), order, "NotSupported", "")
    assert row.values["status"] == "refused"


def test_after_a_restart_the_second_half_joins_the_first(case: Case) -> None:
    first = case.hear("BatterySwap", told("BatteryIn", USED))
    (row,) = rows_of(first.rows, "swaps")
    later = Case()
    assert restore_swap(later.station, row).id == row["id"]
    end = later.hear("BatterySwap", told("BatteryOut", FULL))
    (done,) = rows_of(end.rows, "swaps")
    assert (done["id"], done["status"], len(done["packs_in"])) == (row["id"], "done", 1)
    # A resend across the restart moves nothing either.
    again = later.hear("BatterySwap", told("BatteryIn", USED))
    assert not rows_of(again.rows, "ledger_events")


def test_a_station_cannot_fill_the_memory_with_slots(case: Case) -> None:
    for evse in range(0, 600, 2):
        pack = {"evseId": evse, "serialNumber": f"P{evse}", "soC": 1, "soH": 1}
        case.hear("BatterySwap", told("BatteryIn", pack, number=evse))
    assert len(case.station.slots) <= 256
    assert len(case.station.file.swaps) <= 256


def test_only_a_good_token_at_a_swap_station_is_asked_for(case: Case) -> None:
    with pytest.raises(InputError, match="token"):
        begin_swap(case.registry, case.station, "NOBODY", AT)
    with pytest.raises(InputError, match="swap station"):
        begin_swap(case.registry, LiveStation("C1", "site"), "T", AT)
