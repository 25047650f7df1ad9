"""A simulated swap cabinet: in and out by one request, charging between, and the six faults."""

from __future__ import annotations

from typing import Any

import pytest
from station_world import World

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.protocols.ocpp.station.swap_parts import Pack, SwapFault

MAKE = Make(evses=4, max_kw=20.0, is_swap=True, token_type="Central")
TOKEN = {"idToken": "rider-1", "type": "Central"}


def cabinet_world(socs: tuple[float, ...] = (0.95, 0.85, 0.30)) -> tuple[World, SwapCabinet]:
    packs = [Pack(f"P{n}", soc) for n, soc in enumerate(socs)]
    cabinet = SwapCabinet("swap-1", MAKE, packs, seed=3)
    world = World(Version.V21, station=cabinet)
    world.connect()
    world.run(1.0)
    return world, cabinet


def swaps(world: World) -> list[tuple[str, int, list[str]]]:
    return [
        (p["eventType"], p["requestId"], [b["serialNumber"] for b in p["batteryData"]])
        for p in world.said("BatterySwap")
    ]


def visit(world: World, cabinet: SwapCabinet, **more: Any) -> list[list[Pack]]:
    taken: list[list[Pack]] = []
    pack = more.pop("pack", Pack("R1", 0.15))
    cabinet.visit([pack], world.now_s, world.at, token="rider-1", done=taken.append, **more)
    world.settle()
    world.run(10.0)
    return taken


def test_boot_tells_the_slots_and_charges_what_stands_in_them() -> None:
    world, cabinet = cabinet_world()
    told = [p["eventData"][0] for p in world.said("NotifyEvent")]
    assert [t["actualValue"] for t in told] == ["Occupied"] * 3 + ["Available"]
    assert not world.said("StatusNotification")
    assert len([e for e in world.events() if e["eventType"] == "Started"]) == 3
    assert cabinet.evses[3].power_kw == 20.0


def test_a_rider_swaps() -> None:
    world, cabinet = cabinet_world()
    (taken,) = visit(world, cabinet)
    (came, number, serials), (went, same, gone) = swaps(world)
    assert (came, went, number == same) == ("BatteryIn", "BatteryOut", True)
    assert (serials, gone) == (["R1"], ["P0"])
    assert taken[0].serial == "P0"
    assert taken[0].soc >= 0.95
    ended = [e for e in world.events() if e["eventType"] == "Ended"]
    assert [e["evse"]["id"] for e in ended] == [1]
    assert cabinet.evses[4].transaction is not None
    assert cabinet.counts.swaps == 1
    last = [p["eventData"][0] for p in world.said("NotifyEvent")][-1]
    assert (last["component"]["evse"]["id"], last["actualValue"]) == (1, "Available")


def test_packs_charge_and_the_energy_is_theirs() -> None:
    world, cabinet = cabinet_world()
    before = cabinet.evses[3].car
    assert before is not None
    soc = before.soc
    wh = cabinet.evses[3].energy_wh
    world.run(360.0)
    kwh = (cabinet.evses[3].energy_wh - wh) / 1000.0
    assert kwh == pytest.approx(2.0)
    assert before.soc - soc == pytest.approx(kwh * 0.94 / 50.0)


def test_the_csms_asks_for_a_swap_and_somebody_comes() -> None:
    world, cabinet = cabinet_world()
    heard: list[tuple[int, str]] = []
    cabinet.on_request = lambda number, token: heard.append((number, token))
    asked = {"requestId": 41, "idToken": TOKEN}
    assert world.ask("RequestBatterySwap", asked) == {"status": "Accepted"}
    assert heard == [(41, "rider-1")]
    visit(world, cabinet, request_id=41)
    assert [number for _, number, _ in swaps(world)] == [41, 41]
    assert not world.said("Authorize")


def test_fault_1_no_battery() -> None:
    world, cabinet = cabinet_world()
    cabinet.drain(0.2, world.now_s, world.at)
    answer = world.ask("RequestBatterySwap", {"requestId": 1, "idToken": TOKEN})
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "NoBatteryAvailable"
    (taken,) = visit(world, cabinet)
    assert taken[0].serial == "R1"
    assert swaps(world) == []


def test_fault_2_the_offered_pack_is_not_taken() -> None:
    world, cabinet = cabinet_world()
    visit(world, cabinet, fault=SwapFault.TIMEOUT)
    world.run(70.0)
    assert [(kind, serials) for kind, _, serials in swaps(world)] == [
        ("BatteryIn", ["R1"]),
        ("BatteryOutTimeout", ["P0"]),
    ]
    assert 1 in cabinet.packs


def test_fault_3_an_unknown_pack_is_told_like_any_other() -> None:
    world, cabinet = cabinet_world()
    visit(world, cabinet, pack=Pack("STRANGER", 0.1), fault=SwapFault.UNREGISTERED)
    assert swaps(world)[0][2] == ["STRANGER"]


def test_fault_4_battery_in_twice_with_a_new_id() -> None:
    world, cabinet = cabinet_world()
    visit(world, cabinet, fault=SwapFault.DUPLICATE)
    ins = [frame for frame in world.frames if b'"BatteryIn"' in frame]
    assert len(ins) == 2
    assert ins[0] != ins[1]
    assert len([s for s in swaps(world) if s[0] == "BatteryIn"]) == 2


def test_fault_5_nobody_asked_for_leave() -> None:
    world, cabinet = cabinet_world()
    visit(world, cabinet, fault=SwapFault.UNAUTHORISED)
    assert not world.said("Authorize")
    assert len(swaps(world)) == 2


def test_fault_6_battery_in_twice_with_the_same_id() -> None:
    world, cabinet = cabinet_world()
    visit(world, cabinet, fault=SwapFault.RESEND)
    ins = [frame for frame in world.frames if b'"BatteryIn"' in frame]
    assert len(ins) == 2
    assert ins[0] == ins[1]
    assert len([s for s in swaps(world) if s[0] == "BatteryIn"]) == 1


def test_a_refused_rider_keeps_the_pack() -> None:
    world, cabinet = cabinet_world()
    world.token_status = "Blocked"
    (taken,) = visit(world, cabinet)
    assert taken[0].serial == "R1"
    assert cabinet.counts.swaps_refused == 1


def test_out_before_in_where_the_order_says_so() -> None:
    world, cabinet = cabinet_world((0.9, 0.9, 0.9))
    cabinet.settings.put("swap_order", "Out-In")
    visit(world, cabinet)
    assert [kind for kind, _, _ in swaps(world)] == ["BatteryOut", "BatteryIn"]


def test_the_inventory_names_every_pack() -> None:
    world, _ = cabinet_world()
    world.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    rows = [
        row
        for part in world.said("NotifyReport")
        for row in part["reportData"]
        if row["component"]["name"] == "BatteryCartridge"
    ]
    serials = [
        row["variableAttribute"][0]["value"]
        for row in rows
        if row["variable"]["name"] == "SerialNumber"
    ]
    assert serials == ["P0", "P1", "P2"]
    assert {row["variable"]["name"] for row in rows} == {"SerialNumber", "SoC", "SoH"}


def test_swaps_while_the_link_is_away_arrive_later_in_order() -> None:
    world, cabinet = cabinet_world()
    world.cut()
    visit(world, cabinet)
    assert swaps(world) == []
    world.connect()
    world.run(3.0)
    assert [kind for kind, _, _ in swaps(world)] == ["BatteryIn", "BatteryOut"]


def test_a_slot_that_is_held_gives_nothing_out() -> None:
    world, cabinet = cabinet_world()
    asked = {"evse": {"id": 1}, "operationalStatus": "Inoperative"}
    assert world.ask("ChangeAvailability", asked)["status"] == "Accepted"
    assert [e.id for e in cabinet.ready_slots()] == [2]
    assert cabinet.evses[1].transaction is None
    asked["operationalStatus"] = "Operative"
    world.ask("ChangeAvailability", asked)
    assert [e.id for e in cabinet.ready_slots()] == [1, 2]
    assert cabinet.evses[1].transaction is not None


def test_too_many_packs_are_refused() -> None:
    with pytest.raises(InputError, match="packs"):
        SwapCabinet("x", MAKE, [Pack(str(n), 0.5) for n in range(5)])
    world, cabinet = cabinet_world()
    with pytest.raises(InputError, match="at most 1"):
        cabinet.swap_in([Pack("a", 0.1), Pack("b", 0.1)], world.now_s, world.at, token="t")
