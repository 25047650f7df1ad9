"""Logs and customer information: how uploads go, and parts that are joined."""

from __future__ import annotations

import pytest
from block_cases import AT, Case, rows_of

from zerocity.protocols.ocpp.messages import Version


@pytest.mark.parametrize("version", list(Version))
def test_an_upload_is_followed(version: Version) -> None:
    case = Case(version)
    outcome = case.hear("LogStatusNotification", {"status": "Uploading", "requestId": 4})
    (row,) = rows_of(outcome.rows, "station_variables")
    assert (row["attribute"], row["value"]) == ("4", "Uploading")
    assert case.station.file.log_state == "Uploading"


def test_diagnostics_of_1_6() -> None:
    case = Case(Version.V16)
    case.hear("DiagnosticsStatusNotification", {"status": "Uploaded"})
    assert case.station.file.log_state == "Uploaded"
    request = {"location": "https://city.example/logs"}
    (row,) = case.reply("GetDiagnostics", request, {"fileName": "a.zip"})
    assert row.values["value"] == "a.zip"
    assert case.reply("GetDiagnostics", request, {}) == []


def test_the_name_of_a_log_is_kept_unless_it_is_refused() -> None:
    case = Case()
    log = {"remoteLocation": "https://city.example/logs"}
    request = {"logType": "SecurityLog", "requestId": 4, "log": log}
    (row,) = case.reply("GetLog", request, {"status": "Accepted", "filename": "a.zip"})
    assert row.values["attribute"] == "4"
    assert case.reply("GetLog", request, {"status": "Rejected", "filename": "a.zip"}) == []


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_customer_information_in_parts(version: Version) -> None:
    case = Case(version)
    for number, more in ((1, False), (0, True)):
        told = {
            "requestId": 1, "seqNo": number, "tbc": more, "data": f"part {number}",
            "generatedAt": AT.isoformat(),
        }  # fmt: skip
        assert rows_of(case.hear("NotifyCustomerInformation", told).rows, "messages")
    assert case.station.file.reports["NotifyCustomerInformation", 1].whole
