"""Our limits at simulated stations of each version: obeyed, renewed, and left by themselves."""

from __future__ import annotations

import pytest
from station_world import World, plugged

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.smart_charging import Purpose, default_messages, limit_messages


def transaction_of(world: World) -> str | int:
    if world.version is Version.V16:
        return 101
    transaction: str = world.events()[-1]["transactionInfo"]["transactionId"]
    return transaction


def allowed_kw(world: World) -> float:
    return world.station.limit_kw(1, world.now_s, world.at)


@pytest.mark.parametrize("unit", ["W", "A"])
@pytest.mark.parametrize("version", list(Version))
def test_a_limit_holds_for_its_time_and_then_the_default(version: Version, unit: str) -> None:
    world = World(version).connect()
    plugged(world)
    for message in default_messages(version, 4.0, at=world.at, rate_unit=unit):
        assert world.ask(*message)["status"] == "Accepted"
    found = allowed_kw(world)
    assert found == pytest.approx(4.0, abs=0.07)
    for kw in (20.0, 9.0):
        ((action, payload),) = limit_messages(
            version, 1, kw, at=world.at, valid_s=60, rate_unit=unit,
            transaction=transaction_of(world),
        )  # fmt: skip
        assert world.ask(action, payload)["status"] == "Accepted"
        assert kw - 0.07 <= allowed_kw(world) <= kw + 1e-9
    world.run(50.0)
    assert allowed_kw(world) == pytest.approx(9.0, abs=0.07)
    world.cut()
    world.run(60.0)
    assert allowed_kw(world) == pytest.approx(4.0, abs=0.07)


@pytest.mark.parametrize("version", list(Version))
def test_a_limit_taken_back_leaves_the_default(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    transaction = transaction_of(world)
    for kw in (9.0, None):
        for action, payload in limit_messages(
            version, 1, kw, at=world.at, valid_s=600, transaction=transaction
        ):
            assert world.ask(action, payload)["status"] == "Accepted"
    assert allowed_kw(world) > 9.0


@pytest.mark.parametrize("version", list(Version))
def test_the_whole_station_and_a_schedule_that_falls_back_by_itself(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    messages = limit_messages(
        version, 0, 8.0, at=world.at, valid_s=60, default_kw=3.0, purpose=Purpose.STATION_MAX
    )
    for message in messages:
        assert world.ask(*message)["status"] == "Accepted"
    assert allowed_kw(world) <= 8.0
    world.run(70.0)
    assert allowed_kw(world) <= 3.0
