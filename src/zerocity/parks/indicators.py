"""Indicators of a zero-carbon industrial park from its hourly energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guide:
    """A guiding indicator that no electricity meter holds.

    ``least`` is the share that ``field`` of `ParkSpec` must reach, ``shown_by`` what would show it.
    """

    field: str
    name: str
    least: float
    limit: str
    shown_by: str


GUIDES = (
    Guide("products_at_grade_share", "energy per product", 1.0,
          "2nd grade of the national quota or better", "a register of products"),
    Guide("solid_waste_used_share", "industrial solid waste put to use", 0.8,
          "at least 80 %", "the waste register"),
    Guide("surplus_heat_used_share", "surplus heat, cold and pressure put to use", 0.5,
          "at least 50 %", "heat meters"),
    Guide("water_reused_share", "industrial water used again", 0.8,
          "at least 80 %", "water meters"),
)  # fmt: skip


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
    products_at_grade_share : share of the products whose energy use is at the 2nd grade of the
        national quota or better; ``solid_waste_used_share``, ``surplus_heat_used_share`` (heat,
        cold and pressure) and ``water_reused_share`` of what the industry leaves, 0-1. They stand
        in the park's own registers; None = not told.
    """

    name: str
    sites: tuple[str, ...] = ()
    other_energy_tce: float = 0.0
    other_carbon_t: float = 0.0
    annual_energy_tce: float = 0.0
    green_import_share: float = 0.0
    products_at_grade_share: float | None = None
    solid_waste_used_share: float | None = None
    surplus_heat_used_share: float | None = None
    water_reused_share: float | None = None

    def __post_init__(self) -> None:
        for field in ("other_energy_tce", "other_carbon_t", "annual_energy_tce"):
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0.0):
                raise InputError(
                    f"parks.{self.name}.{field}", str(value), "a finite number of at least 0"
                )
        for field in ("green_import_share", *(one.field for one in GUIDES)):
            value = getattr(self, field)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"parks.{self.name}.{field}", str(value), "a share from 0 to 1")

    def told(self, guide: Guide) -> float | None:
        """What the park states of a guiding indicator, 0-1; None where it states nothing."""
        value: float | None = getattr(self, guide.field)
        return value


KGCE_PER_KWH = 0.1229  # equivalent value of 1 kWh of electricity, GB/T 2589-2020 annex A


@dataclass(frozen=True)
class ParkIndicators:
    """Indicators over the period measured; ratios are nan where nothing was consumed.

    Attributes
    ----------
    days : length of the period.
    consumed_kwh : import + own generation used - export, storage losses included.
    clean_annual : (own generation used on site + green import) / consumed, whenever it came.
    clean_matched : only own generation in the same step counts, min(generation, load) / load, plus
        green import as the contract says; what a battery shifts is left out, so it is the strict
        reading.
    self_consumption : share of the own generation used on site.
    energy_tce : comprehensive energy of the period, electricity at its equivalent value [tce].
    carbon_t : carbon of the period after green supply [tCO2]; ``carbon_location_t`` without it.
    carbon_t_per_tce : the notice's core indicator; ``carbon_kg_per_kwh`` the same for electricity.
    """

    days: float
    consumed_kwh: float
    import_kwh: float
    export_kwh: float
    generation_kwh: float
    clean_annual: float
    clean_matched: float
    self_consumption: float
    energy_tce: float
    carbon_t: float
    carbon_location_t: float
    carbon_t_per_tce: float
    carbon_kg_per_kwh: float


def indicators(
    spec: ParkSpec,
    *,
    import_kwh: FloatArray,
    export_kwh: FloatArray,
    generation_kwh: FloatArray,
    load_kwh: FloatArray,
    grid_kgco2_per_kwh: FloatArray | float,
    step_h: float = 1.0,
) -> ParkIndicators:
    """Indicators of one park from its meters.

    Export earns no carbon credit: another user's grid factor already counts it. Electricity is
    converted at its equivalent value (1 kWh = 0.1229 kgce, GB/T 2589-2020), not by coal use.

    Parameters
    ----------
    import_kwh, export_kwh : exchange with the grid [kWh a step], >= 0, shape (steps,).
    generation_kwh : own PV after curtailment [kWh a step], shape (steps,).
    load_kwh : everything that the park used, charging included, storage left out [kWh a step].
    grid_kgco2_per_kwh : factor of the grid [kgCO2/kWh], one number or (steps,).
    step_h : length of a step [h]; hours give the hourly matched share.
    """
    meters = {"import_kwh": import_kwh, "export_kwh": export_kwh,
              "generation_kwh": generation_kwh, "load_kwh": load_kwh}  # fmt: skip
    _check(spec.name, meters, step_h)
    days = len(import_kwh) * step_h / 24.0
    taken, sent, made, used = (float(np.sum(a)) for a in meters.values())
    consumed = taken + made - sent
    green = taken * spec.green_import_share
    own = made - min(sent, made)
    matched = float(np.minimum(generation_kwh, load_kwh).sum())
    location_kg = float(np.sum(np.asarray(import_kwh) * np.asarray(grid_kgco2_per_kwh)))
    other_share = days / 365.0
    other_carbon = spec.other_carbon_t * other_share
    tce = consumed * KGCE_PER_KWH / 1000.0 + spec.other_energy_tce * other_share
    grid_t = location_kg * (1.0 - spec.green_import_share) / 1000.0
    return ParkIndicators(
        days=days,
        consumed_kwh=consumed,
        import_kwh=taken,
        export_kwh=sent,
        generation_kwh=made,
        clean_annual=_ratio(own + green, consumed, top=1.0),
        clean_matched=min(
            _ratio(matched + min(green, max(0.0, used - matched)), used, top=1.0),
            _ratio(own + green, consumed, top=1.0),
        ),
        self_consumption=_ratio(own, made),
        energy_tce=tce,
        carbon_t=grid_t + other_carbon,
        carbon_location_t=location_kg / 1000.0 + other_carbon,
        carbon_t_per_tce=_ratio(grid_t + other_carbon, tce),
        carbon_kg_per_kwh=_ratio(grid_t * 1000.0, consumed),
    )


def _ratio(part: float, whole: float, top: float = np.inf) -> float:
    return min(part / whole, top) if whole > 0.0 else float("nan")


def _check(name: str, meters: dict[str, FloatArray], step_h: float) -> None:
    shape = meters["import_kwh"].shape
    for field, values in meters.items():
        where = f"parks.{name}.{field}"
        if values.ndim != 1 or values.shape != shape:
            raise InputError(where, f"shape {values.shape}", f"shape (steps,), here {shape}")
        if not np.isfinite(values).all() or (values < -1e-9).any():
            raise InputError(where, "negative or missing values", "finite energies >= 0 kWh")
    if not step_h > 0.0:
        raise InputError(f"parks.{name}.step_h", str(step_h), "more than 0 h")
