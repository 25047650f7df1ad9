"""All functional blocks beyond core, joined: one line a block."""

from __future__ import annotations

from zerocity.protocols.ocpp import (
    charging_limits,
    charging_needs,
    device_model,
    security,
    swap,
    v2x,
)
from zerocity.protocols.ocpp.handling import Handler, Refused, Reply, Told
from zerocity.protocols.ocpp.messages import CALLED_BY, Role, Version
from zerocity.protocols.ocpp.orders import audited, audited_refusal

HANDLERS: dict[tuple[Version, str], Handler] = {
    **swap.HANDLERS,
    **charging_limits.HANDLERS,
    **charging_needs.HANDLERS,
    **device_model.HANDLERS,
    **security.HANDLERS,
}
_REPLIES: dict[str, Reply] = {
    **swap.REPLIES,
    **charging_limits.REPLIES,
    **v2x.REPLIES,
    **device_model.REPLIES,
    **security.REPLIES,
}
_REFUSALS: dict[str, Refused] = {
    **swap.REFUSALS,
    **charging_limits.REFUSALS,
}
TOLD: dict[tuple[Version, str], Told] = {}

_OURS = sorted(set().union(*(CALLED_BY[version, Role.CSMS] for version in Version)))
REPLIES: dict[str, Reply] = {name: audited(name, _REPLIES.get(name)) for name in _OURS}
REFUSALS: dict[str, Refused] = {name: audited_refusal(name, _REFUSALS.get(name)) for name in _OURS}
