"""What a person, or the city, can order a station to do, in one set of words for all versions.

A command is either one of `BUILDERS`' words (``reset``, ``reserve`` ...), the same for every
version that can do it, or the name of an OCPP action with its payload as the standard writes it.
Both are checked by the official schema before anything is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import CALLED_BY, Role, Version, check
from zerocity.protocols.ocpp.office import command_access, command_care, command_charging
from zerocity.protocols.ocpp.office.command_words import Ask, Build
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.office.orders import Order

BUILDERS: dict[str, Build] = {
    **command_charging.BUILDERS,
    **command_access.BUILDERS,
    **command_care.BUILDERS,
}


def command(
    registry: Registry, station: LiveStation, name: str, arguments: dict[str, Any], at: datetime
) -> tuple[str, Payload]:
    """The action and payload that make ``station`` do ``name``.

    ``name``: a word of `BUILDERS`, or an action that we may start in the station's version; then
    ``arguments`` is its payload, and a request id is added where one is missing. Raises InputError
    for a word, an argument or a value that the station's version has no place for.
    """
    version = Version(station.version or Version.V16)
    builder = BUILDERS.get(name)
    if builder is not None:
        ask = Ask(registry, station, version, name, arguments, at)
        action, payload = builder(ask)
        ask.refuse_unread()
    elif name in CALLED_BY[version, Role.CSMS]:
        action, payload = name, _with_request_id(registry, version, name, arguments, at)
    else:
        known = sorted([*BUILDERS, *CALLED_BY[version, Role.CSMS]])
        raise InputError("a command", name, f"one of {', '.join(known)}")
    if action not in CALLED_BY[version, Role.CSMS]:
        raise InputError(
            f"{name} at {station.id}", f"OCPP {version.value}", f"a version that has {action}"
        )
    violation = check(version, action, "request", payload)
    if violation is not None:
        raise InputError(f"{name} at {station.id}", violation.description, f"a valid {action}")
    return action, payload


def order(
    registry: Registry,
    station: LiveStation,
    name: str,
    arguments: dict[str, Any],
    at: datetime,
    who: str = "",
) -> Order:
    """`command` as an `Order` of ``who``: send it with itself as the token, and it is audited."""
    action, payload = command(registry, station, name, arguments, at)
    return Order(action, payload, who)


def words(version: Version) -> list[str]:
    """Every word that `command` may take in a version; some words of others are among them."""
    return sorted({*BUILDERS, *CALLED_BY[version, Role.CSMS]})


def _with_request_id(
    registry: Registry, version: Version, action: str, payload: Payload, at: datetime
) -> Payload:
    if "requestId" in payload or check(version, action, "request", payload) is None:
        return payload
    numbered = {**payload, "requestId": registry.city.next_request(at)}
    return numbered if check(version, action, "request", numbered) is None else payload
