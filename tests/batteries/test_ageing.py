from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zerocity.batteries import ageing
from zerocity.errors import InputError

DAYS = np.array([1.0, 5.0, 10.0, 15.0]) * 365.0
EFC = np.array([500.0, 1000.0, 3000.0, 6000.0])
AH = np.array([1000.0, 3000.0, 10000.0])

CALENDAR = {
    "lfp250": ageing.lfp250_calendar,
    "naumann": ageing.naumann_calendar,
    "schimpe": ageing.schimpe_calendar,
    "nmcA": ageing.nmc_a_calendar,
    "nmcB1": ageing.nmc_b1_calendar,
}
CYCLE = {
    "lfp250": ageing.lfp250_cycle,
    "nmcA": ageing.nmc_a_cycle,
    "nmcB1": ageing.nmc_b1_cycle,
}
# The cell of the Schmalstieg anchor holds 2.15 Ah, whatever its name says, and charge counts both
# ways: 500, 1000 and 3000 cycles are 2150, 4300 and 12900 Ah.
SINGLE: dict[str, Callable[[], ageing.Floats]] = {
    "schmalstieg_cal T35 V3.7": lambda: ageing.schmalstieg_calendar(35.0, 3.7, DAYS[:3]),
    "schmalstieg_cyc V3.7 dod.8 Ah(2.05Ah cell) ": lambda: ageing.schmalstieg_cycle(
        3.7, 0.8, 4.3 * EFC[:3]
    ),
    "wang2011 T60 C/2 Ah": lambda: ageing.wang_cycle(60.0, 0.5, AH),
    "wang2011 T15 C/2": lambda: ageing.wang_cycle(15.0, 0.5, AH),
    "wang2011 T45 2C": lambda: ageing.wang_cycle(45.0, 2.0, AH),
    "schimpe_cyc_highT T25, Ah tot 6000/18000/36000 (3 Ah cell: 1000/3000/6000 EFC)": (
        lambda: ageing.schimpe_cycle_warm(25.0, 6.0 * EFC[1:])
    ),
    "schimpe_lowT 1C charge T25/10/0, 1000 EFC (3000 Ah charge)": (
        lambda: ageing.schimpe_cycle_cold(np.array([25.0, 10.0, 0.0]), 1.0, 3000.0)
    ),
}


def closed_form(key: str) -> ageing.Floats:
    """The law and the stress that an anchor's name stands for."""
    if key in SINGLE:
        return SINGLE[key]()
    law, _, rest = key.partition("_")
    words = re.findall(r"([A-Za-z]+)([0-9.]+)", rest)
    stress = {name: float(text) for name, text in words}
    if rest.startswith("cal"):
        return CALENDAR[law](stress["T"], stress["soc"], DAYS)
    if law == "naumann":
        return ageing.naumann_cycle(stress["doc"], stress["c"], EFC)
    return CYCLE[law](stress["T"], stress["dod"], stress["c"], EFC)


def test_every_anchor_is_met(shared_data: Path) -> None:
    anchors = json.loads((shared_data / "battery/ageing/anchors.json").read_text())
    assert len(anchors) == 61
    for key, wanted in anchors.items():
        np.testing.assert_allclose(closed_form(key), wanted, rtol=1e-6, err_msg=key)


def test_the_anode_potential_meets_its_two_published_values() -> None:
    assert ageing.anode_potential_v(0.5) == pytest.approx(0.12330, abs=5e-6)
    assert ageing.anode_potential_v(1.0) == pytest.approx(0.08638, abs=5e-6)


def test_wang_knows_the_tested_rates_alone() -> None:
    with pytest.raises(InputError, match="rate_c"):
        ageing.wang_cycle(25.0, 1.0, 100.0)


def test_resistance_grows_with_age_and_never_shrinks() -> None:
    assert ageing.naumann_resistance_calendar(35.0, 0.5, 365.0) > (
        ageing.naumann_resistance_calendar(25.0, 0.5, 365.0)
    )
    assert ageing.naumann_resistance_cycle(0.8, 3.0, 1000.0) == 0.0
    assert ageing.schmalstieg_resistance_cycle(3.7, 0.01, 1000.0) == 0.0
    assert 0.0 < ageing.schmalstieg_resistance_calendar(25.0, 3.7, 365.0) < 0.2
