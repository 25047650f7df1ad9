"""Emission factors: the latest year that is known, and clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerocity.carbon.factors import Factor, Factors, parse_factors
from zerocity.errors import InputError, InputErrors

HEAD = "year,area,kgCO2_per_kWh,certainty,source\n"
TABLE = Factors(
    (
        Factor(2021, "Gansu", 0.4955, "read", "a"),
        Factor(2023, "Gansu", 0.4471, "read", "b"),
        Factor(2022, "China", 0.5366, "read", "c"),
    )
)


def test_the_asked_year_is_taken_when_known() -> None:
    found = TABLE.lookup("Gansu", 2023)
    assert found.kgco2_per_kwh == 0.4471
    assert not found.older
    assert found.note == ""


def test_the_latest_earlier_year_stands_in_and_says_so() -> None:
    assert TABLE.lookup("Gansu", 2022).factor.year == 2021
    found = TABLE.lookup("Gansu", 2030)
    assert found.factor.year == 2023
    assert found.older
    assert found.note == "factor of Gansu 2023 stands in for 2030"


def test_a_later_year_never_stands_in() -> None:
    with pytest.raises(InputError, match="from 2021 on"):
        TABLE.lookup("Gansu", 2020)


def test_an_unknown_region_lists_the_known() -> None:
    with pytest.raises(InputError, match="China, Gansu"):
        TABLE.lookup("Mars", 2023)


def test_columns_may_come_in_any_order_and_commas_in_quotes() -> None:
    text = 'area,source,certainty,year,kgCO2_per_kWh,note\nX,"a, b",read,2023,0.5,n\n'
    assert parse_factors(text, "f.csv").rows == (Factor(2023, "X", 0.5, "read", "a, b"),)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2023,X,high,read,s", "line 2 kgCO2_per_kWh: got 'high'"),
        ("2023,X,447,read,s", "Divide g/kWh by 1000"),
        ("2023,X,nan,read,s", "0 to 3"),
        ("2023,X,-0.1,read,s", "0 to 3"),
        ("2023.5,X,0.4,read,s", "line 2 year"),
        ("2023,X,0.4,read,", "nothing in source"),
        ("2023,X,0.4", "nothing in certainty, source"),
    ],
)
def test_a_bad_row_names_its_line(row: str, message: str) -> None:
    with pytest.raises(InputErrors, match=message):
        parse_factors(HEAD + row + "\n", "f.csv")


def test_every_bad_line_is_listed_and_twins_are_refused() -> None:
    text = HEAD + "2023,X,0.4,read,s\n2023,X,0.5,read,s\nx,Y,0.5,read,s\n"
    with pytest.raises(InputErrors) as caught:
        parse_factors(text, "f.csv")
    assert len(caught.value.errors) == 2
    assert "line 3: got X 2023 again" in str(caught.value)


def test_a_missing_column_and_an_empty_table_are_refused() -> None:
    with pytest.raises(InputError, match="no column area"):
        parse_factors("year,kgCO2_per_kWh,certainty,source\n", "f.csv")
    with pytest.raises(InputError, match="no rows"):
        parse_factors(HEAD, "f.csv")


def test_the_chinese_table_is_read(shared_data: Path) -> None:
    text = (shared_data / "city" / "emission_factors_cn.csv").read_text(encoding="utf-8")
    table = parse_factors(text, "emission_factors_cn.csv")
    assert len(table.rows) == 17
    assert table.lookup("Gansu", 2023).kgco2_per_kwh == 0.4471
    # One public copy swaps these two years.
    assert table.lookup("China", 2022).kgco2_per_kwh == 0.5366
    assert table.lookup("China", 2021).kgco2_per_kwh == 0.5568
