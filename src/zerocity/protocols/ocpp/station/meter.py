"""The meter values of a simulated station, in the two shapes that the versions know."""

from __future__ import annotations

from zerocity.protocols.ocpp.station.core import StationCore
from zerocity.protocols.ocpp.station.limits import limit_kw
from zerocity.protocols.ocpp.station.parts import Evse, Payload

_UNITS = {
    "Energy.Active.Import.Register": "Wh",
    "Energy.Active.Export.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Active.Export": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Voltage": "V",
    "SoC": "Percent",
}


def readings(core: StationCore, evse: Evse, setting: str) -> list[tuple[str, float, str]]:
    """What the meter shows now: (measurand, value, unit) for each that the setting names.

    Measurands that this station does not have are left out; the energy register always comes.
    """
    wanted = core.settings.members(setting)
    names = [name for name in wanted if name in _UNITS]
    if "Energy.Active.Import.Register" not in names:
        names.insert(0, "Energy.Active.Import.Register")
    found = []
    for name in names:
        value = _value(core, evse, name)
        if value is not None:
            found.append((name, value, _UNITS[name]))
    return found


def _value(core: StationCore, evse: Evse, name: str) -> float | None:
    if name == "SoC":
        return None if evse.car is None else round(evse.car.soc * 100.0, 1)
    if name == "Power.Offered":
        return round(max(limit_kw(core, evse), 0.0) * 1000.0, 1)
    watts = evse.power_kw * 1000.0
    return {
        "Energy.Active.Import.Register": round(evse.energy_wh, 3),
        "Energy.Active.Export.Register": round(evse.export_wh, 3),
        "Power.Active.Import": round(max(watts, 0.0), 1),
        "Power.Active.Export": round(max(-watts, 0.0), 1),
        "Current.Import": round(max(watts, 0.0) / core.make.voltage_v, 2),
        "Voltage": core.make.voltage_v,
    }[name]


def sample_v16(core: StationCore, evse: Evse, context: str, setting: str) -> list[Payload]:
    """One MeterValue of 1.6: values are texts."""
    sampled: list[Payload] = [
        {
            "value": repr(value),
            "context": context,
            "measurand": measurand,
            "location": "EV" if measurand == "SoC" else "Outlet",
            "unit": unit,
        }
        for measurand, value, unit in readings(core, evse, setting)
    ]
    return [{"timestamp": core.stamp(), "sampledValue": sampled}]


def sample_v2(core: StationCore, evse: Evse, context: str, setting: str) -> list[Payload]:
    """One MeterValue of 2.x: values are numbers."""
    sampled: list[Payload] = [
        {
            "value": value,
            "context": context,
            "measurand": measurand,
            "location": "EV" if measurand == "SoC" else "Outlet",
            "unitOfMeasure": {"unit": unit},
        }
        for measurand, value, unit in readings(core, evse, setting)
    ]
    return [{"timestamp": core.stamp(), "sampledValue": sampled}]
