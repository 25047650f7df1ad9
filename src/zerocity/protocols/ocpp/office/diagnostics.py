"""Logs, diagnostics and customer information (OCPP 1.6 4.4, 5.9; OCPP 2.x N01, N09, N10)."""

from __future__ import annotations

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.device_model import hear_part
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.orders import ALL, V2, asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.storage.recorder import Row


def log_status(context: Context, payload: Payload) -> Outcome:
    """LogStatusNotification, and DiagnosticsStatusNotification of 1.6: how an upload goes."""
    context.station.file.log_state = payload["status"]
    number = str(payload.get("requestId", ""))
    return Outcome({}, [_row(context, "Status", number, payload["status"])])


def log_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetLog or GetDiagnostics: the name of the file that will come."""
    name = payload.get("filename", payload.get("fileName", ""))
    if payload.get("status", "Accepted") == "Rejected" or not name:
        return []
    return [_row(context, "FileName", str(asked(token).get("requestId", "")), name)]


def customer_information(context: Context, payload: Payload) -> Outcome:
    """NotifyCustomerInformation: a part of what a station holds of a customer (N09)."""
    hear_part(context, "NotifyCustomerInformation", payload)
    return Outcome({}, [message_row(context, "NotifyCustomerInformation", payload)])


def _row(context: Context, variable: str, number: str, value: str) -> Row:
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": "Log",
            "variable": variable,
            "evse": 0,
            "attribute": number,
            "value": value,
            "changed_at": context.at,
        },
    )


HANDLERS: dict[tuple[Version, str], Handler] = {
    **{(version, "LogStatusNotification"): log_status for version in ALL},
    (Version.V16, "DiagnosticsStatusNotification"): log_status,
    **{(version, "NotifyCustomerInformation"): customer_information for version in V2},
}
REPLIES: dict[str, Reply] = {"GetLog": log_answered, "GetDiagnostics": log_answered}
