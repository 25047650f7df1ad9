"""What SunSpec models say, in our words. No socket, no clock.

SunSpec counts what an inverter injects as positive, and what a meter imports; here power into the
site and into its store is positive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from zerocity.protocols.sunspec.models import Part, Values, part

# Meters and inverters, the most telling first: three phases before one, integers before floats.
METERS = (203, 204, 202, 201, 213, 214, 212, 211)
INVERTERS = (701, 103, 102, 101, 113, 112, 111)
RATINGS, SHARE, STORE, CONTROL, CAPACITY = 120, 123, 124, 704, 713
SUN_CONTROLS = (CONTROL, SHARE)
STORE_CONTROLS = (CONTROL, STORE)
# Where an inverter says of what its bound is a share: as it is set, or else as it was made.
SUN_RATINGS = (702, 121, RATINGS)
# No site of a city moves more than this [kW] or holds more [kWh]: an assumption.
MOST_KW, MOST_KWH = 1e5, 1e6
# Nor counts more energy in a hundred years of that power [kWh].
MOST_REGISTER_KWH = 1e11
# States in which an inverter makes power: running and throttled.
_RUNNING = {CONTROL: (3.0, 4.0), SHARE: (4.0, 5.0)}


class ReadingError(Exception):
    """A device answers, but what it says cannot be."""


@dataclass(frozen=True, slots=True)
class MeterWords:
    """A meter: power, import positive [kW]; registers [kWh], NaN where it has none."""

    kw: float
    import_kwh: float
    export_kwh: float


@dataclass(frozen=True, slots=True)
class Ratings:
    """What a store is made for, by model 120: energy [Wh] and power [W]; None is not said."""

    energy_wh: float | None = None
    charge_w: float | None = None
    discharge_w: float | None = None


def best(models: Iterable[int], wanted: tuple[int, ...]) -> int | None:
    """The first wanted model that a unit has."""
    there = set(models)
    return next((model for model in wanted if model in there), None)


def meter_part(model: int) -> Part:
    """What to read of a meter."""
    return part(model, "W", "TotWhImp", "TotWhExp")


def meter_words(values: Values) -> MeterWords:
    """A meter's words; `ReadingError` when its power is missing or absurd."""
    return MeterWords(_kw(values, "W"), _kwh(values, "TotWhImp"), _kwh(values, "TotWhExp"))


def inverter_part(model: int) -> Part:
    """What to read of an inverter."""
    return part(model, _state(model), "W")


def inverter_kw(model: int, values: Values) -> float:
    """What an inverter injects [kW]; `ReadingError` when it is missing or absurd.

    An inverter that sleeps may call its power "not implemented": it is zero.
    """
    state = values[_state(model)]
    if values["W"] is None and state is not None:
        running = _RUNNING[CONTROL] if model == 701 else _RUNNING[SHARE]
        if state not in running:
            return 0.0
    return _kw(values, "W")


def _state(model: int) -> str:
    return "InvSt" if model == 701 else "St"


def share_part(model: int) -> Part:
    """What to read of the control of panels."""
    if model == CONTROL:
        return part(model, "WMaxLimPctEna", "WMaxLimPct", "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms")
    return part(model, "WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms", "WMaxLim_Ena")


def share(model: int, values: Values) -> float:
    """Share of their power that panels may give now, 0-1."""
    enabled = values["WMaxLimPctEna" if model == CONTROL else "WMaxLim_Ena"]
    percent = values["WMaxLimPct"]
    if enabled != 1 or not isinstance(percent, int | float):
        return 1.0
    return min(max(percent / 100.0, 0.0), 1.0)


def sun_rating_part(model: int) -> Part:
    """What to read of the power of which the bound of panels is a share."""
    return part(model, *{702: ("WMax", "WMaxRtg"), 121: ("WMax",), RATINGS: ("WRtg",)}[model])


def sun_rating_kw(values: Values) -> float | None:
    """That power, None where the inverter does not say it [kW]."""
    found = [_positive(values, name) for name in ("WMax", "WMaxRtg", "WRtg") if name in values]
    return next((watts / 1000.0 for watts in found if watts is not None), None)


def store_part(model: int) -> Part:
    """What to read of the control of a store."""
    if model == CONTROL:
        return part(model, "WSetEna", "WSetMod", "WSet", "WSetEnaRvrt", "WSetRvrtTms")
    return part(
        model, "WChaMax", "StorCtl_Mod", "ChaState", "OutWRte", "InWRte", "InOutWRte_WinTms",
        "InOutWRte_RvrtTms",
    )  # fmt: skip


def ratings_part() -> Part:
    """What to read of model 120."""
    return part(RATINGS, "WHRtg", "MaxChaRte", "MaxDisChaRte")


def ratings_words(values: Values) -> Ratings:
    """Model 120 in our words."""
    return Ratings(
        _positive(values, "WHRtg"), _positive(values, "MaxChaRte"),
        _positive(values, "MaxDisChaRte"),
    )  # fmt: skip


def capacity_part() -> Part:
    """What to read of model 713."""
    return part(CAPACITY, "WHRtg", "WHAvail", "SoC", "SoH")


def held_kwh(model: int, values: Values, ratings: Ratings) -> float:
    """What a store holds, by model 713, or by 124 with the ratings of 120 [kWh]."""
    if model == CAPACITY:
        held = values["WHAvail"]
        room, soc = values["WHRtg"], _percent(values, "SoC")
        if held is None and isinstance(room, int | float) and soc is not None:
            soh = _percent(values, "SoH")
            held = room * soc * (1.0 if soh is None else soh)
    else:
        soc, room = _percent(values, "ChaState"), ratings.energy_wh
        held = None if soc is None or room is None else soc * room
    if not isinstance(held, int | float):
        raise ReadingError("the store does not say what it holds")
    if not 0.0 <= held <= 1000.0 * MOST_KWH:
        raise ReadingError(f"the store says it holds {held / 1000.0:g} kWh")
    return held / 1000.0


def _kw(values: Values, name: str) -> float:
    watts = values[name]
    if not isinstance(watts, int | float):
        raise ReadingError(f"{name} is not given")
    if not abs(watts) <= 1000.0 * MOST_KW:
        raise ReadingError(f"{name} is {watts / 1000.0:g} kW")
    return watts / 1000.0


def _kwh(values: Values, name: str) -> float:
    wh = values[name]
    if not isinstance(wh, int | float) or not 0.0 <= wh <= 1000.0 * MOST_REGISTER_KWH:
        return math.nan
    return wh / 1000.0


def _percent(values: Values, name: str) -> float | None:
    """A percentage as a share; `ReadingError` when it is beyond 0-100 %."""
    percent = values[name]
    if not isinstance(percent, int | float):
        return None
    if not 0.0 <= percent <= 100.5:
        raise ReadingError(f"{name} is {percent:g} %")
    return min(percent / 100.0, 1.0)


def _positive(values: Values, name: str) -> float | None:
    found = values[name]
    return float(found) if isinstance(found, int | float) and found > 0.0 else None
