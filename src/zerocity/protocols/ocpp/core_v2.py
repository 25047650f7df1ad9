"""The core messages."""

from __future__ import annotations

from zerocity.protocols.ocpp.handling import Handler
from zerocity.protocols.ocpp.messages import Version

HANDLERS: dict[tuple[Version, str], Handler] = {}
