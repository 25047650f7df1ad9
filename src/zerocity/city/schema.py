"""What each key of a city file may hold: kind, unit and range, taken from the dataclasses.

Field names carry their unit at the end (``price_cny_per_kwh``), so one table of endings gives the
unit of every field of every room, and a new field needs no second entry here.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

Range: TypeAlias = tuple[float, float]
NOT_NEGATIVE: Range = (0.0, math.inf)
FRACTION: Range = (0.0, 1.0)
ANY: Range = (-math.inf, math.inf)

# (ending, unit, range); the first match counts, so longer endings come first.
ENDINGS: tuple[tuple[str, str, Range], ...] = (
    ("_cny_per_kw_month", "CNY/kW/month", NOT_NEGATIVE),
    ("_cny_per_kw_year", "CNY/kW/year", NOT_NEGATIVE),
    ("_cny_per_kwh_year", "CNY/kWh/year", NOT_NEGATIVE),
    ("_cny_per_t_km", "CNY/t/km", NOT_NEGATIVE),
    ("_cny_per_kwh", "CNY/kWh", NOT_NEGATIVE),
    ("_usd_per_kg", "USD/kg", NOT_NEGATIVE),
    ("usd_to_cny", "CNY/USD", NOT_NEGATIVE),
    ("_cny_per_kg", "CNY/kg", ANY),
    ("_cny_per_t", "CNY/t", NOT_NEGATIVE),
    ("_cny_per_pack", "CNY/pack", NOT_NEGATIVE),
    ("_cny_per_km", "CNY/km", NOT_NEGATIVE),
    ("_cny_per_h", "CNY/h", NOT_NEGATIVE),
    ("_cny", "CNY", NOT_NEGATIVE),
    ("_kg_per_t_km", "kg/t/km", NOT_NEGATIVE),
    ("kgco2_per_t_km", "kgCO2/t/km", NOT_NEGATIVE),
    ("kgco2_per_kwh", "kgCO2/kWh", NOT_NEGATIVE),
    ("kgco2_per_kg", "kgCO2/kg", NOT_NEGATIVE),
    ("_kwh_per_kg", "kWh/kg", NOT_NEGATIVE),
    ("_kwh_per_t", "kWh/t", NOT_NEGATIVE),
    ("_t_per_year", "t/year", NOT_NEGATIVE),
    ("_tests_per_day", "tests/day", NOT_NEGATIVE),
    ("_per_day", "1/day", NOT_NEGATIVE),
    ("tests_per_day", "tests/day", NOT_NEGATIVE),
    ("repairs_per_day", "repairs/day", NOT_NEGATIVE),
    ("_per_year", "1/year", NOT_NEGATIVE),
    ("events_per_month", "events/month", NOT_NEGATIVE),
    ("cubic_kw_per_kmh3", "kW/(km/h)^3", NOT_NEGATIVE),
    ("_kw_per_k", "kW/K", NOT_NEGATIVE),
    ("_per_km", "1/km", NOT_NEGATIVE),
    ("_per_k", "1/K", NOT_NEGATIVE),
    ("cop_at_7c", "1", (1.0, 10.0)),
    ("_kwh_m2", "kWh/m2", NOT_NEGATIVE),
    ("acceleration_m_s2", "m/s2", NOT_NEGATIVE),
    ("_m3_s", "m3/s", NOT_NEGATIVE),
    ("cd_a_m2", "m2", NOT_NEGATIVE),
    ("_kmh", "km/h", ANY),
    ("km_workday", "km/day", NOT_NEGATIVE),
    ("km_restday", "km/day", NOT_NEGATIVE),
    ("_km", "km", NOT_NEGATIVE),
    ("_kwp", "kWp", NOT_NEGATIVE),
    ("_kwh", "kWh", NOT_NEGATIVE),
    ("_kw", "kW", NOT_NEGATIVE),
    ("_tce", "tce", NOT_NEGATIVE),
    ("carbon_t", "tCO2", NOT_NEGATIVE),
    ("_hpa", "hPa", (300.0, 1100.0)),
    ("_mohm", "mohm", NOT_NEGATIVE),
    ("_kg", "kg", NOT_NEGATIVE),
    ("_charge_c", "1/h", NOT_NEGATIVE),
    ("_discharge_c", "1/h", NOT_NEGATIVE),
    ("_sd_k", "K", NOT_NEGATIVE),
    ("_swing_k", "K", NOT_NEGATIVE),
    ("_c", "degC", (-90.0, 90.0)),
    ("_k", "K", NOT_NEGATIVE),
    ("_deg", "deg", (-360.0, 360.0)),
    ("_years", "years", NOT_NEGATIVE),
    ("_days", "days", NOT_NEGATIVE),
    ("_day", "day of year", (1.0, 366.0)),
    ("_minutes", "min", NOT_NEGATIVE),
    ("_mv", "mV", NOT_NEGATIVE),
    ("_hours", "h", NOT_NEGATIVE),
    ("utc_offset_h", "h", (-12.0, 14.0)),
    ("_h", "h", (0.0, 48.0)),
    ("_s", "s", NOT_NEGATIVE),
    ("_m", "m", (-450.0, 9000.0)),
    ("_v", "V", NOT_NEGATIVE),
    ("_t", "t", NOT_NEGATIVE),
    ("_soc", "fraction", FRACTION),
    ("_soh", "fraction", FRACTION),
    ("_share", "fraction", FRACTION),
    ("yields", "fraction", FRACTION),
    ("_success", "fraction", FRACTION),
    ("_cap", "fraction", FRACTION),
    ("_memory", "fraction", FRACTION),
    ("_workday", "fraction", FRACTION),
    ("_restday", "fraction", FRACTION),
    ("_yield", "fraction", FRACTION),
    ("latitude", "deg", (-90.0, 90.0)),
    ("longitude", "deg", (-180.0, 180.0)),
    ("vehicles", "vehicles", NOT_NEGATIVE),
    ("packs_per_vehicle", "packs", (1.0, 3.0)),
    ("plugs", "plugs", NOT_NEGATIVE),
    ("swap_slots", "packs", NOT_NEGATIVE),
)


@dataclass(frozen=True)
class Field:
    """One key: ``kind`` is number, integer, text, flag, date, hours, numbers, integers, texts,
    table (free keys with a number each) or section (a nested dataclass)."""

    key: str
    kind: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    required: bool = True
    length: int = 0
    default: Any = None


Fields: TypeAlias = Mapping[str, Field]


def unit_and_range(key: str) -> tuple[str, Range]:
    """Return the unit and the range that a field's name promises; "1" for a bare number."""
    for ending, unit, span in ENDINGS:
        if key.endswith(ending):
            return unit, span
    return "1", NOT_NEGATIVE


def _kind(hint: Any) -> str:
    """Turn a type hint into a kind; "" for what only code can give."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = {_kind(arg) for arg in args if arg is not type(None)}
        return kinds.pop() if len(kinds) == 1 else "section"
    simple = {float: "number", int: "integer", str: "text", bool: "flag", date: "date"}
    if hint in simple:
        return simple[hint]
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return {float: "numbers", int: "integers", str: "texts"}.get(args[0], "")
    if getattr(origin, "__name__", "") == "ndarray":
        return "numbers"
    if origin in (dict, Mapping) and args == (str, float):
        return "table"
    return "section" if hasattr(hint, "__dataclass_fields__") else ""


def field(key: str, kind: str, **changes: Any) -> Field:
    """Make a field whose unit and range follow from its name."""
    unit, (low, high) = unit_and_range(key)
    plain = kind in ("text", "texts", "flag", "date", "section")
    made = Field(key, kind) if plain else Field(key, kind, unit, low, high)
    return replace(made, **changes)


def fields_of(
    cls: type, skip: tuple[str, ...] = (), changes: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Field]:
    """Describe the fields of a dataclass; ``changes`` refines some, ``skip`` leaves some out."""
    hints = get_type_hints(cls)
    made: dict[str, Field] = {}
    for one in fields(cls):
        kind = (changes or {}).get(one.name, {}).get("kind") or _kind(hints[one.name])
        if one.name in skip or not kind:
            continue
        given = one.default if one.default_factory is MISSING else one.default_factory()
        free = given is not MISSING
        basis = field(one.name, kind, required=not free, default=given if free else None)
        made[one.name] = replace(basis, **(changes or {}).get(one.name, {}))
    return made
