"""How far a portfolio can leave its plan, and for how long.

Relief (``down``) takes less from the grid than planned, ``up`` takes more; both are >= 0. A band
of ``n`` steps at step ``t`` is the constant change that can be held over ``t ... t+n-1`` without
breaking a limit. Sites add up because each keeps its own limits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Assets:
    """The plan of many sites over one horizon and the limits it must keep.

    Shapes (sites, steps) unless (sites,) is said; powers [kW] >= 0, energies [kWh] >= 0.

    Attributes
    ----------
    step_h : length of a step [h].
    import_kw, export_kw : planned exchange with the grid.
    charge_kw, discharge_kw, store_kwh : planned storage; energy at the END of each step.
    flex_kw : planned flexible charging; ``flex_limit_kw`` its limit.
    flex_deferrable_kwh : flexible energy that the plan holds above its least cumulative energy at
        the end of each step; ``flex_headroom_kwh`` the energy below its greatest.
    store_capacity_kwh, charge_limit_kw, discharge_limit_kw, charge_efficiency,
    discharge_efficiency, import_limit_kw, export_limit_kw : (sites,).
    """

    step_h: float
    import_kw: FloatArray
    export_kw: FloatArray
    charge_kw: FloatArray
    discharge_kw: FloatArray
    store_kwh: FloatArray
    flex_kw: FloatArray
    flex_limit_kw: FloatArray
    flex_deferrable_kwh: FloatArray
    flex_headroom_kwh: FloatArray
    store_capacity_kwh: FloatArray
    charge_limit_kw: FloatArray
    discharge_limit_kw: FloatArray
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    import_limit_kw: FloatArray
    export_limit_kw: FloatArray

    def __post_init__(self) -> None:
        if not self.step_h > 0.0:
            raise InputError("flexibility.step_h", str(self.step_h), "more than 0 h")
        shape = self.import_kw.shape
        if len(shape) != 2:
            raise InputError("flexibility.import_kw", f"shape {shape}", "shape (sites, steps)")
        for field in fields(self)[1:]:
            came = getattr(self, field.name).shape
            wanted = shape if field.name in _BY_STEP else shape[:1]
            if came != wanted:
                raise InputError(f"flexibility.{field.name}", f"shape {came}", f"shape {wanted}")


_BY_STEP = frozenset(field.name for field in fields(Assets)[1:10])


@dataclass(frozen=True)
class Flexibility:
    """Bands of each site, shape (sites, steps), and their sums over the portfolio."""

    down_kw: FloatArray
    up_kw: FloatArray

    @property
    def total_down_kw(self) -> FloatArray:
        """Relief of the portfolio [kW], shape (steps,)."""
        return np.asarray(self.down_kw.sum(axis=0))

    @property
    def total_up_kw(self) -> FloatArray:
        """Extra import of the portfolio [kW], shape (steps,)."""
        return np.asarray(self.up_kw.sum(axis=0))


def assets_of(days: SiteDays, plans: SitePlans) -> Assets:
    """What a day's plans leave free: the plans and the limits of `aggregate`."""
    done = np.cumsum(plans.flex_kw, axis=1) * days.step_h
    return Assets(
        step_h=days.step_h,
        import_kw=plans.import_kw,
        export_kw=plans.export_kw,
        charge_kw=plans.charge_kw,
        discharge_kw=plans.discharge_kw,
        store_kwh=plans.store_kwh,
        flex_kw=plans.flex_kw,
        flex_limit_kw=days.flex_limit_kw,
        flex_deferrable_kwh=np.maximum(done - days.flex_min_kwh, 0.0),
        flex_headroom_kwh=np.maximum(days.flex_max_kwh - done, 0.0),
        store_capacity_kwh=days.store_kwh,
        charge_limit_kw=days.store_charge_kw,
        discharge_limit_kw=days.store_discharge_kw,
        charge_efficiency=days.store_charge_efficiency,
        discharge_efficiency=days.store_discharge_efficiency,
        import_limit_kw=days.import_limit_kw,
        export_limit_kw=days.export_limit_kw,
    )


def aggregate(assets: Assets, sustain_steps: int = 1) -> Flexibility:
    """Bands that can be held for ``sustain_steps`` steps from each step on.

    A window cut off by the horizon's end is as long as the horizon allows. Energy is counted on
    the safe side: each kWh of relief costs the store ``1 / discharge_efficiency`` kWh even where
    it only spares charging.

    Parameters
    ----------
    sustain_steps : at least 1; 1 = the band of the step alone.
    """
    if sustain_steps < 1:
        raise InputError("flexibility.sustain_steps", str(sustain_steps), "at least 1")
    a, step_h = assets, assets.step_h
    net = a.import_kw - a.export_kw
    store = a.charge_kw - a.discharge_kw
    held = a.store_kwh * a.discharge_efficiency[:, None] / step_h
    room = (a.store_capacity_kwh[:, None] - a.store_kwh) / a.charge_efficiency[:, None] / step_h
    down = _held(a.discharge_limit_kw[:, None] + store, held, sustain_steps)
    down += _held(a.flex_kw, a.flex_deferrable_kwh / step_h, sustain_steps)
    up = _held(a.charge_limit_kw[:, None] - store, room, sustain_steps)
    up += _held(a.flex_limit_kw - a.flex_kw, a.flex_headroom_kwh / step_h, sustain_steps)
    down = np.minimum(down, _lowest(a.export_limit_kw[:, None] + net, sustain_steps))
    up = np.minimum(up, _lowest(a.import_limit_kw[:, None] - net, sustain_steps))
    return Flexibility(np.maximum(down, 0.0), np.maximum(up, 0.0))


def sustained_hours(assets: Assets, relief_kw: FloatArray) -> FloatArray:
    """How long each site can hold ``relief_kw`` from each step on [h], shape (sites, steps).

    ``relief_kw`` [kW] has shape (sites, steps) or broadcasts to it; a site asked for 0 kW holds it
    to the end of the horizon. A site that cannot give it even for one step holds it 0 h.
    """
    shape = assets.import_kw.shape
    asked = np.broadcast_to(np.asarray(relief_kw, dtype=np.float64), shape)
    hours = np.zeros(shape)
    steps = shape[1]
    for length in range(1, steps + 1):
        fits = aggregate(assets, length).down_kw >= asked - 1e-9
        whole = np.arange(steps) + length <= steps
        hours = np.where(fits & whole, length * assets.step_h, hours)
        if not (fits & whole).any():
            break
    return hours


def _held(power_kw: FloatArray, energy_steps: FloatArray, length: int) -> FloatArray:
    """Constant power bound by ``power`` in each step and by energy ``(k + 1)`` steps in."""
    best = np.array(power_kw, dtype=np.float64)
    for k in range(min(length, best.shape[1])):
        bound = np.minimum(power_kw[:, k:], energy_steps[:, k:] / (k + 1))
        best[:, : best.shape[1] - k] = np.minimum(best[:, : best.shape[1] - k], bound)
    return np.maximum(best, 0.0)


def _lowest(values: FloatArray, length: int) -> FloatArray:
    """The lowest value in the ``length`` steps from each step on."""
    best = np.array(values, dtype=np.float64)
    for k in range(1, min(length, best.shape[1])):
        best[:, :-k] = np.minimum(best[:, :-k], values[:, k:])
    return best
