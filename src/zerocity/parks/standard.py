"""A park against every indicator of the 2025 notice: value, limit, verdict, and how sure.

The notice (Fagai huanzi [2025] 910) has one core indicator and five guiding ones; values as in
`assessment`. Meters can judge two of the six; the other four are what the park states, or missing,
so that nobody takes silence for a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from zerocity.errors import InputError
from zerocity.parks.assessment import CLEAN_SHARE_GUIDE, Evidence, ParkResult, assess
from zerocity.parks.indicators import GUIDES, ParkIndicators, ParkSpec, indicators
from zerocity.parks.matching import Matching, ParkMeters, match
from zerocity.parks.park_case import Levers

NOTICE = "Fagai huanzi [2025] 910, as printed by three published summaries; annex not read"


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One indicator of the notice.

    ``value`` is nan where nothing was measured; ``met`` None then. ``low`` and ``high`` span the
    value over the readings that ``why`` names.
    """

    name: str
    kind: str
    value: float
    unit: str
    limit: str
    met: bool | None
    low: float
    high: float
    certainty: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Closing:
    """One way to close the gap alone: how much, what it costs a year, and what is left [t]."""

    way: str
    amount_mwh: float
    cost_cny: float
    left_t: float
    source: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """A park held against the notice.

    ``basis`` says what the meters are: a run's series, or a made year.
    """

    result: ParkResult
    rows: tuple[IndicatorRow, ...]
    matching: Matching
    closings: tuple[Closing, ...]
    sentences: tuple[str, ...]
    basis: str


def judge(
    spec: ParkSpec,
    meters: ParkMeters,
    basis: str,
    *,
    metered: bool = True,
    other_factors: Mapping[str, float] | None = None,
    certificates_kwh: float = 0.0,
    grid_clean_share: float = 0.0,
    levers: Levers | None = None,
    limit: float | None = None,
) -> Assessment:
    """Judge a park by its meters.

    Parameters
    ----------
    basis : where the meters come from, for the reader. ``metered`` : False for a made year, whose
        readings are then marked as assumed.
    other_factors : further grid factors by name [kgCO2/kWh] that the method could ask for.
    certificates_kwh : green certificates of the period; shown apart, they close no gap here.
    grid_clean_share : clean part of the grid's own mix, for Google's score alone.
    levers : prices of the ways out. ``limit`` : core limit [tCO2/tce] in place of the notice's.
    """
    if limit is not None and not (math.isfinite(limit) and limit >= 0.0):
        raise InputError("--limit", str(limit), "a finite number of at least 0 tCO2/tce")
    hourly = _unless_idle(meters.by_hour())
    result = assess(spec, _indicators(spec, hourly, hourly.grid_kgco2_per_kwh))
    result = result if limit is None else _against(result, limit)
    result = result if metered else _as_made(result, basis)
    readings = _readings(spec, hourly, other_factors or {})
    matching = match(hourly, spec.green_import_share, certificates_kwh, grid_clean_share)
    closings = _closings(spec, result, levers or Levers())
    rows = (_core(result, readings), _clean(result, matching), *_guides(spec))
    return Assessment(result, rows, matching, closings, _sentences(spec, result, closings), basis)


def _indicators(spec: ParkSpec, meters: ParkMeters, factor: object) -> ParkIndicators:
    return indicators(
        spec,
        import_kwh=meters.import_kwh,
        export_kwh=meters.export_kwh,
        generation_kwh=meters.pv_kwh + meters.direct_kwh,
        load_kwh=meters.use_kwh,
        grid_kgco2_per_kwh=factor,  # type: ignore[arg-type]
        step_h=meters.step_h,
    )


def _unless_idle(meters: ParkMeters) -> ParkMeters:
    """Zeros where nothing was used: a park that only sells sun has no indicator."""
    if float(meters.use_kwh.sum()) > 0.0:
        return meters
    none = np.zeros_like(meters.use_kwh)
    factor = meters.grid_kgco2_per_kwh
    return ParkMeters(meters.step_h, none, none, none, none, none, none, none, factor)


def _as_made(result: ParkResult, basis: str) -> ParkResult:
    """The same result, its meter readings marked for what they are."""
    made = (replace(e, basis=basis, standing="assumed") if _is_reading(e) else e
            for e in result.evidence)  # fmt: skip
    return replace(result, evidence=tuple(made))


def _is_reading(item: Evidence) -> bool:
    return item.standing == "measured" and "meter readings" in item.basis


def _against(result: ParkResult, limit: float) -> ParkResult:
    """The same result against a limit of the user's own."""
    found = result.indicators
    measured = not math.isnan(found.carbon_t_per_tce)
    gap = max(0.0, found.carbon_t_per_tce - limit) if measured else 0.0
    carbon = gap * found.energy_tce * _per_year(result)
    scale = carbon / result.gap_carbon_t if result.gap_carbon_t > 0.0 else 0.0
    return replace(
        result,
        limit_t_per_tce=limit,
        meets_core=measured and found.carbon_t_per_tce <= limit,
        gap_t_per_tce=gap,
        gap_carbon_t=carbon,
        gap_clean_mwh=result.gap_clean_mwh * scale,
    )


def _per_year(result: ParkResult) -> float:
    days = result.indicators.days
    return 365.0 / days if days > 0.0 else 0.0


def _readings(
    spec: ParkSpec, meters: ParkMeters, factors: Mapping[str, float]
) -> dict[str, ParkIndicators]:
    """The indicators under the other readings that the method could mean."""
    found = {}
    if spec.green_import_share > 0.0:
        strict = replace(spec, green_import_share=0.0)
        found["no traced supply counted"] = _indicators(strict, meters, meters.grid_kgco2_per_kwh)
    for name, factor in factors.items():
        found[f"the factor of {name}, {factor:g} kg/kWh"] = _indicators(spec, meters, factor)
    return found


def _core(result: ParkResult, readings: Mapping[str, ParkIndicators]) -> IndicatorRow:
    value = result.indicators.carbon_t_per_tce
    others = {name: found.carbon_t_per_tce for name, found in readings.items()}
    span = [value, *others.values()]
    told = "; ".join(f"{name}: {other:.3g}" for name, other in others.items())
    met = None if math.isnan(value) else result.meets_core
    verdicts = {v <= result.limit_t_per_tce for v in span}
    why = "every reading gives the same verdict" if len(verdicts) == 1 else "readings differ"
    why = f"{why}; {told}" if told else "meters and one grid factor"
    if math.isnan(value):
        why = "nothing was used"
    elif leans := _leans(result):
        why += f"; leans on {', '.join(leans)}"
    size = "" if result.in_scope else "; below 200,000 tce a year, so a yardstick only"
    return IndicatorRow(
        "carbon per unit of energy", "core", value, "tCO2/tce",
        f"at most {result.limit_t_per_tce:g}{size}", met, min(span), max(span),
        "assumed" if _leans(result) else "derived", NOTICE, why,
    )  # fmt: skip


def _leans(result: ParkResult, apart: tuple[str, ...] = ()) -> list[str]:
    """What the value leans on that no meter shows."""
    known = {"limits of the notice", *apart}
    return [e.claim for e in result.evidence if e.standing == "assumed" and e.claim not in known]


def _clean(result: ParkResult, matching: Matching) -> IndicatorRow:
    value = result.indicators.clean_annual
    met = None if math.isnan(value) else result.meets_clean_share
    low = matching.hourly_score
    return IndicatorRow(
        "clean energy in use", "guiding", value, "share of electricity",
        f"at least {CLEAN_SHARE_GUIDE:g}", met, low, value,
        "assumed" if _leans(result, ("energy other than electricity",)) else "derived", NOTICE,
        "nothing was used"
        if math.isnan(low)
        else f"hour by hour and without traced supply it is {low:.3g}; other energy is left out",
    )  # fmt: skip


def _guides(spec: ParkSpec) -> Iterator[IndicatorRow]:
    """What no electricity meter holds, as the park states it."""
    for one in GUIDES:
        told = spec.told(one)
        value = math.nan if told is None else told
        met = None if told is None else value >= one.least
        why = "stated by the city" if told is not None else "not in the meters"
        yield IndicatorRow(
            one.name, "guiding", value, "" if told is None else "share", one.limit, met,
            value, value, "missing" if told is None else "stated", NOTICE,
            f"{why}; {one.shown_by} would show it",
        )  # fmt: skip


def _closings(spec: ParkSpec, result: ParkResult, levers: Levers) -> tuple[Closing, ...]:
    """Ways that need no building, each alone; `zerocity park plan` finds the cheapest mix."""
    if result.gap_carbon_t <= 0.0 or result.indicators.import_kwh <= 0.0:
        return ()
    found, scale = result.indicators, _per_year(result)
    residual = found.import_kwh * (1.0 - spec.green_import_share) * scale / 1000.0
    factor = _grid_factor(spec, result)
    amount = min(residual, result.gap_carbon_t / factor) if factor > 0.0 else 0.0
    left = max(0.0, result.gap_carbon_t - amount * factor)
    left = left if left > 1e-9 * result.gap_carbon_t else 0.0
    ways = (
        ("traced green supply", levers.traced_cny_per_kwh, "assumed premium"),
        ("green certificates, if they count", levers.certificate_cny_per_kwh, "assumed price"),
    )
    return tuple(
        Closing(way, amount, amount * 1000.0 * price, left, f"{source} of {price:g} CNY/kWh")
        for way, price, source in ways
    )


def _grid_factor(spec: ParkSpec, result: ParkResult) -> float:
    """Mean factor of the import [t/MWh]; other energy's carbon is taken off first."""
    found = result.indicators
    other = spec.other_carbon_t * found.days / 365.0
    return (found.carbon_location_t - other) * 1000.0 / found.import_kwh


def _sentences(
    spec: ParkSpec, result: ParkResult, closings: tuple[Closing, ...]
) -> tuple[str, ...]:
    found, limit = result.indicators, result.limit_t_per_tce
    if math.isnan(found.carbon_t_per_tce):
        return ("The park used nothing, so it has no indicator.",)
    told = [
        f"{found.carbon_t_per_tce:.3g} tCO2/tce against a limit of {limit:g}: "
        + ("met." if result.meets_core else f"{result.gap_carbon_t:,.0f} t a year too much.")
    ]
    if closings:
        first = closings[0]
        told.append(
            f"Gap to the standard: {result.gap_carbon_t:,.0f} t a year; "
            f"{first.amount_mwh:,.0f} MWh of green electricity in place of the grid's "
            + ("would close it." if first.left_t <= 0.0 else f"leave {first.left_t:,.0f} t.")
        )
    budget = limit * found.energy_tce * _per_year(result)
    if spec.other_carbon_t > budget:
        told.append(
            f"Fuel and heat alone emit {spec.other_carbon_t:,.0f} t, more than the "
            f"{budget:,.0f} t that the limit leaves: some of it must become electric."
        )
    return tuple(told)
