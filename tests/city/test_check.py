"""Mistakes in a city folder: each is found, named and explained; none ends in a traceback."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.city.assemble import read_city
from zerocity.city.documents import LARGEST_BYTES
from zerocity.city.folder import SHIPPED, read_files
from zerocity.city.problems import Problem
from zerocity.city.tables import FILES

FINE = {
    ("aftersales.toml", b""), ("recycling.toml", b""), ("vpp.toml", b""), ("parks.toml", b""),
    ("parks.toml", b"[x]\n"),
}  # fmt: skip
STARTER = read_files(SHIPPED / "_starter")


def problems_of(**changes: bytes | str | None) -> tuple[Problem, ...]:
    """Problems of the starter with files replaced; city_toml="..." or None to remove one."""
    files = dict(STARTER)
    for key, value in changes.items():
        name = key.replace("_", ".")
        if value is None:
            del files[name]
        else:
            files[name] = value.encode() if isinstance(value, str) else value
    city, problems = read_city("t", files)
    assert (city is None) == bool(problems)
    return problems


def text(name: str) -> str:
    return STARTER[name].decode()


def changed(name: str, old: str, new: str) -> str:
    """A file of the starter with the first ``old`` replaced; it must be there."""
    before = text(name)
    assert old in before, old
    return before.replace(old, new, 1)


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, [str(one.error()) for one in problems]
    return problems[0]


def test_the_starter_is_sound() -> None:
    assert problems_of() == ()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name: str) -> None:
    found = problems_of(**{name.replace(".", "_"): None})
    assert name in {one.file for one in found if one.came == "no such file"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "junk", [b"", b"\xff\xfe[\x00", b"\x80abc", b"{[", b"a,b\n1", b"[x]\n", b"[]"]
)
def test_junk_is_a_problem_of_that_file(name: str, junk: bytes) -> None:
    if (name, junk) in FINE:
        pytest.skip("a town with defaults alone")
    found = problems_of(**{name.replace(".", "_"): junk})
    assert name in {one.file for one in found}
    for one in found:
        assert one.came
        assert one.wanted
        assert one.way_out


def test_a_byte_order_mark_does_no_harm() -> None:
    for name in FILES:
        assert problems_of(**{name.replace(".", "_"): b"\xef\xbb\xbf" + STARTER[name]}) == ()


def test_utf_16_is_named() -> None:
    found = problems_of(products_csv=text("products.csv").encode("utf-16"))
    assert any("UTF-16" in one.came for one in found)


def test_a_huge_file_is_refused() -> None:
    found = problems_of(vpp_toml=b"#" * (LARGEST_BYTES + 1))
    assert any("bytes" in one.wanted for one in found)


def test_bad_toml_names_its_line() -> None:
    found = problems_of(vpp_toml=changed("vpp.toml", "notice_h = {", "notice_h = "))
    line = next(
        index for index, row in enumerate(text("vpp.toml").splitlines(), 1) if "notice_h" in row
    )
    assert only(found).place == f"line {line}"


def test_bad_json_names_its_line() -> None:
    found = problems_of(sites_geojson='{"type":\n"FeatureCollection",\n"features": [,]}')
    assert any(one.place.startswith("line 3") for one in found)


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "words"),
    [
        ("fleets.toml", 'unit = "vehicles"', 'unit = "cars"', "town_bus.vehicles.unit", "vehicles"),
        ("fleets.toml", "speed_kmh =", "sped_kmh =", "town_bus.sped_kmh", "speed_kmh"),
        ("fleets.toml", 'product = "bus"', 'product = "buss"', "town_bus.product", '"bus"'),
        ("fleets.toml", 'kind = "bus"', 'kind = "tram"', "town_bus.kind", "bus"),
        ("fleets.toml", "vehicles = { value = 20", "vehicles = { value = 2.5",
         "town_bus.vehicles", "whole"),
        ("fleets.toml", "vehicles = { value = 20", "vehicles = { value = nan",
         "town_bus.vehicles", "finite"),
        ("fleets.toml", "vehicles = { value = 20", "vehicles = { value = -20",
         "town_bus.vehicles", "at least 0"),
        ("fleets.toml", "vehicles = { value = 20", 'vehicles = { value = "20"',
         "town_bus.vehicles", "figure"),
        ("fleets.toml", "packs_per_vehicle = { value = 1", "packs_per_vehicle = { value = 4",
         "town_bus.packs_per_vehicle", "1 to 3"),
        ("fleets.toml", "leg1_end_h = { value = 12.5", "leg1_end_h = { value = 5.5",
         "town_bus.leg1_end_h", "after"),
        ("fleets.toml", 'certainty = "assumed"', 'certainty = "asumed"',
         "town_bus.vehicles.certainty", "assumed"),
        ("fleets.toml", 'source = "assumption: a made-up town"', 'source = " "',
         "town_bus.vehicles.source", "comes from"),
        ("fleets.toml", "year = 2026", "year = 26", "town_bus.vehicles.year", "1900"),
        ("fleets.toml", 'base_site_kind = "bus_depot"', 'base_site_kind = "pier"',
         "town_bus.base_site_kind", "site"),
        ("fleets.toml", 'on_demand_site_kind = "taxi_swap"', 'on_demand_site_kind = "bus_depot"',
         "taxi.on_demand_site_kind", "swap choco25"),
        ("fleets.toml", "[town_bus]", '["town bus"]', "town bus", "letters"),
        ("products.csv", "bus,lfp,350", "bus,lfp,-350", "bus.capacity_kwh", "at least 0"),
        ("products.csv", "bus,lfp,350", "bus,lfp,0", "bus.capacity_kwh", "above 0"),
        ("products.csv", "bus,lfp,350", "bus,lfp,", "bus.capacity_kwh", "figure"),
        ("products.csv", "bus,lfp,350", "bus,lfp,1_000", "bus.capacity_kwh", "figure"),
        ("products.csv", "bus,lfp,350", "bus,lead,350", "bus.chemistry", "lfp"),
        ("products.csv", "bus,lfp,350", "bus,lfp,350,1", "", "cells"),
        ("products.csv", "capacity_kwh", "capacity", "bus.capacity", "capacity_kwh"),
        ("climate.csv", "\n7,", "\n6,", "", "unique"),
        ("carbon.csv", "2023,China,0.5306", "2023,China,530.6", "2023 China", "0 to 3"),
        ("city.toml", 'grid_region = "China"', 'grid_region = "Chin"', "grid_region", "China"),
        ("city.toml", "start = 2026-01-01", "start = 2026-01-01T00:00:00", "start", "date"),
        ("city.toml", "start = 2026-01-01", "start = 2019-01-01", "start", "2021"),
        ("city.toml", "value = 36.05", "value = 136.05", "climate.latitude", "-90 to 90"),
        ("tariff.toml", "10:00-16:00", "10:00-15:00", "blocks", "once"),
        ("tariff.toml", "export_cny_per_kwh = { value = 0.2", "export_cny_per_kwh = { value = 2.0",
         "export_cny_per_kwh", "at most"),
        ("tariff.toml", "10:00-16:00", "10 to 16", "blocks.valley", "hours"),
        ("sites.geojson", '"kind": "centre"', '"kind": "center"', "kind", "centre"),
        ("sites.geojson", "[103.8, 36.06]", "[36.06, 103.8]", "latitude", "-90 to 90"),
        ("sites.geojson", "[103.8, 36.06]", "[null, 36.06]", "longitude", "figure"),
        ("sites.geojson", '"plugs": 22', '"plugs": 2e30', "plugs", "sensible"),
        ("sites.geojson", '"plugs": 22', '"plugs": NaN', "plugs", "finite"),
        ("sites.geojson", '"plugs": 22', '"plugss": 22', "plugss", "plugs"),
        ("sites.geojson", '"plugs": {', '"plags": {', "figures.plags", "plugs"),
        ("sites.geojson", "Town battery centre", "Town bus depot", "name", "own"),
        ("sites.geojson", '"storage_product": "storage"', '"storage_product": ""',
         "storage_product", "exactly"),
        ("parks.toml", '"Town zero-carbon park"', '"Town zero carbon park"', "town_park.sites",
         "site"),
        ("vpp.toml", "window_end_h = { value = 21.0", "window_end_h = { value = 12.0",
         "window_start_h", "before"),
        ("recycling.toml", 'process = "hydro"', 'process = "magic"', "base.process", "hydro"),
        ("recycling.toml", "[policy]", "[polycy]", "polycy", "policy"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(
    file: str, old: str, new: str, field: str, words: str
) -> None:
    found = problems_of(**{file.replace(".", "_"): changed(file, old, new)})
    hits = [one for one in found if one.file == file and one.field.startswith(field)]
    assert hits, [str(one.error()) for one in found]
    assert any(words in one.wanted + one.way_out for one in hits), hits
    assert len(set(found)) == len(found)


def test_all_mistakes_are_found_in_one_pass() -> None:
    found = problems_of(
        fleets_toml=changed("fleets.toml", "speed_kmh =", "sped_kmh ="),
        products_csv=changed("products.csv", "choco25,lfp,56", "choco25,lfp,-56"),
        sites_geojson=changed("sites.geojson", '"plugs": 22', '"plugs": -1'),
        city_toml=changed("city.toml", 'grid_region = "China"', 'grid_region = "Mars"'),
    )
    assert {one.file for one in found} >= {
        "fleets.toml", "products.csv", "sites.geojson", "city.toml",
    }  # fmt: skip


def test_rows_and_features_are_counted_from_one() -> None:
    found = problems_of(products_csv=changed("products.csv", "choco25,lfp,56", "choco25,lfp,x"))
    assert "row 2" in found[0].place
    found = problems_of(sites_geojson=changed("sites.geojson", '"plugs": 22', '"plugs": -1'))
    assert found[0].place == "feature 1 (Town bus depot)"


def test_a_city_without_a_centre_is_refused() -> None:
    found = problems_of(
        sites_geojson=changed("sites.geojson", '"kind": "centre"', '"kind": "park"')
    )
    assert any("centre" in one.wanted for one in found)


def test_boats_need_a_river() -> None:
    fleets = changed("fleets.toml", 'kind = "bus"', 'kind = "boat"')
    assert problems_of(fleets_toml=fleets)


def test_messages_can_be_shown_on_any_terminal() -> None:
    sites = changed("sites.geojson", '"name": "Town bus depot"', '"name": "\\ud800\\u001b[31m"')
    for one in problems_of(sites_geojson=sites):
        assert str(one.error()).isprintable()


NUMBER = re.compile(r"(?<![\w.\"])-?\d+\.?\d*(?![\w.\"-])")
BAD_VALUES = ("nan", "-1e9", "", '"x"', "1e400", "null", "[]", "{}", "true", "9" * 400, "-0.5")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_file_never_raises(data: st.DataObject) -> None:
    """Cut a line, swap a value or flip bytes: the check answers, whatever came."""
    name = data.draw(st.sampled_from(FILES))
    raw = text(name)
    way = data.draw(st.sampled_from(("cut", "value", "bytes", "word")))
    if way == "cut":
        lines = raw.splitlines(keepends=True)
        del lines[data.draw(st.integers(0, len(lines) - 1))]
        mutated = "".join(lines).encode()
    elif way == "value":
        found = list(NUMBER.finditer(raw))
        hit = found[data.draw(st.integers(0, len(found) - 1))]
        mutated = (raw[: hit.start()] + data.draw(st.sampled_from(BAD_VALUES)) + raw[hit.end() :]
                   ).encode()  # fmt: skip
    elif way == "bytes":
        at = data.draw(st.integers(0, len(raw) - 1))
        mutated = raw.encode()[:at] + data.draw(st.binary(max_size=4)) + raw.encode()[at + 2 :]
    else:
        words = list(re.finditer(r"[A-Za-z_]{3,}", raw))
        hit = words[data.draw(st.integers(0, len(words) - 1))]
        mutated = (raw[: hit.start()] + data.draw(st.text(max_size=6)) + raw[hit.end() :]).encode(
            "utf-8", "surrogatepass"
        )
    for one in problems_of(**{name.replace(".", "_"): mutated}):
        assert one.came, one
        assert one.wanted, one
        assert one.way_out, one


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_json_in_place_of_any_site_member_never_raises(data: st.DataObject) -> None:
    tree = json.loads(text("sites.geojson"))
    feature = tree["features"][data.draw(st.integers(0, len(tree["features"]) - 1))]
    properties = feature["properties"]
    holder, key = data.draw(
        st.sampled_from(
            [(tree, name) for name in tree]
            + [(feature, name) for name in feature]
            + [(properties, name) for name in properties]
            + [(feature["geometry"], "coordinates")]
            + [(tree["figures"], name) for name in tree["figures"]]
        )
    )
    holder[key] = data.draw(JSON_VALUES)
    problems_of(sites_geojson=json.dumps(tree))
