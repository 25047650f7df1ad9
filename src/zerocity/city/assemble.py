"""Documents of a city folder to one `City`, or to the list of what is wrong with them."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from zerocity.aftersales.centre import Centre
from zerocity.batteries.pack import Product
from zerocity.carbon.factors import Factor, Factors
from zerocity.city import tables
from zerocity.city.consistency import check_consistency
from zerocity.city.documents import Document, Path
from zerocity.city.intake import Documents, override, parse_files
from zerocity.city.problems import Problem
from zerocity.city.reader import Reader, hours_of
from zerocity.city.scenario import City, Drivers, Panels, River, SpotMarket
from zerocity.city.schema import Field, Fields
from zerocity.city.site_table import read_sites
from zerocity.energy.climate import ClimateNormals
from zerocity.energy.tariffs import Tariff
from zerocity.errors import InputError, InputErrors
from zerocity.fleets.duty import FleetSpec
from zerocity.fleets.vehicle import Boat, RoadVehicle
from zerocity.parks.indicators import ParkSpec
from zerocity.recycling.policy import Policy
from zerocity.recycling.processing import ProcessingBase
from zerocity.recycling.routing import SecondLife
from zerocity.vpp.market import MarketDay
from zerocity.vpp.products import EnergyMarket, FrequencyReserve
from zerocity.vpp.program import Program

Made = TypeVar("Made")

# A battery code has seven digits for its serial number, and a run adds packs.
MOST_PACKS = 5_000_000


def read_city(
    name: str, files: Mapping[str, bytes], overrides: Mapping[str, str] | None = None
) -> tuple[City | None, tuple[Problem, ...]]:
    """Read a whole folder given as bytes by file name.

    Returns the city, or None with every problem that one pass found. Pure: no disk, no clock.
    """
    documents, problems = parse_files(files)
    problems += override(documents, overrides or {})
    reader = Reader()
    reader.problems = problems
    parts = _Parts(reader, documents)
    city = parts.city(name)
    if city is not None and city.packs > MOST_PACKS:
        reader.problems.append(_too_many(city.packs))
    found = tuple(dict.fromkeys(reader.problems))
    return (None, found) if found else (city, ())


def _too_many(packs: int) -> Problem:
    return Problem(
        "sites.geojson",
        "",
        "storage_kwh, swap_slots and the fleets' vehicles",
        f"{packs:,} packs in all",
        f"at most {MOST_PACKS:,}",
        "Look for a number with too many digits.",
    )


class _Parts:
    """Builds the parts of a city one after another; a broken part is None, its reasons noted."""

    def __init__(self, reader: Reader, documents: Documents) -> None:
        self.reader = reader
        self.documents = documents

    def build(
        self, make: Callable[..., Made], doc: Document, path: Path, **values: Any
    ) -> Made | None:
        """Call a dataclass; its own refusal becomes a problem at the right key."""
        try:
            return make(**values)
        except InputErrors as errors:
            self._refused(doc, path, errors.errors)
        except InputError as error:
            self._refused(doc, path, (error,))
        except TypeError:
            # A required value is missing, which the reader has noted already.
            if not self.reader.problems:
                raise
        return None

    def _refused(self, doc: Document, path: Path, errors: tuple[InputError, ...]) -> None:
        for error in errors:
            words = error.where.replace(",", " ").split()
            key = words[-1].rsplit(".", 1)[-1] if words else ""
            way_out = error.way_out or "Correct the value."
            self.reader.problem(doc, (*path, key), error.came, error.wanted, way_out)

    def section(
        self, make: Callable[..., Made], file: str, path: Path, fields: Fields
    ) -> Made | None:
        """Read one table of a TOML file into one dataclass."""
        doc = self.documents.get(file)
        if doc is None:
            return None
        raw: Any = doc.data
        for part in path:
            raw = raw.get(part, {}) if isinstance(raw, Mapping) else {}
        before = len(self.reader.problems)
        values = self.reader.table(doc, path, raw, fields)
        fine = len(self.reader.problems) == before
        return self.build(make, doc, path, **_arrays(values)) if fine else None

    def strangers(self, file: str, known: tuple[str, ...]) -> None:
        """Note the tables of a file that nothing reads."""
        doc = self.documents.get(file)
        if doc is not None:
            unknown = {key: doc.data[key] for key in doc.data if key not in known}
            fields = {key: Field(key, "section") for key in known}
            self.reader.table(doc, (), unknown, fields)

    def climate(self) -> ClimateNormals | None:
        """Read the twelve months of climate.csv and the place from city.toml."""
        doc = self.documents.get("climate.csv")
        monthly = self._months(doc) if doc is not None else None
        place = self.section(_plain, "city.toml", ("climate",), tables.CLIMATE)
        if doc is None or monthly is None or place is None:
            return None
        return self.build(ClimateNormals, doc, (), **place, **monthly)

    def _months(self, doc: Document) -> dict[str, Any] | None:
        before = len(self.reader.problems)
        wanted = [str(month) for month in range(1, 13)]
        if list(doc.data) != wanted:
            came = ", ".join(doc.data) or "no rows"
            way_out = "Give one row per month, in order."
            self.reader.problem(doc, (), came, "the months 1 to 12", way_out, "month")
        rows = [self.reader.table(doc, (name,), raw, tables.MONTH)
                for name, raw in doc.data.items()]  # fmt: skip
        if len(self.reader.problems) > before:
            return None
        given = [key for key in tables.MONTH if all(key in row for row in rows)]
        return {key: np.array([row[key] for row in rows]) for key in given}

    def tariff(self) -> Tariff | None:
        """Read tariff.toml with its blocks of hours."""
        doc = self.documents.get("tariff.toml")
        if doc is None:
            return None
        before = len(self.reader.problems)
        values = self.reader.table(doc, (), doc.data, tables.TARIFF)
        raw_blocks = doc.data.get("blocks", {})
        blocks = []
        for name in raw_blocks if isinstance(raw_blocks, Mapping) else ():
            hours = self.reader.figure(doc, ("blocks", name), raw_blocks[name], tables.BLOCK)
            blocks += [(name, *span) for span in hours_of(str(hours or ""))]
        if len(self.reader.problems) > before:
            return None
        return self.build(Tariff, doc, (), **values, blocks=tuple(sorted(blocks, key=_start)))

    def factors(self) -> Factors | None:
        """Read carbon.csv."""
        doc = self.documents.get("carbon.csv")
        if doc is None:
            return None
        rows = []
        for name, raw in doc.data.items():
            values = self.reader.table(doc, (name,), raw, tables.FACTOR)
            year, _, region = name.partition(" ")
            cell = raw.get("kgCO2_per_kWh", {})
            if values and year.isdigit():
                certainty, source = str(cell.get("certainty")), str(cell.get("source"))
                value = values["kgCO2_per_kWh"]
                rows.append(Factor(int(year), region, value, certainty, source))
        return Factors(tuple(rows))

    def products(self) -> dict[str, Product]:
        """Read products.csv."""
        doc = self.documents.get("products.csv")
        made: dict[str, Product] = {}
        for name, raw in doc.data.items() if doc is not None else ():
            assert doc is not None
            before = len(self.reader.problems)
            values = self.reader.table(doc, (name,), raw, tables.PRODUCT)
            source = str(raw.get("capacity_kwh", {}).get("source", ""))
            if len(self.reader.problems) == before:
                product = self.build(Product, doc, (name,), name=name, source=source, **values)
                made.update({name: product} if product else {})
        return made

    def fleets(self) -> tuple[FleetSpec, ...]:
        """Read fleets.toml: one table per fleet, its vehicle in a table of its own."""
        doc = self.documents.get("fleets.toml")
        made = []
        for name, raw in doc.data.items() if doc is not None else ():
            assert doc is not None
            before = len(self.reader.problems)
            boat = isinstance(raw, Mapping) and raw.get("kind") == "boat"
            spec = tables.FLEET if boat else tables.ROAD_FLEET
            values = self.reader.table(doc, (name,), raw, spec)
            make, fields = (Boat, tables.BOAT) if boat else (RoadVehicle, tables.ROAD)
            vehicle = self.section(make, "fleets.toml", (name, "vehicle"), fields)
            if len(self.reader.problems) == before:
                made.append(
                    self.build(FleetSpec, doc, (name,), name=name, vehicle=vehicle, **values)
                )
        return tuple(fleet for fleet in made if fleet is not None)

    def parks(self) -> tuple[ParkSpec, ...]:
        """Read parks.toml: one table per park, its title the park's name."""
        doc = self.documents.get("parks.toml")
        made = []
        for name in doc.data if doc is not None else ():
            made.append(self.section(_named(ParkSpec, name), "parks.toml", (name,), tables.PARK))
        return tuple(park for park in made if park is not None)

    def optional(
        self, make: Callable[..., Made], file: str, key: str, fields: Fields
    ) -> Made | None:
        """Read a table that a city may leave out."""
        doc = self.documents.get(file)
        return self.section(make, file, (key,), fields) if doc and key in doc.data else None

    def city(self, name: str) -> City | None:
        """Read everything, check what must fit together, and join the parts."""
        general = self.section(_plain, "city.toml", (), tables.CITY)
        site_doc = self.documents.get("sites.geojson")
        self.strangers("recycling.toml", ("policy", "base", "second_life"))
        parts: dict[str, Any] = {
            "climate": self.climate(),
            "tariff": self.tariff(),
            "factors": self.factors(),
            "products": self.products(),
            "fleets": self.fleets(),
            "sites": read_sites(self.reader, site_doc) if site_doc else None,
            "policy": self.section(Policy, "recycling.toml", ("policy",), tables.POLICY),
            "base": self.section(ProcessingBase, "recycling.toml", ("base",), tables.BASE),
            "second_life": self.section(
                SecondLife, "recycling.toml", ("second_life",), tables.SECOND_LIFE
            ),
            "centre": self.section(Centre, "aftersales.toml", (), tables.CENTRE),
            "vpp": self.section(Program, "vpp.toml", (), tables.PROGRAM),
            "energy_market": self.optional(
                EnergyMarket, "vpp.toml", "energy", tables.ENERGY_MARKET
            ),
            "frequency_reserve": self.optional(
                FrequencyReserve, "vpp.toml", "frequency_reserve", tables.FREQUENCY_RESERVE
            ),
            "market_day": self.optional(MarketDay, "vpp.toml", "market", tables.MARKET_DAY),
            "parks": self.parks(),
            "panels": self.section(Panels, "city.toml", ("panels",), tables.PANELS),
            "spot": self.optional(SpotMarket, "tariff.toml", "spot", tables.SPOT),
            "drivers": self.optional(Drivers, "tariff.toml", "drivers", tables.DRIVERS),
            "river": self.optional(River, "city.toml", "river", tables.RIVER),
        }
        check_consistency(self.reader, self.documents, {**parts, **(general or {})})
        if self.reader.problems or general is None:
            return None
        return City(name=name, **general, **parts, figures=tuple(self.reader.figures))


def _named(make: Callable[..., Made], name: str) -> Callable[..., Made]:
    return lambda **values: make(name=name, **values)


def _plain(**values: Any) -> dict[str, Any]:
    return values


def _start(block: tuple[Any, ...]) -> float:
    return float(block[1])


def _arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn twelve monthly numbers into an array, leave the rest."""
    months = len(calendar.month_name) - 1
    return {
        key: np.array(value) if key == "flow_m3_s" and len(value) == months else value
        for key, value in values.items()
    }
