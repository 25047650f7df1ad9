"""GB/T 34014 codes: made, read back, and judged."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from effort import least_s
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.passports.identity import (
    CHEMISTRIES,
    DAYS,
    KINDS,
    YEARS,
    make_codes,
    parse_code,
    parse_second_life_code,
    readings,
    second_life_codes,
)

TODAY = date(2026, 9, 1)
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def text(size: int) -> st.SearchStrategy[str]:
    return st.text(ALPHANUMERIC, min_size=size, max_size=size)


def one(day: date = date(2021, 3, 12), serial: int = 221953, **over: str) -> str:
    parts = {"maker": "001", "kind": "C", "chemistry": "B", "spec": "24", "trace": "0000003"}
    parts.update(over)
    dates = np.array([day], dtype="datetime64[D]")
    return str(make_codes(**parts, dates=dates, serials=np.array([serial]))[0])


def test_the_public_vectors_are_read(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "passport" / "gbt34014_vectors.json").read_text("utf-8"))
    catl, eve, ambiguous, module = (vector["code"] for vector in vectors)
    for code, vector in ((catl, vectors[0]), (eve, vectors[1])):
        read = parse_code(code, kind="C", not_after=TODAY)
        wanted = vector["expect"]
        assert read.maker == wanted["manufacturer"]
        assert KINDS[read.kind] == wanted["type"]
        assert f"{read.chemistry} {CHEMISTRIES[read.chemistry]}" == wanted["chem"]
        assert read.made.isoformat() == wanted["date"]
        assert read.serial == wanted["serial"]
        assert len(readings(code, not_after=TODAY)) == 1
    both = readings(ambiguous, not_after=TODAY)
    assert [(code.made, code.shifted) for code in both] == [
        (date(2022, 7, 31), False),
        (date(2020, 12, 7), True),
    ]
    assert [code.serial for code in both] == ["0002596", "00002596"]
    assert parse_code(module).kind == "M"
    with pytest.raises(InputError, match=r"a module code, wanted a pack code"):
        parse_code(module, kind="P")


def test_date_symbols_are_those_of_the_standard() -> None:
    assert len(YEARS) == 30
    assert len(DAYS) == 31
    assert not set(YEARS + DAYS) & set("IOQUZ")
    assert one(date(2011, 1, 1))[14:17] == "111"
    assert one(date(2019, 10, 10))[14:17] == "9AA"
    assert one(date(2020, 12, 31))[14:17] == "AC0"
    assert one(date(2021, 3, 12))[14:17] == "B3C"
    assert one(date(2040, 11, 30))[14:17] == "YBY"


def test_a_known_code_is_made() -> None:
    assert one() == "001CB240000003B3C0221953"


@given(
    maker=text(3), kind=st.sampled_from(sorted(KINDS)), chemistry=st.sampled_from("ABCDEFGZ"),
    spec=text(2), trace=text(7), day=st.dates(date(2011, 1, 1), date(2040, 12, 31)),
    serial=st.integers(0, 9_999_999),
)  # fmt: skip
def test_what_is_made_is_read_back(
    maker: str, kind: str, chemistry: str, spec: str, trace: str, day: date, serial: int
) -> None:
    made = one(day, serial, maker=maker, kind=kind, chemistry=chemistry, spec=spec, trace=trace)
    read = parse_code(made, kind=kind)
    got = (read.maker, read.kind, read.chemistry, read.spec, read.trace, read.made)
    assert got == (maker, kind, chemistry, spec, trace, day)
    assert int(read.serial) == serial
    assert not read.shifted


@given(st.text(ALPHANUMERIC, min_size=24, max_size=24))
def test_any_text_is_a_code_or_a_clear_error(code: str) -> None:
    with suppress(InputError):  # any other exception fails the test
        assert date(2011, 1, 1) <= parse_code(code).made <= date(2040, 12, 31)


def test_a_hundred_thousand_codes_are_quick_and_unique() -> None:
    count = 105_000
    days = np.datetime64("2018-01-01") + np.arange(count) % 2500

    def make() -> Any:
        return make_codes("001", "P", "B", "24", "0000003", days, np.arange(count))

    codes = make()
    assert least_s(make) < 0.5
    assert codes.shape == (count,)
    assert np.unique(codes).size == count
    assert parse_code(str(codes[70_003])).made == date(2018, 1, 1) + timedelta(days=70_003 % 2500)


def test_fields_may_differ_by_code() -> None:
    codes = make_codes(
        ["001", "04Q"], "P", ["B", "E"], "24", ["AAAAAAA", "BBBBBBB"],
        np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"), np.array([1, 2]),
    )  # fmt: skip
    assert codes.tolist() == ["001PB24AAAAAAAA110000001", "04QPE24BBBBBBBB110000002"]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"maker": "01"}, "maker: got '01'"),
        ({"spec": "2445"}, "specification: got '2445'"),
        ({"trace": "00000a3"}, "traceability: got '00000a3'"),
        ({"trace": "000000é"}, "traceability"),
        ({"kind": "X"}, "P pack, M module, C cell"),
        ({"chemistry": "H"}, "chemistry: got 'H'"),
    ],
)
def test_a_bad_field_is_refused(over: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        one(**over)


def test_serial_and_date_outside_the_code_are_refused() -> None:
    with pytest.raises(InputError, match="serial"):
        one(serial=10_000_000)
    with pytest.raises(InputError, match="2011 to 2040"):
        one(date(2010, 12, 31))
    with pytest.raises(InputError, match="one a serial"):
        make_codes("001", "P", "B", "24", "0000003", np.array([], dtype="M8[D]"), np.array([1]))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("001CB24", "7 characters"),
        ("001cB240000003B3C0221953", "'c'"),
        ("001XB240000003B3C0221953", "4th character"),
        ("001CH240000003B3C0221953", "5th character"),
        ("001CB240000003O3C0221953", "symbols of year"),
        ("001CB240000003B2X0221953", "2021-02-29, wanted a day of the calendar"),
        ("001CB240000003B3C022195X", "serial"),
    ],
)
def test_a_bad_code_is_refused(code: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_code(code)


def test_the_thirtieth_of_february_is_refused() -> None:
    with pytest.raises(InputError, match="2021-02-30, wanted a day of the calendar"):
        parse_code("001CB240000003B2Y0221953")


def test_a_day_to_come_is_refused() -> None:
    with pytest.raises(InputError, match="at latest 2021-03-11"):
        parse_code(one(), not_after=date(2021, 3, 11))
    with pytest.raises(InputError):
        readings(one(), not_after=date(2012, 1, 1))


def test_a_second_life_code_keeps_the_head_of_the_first() -> None:
    first = np.array([one(kind="P")])
    days = np.array(["2027-05-31"], dtype="datetime64[D]")
    code = str(second_life_codes(first, days, np.array([42]))[0])
    assert code == "001PB24H500000042RP"
    read = parse_second_life_code(code)
    assert (read.maker, read.kind, read.made, read.serial) == (
        "001",
        "P",
        date(2027, 5, 31),
        "0000042",
    )


@pytest.mark.parametrize("code", ["001PB24H500000042XP", "001PB24H500000042RX", "001PB24"])
def test_a_bad_second_life_code_is_refused(code: str) -> None:
    with pytest.raises(InputError):
        parse_second_life_code(code)


def test_a_second_life_code_needs_a_whole_first_code() -> None:
    with pytest.raises(InputError, match="24 characters"):
        second_life_codes(np.array(["001PB24"]), np.array(["2027-05-31"], "M8[D]"), np.array([1]))
