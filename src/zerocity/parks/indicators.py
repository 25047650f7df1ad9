"""Indicators of a zero-carbon industrial park from its hourly energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError


@dataclass(frozen=True)
class ParkSpec:
    """What the notice needs to know of a park beside its electricity.

    Attributes
    ----------
    name : the park; ``sites`` are the city's site names whose meters count for it.
    other_energy_tce : yearly energy that is not electricity (heat, fuel) [tce] and its direct
        emission ``other_carbon_t`` [tCO2]. Both 0 = an all-electric park (assumed).
    annual_energy_tce : the size that decides the limit [tce]; 0 = taken from the measured energy.
    green_import_share : share of the imported energy bought with traced green supply, 0-1.
    """

    name: str
    sites: tuple[str, ...] = ()
    other_energy_tce: float = 0.0
    other_carbon_t: float = 0.0
    annual_energy_tce: float = 0.0
    green_import_share: float = 0.0

    def __post_init__(self) -> None:
        for field in ("other_energy_tce", "other_carbon_t", "annual_energy_tce"):
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0.0):
                raise InputError(
                    f"parks.{self.name}.{field}", str(value), "a finite number of at least 0"
                )
        if not 0.0 <= self.green_import_share <= 1.0:
            came = str(self.green_import_share)
            raise InputError(f"parks.{self.name}.green_import_share", came, "a share from 0 to 1")
