"""Where the meters are: a small file, and what is said of a wrong one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.app.meters_file import read_addresses
from zerocity.errors import InputError
from zerocity.protocols.sunspec.site import SiteAddress

NAMES = ["Depot", "Park, north"]
HEAD = "site,host,port\n"
LONG = "site,host,port,grid,feeder,sun,store,export_positive\n"


def read(folder: Path, text: str) -> list[SiteAddress]:
    path = folder / "meters.csv"
    path.write_text(text)
    return read_addresses(path, NAMES)


def test_three_columns_will_do(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + 'Depot,10.1.0.20,502\n"Park, north", meter.example ,1502\n')
    assert found == [
        SiteAddress("Depot", "10.1.0.20", 502),
        SiteAddress("Park, north", "meter.example", 1502),
    ]


def test_other_units_and_signs(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "\ufeff" + LONG + "Depot,h,502,11,-,,12,yes\n")
    usual = SiteAddress("Depot", "h", 502)
    assert found == SiteAddress(
        "Depot", "h", 502, grid=11, feeder=None, sun=usual.sun, store=12, export_positive=True
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column site"),
        ("site,host\nDepot,h\n", "no column port"),
        ("site,host,port,colour\n", "'colour'"),
        (HEAD + "Nowhere,h,502\n", "line 2, site"),
        (HEAD + "Depot,,502\n", "line 2, host"),
        (HEAD + "Depot,h,0\n", "line 2, port"),
        (HEAD + "Depot,h,x\n", "line 2, port"),
        (HEAD + "Depot,h\n", "line 2, port"),
        (HEAD + "Depot,h,502,7\n", "more fields"),
        (HEAD + "Depot,h,502\nDepot,i,502\n", "line 3, site"),
        (LONG + "Depot,h,502,-,,,,\n", "line 2, grid"),
        (LONG + "Depot,h,502,,248,,,\n", "line 2, feeder"),
        (LONG + "Depot,h,502,,,,,maybe\n", "line 2, export_positive"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv"):
        read_addresses(tmp_path / "none.csv", NAMES)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("meters") / "m.csv"
    path.write_bytes(HEAD.encode() + data)
    with suppress(InputError):
        assert len(read_addresses(path, NAMES)) <= len(NAMES)
