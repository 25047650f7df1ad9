"""The tables of a city folder: which file holds which fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zerocity.aftersales.centre import Centre
from zerocity.batteries.chemistries import CHEMISTRIES
from zerocity.batteries.pack import Product
from zerocity.city.places import LOAD_KINDS, SITE_KINDS
from zerocity.city.scenario import Drivers, Panels, River, SpotMarket
from zerocity.city.schema import Field, Fields, field, fields_of
from zerocity.energy.climate import ClimateNormals
from zerocity.energy.tariffs import Tariff
from zerocity.fleets.duty import KINDS, REFUELS, FleetSpec
from zerocity.fleets.vehicle import Boat, RoadVehicle
from zerocity.parks.indicators import ParkSpec
from zerocity.recycling.everbatt import PROCESSES
from zerocity.recycling.policy import USES, Policy
from zerocity.recycling.processing import ProcessingBase
from zerocity.recycling.routing import SecondLife
from zerocity.vpp.market import MarketDay
from zerocity.vpp.products import EnergyMarket, FrequencyReserve
from zerocity.vpp.program import Program

PROVENANCE = ("source", "year", "certainty", "note")
"""Columns of every CSV file beside its data."""

FILES = (
    "city.toml",
    "climate.csv",
    "tariff.toml",
    "carbon.csv",
    "products.csv",
    "fleets.toml",
    "sites.geojson",
    "aftersales.toml",
    "recycling.toml",
    "vpp.toml",
    "parks.toml",
)
"""All files of a city folder; each is required."""

MONTHLY = ("temperature_c", "daily_swing_k", "ghi_kwh_m2", "pressure_hpa")
MONTHLY_OPTIONAL = ("temperature_sd_k", "clearness_sd")


def _optional(key: str, default: Any, kind: str = "number", **changes: Any) -> Field:
    return field(key, kind, required=False, default=default, **changes)


def _by_key(*made: Field) -> dict[str, Field]:
    return {one.key: one for one in made}


CITY: Fields = _by_key(
    field("title", "text"),
    field("place", "text"),
    field("start", "date"),
    field("grid_region", "text"),
    field("utc_offset_h", "number"),
    field("swap_fill_share", "number"),
    *(Field(key, "section") for key in ("climate", "panels", "river")),
)
CLIMATE: Fields = fields_of(ClimateNormals, skip=(*MONTHLY, *MONTHLY_OPTIONAL))
MONTH: Fields = {
    **{key: field(key, "number") for key in MONTHLY},
    **{key: _optional(key, float("nan")) for key in MONTHLY_OPTIONAL},
}
PANELS: Fields = fields_of(
    Panels,
    changes={
        "tilt_deg": {"low": 0.0, "high": 90.0},
        "azimuth_deg": {"low": 0.0, "high": 360.0},
        "performance_ratio": {"high": 1.0},
    },
)
RIVER: Fields = fields_of(River, changes={"flow_m3_s": {"length": 12}})
SPOT: Fields = fields_of(SpotMarket)
TARIFF: Fields = {
    **fields_of(Tariff, skip=("blocks", "spot_cny_per_kwh")),
    **_by_key(Field("blocks", "section"), Field("spot", "section"), Field("drivers", "section")),
}
DRIVERS: Fields = fields_of(Drivers)
BLOCK = Field("", "hours")
FACTOR: Fields = _by_key(Field("kgCO2_per_kWh", "number", "kgCO2/kWh", 0.0, 3.0))
PRODUCT: Fields = fields_of(
    Product, skip=("name", "source"), changes={"chemistry": {"choices": tuple(CHEMISTRIES)}}
)
_KIND_OR_NONE = {"choices": (*SITE_KINDS, "")}
FLEET: Fields = fields_of(
    FleetSpec,
    skip=("name",),
    changes={
        "kind": {"choices": KINDS},
        "refuel": {"choices": REFUELS},
        "base_site_kind": _KIND_OR_NONE,
        "mid_site_kind": _KIND_OR_NONE,
        "on_demand_site_kind": {"choices": SITE_KINDS},
        "grade_mean": {"high": 0.2},
        "vehicle": {"kind": "section"},
    },
)
ROAD_FLEET: Fields = {key: one for key, one in FLEET.items() if key != "current_kmh"}
ROAD: Fields = fields_of(RoadVehicle)
BOAT: Fields = fields_of(Boat)
CENTRE: Fields = fields_of(Centre)
POLICY: Fields = fields_of(Policy, skip=("rules",), changes={"detection": {"high": 1.0}})
BASE: Fields = fields_of(
    ProcessingBase, skip=("stand_ins",), changes={"process": {"choices": PROCESSES}}
)
SECOND_LIFE: Fields = fields_of(
    SecondLife, skip=("fade_per_year",), changes={"use": {"choices": USES}}
)
PROGRAM: Fields = {
    **fields_of(Program, changes={"months": {"unit": "month", "low": 1, "high": 12}}),
    **_by_key(*(Field(key, "section") for key in ("energy", "frequency_reserve", "market"))),
}
ENERGY_MARKET: Fields = fields_of(EnergyMarket)
FREQUENCY_RESERVE: Fields = fields_of(
    FrequencyReserve,
    changes={"mileage_cny_per_kw": {"unit": "CNY/kW"}, "mileage_per_h": {"unit": "1/h"}},
)
MARKET_DAY: Fields = fields_of(
    MarketDay, changes={"demand_kw": {"length": 24}, "renewable_kw": {"length": 24}}
)
PARK: Fields = fields_of(ParkSpec, skip=("name",))
SITE: Fields = _by_key(
    field("kind", "text", choices=SITE_KINDS),
    field("district", "text"),
    field("grid_limit_kw", "number"),
    _optional("export_limit_kw", 0.0),
    _optional("pv_kwp", 0.0),
    _optional("storage_kwh", 0.0),
    _optional("storage_kw", 0.0),
    _optional("storage_product", "", "text"),
    _optional("plugs", 0, "integer"),
    _optional("plug_kw", 0.0),
    _optional("swap_slots", 0, "integer"),
    _optional("slot_kw", 0.0),
    _optional("swap_product", "", "text"),
    _optional("swap_minutes", 0.0),
    _optional("load_kw", 0.0),
    _optional("load_kind", "none", "text", choices=LOAD_KINDS),
    _optional("diagnosis_bay", False, "flag"),
)


@dataclass(frozen=True)
class CsvTable:
    """A CSV file: the column(s) that name a row and the fields of the others."""

    key: str
    fields: Fields


CSV_TABLES = {
    "climate.csv": CsvTable("month", MONTH),
    "carbon.csv": CsvTable("year+area", FACTOR),
    "products.csv": CsvTable("name", PRODUCT),
}
