"""One pack, plain Python: what the compiled kernel must equal, and BLAST-Lite's way beside it.

Slow and readable. ``exact_history`` follows the kernel's definitions step by step;
``blast_history`` averages stress the way NREL's BLAST-Lite 1.1.1 does, to show what the
definitions alone change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zerocity.batteries.ageing_columns import DEPTH, HALF_H, HYSTERESIS_SOC, MOVING_C
from zerocity.batteries.ageing_models import KernelModel, exponent
from zerocity.batteries.rainflow import HALF, WAIT, verdict
from zerocity.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass
class History:
    """What a pack has lived: the kernel's sums, and the cycles in the order in which they closed.

    ``cycles`` holds (depth, rate [1/h], temperature [degC], 0.5 or 1.0).
    """

    z_calendar: float = 0.0
    z_cycle: float = 0.0
    resistance_z: float = 0.0
    resistance_cycle: float = 0.0
    efc: float = 0.0
    days: float = 0.0
    cycles: list[tuple[float, float, float, float]] = field(default_factory=list)
    open_points: int = 0


@dataclass(frozen=True)
class _Point:
    soc: float
    moved: float
    hours: float
    heat: float


def calendar_rate(model: KernelModel, soc: Floats, temperature_c: Floats) -> Floats:
    """k^(1/p) [1/day] of the calendar law, any shape."""
    u = 308.15 / (temperature_c + 273.15)
    log_k = model.calendar_log / model.calendar_power
    rate = np.exp(log_k + u**model.temperature_power * exponent(model, soc))
    return np.asarray(rate / model.calendar_days)


def cycle_rate(model: KernelModel, dod: float, rate_c: float, temperature_c: float) -> float:
    """k^(1/p) per equivalent full cycle of the cycling law."""
    t_k = temperature_c + 273.15
    a0, a1, a2 = model.cycle_sum
    n_dod, n_t, n_rate = model.cycle_exponents
    stress = (a0 + a1 * dod + a2 * rate_c) * math.exp(model.cycle_activation_k / t_k)
    stress *= dod**n_dod * (t_k / 308.15) ** n_t * rate_c**n_rate
    return float(stress ** (1.0 / model.cycle_power) / model.cycle_efc)


def _close(model: KernelModel, life: History, spread: float, a: _Point, b: _Point,
           share: float, now_c: float) -> None:  # fmt: skip
    dod, hours = abs(b.soc - a.soc), b.hours - a.hours
    rate_c, temperature_c = MOVING_C, now_c
    if hours > 0.0:
        rate_c, temperature_c = (b.moved - a.moved) / hours, (b.heat - a.heat) / hours
    life.cycles.append((dod, rate_c, temperature_c, share))
    damage = cycle_rate(model, dod, rate_c, temperature_c) * spread ** (1 / model.cycle_power)
    life.z_cycle += share * dod * damage
    r = model.resistance
    slope = max(r.cycle_rate[0] + r.cycle_rate[1] * rate_c, 0.0)
    d0, d1, d3 = r.cycle_depth
    depth = max(d0 + d1 * dod + d3 * (dod - 0.5) ** 3, 0.0)
    life.resistance_cycle += share * dod * slope * depth * spread


def _push(model: KernelModel, life: History, spread: float, stack: list[_Point],
          now_c: float) -> None:  # fmt: skip
    while len(stack) >= 3:
        result = verdict(stack[-3].soc, stack[-2].soc, stack[-1].soc, len(stack))
        if result == WAIT:
            break
        share = 0.5 if result == HALF else 1.0
        _close(model, life, spread, stack[-3], stack[-2], share, now_c)
        del stack[-3 : (-2 if result == HALF else -1)]
    if len(stack) == DEPTH:
        _close(model, life, spread, stack[0], stack[1], 0.5, now_c)
        del stack[0]


def exact_history(
    model: KernelModel, soc: Floats, temperature_c: Floats, step_h: float, spread: float = 1.0
) -> History:
    """Age one pack from new by the kernel's definitions; ``soc``, ``temperature_c`` (steps,)."""
    life = History(efc=0.5 * float(np.abs(np.diff(soc)).sum()), days=len(soc) * step_h / 24.0)
    middle = 0.5 * (soc + np.concatenate([soc[:1], soc[:-1]]))
    first = np.arange(0, len(soc), max(int(HALF_H / step_h + 1e-9), 1))
    days = np.diff(first, append=len(soc)) * step_h / 24.0
    mean_soc = np.add.reduceat(middle, first) * step_h / 24.0 / days
    mean_c = np.add.reduceat(temperature_c, first) * step_h / 24.0 / days
    rates = calendar_rate(model, mean_soc, mean_c)
    life.z_calendar = float((rates * days).sum()) * spread ** (1 / model.calendar_power)
    r = model.resistance
    charge = r.charge[0] + mean_soc * (r.charge[1] + mean_soc * r.charge[2])
    warm = np.exp(r.activation * (1.0 - 308.15 / (mean_c + 273.15)))
    sum_r = float((warm * charge * days).sum()) * r.rate_per_day
    life.resistance_z = sum_r * spread ** (1 / r.power)
    _count(model, life, spread, soc, temperature_c, step_h)
    return life


def _count(model: KernelModel, life: History, spread: float, soc: Floats, temperature_c: Floats,
           step_h: float) -> None:  # fmt: skip
    swings = np.abs(np.diff(soc, prepend=soc[0]))
    moving = swings >= MOVING_C * step_h
    moved = np.cumsum(swings * moving)
    hours = np.cumsum(moving * step_h)
    heat = np.cumsum(moving * step_h * temperature_c)
    stack = [_Point(float(soc[0]), 0.0, 0.0, 0.0)]
    top, direction = stack[0], 1
    for t, x in enumerate(soc):
        here = _Point(float(x), float(moved[t]), float(hours[t]), float(heat[t]))
        if direction * (x - top.soc) > 0.0:
            top = here
        elif direction * (top.soc - x) >= HYSTERESIS_SOC:
            if len(stack) == 1 and abs(top.soc - stack[0].soc) < HYSTERESIS_SOC:
                stack.clear()
            stack.append(top)
            _push(model, life, spread, stack, float(temperature_c[t]))
            direction, top = -direction, here
    life.open_points = len(stack)


def total_loss(model: KernelModel, life: History) -> float:
    """Capacity lost, calendar plus cycling, fraction."""
    calendar = life.z_calendar**model.calendar_power
    return float(calendar + life.z_cycle**model.cycle_power)


def blast_history(model: KernelModel, soc: Floats, temperature_c: Floats, step_h: float) -> History:
    """Age one pack with stress averaged over each whole day, rest included.

    Per day: k is averaged before the root is taken, depth is the day's largest soc minus its
    smallest, and the rate is the day's |dsoc| over 24 h. Neither BLAST-Lite's lost interval
    between updates nor its rescaling of soc is repeated. ``soc`` (steps,) covers whole days.
    """
    per_day = round(24.0 / step_h)
    if len(soc) % per_day:
        raise InputError("soc", f"{len(soc)} steps", f"whole days of {per_day} steps")
    life = History(days=len(soc) * step_h / 24.0)
    for start in range(0, len(soc), per_day):
        day = slice(start, start + per_day)
        x, t = soc[max(start - 1, 0) : start + per_day], temperature_c[day]
        k = calendar_rate(model, soc[day], t) ** model.calendar_power
        life.z_calendar += float(k.mean()) ** (1 / model.calendar_power)
        moved, dod = float(np.abs(np.diff(x)).sum()), float(x.max() - x.min())
        if dod > 0.0:
            life.efc += 0.5 * moved
            life.cycles.append((dod, moved / 24.0, float(t.mean()), 1.0))
            life.z_cycle += 0.5 * moved * cycle_rate(model, dod, moved / 24.0, float(t.mean()))
    return life
