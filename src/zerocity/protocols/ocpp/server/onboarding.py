"""A station that came with a one-time password gets a key of its own.

OCPP 1.6 with the security whitepaper: ChangeConfiguration of AuthorizationKey. OCPP 2.x: use case
A01, SetVariables of SecurityCtrlr.BasicAuthPassword. Pure: what to say and what the answer means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zerocity.protocols.ocpp.versions import Version

# 20 random bytes as 40 hex digits: the most that 1.6 allows (AuthorizationKey) and within the
# 16 to 40 characters of 2.0.1 part 2, A00.FR.205.
KEY_BYTES = 20


@dataclass(frozen=True, slots=True)
class NewKey:
    """The token of the call that gives a station its own key; `kept` is the key's hash."""

    station: str
    kept: str = field(repr=False)


def key_message(version: Version, key: str) -> tuple[str, dict[str, Any]]:
    """Action and payload that set the station's own key."""
    if version is Version.V16:
        return "ChangeConfiguration", {"key": "AuthorizationKey", "value": key}
    variable = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": key,
    }
    return "SetVariables", {"setVariableData": [variable]}


def took_key(payload: dict[str, Any]) -> bool:
    """Whether the answer says that the key is set; after a reboot counts as set."""
    results = payload.get("setVariableResult")
    if results:
        return all(
            result.get("attributeStatus") in ("Accepted", "RebootRequired") for result in results
        )
    return payload.get("status") in ("Accepted", "RebootRequired")
