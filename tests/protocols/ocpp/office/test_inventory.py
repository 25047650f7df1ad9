"""The charge of a battery in a slot: what its charging said last, else what the slot said."""

from __future__ import annotations

from block_cases import AT, Case

from zerocity.live.registry import Connector, Slot
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.office.inventory import known_soc


def test_the_session_knows_better_than_the_slot() -> None:
    station = Case().station
    assert known_soc(station, 1) is None
    station.slots[1] = Slot(1, "P", 0.2)
    assert known_soc(station, 1) == 0.2
    session = LiveSession("S1~1", "S1", 1, 1, None, AT, 0.0)
    station.connectors[1, 1] = Connector("S1", 1, 1, "site", 10.0, session=session)
    assert known_soc(station, 1) == 0.2
    session.soc = 0.8
    assert known_soc(station, 1) == 0.8
