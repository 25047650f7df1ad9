"""EverBatt figures against the recalculated workbook."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from zerocity.errors import InputError
from zerocity.recycling.everbatt import (
    CELL_KG_PER_KWH,
    PROCESSES,
    figures,
    max_price_usd_per_kwh,
)


def test_the_table_is_the_workbook(shared_data: Path) -> None:
    with (shared_data / "recycling" / "everbatt2023_summary.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["location"] == "China"]
    keys = {row["chem"].lower().replace("(", "").replace(")", ""): row for row in rows}
    assert set(keys) == set(CELL_KG_PER_KWH)
    columns = ("maxprice_pyro_usd_kWh", "maxprice_hydro", "maxprice_direct")
    ghg = ("ghg_pyro_g_kg", "ghg_hydro", "ghg_direct")
    for key, row in keys.items():
        assert CELL_KG_PER_KWH[key] == float(row["cell_kg_per_kWh"])
        for process, price, carbon in zip(PROCESSES, columns, ghg, strict=True):
            figure = figures(key, process)
            assert figure.cost_usd == float(row[f"cost_{process}"])
            assert figure.revenue_usd == float(row[f"rev_{process}"])
            assert figure.fee_usd == float(row["feed_fee_usd_kg"])
            assert figure.process_kgco2 * 1000 == pytest.approx(float(row[carbon]))
            got = max_price_usd_per_kwh(key, process)
            assert got == pytest.approx(float(row[price]), abs=6e-4)


@pytest.mark.parametrize(
    ("chemistry", "usd"),
    [("nmc111", 20.5), ("nmc532", 15.5), ("nmc622", 16.2), ("nmc811", 12.9), ("nca", 15.7),
     ("lfp", 1.1)],
)  # fmt: skip
def test_what_a_chinese_hydro_plant_can_pay(chemistry: str, usd: float) -> None:
    assert round(max_price_usd_per_kwh(chemistry, "hydro"), 1) == usd


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="stand-in"):
        figures("naion", "hydro")
    with pytest.raises(InputError, match="pyro, hydro, direct"):
        figures("lfp", "magic")
