"""Tariffs at the station, settlements, and VAT numbers (OCPP 2.1 I08-I12, C24, C25)."""

from __future__ import annotations

import orjson

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.orders import asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import status_info
from zerocity.storage.recorder import Row


def settlement(context: Context, payload: Payload) -> Outcome:
    """NotifySettlement: what a payment terminal took, or did not; kept as it came (C24)."""
    return Outcome({}, [message_row(context, "NotifySettlement", payload)])


def vat_number(context: Context, payload: Payload) -> Outcome:
    """VatNumberValidation: as the tax register says; without one it cannot be called valid."""
    number, check = payload["vatNumber"], context.registry.city.check_vat
    answer: Payload = {"vatNumber": number, "status": "Rejected"}
    if "evseId" in payload:
        answer["evseId"] = payload["evseId"]
    if check is None:
        answer["statusInfo"] = status_info("NoRegister", "no tax register is connected")
        return Outcome(answer)
    company = check(number)
    if company is not None:
        answer |= {"status": "Accepted", "company": company}
    return Outcome(answer)


def default_tariff_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetDefaultTariff."""
    request = asked(token)
    if payload["status"] != "Accepted" or "tariff" not in request:
        return []
    text = orjson.dumps(request["tariff"]).decode()
    return [_row(context, request["tariff"]["tariffId"], request["evseId"], text)]


def tariffs_cleared(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ClearTariffs."""
    evse = asked(token).get("evseId", 0)
    return [
        _row(context, result["tariffId"], evse, "")
        for result in payload["clearTariffsResult"]
        if result["status"] in ("Accepted", "NoTariff") and "tariffId" in result
    ]


def tariffs_got(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetTariffs: which tariff is assigned where."""
    return [
        _row(context, one["tariffId"], evse, orjson.dumps(one).decode())
        for one in payload.get("tariffAssignments", [])
        for evse in one.get("evseIds", [0])
    ]


def _row(context: Context, tariff: str, evse: int, value: str) -> Row:
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": "Tariff",
            "variable": tariff,
            "evse": evse,
            "attribute": "Actual",
            "value": value,
            "changed_at": context.at,
        },
    )


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V21, "NotifySettlement"): settlement,
    (Version.V21, "VatNumberValidation"): vat_number,
}
REPLIES: dict[str, Reply] = {
    "SetDefaultTariff": default_tariff_set,
    "ClearTariffs": tariffs_cleared,
    "GetTariffs": tariffs_got,
}
