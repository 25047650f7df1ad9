"""All that a simulated station answers, by version."""

from __future__ import annotations

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station import access as station_access
from zerocity.protocols.ocpp.station import control as station_control
from zerocity.protocols.ocpp.station import der as station_der
from zerocity.protocols.ocpp.station import device as station_device
from zerocity.protocols.ocpp.station import files as station_files
from zerocity.protocols.ocpp.station import keys as station_keys
from zerocity.protocols.ocpp.station import more as station_more
from zerocity.protocols.ocpp.station import smart as station_smart
from zerocity.protocols.ocpp.station import watch as station_watch
from zerocity.protocols.ocpp.station.core import Handler

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
