"""The registers of simulated meters and inverters, one function a SunSpec model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zerocity.protocols.sunspec.models import COMMON, layout

GRID, FEEDER, SUN, STORE = 1, 2, 3, 4
# Largest number that a signed 16-bit power can hold.
_MOST = 32_000.0
_NAMES = {GRID: "Twin meter", FEEDER: "Twin meter", SUN: "Twin inverter", STORE: "Twin store"}
_VOLTS, _HERTZ = 230.0, 50.0

State = Mapping[str, float]


@dataclass(frozen=True)
class Maps:
    """Which models the devices of a site have.

    inverter : of panels and of the store. control : 704, or 123 for panels and 124 for the store,
    with 120 for their ratings.
    """

    meter: int = 203
    inverter: int = 701
    older: bool = False

    def models(self, unit: int) -> tuple[int, ...]:
        """The models of a unit after the common one."""
        if unit in (GRID, FEEDER):
            return (self.meter,)
        if self.older:
            return (120, self.inverter, 123 if unit == SUN else 124)
        return (self.inverter, 702, 704) if unit == SUN else (self.inverter, 704, 713)


DER = Maps()
# Devices from before the models of IEEE 1547-2018.
OLDER = Maps(meter=204, inverter=103, older=True)
FLOATS = Maps(meter=213, inverter=113, older=True)


@dataclass(frozen=True)
class Switch:
    """How a control is put in force: the point that does it, its timer, and what may be written.

    off : what the points say before anybody writes. scales : of the model.
    """

    enable: str
    timer: str
    off: Mapping[str, float]
    scales: Mapping[str, int]


SWITCHES = {
    (SUN, 704): Switch(
        "WMaxLimPctEna", "WMaxLimPctRvrtTms",
        {"WMaxLimPctEna": 0.0, "WMaxLimPct": 100.0, "WMaxLimPctEnaRvrt": 0.0,
         "WMaxLimPctRvrtTms": 0.0},
        {"WMaxLimPct_SF": -1},
    ),
    (STORE, 704): Switch(
        "WSetEna", "WSetRvrtTms",
        {"WSetEna": 0.0, "WSetMod": 1.0, "WSet": 0.0, "WSetEnaRvrt": 0.0, "WSetRvrtTms": 0.0},
        {"WSet_SF": 0},
    ),
    (SUN, 123): Switch(
        "WMaxLim_Ena", "WMaxLimPct_RvrtTms",
        {"WMaxLimPct": 100.0, "WMaxLimPct_WinTms": 0.0, "WMaxLimPct_RvrtTms": 0.0,
         "WMaxLim_Ena": 0.0},
        {"WMaxLimPct_SF": 0, "OutPFSet_SF": -2},
    ),
    (STORE, 124): Switch(
        "StorCtl_Mod", "InOutWRte_RvrtTms",
        {"StorCtl_Mod": 0.0, "OutWRte": 100.0, "InWRte": 100.0, "InOutWRte_WinTms": 0.0,
         "InOutWRte_RvrtTms": 0.0},
        {"InOutWRte_SF": -2, "WChaMax_SF": 1, "ChaState_SF": -1, "WChaDisChaGra_SF": 0},
    ),
}  # fmt: skip


def encode(unit: int, model: int, state: State, control: State, power_scale: int) -> list[int]:
    """The registers of a model. state : what is measured; control : what was written."""
    switch = SWITCHES.get((unit, model))
    if switch is not None:
        rated = {"WChaMax": 1000.0 * state["store_rated_kw"], "ChaState": 100.0 * _soc(state)}
        shape = layout(model)
        extra = {name: value for name, value in rated.items() if name in shape.points}
        return shape.encoded({**extra, **control}, switch.scales)
    return _ENCODE[model](unit, model, state, power_scale)


def power_w(unit: int, state: State) -> float:
    """Power as SunSpec counts it: meters what is taken, inverters what is injected [W]."""
    kw = {
        GRID: state["net_kw"], FEEDER: state["charging_kw"], SUN: state["pv_kw"],
        STORE: -state["store_kw"],
    }[unit]  # fmt: skip
    return 1000.0 * kw


def fitting(watts: float) -> int:
    """The least exponent of ten by which a power fits its registers; 0 for what is no number."""
    return _exponent(watts, _MOST) if math.isfinite(watts) else 0


def common(unit: int) -> list[int]:
    """Model 1 of a unit."""
    values: dict[str, float | str | None] = {
        "Mn": "Zerocity", "Md": _NAMES[unit], "Vr": "1", "SN": f"unit {unit}", "DA": float(unit),
    }  # fmt: skip
    return layout(COMMON).encoded(values, {})


def _meter(unit: int, model: int, state: State, scale: int) -> list[int]:
    watts = power_w(unit, state)
    taken = state["import_kwh"] if unit == GRID else state["charging_kwh"]
    given = state["export_kwh"] if unit == GRID else 0.0
    amps = watts / (3.0 * _VOLTS)
    between = _VOLTS * math.sqrt(3.0)
    values = {
        "W": watts, "A": 3.0 * amps, "AphA": amps, "AphB": amps, "AphC": amps, "PhV": _VOLTS,
        "PhVphA": _VOLTS, "PhVphB": _VOLTS, "PhVphC": _VOLTS, "PPV": between, "PhVphAB": between,
        "PhVphBC": between, "PhVphCA": between, "Hz": _HERTZ, "TotWhImp": taken * 1000.0,
        "TotWhExp": given * 1000.0, "Evt": 0.0,
    }  # fmt: skip
    scales = {"W_SF": scale, "A_SF": 0, "V_SF": -1, "Hz_SF": -2}
    scales["TotWh_SF"] = 0 if max(taken, given) < 4e6 else 3
    return layout(model).encoded(values, scales)


def _inverter(unit: int, model: int, state: State, scale: int) -> list[int]:
    values = {
        "ACType": 2.0, "St": 1.0, "InvSt": 3.0, "ConnSt": 1.0, "Alrm": 0.0,
        "W": power_w(unit, state),
    }  # fmt: skip
    return layout(model).encoded(values, {"W_SF": scale})


def _older_inverter(unit: int, model: int, state: State, scale: int) -> list[int]:
    watts = power_w(unit, state)
    amps = abs(watts) / (3.0 * _VOLTS)
    values = {
        "A": 3.0 * amps, "AphA": amps, "AphB": amps, "AphC": amps, "PhVphA": _VOLTS,
        "PhVphB": _VOLTS, "PhVphC": _VOLTS, "W": watts, "Hz": _HERTZ, "WH": 0.0, "TmpCab": 30.0,
        "St": 4.0, "Evt1": 0.0, "Evt2": 0.0,
    }  # fmt: skip
    scales = {"W_SF": scale, "A_SF": 0, "V_SF": -1, "Hz_SF": -2, "WH_SF": 0, "Tmp_SF": 0}
    return layout(model).encoded(values, scales)


def _ratings(unit: int, model: int, state: State, scale: int) -> list[int]:
    rated, room = 1000.0 * state["store_rated_kw"], 1000.0 * state["store_capacity_kwh"]
    values: dict[str, float] = {"DERTyp": 82.0 if unit == STORE else 4.0}
    if unit == STORE:
        values |= {"WRtg": rated, "MaxChaRte": rated, "MaxDisChaRte": rated, "WHRtg": room}
    elif state["pv_rated_kw"] > 0.0:
        values["WRtg"] = 1000.0 * state["pv_rated_kw"]
    scales = {"WRtg_SF": 1, "MaxChaRte_SF": 1, "MaxDisChaRte_SF": 1}
    return layout(model).encoded(values, {**scales, "WHRtg_SF": _exponent(room, 65_000.0)})


def _settings(unit: int, model: int, state: State, scale: int) -> list[int]:
    watts = 1000.0 * state["pv_rated_kw"]
    values = {"WMaxRtg": watts, "WMax": watts} if watts > 0.0 else {}
    return layout(model).encoded(values, {"W_SF": _exponent(watts, 65_000.0)})


def _capacity(unit: int, model: int, state: State, scale: int) -> list[int]:
    room, held = state["store_capacity_kwh"], state["store_kwh"]
    values = {
        "WHRtg": room * 1000.0, "WHAvail": held * 1000.0, "SoH": 100.0, "Sta": 0.0,
        "SoC": 100.0 * _soc(state) if room > 0.0 else None,
    }  # fmt: skip
    scales = {"WH_SF": _exponent(room * 1000.0, 65_000.0), "Pct_SF": -1}
    return layout(model).encoded(values, scales)


def _soc(state: State) -> float:
    room = state["store_capacity_kwh"]
    return state["store_kwh"] / room if room > 0.0 else 0.0


def _exponent(number: float, most: float) -> int:
    return max(math.ceil(math.log10(max(abs(number), 1.0) / most)), 0)


_ENCODE: dict[int, Callable[[int, int, State, int], list[int]]] = {
    **dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), _meter),
    **dict.fromkeys((101, 102, 103, 111, 112, 113), _older_inverter),
    701: _inverter, 702: _settings, 120: _ratings, 713: _capacity,
}  # fmt: skip
