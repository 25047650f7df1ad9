"""Reuse or recycle: the law first, then what each way is worth, pack by pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Five points integrate a normal error exactly for polynomials up to degree nine.
_NODES, _RAW_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _RAW_WEIGHTS / _RAW_WEIGHTS.sum()


@dataclass(frozen=True)
class SecondLife:
    """What a second life costs and brings. Money in CNY of the run's year.

    use, station_kwh : where the packs go (a use of the gate) and the size of that station [kWh].
    new_price_cny_per_kwh : price of the new pack it replaces. 664 = EverBatt 2023 LFP pack cost in
        China, 94.9 USD/kWh, at 7 CNY/USD. Prices of 2025 are lower (40-60 USD/kWh for cells,
        unconfirmed): below about 500 the margin of reuse vanishes.
    repack_cost_cny_per_kwh : 210 = 27 EUR/kWh, the low end of Lieskoski 2024 (27-38), at 7.8.
    bms_cost_cny_per_kwh, test_cost_cny (a pack), liability_cny_per_kwh (paid at a failure),
        failure_per_year : assumed.
    value_cny_per_kwh : what one kWh discharged earns (price spread after losses). Assumed.
    cycles_per_year, max_years, end_soh : duty of the second life. Assumed.
    new_life_years, new_end_soh : life of the new pack it replaces. Assumed.
    fade_per_year : SoH lost a year in second life, by the longest matching start of the chemistry
        key. Assumed: in the order LFP < NMC < NCA.
    discount_rate : a year. Assumed.
    soh_error : standard error of the tested SoH. Assumed.
    """

    use: str = "stationary"
    station_kwh: float = 900.0
    new_price_cny_per_kwh: float = 664.0
    repack_cost_cny_per_kwh: float = 210.0
    bms_cost_cny_per_kwh: float = 30.0
    test_cost_cny: float = 400.0
    liability_cny_per_kwh: float = 500.0
    failure_per_year: float = 0.001
    value_cny_per_kwh: float = 0.35
    cycles_per_year: float = 300.0
    max_years: float = 10.0
    end_soh: float = 0.5
    new_life_years: float = 15.0
    new_end_soh: float = 0.7
    fade_per_year: Mapping[str, float] = field(
        default_factory=lambda: {"": 0.03, "lfp": 0.018, "nmc": 0.03, "nca": 0.05}
    )
    discount_rate: float = 0.06
    soh_error: float = 0.015

    def __post_init__(self) -> None:
        for name in ("cycles_per_year", "max_years", "new_life_years", "new_price_cny_per_kwh"):
            if getattr(self, name) <= 0:
                raise InputError(f"second_life.{name}", str(getattr(self, name)), "more than 0")
        if not 0.0 < self.end_soh < 1.0:
            raise InputError("second_life.end_soh", str(self.end_soh), "a fraction in (0, 1)")
        if self.discount_rate <= -1.0 or self.soh_error < 0:
            raise InputError(
                "second_life.discount_rate, soh_error",
                f"{self.discount_rate}, {self.soh_error}",
                "> -1 and >= 0",
            )
        if "" not in self.fade_per_year or min(self.fade_per_year.values()) <= 0:
            raise InputError(
                "second_life.fade_per_year",
                str(dict(self.fade_per_year)),
                'values above 0 and a default under ""',
            )
