"""After a restart swaps still join, limits still count, and certificates are still known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from block_cases import AT, Case

from zerocity.protocols.ocpp.office.certificates import make_authority, make_request
from zerocity.protocols.ocpp.office.charging_limits import limit_orders
from zerocity.protocols.ocpp.office.firmware import Campaign, Step, campaign_orders, start_campaign
from zerocity.protocols.ocpp.office.restore_files import load_files
from zerocity.protocols.ocpp.office.security import revoke
from zerocity.storage.recorder import write_now


def again(engine: sa.Engine) -> Case:
    case = Case()
    case.station.version, case.station.online = "2.1", True
    load_files(engine, case.registry)
    return case


def told(kind: str, serial: str, evse: int) -> dict[str, Any]:
    pack = {"evseId": evse, "serialNumber": serial, "soC": 50, "soH": 90}
    token = {"idToken": "T", "type": "Central"}
    return {"eventType": kind, "requestId": 5, "batteryData": [pack], "idToken": token}


def test_a_swap_goes_on_and_its_slots_are_known(engine: sa.Engine) -> None:
    case = again(engine)
    write_now(engine, case.hear("BatterySwap", told("BatteryIn", "A", 1)).rows)
    later = again(engine)
    assert later.station.slots[1].serial == "A"
    assert later.station.slots[1].soc == 0.5
    resent = later.hear("BatterySwap", told("BatteryIn", "A", 1))
    assert not [row for row in resent.rows if row.table == "ledger_events"]
    write_now(engine, later.hear("BatterySwap", told("BatteryOut", "B", 2)).rows)
    with engine.connect() as connection:
        found = connection.execute(sa.text("select status, fault from swaps")).all()
        events = connection.execute(sa.text("select count(*) from ledger_events")).scalar()
    assert [tuple(row) for row in found] == [("done", "duplicate")]
    assert events == 2
    assert again(engine).station.file.swaps[5].ended


def test_limits_variables_certificates_and_campaigns(engine: sa.Engine) -> None:
    case = again(engine)
    case.registry.city.authority = make_authority("Lanzhou", AT)
    (order,) = limit_orders(case.station, 1, 5.0, at=AT, valid_s=60)
    rows = case.reply(order.action, order.payload, {"status": "Rejected"})
    rows += case.reply("GetLocalListVersion", {}, {"versionNumber": 7})
    rows += case.hear("SignCertificate", {"csr": make_request("S1")[0]}).rows
    (serial,) = case.registry.city.certificates
    made = Campaign("c1", "https://city.example/f.bin", AT, AT)
    rows += start_campaign(case.registry, made, ["S1"], AT)
    rows += campaign_orders(case.registry, made, AT)[1]
    write_now(engine, rows)
    later = again(engine)
    file, city = later.station.file, later.registry.city
    assert file.counts_in_full(1)
    assert file.list_version == 7
    assert file.certificate_expires_at == AT + timedelta(days=365)
    campaign = city.campaigns["c1"]
    assert isinstance(campaign, Campaign)
    # The answer to what was asked before is heard by nobody: it is asked again.
    assert campaign.steps == {"S1": Step.WAITING}
    write_now(engine, case.hear("FirmwareStatusNotification", {"status": "Downloading"}).rows)
    write_now(engine, revoke(case.registry, serial, AT))
    last = again(engine)
    assert last.registry.city.certificates[serial].revoked_at == AT
    assert last.station.file.certificate_expires_at is None
    last.hear("FirmwareStatusNotification", {"status": "Installed", "requestId": 99})
    done = last.registry.city.campaigns["c1"]
    assert isinstance(done, Campaign)
    assert done.status == "done"


def test_an_empty_store_changes_nothing(engine: sa.Engine) -> None:
    assert not again(engine).station.file.swaps
