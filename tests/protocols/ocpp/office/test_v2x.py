"""Only what a station accepted changes priorities and the room to give back."""

from __future__ import annotations

import pytest
from block_cases import AT, Case

from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.live.station_file import V2xRoom


@pytest.fixture
def case() -> Case:
    made = Case()
    session = LiveSession("S1~tx", "S1", 1, 1, "T", AT, 0.0, transaction="tx")
    made.station.connectors[1, 1] = Connector("S1", 1, 1, "site", 120.0, session=session)
    made.station.file.v2x[1] = V2xRoom("S1~tx", max_discharge_kw=10.0)
    return made


@pytest.mark.parametrize(("status", "priority"), [("Accepted", 9), ("NoProfile", 0)])
def test_priority_charging(case: Case, status: str, priority: int) -> None:
    request = {"transactionId": "tx", "activate": True}
    case.reply("UsePriorityCharging", request, {"status": status})
    session = case.station.connectors[1, 1].session
    assert session is not None
    assert session.priority == priority


@pytest.mark.parametrize(
    ("modes", "status", "kept"),
    [(["DC"], "Accepted", False), (["DC"], "Rejected", True), (["DC", "DC_BPT"], "Accepted", True)],
)
def test_allowed_energy_transfer(case: Case, modes: list[str], status: str, kept: bool) -> None:
    request = {"transactionId": "tx", "allowedEnergyTransfer": modes}
    case.reply("NotifyAllowedEnergyTransfer", request, {"status": status})
    assert (1 in case.station.file.v2x) == kept
