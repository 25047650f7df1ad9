"""Packs under power: energy, loss and temperature over one step."""

from __future__ import annotations

import math

from numba import njit

from zerocity.batteries.circuit import ohmic_loss
from zerocity.batteries.heat import COOLED_TIME_CONSTANT_H, TIME_CONSTANT_H
from zerocity.batteries.state import Packs
from zerocity.charging.acceptance import acceptance, hours_to_charge
from zerocity.measures.arrays import F32, F64, I64

# A pack that is plugged in or stands in a station is kept in this band by its own thermal
# management, whose energy is part of the charger's loss; an assumption.
KEPT_COLDEST_C = 10.0
KEPT_WARMEST_C = 32.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def wanting(
    now: int,
    step_h: float,
    efficiency: float,
    packs: Packs,
    ids: I64,
    site: I64,
    need_kwh: F64,
    limit_kw: F64,
    steps_needed: F64,
    steps_left: I64,
) -> int:
    """List the plugged packs that are not full at step ``now`` of the run; return how many.

    Writes pack ``ids``, their ``site``, AC ``need_kwh`` and ``limit_kw``,
    ``steps_needed`` and ``steps_left``.
    """
    n = 0
    per_ac = 1.0 / efficiency
    per_step = 1.0 / step_h
    for p in range(packs.plug_kw.size):
        if packs.plug_kw[p] <= 0.0:
            continue
        usable = packs.usable_kwh[p]
        missing = packs.target_soc[p] * usable - packs.energy_kwh[p]
        if missing <= 1e-6 * usable:
            continue
        soc = packs.energy_kwh[p] / usable
        pack_kw = packs.charge_limit_kw[p]
        plug_kw = packs.plug_kw[p] * efficiency
        ids[n] = p
        site[n] = packs.place[p]
        need_kwh[n] = missing * per_ac
        limit_kw[n] = min(packs.plug_kw[p], pack_kw * acceptance(soc) * per_ac)
        hours = hours_to_charge(soc, packs.target_soc[p], usable, pack_kw, plug_kw)
        steps_needed[n] = hours * per_step
        steps_left[n] = max(packs.depart_step[p] - now, 0)
        n += 1
    return n


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _kept(outdoor_c: float) -> float:
    return min(max(outdoor_c, KEPT_COLDEST_C), KEPT_WARMEST_C)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def follow_share(step_h: float, time_constant_h: float) -> float:
    """Share of the way to its surroundings that a pack's temperature goes in one step [0-1]."""
    return 1.0 - math.exp(-step_h / time_constant_h)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def charge(
    lo: int,
    hi: int,
    step: int,
    step_h: float,
    charge_efficiency: float,
    discharge_efficiency: float,
    outdoor_c: float,
    packs: Packs,
    soc_history: F32,
    temperature_history: F32,
) -> None:
    """Apply ``packs.ac_kw`` to packs ``lo``..``hi`` for one step and write their histories.

    AC power becomes DC at the charger's or inverter's efficiency; the pack's own ohmic loss is
    taken at nominal voltage. What does not end in the pack is loss, so energy is conserved to
    rounding. Temperature goes to where surroundings and heat would bring it by the share of a
    first-order lag, which is exact for a constant step (see `batteries.heat`).
    Histories (steps, packs).
    """
    share_outdoors = follow_share(step_h, TIME_CONSTANT_H)
    share_kept = follow_share(step_h, COOLED_TIME_CONSTANT_H)
    for p in range(lo, hi):
        heat_k_per_h = 0.0
        power = packs.ac_kw[p]
        usable = packs.usable_kwh[p]
        if power != 0.0:
            before = packs.energy_kwh[p]
            dc = power * charge_efficiency if power > 0.0 else power / discharge_efficiency
            ohmic = ohmic_loss(dc, packs.loss_kw_per_kw2[p])
            after = min(max(before + (dc - ohmic) * step_h, 0.0), usable)
            packs.energy_kwh[p] = after
            packs.loss_kwh[p] += power * step_h - (after - before)
            packs.throughput_kwh[p] += abs(after - before)
            packs.session_kwh[p] += power * step_h
            heat_k_per_h = ohmic * packs.heat_k_per_kwh[p]
            packs.ac_kw[p] = 0.0
        if packs.place[p] >= 0:
            around, constant_h, share = _kept(outdoor_c), COOLED_TIME_CONSTANT_H, share_kept
        else:
            around, constant_h, share = outdoor_c, TIME_CONSTANT_H, share_outdoors
        goal = around + heat_k_per_h * constant_h
        packs.temperature_c[p] += (goal - packs.temperature_c[p]) * share
        soc_history[step, p] = packs.energy_kwh[p] / usable
        temperature_history[step, p] = packs.temperature_c[p]
