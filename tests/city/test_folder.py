"""Finding, loading, changing, hashing and making city folders."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from zerocity.city.assemble import read_city
from zerocity.city.folder import (
    SHIPPED,
    check_folder,
    find_city,
    init_city,
    input_hashes,
    load_city,
    read_files,
    shipped_cities,
)
from zerocity.city.tables import FILES
from zerocity.errors import InputError, InputErrors


def test_shipped_cities_load_by_name() -> None:
    assert shipped_cities() == ("lanzhou",)
    assert find_city("lanzhou") == SHIPPED / "lanzhou"
    assert load_city("starter").name == "starter"


@pytest.mark.parametrize("name", ["lanzhu", "", "no/such", "x" * 5000])
def test_an_unknown_city_is_refused_with_a_way_out(name: str) -> None:
    if name == "":
        pytest.skip("the empty path is the working directory")
    with pytest.raises(InputError) as caught:
        find_city(name)
    assert caught.value.way_out
    if name == "lanzhu":
        assert "lanzhou" in caught.value.way_out


def test_an_override_changes_a_figure_and_marks_it() -> None:
    city = load_city("lanzhou", {"fleets.truck_swap.vehicles": "1200"})
    assert city.fleet("truck_swap").vehicles == 1200
    figure = next(one for one in city.figures if one.path == "fleets.truck_swap.vehicles")
    assert figure.value == 1200
    assert figure.source == "set by the user"
    assert figure.assumed


def test_overrides_reach_every_kind_of_file() -> None:
    city = load_city(
        "starter",
        {
            "products.bus.capacity_kwh": "300",
            "tariff.energy_cny_per_kwh.peak": "0.9",
            "climate.1.temperature_c": "-12",
            "city.title": "Mytown",
            "city.start": "2027-03-01",
            "sites.bus_depot.plugs": "30",
            "sites.Town zero-carbon park.pv_kwp": "5000",
            "vpp.months": "[1, 2]",
            "vpp.workdays_only": "false",
            "recycling.policy.informal_share": "0.1",
            "tariff.blocks.valley": "10:00-16:00",
        },
    )
    assert city.products["bus"].capacity_kwh == 300
    assert city.tariff.energy_cny_per_kwh["peak"] == 0.9
    assert city.climate.temperature_c[0] == -12
    assert city.title == "Mytown"
    assert city.start.year == 2027
    assert city.sites.plugs[city.sites.of_kind("bus_depot")].tolist() == [30]
    assert city.sites.pv_kwp[city.sites.of_kind("park")].tolist() == [5000.0]
    assert city.vpp.months == (1, 2)
    assert not city.vpp.workdays_only
    assert city.policy.informal_share == 0.1
    changed = {one.path for one in city.figures if one.source == "set by the user"}
    assert {"sites.bus_depot.plugs", "climate.1.temperature_c"} <= changed


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("fleets.town_bus.vehicels", "5", "vehicles"),
        ("fleats.town_bus.vehicles", "5", "fleets"),
        ("fleets.town_bus", "5", "figure"),
        ("fleets", "5", "fleets"),
        ("fleets.town_bus.vehicles", "-5", "at least 0"),
        ("fleets.town_bus.vehicles", "many", "figure"),
        ("fleets.town_bus.vehicles", "", "figure"),
        ("sites.bus_depo.plugs", "5", "bus_depot"),
        ("sites.bus_depot.plug", "5", "plugs"),
        ("city.climate.latitude.deeper", "5", "one of"),
        ("", "5", "starts with"),
    ],
)
def test_a_wrong_override_is_refused(path: str, value: str, words: str) -> None:
    with pytest.raises(InputErrors) as caught:
        load_city("starter", {path: value})
    assert words in str(caught.value)


def test_loading_leaves_the_files_alone() -> None:
    files = read_files(SHIPPED / "_starter")
    before = dict(files)
    read_city("t", files, {"fleets.town_bus.vehicles": "3"})
    assert files == before
    assert load_city("starter").fleet("town_bus").vehicles == 20


def test_hashes_name_each_file() -> None:
    hashes = input_hashes(SHIPPED / "lanzhou")
    assert set(hashes) == set(FILES)
    content = (SHIPPED / "lanzhou" / "city.toml").read_bytes()
    assert hashes["city.toml"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("source", ["starter", "lanzhou"])
def test_a_new_folder_passes_the_check(tmp_path: Path, source: str) -> None:
    target = tmp_path / "deep" / "my-town"
    written = init_city(target, source)
    assert set(FILES) <= set(written)
    city, problems = check_folder(target)
    assert problems == ()
    assert city is not None
    assert city.name == "my-town"
    assert sorted(path.name for path in target.parent.iterdir()) == ["my-town"]


def test_an_existing_folder_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "town"
    target.mkdir()
    with pytest.raises(InputError, match="exists"):
        init_city(target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "naïve", "x:y", ".."])
def test_a_folder_name_is_portable(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        init_city(tmp_path / name)


def test_a_failed_copy_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zerocity.city.folder.shutil.copyfile", broken)
    with pytest.raises(InputError, match="No space"):
        init_city(tmp_path / "town")
    assert list(tmp_path.iterdir()) == []


def test_every_starter_key_is_explained() -> None:
    """Whoever opens the starter finds a remark above each field of its first fleet."""
    lines = (SHIPPED / "_starter" / "fleets.toml").read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if line.startswith(("km_", "speed_", "vehicles", "target_"))]
    assert keys
    for key in ("vehicles", "speed_kmh", "km_workday", "target_soc"):
        index = next(i for i, line in enumerate(lines) if line.startswith(key + " ="))
        assert lines[index - 1].startswith("# ")


def test_sites_know_who_swaps_what() -> None:
    city = load_city("lanzhou")
    swapping = city.sites.swapping("choco25")
    assert {city.sites.kind[index] for index in swapping} == {"taxi_swap", "integrated_station"}
    assert np.all(city.pool_packs()[swapping] <= city.sites.swap_slots[swapping])
