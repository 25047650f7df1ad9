"""What a plant costs, earns and emits per kg of cells: EverBatt 2023, China, 10,000 t/year.

Argonne National Laboratory, EverBatt 2023 workbook, recalculated with its default 0.25 kWh cells;
2020 US dollars. ``fee`` is paid by the plant to the owner (negative: the owner pays). ``cost``
includes the fee.
"""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.errors import InputError

PROCESSES = ("pyro", "hydro", "direct")


@dataclass(frozen=True, slots=True)
class Figures:
    """Per kg of cells fed: fee, cost, revenue [USD/kg], process carbon [kgCO2e/kg]."""

    fee_usd: float
    cost_usd: float
    revenue_usd: float
    process_kgco2: float

    @property
    def worth_usd(self) -> float:
        """The most that a recycler can pay and not lose [USD/kg of cells]."""
        return self.revenue_usd - self.cost_usd + self.fee_usd


# chemistry: cell kg/kWh, fee, then (cost, revenue, kgCO2) for pyro, hydro, direct
_ROWS: dict[str, tuple[float, float, tuple[tuple[float, float, float], ...]]] = {
    "nmc111": (3.4095, 1.9103, ((3.8981, 6.6139, 1.6912302), (4.006, 8.0971, 2.5878354),
                                (4.9098, 10.7655, 2.6979185))),
    "nmc532": (3.2327, 1.5255, ((3.4712, 5.3885, 1.7454993), (3.549, 6.8241, 2.5268415),
                                (4.4324, 9.8673, 2.6330196))),
    "nmc622": (3.1926, 1.6452, ((3.6237, 5.7665, 1.7734163), (3.6765, 7.1038, 2.5053164),
                                (4.5448, 10.1797, 2.6148247))),
    "nmc811": (2.9765, 1.4393, ((3.4076, 5.1035, 1.852006), (3.4142, 6.3235, 2.4225809),
                                (4.2571, 10.1361, 2.5288066))),
    "nca": (3.0773, 1.6999, ((3.705, 5.9237, 1.8313847), (3.705, 7.1012, 2.4095316),
                             (4.5949, 10.3824, 2.5870519))),
    "lfp": (4.2382, -2.0, ((-0.3687, 0.674, 1.5316781), (-0.7647, 1.4924, 0.8407453),
                           (0.2462, 4.6177, 2.3747292))),
}  # fmt: skip

CELL_KG_PER_KWH: dict[str, float] = {key: row[0] for key, row in _ROWS.items()}

# USD/kg of product, EverBatt 2023. Li follows from crude Li2CO3 at 8.57 USD/kg (mass share of
# lithium 2 x 6.941 / 73.891). The graphite price is derived: it closes the gap between the sum
# over metals and EverBatt's hydro revenue to within 0.02 USD/kg of cells for six chemistries.
PRICES_USD_PER_KG: dict[str, float] = {
    "Li": 8.57 * 73.891 / (2.0 * 6.941),
    "Ni": 16.85,
    "Co": 50.35,
    "Mn": 3.15,
    "Cu": 7.1,
    "Al": 1.1,
    "graphite": 0.21,
}


def figures(chemistry: str, process: str) -> Figures:
    """The plant's figures for a chemistry key and a process of PROCESSES."""
    if process not in PROCESSES:
        raise InputError("process", repr(process), "one of " + ", ".join(PROCESSES))
    if chemistry not in _ROWS:
        raise InputError(
            "chemistry", repr(chemistry), "one of " + ", ".join(_ROWS),
            "Name a stand-in for it in the processing base",
        )  # fmt: skip
    _, fee, by_process = _ROWS[chemistry]
    return Figures(fee, *by_process[PROCESSES.index(process)])


def max_price_usd_per_kwh(chemistry: str, process: str) -> float:
    """The most a recycler can pay for cells [USD/kWh of rated energy]."""
    return figures(chemistry, process).worth_usd * CELL_KG_PER_KWH[chemistry]
