"""The office and simulated stations over a link that fails: each session once, to the watt hour."""

from __future__ import annotations

import pytest
from core_cases import City
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from station_world import World

from zerocity.live.registry import LiveStation
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Outcome
from zerocity.protocols.ocpp.office.office import answer
from zerocity.protocols.ocpp.peer import Asked
from zerocity.protocols.ocpp.station.parts import Make

NAME = "sim-0001"


class Office(World):
    """A station's link to the real office; ``cuts`` names the messages at which it breaks.

    The number of the message leads to True when the answer is lost, False when the message is.
    """

    def __init__(self, version: Version, cuts: dict[int, bool]) -> None:
        super().__init__(version, Make(evses=2))
        self.city = City(version)
        self.city.registry.add_station(LiveStation(NAME, "site"))
        self.cuts, self.count = cuts, 0
        self.lost = False

    def _reply(self, event: Asked) -> None:
        self.count += 1
        answer_lost = self.cuts.get(self.count)
        if self.lost or answer_lost is False:
            self.lost = True
            return
        context = Context(
            self.city.registry.stations[NAME], self.city.registry, self.at, self.now_s,
            self.version, event.id, lambda *_: None,
        )  # fmt: skip
        outcome = answer(context, event.action, event.payload)
        assert self.csms is not None
        if isinstance(outcome, Outcome):
            self.city.rows += outcome.rows
            if outcome.after is not None:
                outcome.after()
        if answer_lost:
            self.lost = True
        elif isinstance(outcome, Outcome):
            self.csms.answer(event.id, outcome.payload)
        else:
            self.csms.refuse(event.id, outcome.code, outcome.description)

    def live(self, seconds: float) -> None:
        """Run on; a broken link comes back within a minute."""
        for _ in range(int(seconds / 20)):
            if self.lost:
                self.cut()
                self.run(40, step_s=20.0)
                self.lost = False
                self.connect()
            self.run(20, step_s=20.0)


def day(office: Office) -> list[float]:
    """Three sessions on two plugs; the energy of each by the station's own meter [kWh]."""
    station, taken = office.station, []
    office.connect()
    for evse, token, minutes in ((1, "T", 25), (2, "U", 10), (1, "T", 8)):
        before = station.evses[evse].energy_wh
        station.plug(evse, office.now_s, office.at, token=token, soc=0.2, capacity_kwh=60.0)
        office.live(minutes * 60)
        station.unplug(evse, office.now_s, office.at)
        office.live(60)
        taken.append((station.evses[evse].energy_wh - before) / 1000.0)
    office.cuts = {}
    office.live(1200)
    return taken


@pytest.mark.parametrize("version", list(Version))
@given(cuts=st.dictionaries(st.integers(1, 60), st.booleans(), max_size=8))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_every_session_once_and_to_the_watt_hour(version: Version, cuts: dict[int, bool]) -> None:
    office = Office(version, cuts)
    taken = day(office)
    assert min(taken) > 5.0
    billed = [cdr["energy_kwh"] for cdr in office.city.table("cdrs").values()]
    assert sorted(billed) == pytest.approx(sorted(taken), abs=0.002)
    assert not office.city.registry.sessions
    assert len(office.city.finished) == 3
    assert not office.city.registry.busy
