"""What the versions share of a transaction."""

from __future__ import annotations

from datetime import datetime

from core_cases import AT, City, after, event, start_v16, started, stop_v16, values_v16

from zerocity.charging.billing import Bill
from zerocity.charging.session import State
from zerocity.live.registry import LiveStation
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.transactions import end_lost
from zerocity.storage.recorder import Row


def test_packs_of_a_swap_station_are_charged_for_nobody() -> None:
    city = City(Version.V21)
    city.registry.add_station(LiveStation("A", "site", kind="swap", boot="accepted"))
    first = started()
    del first["idToken"]
    city.hear("TransactionEvent", first)
    told = city.hear("TransactionEvent", event("Ended", 1, 9000.0, 60.0), at=after(60))
    row = city.table("sessions")[("A~tx",)]
    assert (row["energy_kwh"], row["cost_cny"]) == (8.0, None)
    assert not city.table("cdrs")
    assert "totalCost" not in told
    assert city.table("session_curves")


def test_missing_stop_leaves_the_seat_to_the_next_session() -> None:
    city = City()
    first = city.hear("StartTransaction", start_v16())["transactionId"]
    second = city.hear("StartTransaction", start_v16("U", minutes=30), at=after(30))
    seat = city.registry.stations["A"].connectors[1, 1]
    assert seat.session is not None
    assert seat.session.number == second["transactionId"]
    city.hear("StopTransaction", stop_v16(first, 2000, 20), at=after(40))
    assert seat.session.number == second["transactionId"]
    assert len(city.registry.sessions) == 1


def test_driver_whose_end_was_lost_is_not_locked_out() -> None:
    city = City()
    city.hear("StartTransaction", start_v16())
    again = city.hear("StartTransaction", start_v16(minutes=30), at=after(30))
    assert again["idTagInfo"]["status"] == "Accepted"
    other = city.hear("StartTransaction", start_v16("U", minutes=60), at=after(60))
    assert other["idTagInfo"]["status"] == "Accepted"
    # Another car has the plug now, so that token is free.
    elsewhere = city.hear("StartTransaction", start_v16(minutes=61), at=after(61), name="B")
    assert elsewhere["idTagInfo"]["status"] == "Accepted"


def test_session_whose_end_was_lost_is_ended_by_its_last_reading() -> None:
    city = City()
    lost = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("MeterValues", values_v16(lost, [(30, 9000)]), at=after(30))
    city.hear("StartTransaction", start_v16("U", minutes=60), at=after(60))
    assert end_lost(city.registry, after(90)) == []
    city.rows += end_lost(city.registry, after(31 + 24 * 60))
    row = city.table("sessions")[(f"~{lost:010d}",)]
    assert (row["stop_reason"], row["energy_kwh"], row["ended_at"]) == ("Lost", 8.0, after(30))
    assert city.finished == [f"~{lost:010d}"]
    assert len(city.registry.sessions) == 1
    city.hear("StopTransaction", stop_v16(lost, 10_000, 40), at=after(3000))
    row = city.table("sessions")[(f"~{lost:010d}",)]
    assert (row["stop_reason"], row["energy_kwh"], row["ended_at"]) == ("Local", 9.0, after(40))


def test_silent_session_is_ended_after_a_month() -> None:
    city = City(Version.V201)
    city.hear("TransactionEvent", started())
    assert end_lost(city.registry, after(29 * 24 * 60)) == []
    assert end_lost(city.registry, after(30 * 24 * 60))
    city.hear("TransactionEvent", event("Ended", 1, 3000.0, 60.0), at=after(50 * 24 * 60))
    assert city.cdr("A~tx")["energy_kwh"] == 2.0


def test_control_loop_hears_of_begin_and_end_alone() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    assert city.changes == ["site"]
    city.hear("StartTransaction", start_v16())
    assert city.changes == ["site"]
    city.hear("StopTransaction", stop_v16(number, 2000, 20), at=after(20))
    assert city.changes == ["site", "site"]


def test_offline_session_does_not_occupy_its_plug() -> None:
    city = City()
    city.hear("StartTransaction", start_v16(), at=after(600))
    assert city.registry.stations["A"].connectors[1, 1].status == "available"


def test_energy_beyond_the_plug_is_held_back_and_named() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("StopTransaction", stop_v16(number, 1_001_000, 60), at=after(60))
    lines = {line["kind"]: line for line in city.cdr(f"~{number:010d}")["lines"]}
    assert lines["held"]["energy_kwh"] > 900.0
    assert lines["service"]["energy_kwh"] < 67.0
    assert AT.isoformat() in lines["note"]["text"] or "held back" in lines["note"]["text"]


def test_the_hook_adds_rows_to_each_end() -> None:
    city, heard = City(), []

    def hook(session: LiveSession, made: Bill, at: datetime) -> list[Row]:
        heard.append((session.state, made.energy_kwh, at))
        return [Row("work_orders", {"id": session.id, "reason": str(made.energy_kwh)})]

    city.registry.ended_hook = hook
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    assert heard == []
    city.hear("StopTransaction", stop_v16(number, 2000, 20), at=after(20))
    assert heard == [(State.ENDED, 1.0, after(20))]
    assert city.table("work_orders")[(f"~{number:010d}",)]["reason"] == "1.0"
    city.hear("MeterValues", values_v16(number, [(10, 1500)]), at=after(30))
    assert len(heard) == 2
