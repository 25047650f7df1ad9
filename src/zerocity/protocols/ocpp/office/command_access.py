"""Commands about who may use a station and how: plugs, tokens, variables, certificates."""

from __future__ import annotations

from zerocity.errors import InputError
from zerocity.protocols.ocpp.office.command_words import Ask, Build, Message
from zerocity.protocols.ocpp.office.handling import Payload
from zerocity.protocols.ocpp.office.local_list import MOST_ENTRIES, change_message, list_messages
from zerocity.protocols.ocpp.office.security import renewal_message

_ROOTS = {"city": "CSMSRootCertificate", "manufacturer": "ManufacturerRootCertificate",
          "vehicle_to_grid": "V2GRootCertificate", "operator": "MORootCertificate"}  # fmt: skip


def unlock(ask: Ask) -> Message:
    """``evse``, ``connector``: open the lock of a plug."""
    evse, connector = ask.whole("evse"), ask.whole("connector", 1)
    if ask.v16:
        return "UnlockConnector", {"connectorId": evse}
    return "UnlockConnector", {"evseId": evse, "connectorId": connector}


def availability(ask: Ask) -> Message:
    """``on``, ``evse`` (left out: the whole station): take into or out of service."""
    on, evse = ask.flag("on"), ask.whole("evse", 0)
    word = "Operative" if on else "Inoperative"
    if ask.v16:
        return "ChangeAvailability", {"connectorId": evse, "type": word}
    payload: Payload = {"operationalStatus": word}
    return "ChangeAvailability", payload | ({"evse": {"id": evse}} if evse else {})


def clear_cache(ask: Ask) -> Message:
    """Forget the tokens that were accepted before."""
    return "ClearCache", {}


def local_list(ask: Ask) -> Message:
    """``tokens`` and ``remove`` (left out: the full list of the city's tokens)."""
    wanted, removed = ask.texts("tokens"), ask.texts("remove")
    if wanted or removed:
        tokens = [ask.registry.token(name) for name in wanted]
        known = [token for token in tokens if token is not None]
        if len(known) < len(wanted):
            raise InputError("tokens", f"{len(wanted) - len(known)} unknown", "known ones")
        return change_message(ask.version, ask.station, known, removed)
    messages = list_messages(ask.version, ask.station, list(ask.registry.tokens.values()))
    if len(messages) > 1:
        raise InputError(
            "the city's tokens",
            str(len(ask.registry.tokens)),
            f"at most {MOST_ENTRIES} at once",
            "Name the tokens that this station needs",
        )
    return messages[0]


def list_version(ask: Ask) -> Message:
    """Ask for the version of the local list."""
    return "GetLocalListVersion", {}


def get_variables(ask: Ask) -> Message:
    """``variables``: names, in 2.x as Component.Variable; left out in 1.6: all."""
    names = ask.texts("variables")
    if ask.v16:
        return "GetConfiguration", {"key": names} if names else {}
    return "GetVariables", {"getVariableData": [_variable(name) for name in names]}


def set_variable(ask: Ask) -> Message:
    """``variable`` (in 2.x Component.Variable), ``value``."""
    name, value = ask.text("variable"), ask.text("value")
    if ask.v16:
        return "ChangeConfiguration", {"key": name, "value": value}
    data = {**_variable(name), "attributeValue": value}
    return "SetVariables", {"setVariableData": [data]}


def install_certificate(ask: Ask) -> Message:
    """``certificate`` (PEM), ``kind``: city, manufacturer, vehicle_to_grid or operator."""
    kind = ask.text("kind", "city", one_of=tuple(_ROOTS))
    return "InstallCertificate", {
        "certificateType": _root(ask, kind),
        "certificate": ask.text("certificate"),
    }


def certificates(ask: Ask) -> Message:
    """``kind`` (left out in 2.x: all): ask which certificates are installed."""
    if ask.v16:
        kind = ask.text("kind", "city", one_of=tuple(_ROOTS))
        return "GetInstalledCertificateIds", {"certificateType": _root(ask, kind)}
    if not ask.has("kind"):
        ask.read.add("kind")
        return "GetInstalledCertificateIds", {}
    kind = ask.text("kind", one_of=tuple(_ROOTS))
    return "GetInstalledCertificateIds", {"certificateType": [_root(ask, kind)]}


def renew_certificate(ask: Ask) -> Message:
    """Have the station ask for a new certificate."""
    return renewal_message(ask.version)


def _root(ask: Ask, kind: str) -> str:
    return "CentralSystemRootCertificate" if ask.v16 and kind == "city" else _ROOTS[kind]


def _variable(name: str) -> Payload:
    component, dot, variable = name.partition(".")
    if not dot or not component or not variable:
        raise InputError("a variable", name, "Component.Variable")
    return {"component": {"name": component}, "variable": {"name": variable}}


BUILDERS: dict[str, Build] = {
    "unlock": unlock,
    "availability": availability,
    "clear_cache": clear_cache,
    "send_local_list": local_list,
    "local_list_version": list_version,
    "get_variables": get_variables,
    "set_variable": set_variable,
    "install_certificate": install_certificate,
    "certificates": certificates,
    "renew_certificate": renew_certificate,
}
