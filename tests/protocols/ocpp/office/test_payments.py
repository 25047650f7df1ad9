"""Settlements are kept, VAT numbers are judged by a register only, tariffs are assigned."""

from __future__ import annotations

from block_cases import AT, Case, rows_of


def test_a_settlement_is_kept() -> None:
    told = {
        "pspRef": "r", "status": "Settled", "settlementAmount": 12.5,
        "settlementTime": AT.isoformat(),
    }  # fmt: skip
    assert rows_of(Case().hear("NotifySettlement", told).rows, "messages")


def test_a_vat_number_is_valid_when_a_register_says_so() -> None:
    case = Case()
    told = {"vatNumber": "CN1", "evseId": 2}
    answer = case.hear("VatNumberValidation", told).payload
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NoRegister")
    company = {"name": "A", "address1": "B", "city": "Lanzhou", "country": "China"}
    case.registry.city.check_vat = {"CN1": company}.get
    answer = case.hear("VatNumberValidation", told).payload
    assert (answer["status"], answer["company"], answer["evseId"]) == ("Accepted", company, 2)
    assert case.hear("VatNumberValidation", {"vatNumber": "X"}).payload["status"] == "Rejected"


def test_tariffs_set_listed_and_cleared() -> None:
    case = Case()
    tariff = {"tariffId": "t1", "currency": "CNY", "energy": {"prices": [{"priceKwh": 1.2}]}}
    request = {"evseId": 1, "tariff": tariff}
    assert case.reply("SetDefaultTariff", request, {"status": "DuplicateTariffId"}) == []
    (row,) = case.reply("SetDefaultTariff", request, {"status": "Accepted"})
    assert (row.values["variable"], row.values["evse"]) == ("t1", 1)
    listed = {"tariffId": "t1", "tariffKind": "DefaultTariff", "evseIds": [1, 2]}
    rows = case.reply(
        "GetTariffs", {"evseId": 0}, {"status": "Accepted", "tariffAssignments": [listed]}
    )
    assert [row.values["evse"] for row in rows] == [1, 2]
    results = [{"tariffId": "t1", "status": "Accepted"}, {"tariffId": "t2", "status": "Rejected"}]
    rows = case.reply("ClearTariffs", {"evseId": 1}, {"clearTariffsResult": results})
    assert [row.values["value"] for row in rows] == [""]
