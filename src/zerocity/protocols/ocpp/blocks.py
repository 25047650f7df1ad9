"""All functional blocks beyond core, joined: one line a block."""

from __future__ import annotations

from zerocity.protocols.ocpp import swap
from zerocity.protocols.ocpp.handling import Handler, Refused, Reply, Told
from zerocity.protocols.ocpp.messages import Version

HANDLERS: dict[tuple[Version, str], Handler] = {
    **swap.HANDLERS,
}
REPLIES: dict[str, Reply] = {
    **swap.REPLIES,
}
REFUSALS: dict[str, Refused] = {
    **swap.REFUSALS,
}
TOLD: dict[tuple[Version, str], Told] = {}
