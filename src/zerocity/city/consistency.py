"""What must fit together across the files of a city folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from zerocity.batteries.pack import Product
from zerocity.city.documents import Document
from zerocity.city.places import Sites
from zerocity.city.problems import did_you_mean, listing, quote
from zerocity.city.reader import Reader
from zerocity.energy.tariffs import Tariff
from zerocity.errors import InputError
from zerocity.fleets.duty import FleetSpec
from zerocity.measures.timeline import Timeline

NAME = re.compile(r"^[A-Za-z0-9_-]+$")


def check_consistency(
    reader: Reader, documents: Mapping[str, Document], parts: Mapping[str, Any]
) -> None:
    """Note every mismatch between parts that could be read; broken parts are left alone."""
    fleets, sites = documents.get("fleets.toml"), documents.get("sites.geojson")
    read: Sites | None = parts["sites"]
    if fleets is not None:
        _names(reader, fleets)
        for fleet in parts["fleets"]:
            _fleet_product(reader, fleets, fleet, parts["products"])
            if read is not None:
                _fleet_sites(reader, fleets, fleet, read)
        if not fleets.data:
            reader.problem(fleets, (), "no fleet", "at least one table", "Add a fleet.", "fleets")
    if sites is not None and read is not None:
        _needed_sites(reader, sites, read)
        _site_products(reader, sites, read, parts["products"])
    if read is not None and "parks.toml" in documents:
        _park_sites(reader, documents["parks.toml"], parts, read)
    if parts["tariff"] is not None:
        _prices(reader, documents["tariff.toml"], parts)
    _region(reader, documents, parts)
    _river(reader, documents, parts)


def _names(reader: Reader, doc: Document) -> None:
    """Fleet names are parts of paths and of column names."""
    for name in doc.data:
        if not NAME.match(name):
            wanted = "letters, digits, - and _"
            reader.problem(doc, (name,), quote(name), wanted, "Rename the fleet.")


def _fleet_product(
    reader: Reader, doc: Document, fleet: FleetSpec, products: Mapping[str, Product]
) -> None:
    if fleet.product not in products:
        way_out = did_you_mean(fleet.product, products, "Add a row to products.csv.")
        wanted = f"one of {listing(products)}" if products else "a product of products.csv"
        reader.problem(doc, (fleet.name, "product"), quote(fleet.product), wanted, way_out)


def _fleet_sites(reader: Reader, doc: Document, fleet: FleetSpec, sites: Sites) -> None:
    """Every kind a fleet names must exist, with plugs to charge or packs to swap."""
    kinds = set(sites.kind)
    for field in ("base_site_kind", "mid_site_kind", "on_demand_site_kind"):
        kind = getattr(fleet, field)
        share = getattr(fleet, field.replace("_site_kind", "_plug_share"), 0.0)
        path = (fleet.name, field)
        if kind and kind not in kinds:
            way_out = did_you_mean(kind, kinds, f"Add a {kind} to sites.geojson.")
            wanted = f"a kind with a site: {listing(kinds)}"
            reader.problem(doc, path, f"{quote(kind)}, a fleet without a site", wanted, way_out)
        elif not kind and share > 0.0:
            way_out = "Name a site kind, or set the share to 0."
            came = f"no kind but a plug share of {share:g}"
            reader.problem(doc, path, came, "a site kind", way_out)
        elif kind and share > 0.0 and not sites.plugs[sites.of_kind(kind)].any():
            way_out = "Give these sites plugs, or set the share to 0."
            reader.problem(doc, path, f"{quote(kind)} without plugs", "sites with plugs", way_out)
    kind = fleet.on_demand_site_kind
    if kind in kinds:
        _on_demand(reader, doc, fleet, sites)


def _on_demand(reader: Reader, doc: Document, fleet: FleetSpec, sites: Sites) -> None:
    kind, path = fleet.on_demand_site_kind, (fleet.name, "on_demand_site_kind")
    chosen = sites.of_kind(kind)
    swaps = np.isin(chosen, sites.swapping(fleet.product)).any()
    if fleet.refuel == "swap" and not swaps:
        came = f"{quote(kind)} with no place for {fleet.product}"
        way_out = "Set swap_slots and swap_product at these sites."
        reader.problem(doc, path, came, f"sites that swap {fleet.product}", way_out)
    if fleet.refuel == "charge" and not (sites.plugs[chosen] * sites.plug_kw[chosen]).any():
        way_out = "Set plugs and plug_kw at these sites."
        reader.problem(doc, path, f"{quote(kind)} without plugs", "sites with plugs", way_out)


def _site_products(
    reader: Reader, doc: Document, sites: Sites, products: Mapping[str, Product]
) -> None:
    """Storage and swap places name a product, and only where there is something to fill."""
    pairs = (
        ("storage_product", sites.storage_product, sites.storage_kwh, "storage_kwh"),
        ("swap_product", sites.swap_product, sites.swap_slots, "swap_slots"),
    )
    for field, names, amounts, amount in pairs:
        for site, name, value in zip(sites.name, names, amounts, strict=True):
            path = ("sites", site)
            if name and name not in products:
                way_out = did_you_mean(name, products, "Add a row to products.csv.")
                wanted = f"one of {listing(products)}" if products else "a known product"
                reader.problem(doc, path, quote(name), wanted, way_out, field)
            elif bool(name) != (value > 0):
                came = f"{quote(name)} with {amount} = {value:g}"
                wanted = f"{field} exactly where {amount} is above 0"
                reader.problem(doc, path, came, wanted, "Set both or neither.", field)
    _site_power(reader, doc, sites)


def _needed_sites(reader: Reader, doc: Document, sites: Sites) -> None:
    """Retired packs go to a centre and to a processing base, so each city has one."""
    for kind in ("centre", "processing_base"):
        if kind not in sites.kind:
            way_out = "Add a feature of this kind; it may lie outside the city."
            reader.problem(doc, (), "no site", f"a site of kind {kind}", way_out, "kind")


def _site_power(reader: Reader, doc: Document, sites: Sites) -> None:
    """What charges needs power, and what stores needs an inverter."""
    needs = (
        ("plug_kw", sites.plugs > 0, sites.plug_kw, "plugs"),
        ("slot_kw", sites.swap_slots > 0, sites.slot_kw, "swap_slots"),
        ("storage_kw", sites.storage_kwh > 0, sites.storage_kw, "storage_kwh"),
        ("swap_minutes", sites.swap_slots > 0, sites.swap_minutes, "swap_slots"),
    )
    for field, needed, values, cause in needs:
        for index in np.flatnonzero(needed & (values <= 0.0)):
            path, wanted = ("sites", sites.name[index]), f"more than 0, since {cause} is"
            reader.problem(doc, path, "0", wanted, f"Set {field}.", field)


def _park_sites(reader: Reader, doc: Document, parts: Mapping[str, Any], sites: Sites) -> None:
    for park in parts["parks"]:
        for name in park.sites:
            if name not in sites.name:
                way_out = did_you_mean(name, sites.name, "Name a site of sites.geojson.")
                wanted = "the name of a site"
                reader.problem(doc, (park.name, "sites"), quote(name), wanted, way_out)


def _prices(reader: Reader, doc: Document, parts: Mapping[str, Any]) -> None:
    """Ask the tariff for one day of prices: it refuses what would pay without end."""
    tariff: Tariff = parts["tariff"]
    start = parts.get("start") or date(2026, 1, 1)
    try:
        tariff.prices(Timeline(start, 1))
    except InputError as error:
        key = error.where.split(",")[0].split(".")[-1]
        way_out = error.way_out or "Correct the value."
        reader.problem(doc, (key,), error.came, error.wanted, way_out)


def _region(reader: Reader, documents: Mapping[str, Document], parts: Mapping[str, Any]) -> None:
    factors, region, start = (parts.get(key) for key in ("factors", "grid_region", "start"))
    if factors is None or not region or start is None:
        return
    years = [row.year for row in factors.rows if row.region == region]
    doc = documents["city.toml"]
    if not years:
        way_out = did_you_mean(region, factors.regions, "Add it to carbon.csv.")
        wanted = f"one of {listing(factors.regions)}"
        reader.problem(doc, ("grid_region",), quote(region), wanted, way_out)
    elif min(years) > start.year:
        wanted = f"a start in {min(years)} or later"
        reader.problem(doc, ("start",), str(start), wanted, "Add an earlier year to carbon.csv.")


def _river(reader: Reader, documents: Mapping[str, Document], parts: Mapping[str, Any]) -> None:
    boats = [fleet.name for fleet in parts["fleets"] if fleet.kind == "boat"]
    doc = documents.get("city.toml")
    if boats and doc is not None and "river" not in doc.data:
        way_out = "Add the table [river] with flow_m3_s, flow_spread and stop_above_m3_s."
        reader.problem(doc, ("river",), "nothing", f"a river for {boats[0]}", way_out)
