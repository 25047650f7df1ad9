"""Our orders to panels and stores, as writes to SunSpec models. No socket, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from zerocity.protocols.sunspec.models import MOST_EXPONENT, Values, layout
from zerocity.protocols.sunspec.words import CONTROL, Ratings

# An order ends by itself when nothing more is heard from us; the loop repeats it earlier.
REVERT_S = 60
_WATTS, _BOTH = 1.0, 3.0  # WSetMod of model 704; StorCtl_Mod of model 124: both bounds hold


class OrderError(Exception):
    """A device cannot take an order."""


@dataclass(frozen=True, slots=True)
class Order:
    """Points to write to a model, one Modbus write a step; the last step puts them in force."""

    model: int
    steps: tuple[Mapping[str, float], ...]


def share_order(model: int, values: Values, wanted: float) -> Order:
    """Bound panels to a share of their power, 0-1; the bound is never rounded up.

    values : what `share_part` says now. The switch comes last, and with every order: some devices
    take a new bound only then (models 123 and 704 leave it open).
    """
    percent = 100.0 * min(max(wanted, 0.0), 1.0)
    percent = _rounded_down(percent, _exponent(values, "WMaxLimPct_SF"))
    der = model == CONTROL
    steps = [{"WMaxLimPct": percent}]
    # Zero: after the timer no bound holds, and a change is not spread over a window.
    steps += _given(values, {"WMaxLimPctEnaRvrt" if der else "WMaxLimPct_WinTms": 0.0})
    timer = "WMaxLimPctRvrtTms" if der else "WMaxLimPct_RvrtTms"
    steps += _given(values, {timer: float(REVERT_S)})
    return Order(model, (*steps, {"WMaxLimPctEna" if der else "WMaxLim_Ena": 1.0}))


def store_order(model: int, values: Values, ratings: Ratings, kw: float) -> Order:
    """Set the power of a store, positive into it [kW]. values : what `store_part` says now."""
    if model == CONTROL:
        _exponent(values, "WSet_SF")
        steps = [{"WSetMod": _WATTS}, {"WSet": -1000.0 * kw}]
        steps += _given(values, {"WSetEnaRvrt": 0.0})
        steps += _given(values, {"WSetRvrtTms": float(REVERT_S)})
        return Order(model, (*steps, {"WSetEna": 1.0}))
    steps = [_window(values, ratings, kw)]
    steps += _given(values, {"InOutWRte_WinTms": 0.0})
    steps += _given(values, {"InOutWRte_RvrtTms": float(REVERT_S)})
    return Order(model, (*steps, {"StorCtl_Mod": _BOTH}))


def _window(values: Values, ratings: Ratings, kw: float) -> dict[str, float]:
    """Bounds of model 124 that leave one power only.

    A negative bound on discharging forces charging, and the other way round. The points are signed
    for that; makers document it so (Fronius, Modbus TCP & RTU manual, battery control): an
    assumption for others.
    """
    charge_w, given = values["WChaMax"], ratings.discharge_w or ratings.charge_w
    if not isinstance(charge_w, int | float) or charge_w <= 0.0:
        raise OrderError("the store does not say its largest power (WChaMax)")
    exponent = _exponent(values, "InOutWRte_SF")
    discharge_w = given or charge_w
    into = min(max(1e5 * kw / charge_w, -100.0), 100.0)
    out = min(max(-1e5 * kw / discharge_w, -100.0), 100.0)
    return {"OutWRte": _rounded(out, exponent), "InWRte": _rounded(into, exponent)}


def step_writes(
    model: int, step: Mapping[str, float], values: Values
) -> list[tuple[int, list[int]]]:
    """The step as runs of registers (offset from the model's ID, registers).

    Neighbouring points go in one write, so that they change together. `OrderError` when the
    device's registers cannot say a value.
    """
    shape = layout(model)
    runs: list[tuple[int, list[int]]] = []
    for name in sorted(step, key=lambda point: shape.points[point].offset):
        try:
            registers = shape.registers(name, step[name], values)
        except ValueError as error:
            raise OrderError(str(error)) from error
        offset = shape.points[name].offset
        if runs and runs[-1][0] + len(runs[-1][1]) == offset:
            runs[-1][1].extend(registers)
        else:
            runs.append((offset, registers))
    return runs


def _given(values: Values, step: dict[str, float]) -> list[dict[str, float]]:
    """The step, or nothing where the device lacks the point."""
    return [step] if all(values[name] is not None for name in step) else []


def _exponent(values: Values, name: str) -> int:
    found = values[name]
    if not isinstance(found, int | float):
        raise OrderError(f"the device does not say {name}")
    if abs(found) > MOST_EXPONENT:
        raise OrderError(f"the device says {name} is {found:g}")
    return int(found)


def _rounded(number: float, exponent: int) -> float:
    return round(number / 10.0**exponent) * 10.0**exponent


def _rounded_down(number: float, exponent: int) -> float:
    # The margin keeps 29 % from becoming 28 % by binary rounding.
    return math.floor(number / 10.0**exponent + 1e-6) * 10.0**exponent
