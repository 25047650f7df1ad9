"""All functional blocks beyond core, joined: one line a block."""

from __future__ import annotations

from zerocity.protocols.ocpp.messages import CALLED_BY, Role, Version
from zerocity.protocols.ocpp.office import (
    charging_limits,
    charging_needs,
    der,
    device_model,
    diagnostics,
    display,
    firmware,
    local_list,
    payments,
    reservations,
    security,
    streams,
    swap,
    v2x,
)
from zerocity.protocols.ocpp.office.handling import Handler, Refused, Reply, Told
from zerocity.protocols.ocpp.office.orders import audited, audited_refusal

HANDLERS: dict[tuple[Version, str], Handler] = {
    **swap.HANDLERS,
    **charging_limits.HANDLERS,
    **charging_needs.HANDLERS,
    **der.HANDLERS,
    **device_model.HANDLERS,
    **diagnostics.HANDLERS,
    **display.HANDLERS,
    **firmware.HANDLERS,
    **payments.HANDLERS,
    **reservations.HANDLERS,
    **security.HANDLERS,
    **streams.HANDLERS,
}
_REPLIES: dict[str, Reply] = {
    **swap.REPLIES,
    **charging_limits.REPLIES,
    **der.REPLIES,
    **device_model.REPLIES,
    **diagnostics.REPLIES,
    **display.REPLIES,
    **firmware.REPLIES,
    **local_list.REPLIES,
    **payments.REPLIES,
    **reservations.REPLIES,
    **security.REPLIES,
    **streams.REPLIES,
    **v2x.REPLIES,
}
_REFUSALS: dict[str, Refused] = {
    **swap.REFUSALS,
    **charging_limits.REFUSALS,
    **firmware.REFUSALS,
    **reservations.REFUSALS,
}
TOLD: dict[tuple[Version, str], Told] = {**streams.TOLD}

# Every action that we may start: a person's order is audited whatever the action.
_OURS = sorted(set().union(*(CALLED_BY[version, Role.CSMS] for version in Version)))
REPLIES: dict[str, Reply] = {name: audited(name, _REPLIES.get(name)) for name in _OURS}
REFUSALS: dict[str, Refused] = {name: audited_refusal(name, _REFUSALS.get(name)) for name in _OURS}
