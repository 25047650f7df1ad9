"""A simulated station answers whatever a CSMS may lawfully ask, and stays well."""

from __future__ import annotations

from random import Random

import pytest
from specimens import specimen
from station_world import World, plugged

from zerocity.protocols.ocpp.messages import CALLED_BY, Role, Version
from zerocity.protocols.ocpp.peer import Answered
from zerocity.protocols.ocpp.station.answers import ANSWERS
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.swap import SwapCabinet

EVERY = [
    (version, action) for version in Version for action in sorted(CALLED_BY[version, Role.CSMS])
]


@pytest.mark.parametrize(("version", "action"), EVERY)
def test_every_lawful_call_gets_a_lawful_answer(version: Version, action: str) -> None:
    rng = Random(f"{version} {action}")
    name = f"{action}Request"
    world = World(version, Make(evses=2)).connect()
    plugged(world)
    for n in range(25):
        payload = specimen(version, name, rng, fullness=n / 24)
        assert world.csms is not None
        before = len(world.results)
        world.csms.call(action, payload, world.now_s)
        world.settle()
        assert isinstance(world.results[before], Answered), world.results[before]
        world.run(8.0, 2.0)
        if world.station.hang_up:
            world.cut()
            world.station.hang_up = False
            world.run(6.0)
            world.connect()
    assert not world.broken


def test_the_table_names_every_call_and_no_other() -> None:
    assert SwapCabinet.__module__
    for version in Version:
        assert set(ANSWERS[version]) == CALLED_BY[version, Role.CSMS]
