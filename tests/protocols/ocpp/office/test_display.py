"""Display messages: what was accepted is what is shown."""

from __future__ import annotations

import pytest
from block_cases import Case, rows_of

from zerocity.protocols.ocpp.messages import Version

MESSAGE = {"id": 4, "priority": "InFront", "message": {"format": "UTF8", "content": "Welcome"}}


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_set_listed_and_cleared(version: Version) -> None:
    case = Case(version)
    request = {"message": MESSAGE}
    assert case.reply("SetDisplayMessage", request, {"status": "Rejected"}) == []
    (row,) = case.reply("SetDisplayMessage", request, {"status": "Accepted"})
    assert "Welcome" in row.values["value"]
    told = {"requestId": 1, "messageInfo": [MESSAGE]}
    assert len(rows_of(case.hear("NotifyDisplayMessages", told).rows, "station_variables")) == 1
    (row,) = case.reply("ClearDisplayMessage", {"id": 4}, {"status": "Unknown"})
    assert row.values["value"] == ""
