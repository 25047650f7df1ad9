"""The list of tokens that a station knows by itself (OCPP 1.6 5.15 and 5.10; OCPP 2.x D01, D02).

A full list replaces what the station has, a differential one changes it by name. The version rises
with each, and a station that has another version than we think is sent the full list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation
from zerocity.live.tokens import Token, Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.authorisation import LONGEST_ID_TAG, id_tag_info, id_token_info
from zerocity.protocols.ocpp.office.handling import Context, Payload, Reply
from zerocity.protocols.ocpp.office.orders import asked
from zerocity.storage.recorder import Row

# Entries of one message: with the longest of each they stay below 64 KiB; an assumption.
MOST_ENTRIES = 200
_VERDICTS = {"accepted": Verdict.ACCEPTED, "blocked": Verdict.BLOCKED, "expired": Verdict.EXPIRED}
UNSUPPORTED = -1


def list_messages(
    version: Version, station: LiveStation, tokens: Sequence[Token]
) -> list[tuple[str, Payload]]:
    """The whole list: a full update, and differential ones for what does not fit the first."""
    tokens = _sayable(version, tokens)
    parts = [tokens[i : i + MOST_ENTRIES] for i in range(0, len(tokens), MOST_ENTRIES)] or [[]]
    number = station.file.list_version or 0
    return [
        _message(version, max(number, 0) + place + 1, part, full=place == 0)
        for place, part in enumerate(parts)
    ]


def change_message(
    version: Version, station: LiveStation, changed: Iterable[Token], removed: Iterable[str] = ()
) -> tuple[str, Payload]:
    """A differential update: tokens to add or replace, and identifiers to take out.

    Raises InputError when nothing is given or more than `MOST_ENTRIES`, or when the station's
    version is not known: only a full list is safe then.
    """
    if station.file.list_version in (None, 0, UNSUPPORTED):
        raise InputError(
            f"station {station.id}", "no list that is known", "one", "Send the full list first"
        )
    changed, removed = _sayable(version, changed), list(removed)
    if not 0 < len(changed) + len(removed) <= MOST_ENTRIES:
        raise InputError(
            "changes",
            str(len(changed) + len(removed)),
            f"1 to {MOST_ENTRIES}",
            "Send the full list",
        )
    number = (station.file.list_version or 0) + 1
    action, payload = _message(version, number, changed, full=False)
    key = "idTag" if version is Version.V16 else "idToken"
    gone = [
        {key: name} if version is Version.V16 else {key: _named(Token(name))}
        for name in removed
        if version is not Version.V16 or len(name) <= LONGEST_ID_TAG
    ]
    payload["localAuthorizationList"] = [*payload.get("localAuthorizationList", []), *gone]
    return action, payload


def sent_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SendLocalList; a mismatch makes the station's version unknown again."""
    request, file = asked(token), context.station.file
    number = request.get("versionNumber", request.get("listVersion"))
    if payload["status"] == "Accepted":
        file.list_version = number
    elif payload["status"] == "NotSupported":
        file.list_version = UNSUPPORTED
    elif payload["status"] == "VersionMismatch":
        file.list_version = None
    else:
        return []
    return [_row(context)]


def version_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetLocalListVersion: 0 is an empty list, -1 none supported (1.6)."""
    context.station.file.list_version = payload.get("versionNumber", payload.get("listVersion"))
    return [_row(context)]


def _message(
    version: Version, number: int, tokens: Sequence[Token], *, full: bool
) -> tuple[str, Payload]:
    v16 = version is Version.V16
    payload: Payload = {
        "listVersion" if v16 else "versionNumber": number,
        "updateType": "Full" if full else "Differential",
    }
    if tokens:
        entry = _entry_v16 if v16 else _entry_v2
        payload["localAuthorizationList"] = [entry(token) for token in tokens]
    return "SendLocalList", payload


def _sayable(version: Version, tokens: Iterable[Token]) -> list[Token]:
    """The tokens that the version has room for: a longer one cut short would be somebody else's."""
    return [t for t in tokens if version is not Version.V16 or len(t.id) <= LONGEST_ID_TAG]


def _entry_v16(token: Token) -> Payload:
    return {"idTag": token.id, "idTagInfo": id_tag_info(_verdict(token), token)}


def _entry_v2(token: Token) -> Payload:
    return {"idToken": _named(token), "idTokenInfo": id_token_info(_verdict(token), token)}


def _named(token: Token) -> Payload:
    return {"idToken": token.id, "type": token.kind or "ISO14443"}


def _verdict(token: Token) -> Verdict:
    return _VERDICTS.get(token.status.casefold(), Verdict.INVALID)


def _row(context: Context) -> Row:
    number = context.station.file.list_version
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": "LocalAuthListCtrlr",
            "variable": "Version",
            "evse": 0,
            "attribute": "Actual",
            "value": "" if number is None else str(number),
            "changed_at": context.at,
        },
    )


REPLIES: dict[str, Reply] = {
    "SendLocalList": sent_answered,
    "GetLocalListVersion": version_answered,
}
