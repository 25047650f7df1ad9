"""The fields of a case file: kind, unit, range, default, and what happens to a gap or a lie.

``repair`` says how a value that cannot be true is planned around; without it the value is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["series", "number", "integer", "text", "flag", "numbers"]
Repair = Literal["", "last", "zero", "clip"]

REQUIRED = "required"
"""Marks a field without a default."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    ``repair``: "last" fills a gap with the last known value and clips to the range, "zero" fills
    it with 0 and clips, "clip" clips only.
    """

    kind: Kind
    unit: str = ""
    default: object = REQUIRED
    low: float = float("-inf")
    high: float = float("inf")
    repair: Repair = ""
    above: bool = False
    infinite: bool = False


INF = float("inf")
Fields = Mapping[str, Field]

CASE: Fields = {
    "steps": Field("integer", "steps", None, 1, 1_000_000),
    "step_minutes": Field("number", "minutes", low=0, high=10080, above=True),
    "import_limit_kw": Field("series", "kW", INF, 0, infinite=True),
    "export_limit_kw": Field("series", "kW", INF, 0, infinite=True),
    "load_kw": Field("series", "kW", 0.0, 0, repair="last"),
    "pv_kw": Field("series", "kW", 0.0, 0, repair="zero"),
    "buy_cny_per_kwh": Field("series", "CNY/kWh", repair="last"),
    "sell_cny_per_kwh": Field("series", "CNY/kWh", None, repair="last"),
    "demand_charge_cny_per_kw": Field("number", "CNY/kW", 0.0, 0),
    "peak_so_far_kw": Field("number", "kW", 0.0, 0),
    "carbon_kg_per_kwh": Field("series", "kg/kWh", 0.0, 0, repair="last"),
    "carbon_price_cny_per_t": Field("number", "CNY/t", 0.0, 0),
    "carbon_budget_kg": Field("number", "kg", INF, 0, infinite=True),
    "fair_sessions": Field("flag", default=True),
}
STORE: Fields = {
    "name": Field("text", default=""),
    "capacity_kwh": Field("number", "kWh", low=0),
    "charge_limit_kw": Field("series", "kW", low=0),
    "discharge_limit_kw": Field("series", "kW", low=0),
    "charge_efficiency": Field("number", "", 1.0, 0.01, 1),
    "discharge_efficiency": Field("number", "", 1.0, 0.01, 1),
    "self_discharge_per_step": Field("number", "", 0.0, 0, 0.999999),
    "initial_soc": Field("number", "", None, 0, 1, repair="clip"),
    "final_soc": Field("number", "", None, 0, 1, repair="clip"),
    "final_value_cny_per_kwh": Field("number", "CNY/kWh", 0.0),
    "soc_min": Field("series", "", 0.0, 0, 1, repair="clip"),
    "soc_max": Field("series", "", 1.0, 0, 1, repair="clip"),
    "wear_cny_per_kwh": Field("number", "CNY/kWh", 0.0, 0),
}
SESSION: Fields = {
    "name": Field("text", default=""),
    "arrive_step": Field("integer", "steps"),
    "depart_step": Field("integer", "steps"),
    "energy_kwh": Field("number", "kWh", low=0),
    "initial_kwh": Field("number", "kWh", 0.0, 0, repair="clip"),
    "capacity_kwh": Field("number", "kWh", None, 0),
    "charge_limit_kw": Field("series", "kW", low=0),
    "discharge_limit_kw": Field("series", "kW", 0.0, 0),
    "charge_efficiency": Field("number", "", 1.0, 0.01, 1),
    "discharge_efficiency": Field("number", "", 1.0, 0.01, 1),
    "priority": Field("number", "", 0.0),
    "discharge_price_cny_per_kwh": Field("number", "CNY/kWh", 0.0, 0),
}
PROCESS: Fields = {
    "name": Field("text", default=""),
    "earliest_step": Field("integer", "steps", 0),
    "latest_step": Field("integer", "steps", None),
    "energy_kwh": Field("number", "kWh", None, 0),
    "power_min_kw": Field("number", "kW", 0.0, 0),
    "power_max_kw": Field("number", "kW", None, 0),
    "profile_kw": Field("numbers", "kW", None, 0),
}
HEAT: Fields = {
    "demand_kw": Field("series", "kW heat", low=0, repair="last"),
    "cop": Field("series", "", low=0, above=True),
    "temperature_c": Field("series", "degC", None, repair="last"),
    "power_limit_kw": Field("series", "kW", INF, 0, infinite=True),
    "capacity_kwh": Field("number", "kWh heat", 0.0, 0),
    "initial_kwh": Field("number", "kWh heat", 0.0, 0),
    "final_kwh": Field("number", "kWh heat", None, 0),
    "loss_per_step": Field("number", "", 0.0, 0, 0.999999),
}
COP_TABLE: Fields = {
    "temperature_c": Field("numbers", "degC"),
    "cop": Field("numbers", "", low=0, above=True),
}
LISTS: Mapping[str, Fields] = {"stores": STORE, "sessions": SESSION, "processes": PROCESS}
