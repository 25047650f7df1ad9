"""All that a simulated station answers, by version."""

from __future__ import annotations

from zerocity.protocols.ocpp import (
    station_access,
    station_control,
    station_der,
    station_device,
    station_files,
    station_keys,
    station_more,
    station_smart,
    station_watch,
)
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station_core import Handler

_V16: dict[str, Handler] = {
    **station_access.V16,
    **station_control.V16,
    **station_device.V16,
    **station_files.V16,
    **station_keys.V16,
    **station_more.V16,
    **station_smart.V16,
}
_V2: dict[str, Handler] = {
    **station_access.V2,
    **station_control.V2,
    **station_device.V2,
    **station_files.V2,
    **station_keys.V2,
    **station_more.V2,
    **station_smart.V2,
    **station_watch.V2,
}
_V21: dict[str, Handler] = {
    **_V2,
    **station_der.V21,
    **station_more.V21,
    **station_smart.V21,
    **station_watch.V21,
}

ANSWERS: dict[Version, dict[str, Handler]] = {
    Version.V16: _V16,
    Version.V201: _V2,
    Version.V21: _V21,
}
"""Which action is answered by what; RequestBatterySwap belongs to the swap cabinet alone."""
