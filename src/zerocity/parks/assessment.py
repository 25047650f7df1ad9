"""A park held against the 2025 national notice on zero-carbon parks: gap and evidence.

The notice is NDRC, MIIT and NEA, Fagai huanzi [2025] 910. Its core indicator is carbon per unit of
energy: at most 0.2 tCO2/tce for parks that use 0.2-1 million tce a year and at most 0.3 tCO2/tce
from 1 million tce. These bounds and the 90 % clean-energy share of its guiding indicators come
from three published summaries; the annex itself was not read, so both are marked as such.
Parks below 0.2 million tce are held against the stricter limit as a yardstick only.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from zerocity.parks.indicators import GUIDES, Guide, ParkIndicators, ParkSpec

SMALL_PARK_TCE = 200_000.0
LARGE_PARK_TCE = 1_000_000.0
LIMIT_BELOW_LARGE = 0.2
LIMIT_LARGE = 0.3
CLEAN_SHARE_GUIDE = 0.9


@dataclass(frozen=True)
class Evidence:
    """One claim, what stands behind it, and its standing: measured, stated, assumed or missing."""

    claim: str
    basis: str
    standing: str


@dataclass(frozen=True)
class ParkResult:
    """A park against the notice.

    ``gap_t_per_tce`` > 0 is what is missing; ``gap_carbon_t`` the yearly carbon to remove and
    ``gap_clean_mwh`` the yearly grid energy to replace by clean supply. ``in_scope`` is False for
    parks below the notice's smallest size.
    """

    name: str
    indicators: ParkIndicators
    annual_energy_tce: float
    limit_t_per_tce: float
    in_scope: bool
    meets_core: bool
    meets_clean_share: bool
    gap_t_per_tce: float
    gap_carbon_t: float
    gap_clean_mwh: float
    evidence: tuple[Evidence, ...]
    spec: ParkSpec

    def summary(self) -> dict[str, float | bool | str | list[str] | list[dict[str, str]]]:
        """Plain values for a run's summary; ratios that are nan stay out."""
        numbers = {k: v for k, v in asdict(self.indicators).items() if not math.isnan(v)}
        return {
            **numbers,
            "annual_energy_tce": self.annual_energy_tce,
            "limit_t_per_tce": self.limit_t_per_tce,
            "in_scope": self.in_scope,
            "meets_core": self.meets_core,
            "meets_clean_share": self.meets_clean_share,
            "gap_t_per_tce": self.gap_t_per_tce,
            "gap_carbon_t": self.gap_carbon_t,
            "gap_clean_mwh": self.gap_clean_mwh,
            # So that a run's park can be judged again from the run alone.
            "sites": list(self.spec.sites),
            "green_import_share": self.spec.green_import_share,
            "other_energy_tce": self.spec.other_energy_tce,
            "other_carbon_t": self.spec.other_carbon_t,
            **{one.field: told for one in GUIDES if (told := self.spec.told(one)) is not None},
            "evidence": [asdict(item) for item in self.evidence],
        }


def limit_t_per_tce(annual_energy_tce: float) -> float:
    """The core limit by yearly energy [tCO2/tce]."""
    return LIMIT_LARGE if annual_energy_tce >= LARGE_PARK_TCE else LIMIT_BELOW_LARGE


def assess(spec: ParkSpec, found: ParkIndicators) -> ParkResult:
    """Hold measured indicators against the notice. A park that used nothing meets nothing."""
    per_year = 365.0 / found.days if found.days > 0.0 else 0.0
    annual_tce = spec.annual_energy_tce or found.energy_tce * per_year
    limit = limit_t_per_tce(annual_tce)
    measured = not math.isnan(found.carbon_t_per_tce)
    gap = max(0.0, found.carbon_t_per_tce - limit) if measured else 0.0
    gap_carbon = gap * found.energy_tce * per_year
    grid_t = found.carbon_kg_per_kwh * found.consumed_kwh / 1000.0
    kg_per_kwh = grid_t * 1000.0 / found.import_kwh if found.import_kwh > 0.0 else math.nan
    return ParkResult(
        name=spec.name,
        indicators=found,
        annual_energy_tce=annual_tce,
        limit_t_per_tce=limit,
        in_scope=annual_tce >= SMALL_PARK_TCE,
        meets_core=measured and found.carbon_t_per_tce <= limit,
        meets_clean_share=measured and found.clean_annual >= CLEAN_SHARE_GUIDE,
        gap_t_per_tce=gap,
        gap_carbon_t=gap_carbon,
        gap_clean_mwh=gap_carbon / kg_per_kwh if kg_per_kwh > 0.0 else 0.0,
        evidence=_evidence(spec, found),
        spec=spec,
    )


def _evidence(spec: ParkSpec, found: ParkIndicators) -> tuple[Evidence, ...]:
    period = f"{found.days:g} days of meter readings"
    other = spec.other_energy_tce > 0.0 or spec.other_carbon_t > 0.0
    items = [
        Evidence("grid import and export", period, "measured"),
        Evidence("own generation used", period, "measured"),
        Evidence("grid emission factor", "the city's factor table", "measured"),
        Evidence(
            "energy other than electricity",
            f"{spec.other_energy_tce:g} tce a year, stated by the city" if other else "taken as 0",
            "assumed",
        ),
        Evidence("limits of the notice", "three published summaries, annex not read", "assumed"),
    ]
    if spec.green_import_share > 0.0:
        share = f"{spec.green_import_share:.0%} of import, contract or certificates to be shown"
        items.append(Evidence("traced green supply", share, "assumed"))
    if found.days < 365.0:
        items.append(Evidence("a whole year", f"{found.days:g} days scaled to a year", "assumed"))
    return (*items, *(_guide(spec, one) for one in GUIDES))


def _guide(spec: ParkSpec, one: Guide) -> Evidence:
    claim, told = f"{one.name} ({one.limit})", spec.told(one)
    if told is None:
        return Evidence(claim, "not in the meters", "missing")
    return Evidence(claim, f"{told:.0%}, stated by the city", "stated")
