"""A simulated station lives its life: boot, sessions, meter, limits, and the lost link."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_world import START, World, plugged

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.smart_charging import default_messages, limit_messages
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.profiles import to_ms

ALL = list(Version)
V2 = [Version.V201, Version.V21]


@pytest.mark.parametrize("version", ALL)
def test_boots_tells_its_status_and_beats(version: Version) -> None:
    world = World(version, Make(evses=2)).connect()
    assert world.asked[0][0] == "BootNotification"
    assert len(world.said("StatusNotification")) == (3 if version is Version.V16 else 2)
    world.run(200.0)
    assert len(world.said("Heartbeat")) == 3
    assert not world.broken


def test_session_of_1_6_from_plug_to_unplug() -> None:
    world = World(Version.V16).connect()
    plugged(world)
    world.run(305.0)
    world.station.unplug(1, world.now_s, world.at)
    world.settle()
    start, stop = world.said("StartTransaction")[0], world.said("StopTransaction")[0]
    assert start["idTag"] == "driver-1"
    assert stop["transactionId"] == 101
    assert stop["reason"] == "EVDisconnected"
    # 60 kW for 305 s is 5.083 kWh.
    assert stop["meterStop"] - start["meterStart"] == round(60_000 * 305 / 3600)
    meters = world.said("MeterValues")
    assert [m["transactionId"] for m in meters] == [101] * 5
    assert [p["status"] for p in world.said("StatusNotification")] == [
        "Available",
        "Available",
        "Preparing",
        "Charging",
        "Finishing",
        "Available",
    ]


@pytest.mark.parametrize("version", V2)
def test_session_of_2_x_from_plug_to_unplug(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    world.run(125.0)
    world.station.unplug(1, world.now_s, world.at)
    world.settle()
    events = world.events()
    assert [e["eventType"] for e in events] == ["Started", "Updated", "Updated", "Ended"]
    assert [e["seqNo"] for e in events] == [0, 1, 2, 3]
    assert len({e["transactionInfo"]["transactionId"] for e in events}) == 1
    assert events[0]["transactionInfo"]["chargingState"] == "Charging"
    assert events[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    assert not any(e.get("offline") for e in events)
    assert len(world.said("Authorize")) == 1


@pytest.mark.parametrize("version", ALL)
def test_refused_token_never_charges(version: Version) -> None:
    world = World(version).connect()
    world.token_status = "Blocked"
    plugged(world)
    world.run(120.0)
    assert not world.said("StartTransaction")
    assert not world.events()
    assert world.station.evses[1].energy_wh == 0.0


@pytest.mark.parametrize("version", ALL)
def test_token_that_turns_invalid_ends_the_transaction(version: Version) -> None:
    world = World(version).connect()
    plugged(world, token="d")
    world.run(10.0)
    evse = world.station.evses[1]
    assert evse.transaction is not None
    world.station.unplug(1, world.now_s, world.at)
    info = "idTagInfo" if version is Version.V16 else "idTokenInfo"
    bad = {info: {"status": "Invalid"}}
    world.answers["StartTransaction"] = lambda _: {"transactionId": 7, **bad}
    world.answers["TransactionEvent"] = lambda p: bad if "idToken" in p else {}
    plugged(world, token="d")
    world.run(5.0)
    assert evse.transaction is None
    last = world.said("StopTransaction") or world.events()
    assert "DeAuthorized" in str(last[-1])


def test_energy_is_power_times_time_exactly() -> None:
    world = World(Version.V201).connect()
    plugged(world, own=False)
    station = world.station
    expected_wh = 0.0
    for kw, seconds in ((11.0, 37.0), (3.3, 10.5), (0.0, 60.0), (59.9, 0.25)):
        station.set_power(1, kw, world.now_s, world.at)
        world.run(seconds, 0.25)
        expected_wh += kw * 1000.0 * seconds / 3600.0
    station.unplug(1, world.now_s, world.at)
    assert station.evses[1].energy_wh == pytest.approx(expected_wh, rel=1e-12)


def test_own_car_takes_what_it_needs_and_then_suspends() -> None:
    world = World(Version.V201).connect()
    plugged(world, need_kwh=1.0, limit_kw=30.0)
    world.run(600.0)
    evse = world.station.evses[1]
    assert evse.energy_wh == pytest.approx(1000.0, abs=1e-3)
    assert evse.power_kw == 0.0
    assert world.events()[-1]["transactionInfo"]["chargingState"] == "SuspendedEV"


def test_full_battery_takes_less() -> None:
    world = World(Version.V201).connect()
    plugged(world, soc=0.95, need_kwh=None, limit_kw=50.0)
    world.run(5.0)
    assert 0.0 < world.station.evses[1].power_kw < 30.0


@pytest.mark.parametrize("version", ALL)
def test_a_limit_is_obeyed_at_once_and_ends_by_itself(version: Version) -> None:
    world = World(version).connect()
    for action, payload in default_messages(version, 7.0, at=world.at):
        assert world.ask(action, payload)["status"] == "Accepted"
    plugged(world)
    world.run(1.0)
    evse = world.station.evses[1]
    assert evse.power_kw == 7.0
    running = evse.transaction
    assert running is not None
    wire_id = running.number if version is Version.V16 else running.id
    for kw in (22.0, 13.5):
        (message,) = limit_messages(
            version, 1, kw, at=world.at, valid_s=60.0, transaction=wire_id, default_kw=None
        )
        assert world.ask(*message)["status"] == "Accepted"
        assert evse.power_kw == kw
    world.run(70.0)
    assert evse.power_kw == 7.0


@pytest.mark.parametrize("version", ALL)
def test_station_maximum_is_shared_fairly(version: Version) -> None:
    world = World(version, Make(evses=3, max_kw=60.0)).connect()
    (message,) = limit_messages(version, 0, 60.0, at=world.at, valid_s=600.0)
    assert world.ask(*message)["status"] == "Accepted"
    plugged(world, 1, token="a", limit_kw=10.0)
    plugged(world, 2, token="b")
    plugged(world, 3, token="c")
    world.run(6.0)
    powers = [evse.power_kw for evse in world.station.evses.values()]
    assert powers == pytest.approx([10.0, 25.0, 25.0])


@pytest.mark.parametrize("version", ALL)
def test_zero_limit_suspends_and_is_told(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    (message,) = limit_messages(version, 1, 0.0, at=world.at, valid_s=600.0)
    assert world.ask(*message)["status"] == "Accepted"
    assert world.station.evses[1].power_kw == 0.0
    told = world.said("StatusNotification" if version is Version.V16 else "TransactionEvent")[-1]
    assert "SuspendedEVSE" in str(told)


@pytest.mark.parametrize("version", ALL)
def test_offline_transaction_arrives_in_order_and_once(version: Version) -> None:
    world = World(version).connect()
    world.cut()
    world.station.plug(
        1, world.now_s, world.at, token="t", soc=0.2, capacity_kwh=50.0, need_kwh=30.0
    )
    for _ in range(150):
        world.now_s += 1.0
        world.station.tick(world.now_s, world.at)
    world.station.unplug(1, world.now_s, world.at)
    assert world.station.queued == 4
    before = len(world.asked)
    world.connect()
    world.run(5.0)
    sent = [
        name
        for name, _ in world.asked[before:]
        if name in ("StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent")
    ]
    assert world.station.queued == 0
    if version is Version.V16:
        assert sent == ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
        assert world.said("StopTransaction")[0]["transactionId"] == 101
        assert world.said("MeterValues")[0]["transactionId"] == 101
        assert world.said("StartTransaction")[0]["timestamp"].startswith("2026-05-01T08:00:00")
    else:
        assert [e["seqNo"] for e in world.events()] == [0, 1, 2, 3]
        assert all(e["offline"] is True for e in world.events())
        assert world.events()[0]["timestamp"] == START.isoformat().replace("+00:00", ".000Z")


@pytest.mark.parametrize("version", ALL)
def test_what_was_in_flight_goes_out_again_with_its_id(version: Version) -> None:
    world = World(version)
    world.interval_s = 600
    world.connect()
    plugged(world)
    world.run(59.0)
    world.silent = True
    world.run(2.0)
    lost = world.frames[-1]
    world.cut()
    world.silent = False
    world.connect()
    assert lost in world.frames[world.frames.index(lost) + 1 :]


def test_refused_message_is_tried_again_and_then_given_up() -> None:
    world = World(Version.V201).connect()
    world.answers["TransactionEvent"] = lambda _: "InternalError"
    plugged(world)
    world.run(59.0)
    starts = [e for e in world.events() if e["eventType"] == "Started"]
    assert len(starts) == 3
    assert world.station.counts.dropped == 1
    ids = {frame.split(b'"')[1] for frame in world.frames if b'"Started"' in frame}
    assert len(ids) == 3


def test_answers_that_never_come_are_waited_for_and_asked_again() -> None:
    world = World(Version.V201).connect()
    plugged(world)
    world.run(1.0)
    world.silent = True
    world.station.unplug(1, world.now_s, world.at)
    world.settle()
    world.run(80.0)
    ended = [frame for frame in world.frames if b'"Ended"' in frame]
    assert len(ended) == 2
    assert ended[0] == ended[1]
    world.speak()
    assert world.station.queued == 0


def test_a_pending_station_says_nothing_but_its_name() -> None:
    world = World(Version.V201)
    world.boot_status = "Pending"
    world.connect()
    plugged(world)
    world.run(30.0)
    assert {name for name, _ in world.asked} == {"BootNotification"}
    world.boot_status = "Accepted"
    world.run(60.0)
    assert world.station.online
    assert world.said("StatusNotification")


def test_a_server_that_forgot_the_station_hears_its_name_again() -> None:
    world = World(Version.V201).connect()
    world.cut()
    world.run(1.0)
    world.answers["Heartbeat"] = lambda _: "SecurityError"
    world.connect()
    assert len(world.said("BootNotification")) == 1
    world.run(70.0)
    assert len(world.said("BootNotification")) == 2


def test_a_server_that_forgot_the_station_loses_none_of_its_messages() -> None:
    world = World(Version.V201).connect()
    plugged(world)
    known = False

    def event(_: dict[str, object]) -> dict[str, object] | str:
        return {} if known else "SecurityError"

    world.answers["TransactionEvent"] = event
    world.boot_status = "Pending"
    world.run(200.0, 5.0)
    known, world.boot_status = True, "Accepted"
    world.run(120.0, 5.0)
    assert world.station.counts.dropped == 0
    assert world.station.queued == 0
    assert sorted({e["seqNo"] for e in world.events()})[-1] >= 4


def test_without_a_link_the_profile_holds_until_its_end_and_then_the_default() -> None:
    world = World(Version.V201).connect()
    (default,) = default_messages(Version.V201, 6.0, at=world.at)
    world.ask(*default)
    plugged(world)
    running = world.station.evses[1].transaction
    assert running is not None
    (limit,) = limit_messages(
        Version.V201, 1, 30.0, at=world.at, valid_s=60.0, transaction=running.id
    )
    world.ask(*limit)
    world.cut()
    world.run(50.0)
    assert world.station.limit_kw(1, world.now_s, world.at) == 30.0
    world.run(15.0)
    assert world.station.limit_kw(1, world.now_s, world.at) == 6.0
    assert world.station.evses[1].power_kw == 6.0


def test_bad_plugs_are_refused() -> None:
    world = World(Version.V201).connect()
    with pytest.raises(InputError, match="EVSE"):
        plugged(world, 2)
    with pytest.raises(InputError, match="soc"):
        plugged(world, soc=1.5)
    plugged(world)
    with pytest.raises(InputError, match="free EVSE"):
        plugged(world)


STEPS = ["plug", "unplug", "limit", "cut", "connect", "run", "stop"]


def take_step(world: World, what: str, evse: int, x: float) -> None:
    """One thing that may happen to a station."""
    station, online = world.station, world.csms is not None
    if what == "plug" and station.evses[evse].car is None:
        plugged(world, evse, token=f"t{evse}", soc=x / 80.0)
    elif what == "unplug":
        station.unplug(evse, world.now_s, world.at)
    elif what == "limit" and online:
        (message,) = limit_messages(world.version, 0, x, at=world.at, valid_s=120.0)
        world.ask(*message)
    elif what == "cut" and online:
        world.cut()
    elif what == "connect" and not online:
        world.connect()
    elif what == "run":
        world.run(x * 2.0 + 0.1, 5.0)
    elif what == "stop":
        station.stop(evse, world.now_s, world.at)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ALL),
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(1, 2), st.floats(0.0, 80.0)), max_size=25
    ),
)
def test_meter_and_bounds_hold_whatever_happens(
    version: Version, steps: list[tuple[str, int, float]]
) -> None:
    world = World(version, Make(evses=2)).connect()
    station = world.station
    for step in steps:
        take_step(world, *step)
        whole = station.profiles.station_span(to_ms(world.at)).limit_kw
        total = sum(e.power_kw for e in station.evses.values())
        assert whole is None or total <= whole + 1e-9
        for place in station.evses.values():
            assert 0.0 <= place.power_kw <= place.max_kw
            assert place.transaction is not None or place.power_kw == 0.0
    if world.csms is None:
        world.connect()
    world.run(60.0)
    assert station.queued <= 2
    assert not world.broken


@pytest.mark.parametrize("version", V2)
@pytest.mark.parametrize("is_dc", [True, False])
def test_a_car_says_what_it_needs(version: Version, is_dc: bool) -> None:
    world = World(version, Make(is_dc=is_dc)).connect()
    plugged(world, need_kwh=12.5, limit_kw=40.0, depart_at=START)
    (said,) = world.said("NotifyEVChargingNeeds")
    bounds = said["chargingNeeds"]["dcChargingParameters" if is_dc else "acChargingParameters"]
    assert bounds["energyAmount"] == 12_500
    if is_dc:
        assert bounds["evMaxPower"] == 40_000
        assert bounds["evEnergyCapacity"] == 60_000
    assert said["chargingNeeds"]["departureTime"] == "2026-05-01T08:00:00Z"


def test_a_triggered_boot_does_not_double_the_heartbeat() -> None:
    world = World(Version.V201).connect()
    for _ in range(3):
        world.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
    world.run(300.0)
    assert len(world.said("Heartbeat")) == 5


@pytest.mark.parametrize("version", ALL)
def test_meter_values_on_the_clock(version: Version) -> None:
    world = World(version, Make(evses=2))
    world.station.settings.put("aligned_s", "900")
    world.connect()
    world.run(1801.0)
    values = world.said("MeterValues")
    stamps = {value["meterValue"][0]["timestamp"] for value in values}
    assert stamps == {"2026-05-01T08:15:00.000Z", "2026-05-01T08:30:00.000Z"}
    assert len(values) == 4


def test_a_dynamic_profile_is_asked_for_its_next_value() -> None:
    world = World(Version.V21).connect()
    plugged(world)
    profile = {
        "id": 3,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Dynamic",
        "dynUpdateInterval": 30,
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 20_000.0}],
            }
        ],
    }
    world.answers["PullDynamicScheduleUpdate"] = lambda _: {
        "status": "Accepted",
        "scheduleUpdate": {"limit": 11_000.0},
    }
    world.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    evse = world.station.evses[1]
    assert evse.power_kw == 20.0
    world.run(31.0)
    assert evse.power_kw == 11.0
    update = {"chargingProfileId": 3, "scheduleUpdate": {"limit": 5000.0}}
    assert world.ask("UpdateDynamicSchedule", update)["status"] == "Accepted"
    assert evse.power_kw == 5.0
    world.ask("ClearChargingProfile", {"chargingProfileId": 3})
    world.run(120.0)
    assert len(world.said("PullDynamicScheduleUpdate")) == 1
