"""Limits and defaults on their way to stations, and who hears what became of them."""

from __future__ import annotations

from typing import Any

import pytest
from live_cities import NOON, made_registry, plug

from zerocity.live.grants import LEASE_S
from zerocity.live.registry import Registry
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.orders import Order
from zerocity.protocols.ocpp.office.reach import RETRY_S, StationReach

VERSIONS = pytest.mark.parametrize("version", list(Version))
TAKEN, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


class Wire:
    """A gateway that notes what is called, and can be cut."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Order]] = []
        self.cut = False

    def call(self, station: str, action: str, payload: dict[str, Any], token: object) -> bool:
        assert isinstance(token, Order)
        assert (token.action, token.payload) == (action, payload)
        self.calls.append((station, token))
        return not self.cut

    def is_online(self, station: str) -> bool:
        return not self.cut

    def named(self, action: str) -> list[Order]:
        return [order for _, order in self.calls if order.action == action]


class Scene:
    def __init__(self, version: Version) -> None:
        self.registry: Registry = made_registry()
        for station in self.registry.stations.values():
            station.version = version
        self.wire, self.now_s = Wire(), 100.0
        self.reach = StationReach(self.registry, self.wire, lambda: self.now_s, lambda: NOON)
        self.heard: list[bool] = []

    def session(self) -> LiveSession:
        return plug(self.registry, "ac", transaction="tx-1", number=17)

    def limit(self, session: LiveSession, kw: float) -> Order:
        self.reach.limit(session, kw, self.heard.append)
        return self.wire.calls[-1][1]


def answer(order: Order, payload: dict[str, Any] | None) -> None:
    assert order.then is not None
    order.then(payload)


@VERSIONS
@pytest.mark.parametrize("kw", [0.0, -1e-12, 7.5])
def test_a_limit_is_a_lease_for_this_transaction(version: Version, kw: float) -> None:
    scene = Scene(version)
    order = scene.limit(scene.session(), kw)
    assert order.action == "SetChargingProfile"
    assert check(version, order.action, "request", order.payload) is None
    profile = order.payload.get("csChargingProfiles") or order.payload["chargingProfile"]
    assert profile["transactionId"] == (17 if version is Version.V16 else "tx-1")
    schedule = profile["chargingSchedule"]
    schedule = schedule if version is Version.V16 else schedule[0]
    assert schedule["duration"] >= LEASE_S
    assert schedule["chargingSchedulePeriod"][0]["limit"] == max(kw, 0.0) * 1000.0


@VERSIONS
@pytest.mark.parametrize(
    ("result", "taken"), [(TAKEN, True), (REJECTED, False), ({}, False), (None, False)]
)
def test_who_asked_hears_whether_it_was_taken(
    version: Version, result: dict[str, Any] | None, taken: bool
) -> None:
    scene = Scene(version)
    order = scene.limit(scene.session(), 5.0)
    assert scene.heard == []
    answer(order, result)
    assert scene.heard == [taken]
    assert (scene.reach.sent, scene.reach.refused) == (1, int(not taken))


def test_a_station_that_is_gone_or_unknown_takes_nothing() -> None:
    scene = Scene(Version.V201)
    session = scene.session()
    scene.wire.cut = True
    scene.limit(session, 5.0)
    assert scene.heard == [False]
    session.station = "nobody"
    scene.reach.limit(session, 5.0, scene.heard.append)
    assert scene.heard == [False, False]
    assert len(scene.wire.calls) == 1


@VERSIONS
def test_who_comes_in_gets_its_default_once_and_is_asked_about_itself(version: Version) -> None:
    scene = Scene(version)
    scene.reach.greet()
    defaults = scene.wire.named("SetChargingProfile")
    assert len(defaults) == 3
    for order in defaults:
        assert check(version, order.action, "request", order.payload) is None
        answer(order, TAKEN)
    asked = "GetConfiguration" if version is Version.V16 else "GetVariables"
    assert len(scene.wire.named(asked)) == 3
    before = len(scene.wire.calls)
    scene.now_s += 10 * RETRY_S
    scene.reach.greet()
    assert len(scene.wire.calls) == before


def test_only_who_is_online_and_accepted_is_greeted_and_again_when_it_comes_back() -> None:
    scene = Scene(Version.V21)
    scene.registry.stations["ac"].online = False
    scene.registry.stations["dc"].boot = "pending"
    scene.reach.greet()
    assert {station for station, _ in scene.wire.calls} == {"swap"}
    scene.registry.stations["ac"].online = True
    scene.reach.greet()
    assert {station for station, _ in scene.wire.calls} == {"swap", "ac"}
    scene.registry.stations["ac"].online = False
    scene.reach.greet()
    scene.registry.stations["ac"].online = True
    scene.reach.greet()
    assert (
        len([s for s, o in scene.wire.calls if (s, o.action) == ("ac", "SetChargingProfile")]) == 2
    )


@pytest.mark.parametrize("result", [REJECTED, None])
def test_a_default_that_was_refused_is_tried_again_after_a_while(
    result: dict[str, Any] | None,
) -> None:
    scene = Scene(Version.V16)
    scene.reach.greet()
    for order in scene.wire.named("SetChargingProfile"):
        answer(order, result)
    scene.wire.calls.clear()
    scene.now_s += RETRY_S - 1.0
    scene.reach.greet()
    assert scene.wire.calls == []
    scene.now_s += 1.0
    scene.reach.greet()
    assert len(scene.wire.named("SetChargingProfile")) == 3
    # The questions about itself are asked once.
    assert scene.wire.named("GetConfiguration") == []


def test_a_default_that_could_not_be_sent_is_sent_the_next_time() -> None:
    scene = Scene(Version.V201)
    scene.wire.cut = True
    scene.reach.greet()
    scene.wire.cut = False
    scene.wire.calls.clear()
    scene.reach.greet()
    assert len(scene.wire.named("SetChargingProfile")) == 3
