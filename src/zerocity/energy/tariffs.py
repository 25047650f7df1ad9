"""What grid energy costs at each step: time-of-use blocks, fixed parts, demand charge, spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A retail tariff.

    Parameters
    ----------
    energy_cny_per_kwh : the floating generation part by block name, e.g. valley, flat, peak.
    blocks : (block name, start hour, end hour) of the local day; together they cover 0-24 once.
    fixed_cny_per_kwh : parts that do not float, by name (network, funds, system operation).
    demand_charge_cny_per_kw_month : price of the month's highest import.
    export_cny_per_kwh : price paid for export at every step.
    spot_cny_per_kwh : (steps,) series that replaces the generation part, or None.
    min_peak_valley_ratio : least ratio of dearest to cheapest block, 0 = not checked.
    """

    energy_cny_per_kwh: Mapping[str, float]
    blocks: tuple[tuple[str, float, float], ...]
    fixed_cny_per_kwh: Mapping[str, float] = field(default_factory=dict)
    demand_charge_cny_per_kw_month: float = 0.0
    export_cny_per_kwh: float = 0.0
    spot_cny_per_kwh: FloatArray | None = None
    min_peak_valley_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Prices:
    """Energy prices over a run, each (steps,) [CNY/kWh].

    ``buy`` = ``generation`` + ``fixed``; ``sell`` is paid for export.
    """

    buy: FloatArray
    sell: FloatArray
    generation: FloatArray
    fixed: FloatArray
