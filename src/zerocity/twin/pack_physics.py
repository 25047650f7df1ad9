"""Packs under power: energy, loss and temperature over one step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from zerocity.batteries.circuit import ohmic_loss
from zerocity.batteries.heat import COOLED_TIME_CONSTANT_H, TIME_CONSTANT_H
from zerocity.batteries.state import Packs
from zerocity.charging.acceptance import acceptance, hours_to_charge
from zerocity.measures.arrays import F32, F64, I32, I64
from zerocity.twin.kernel import kernel

# A pack that is plugged in or stands in a station is kept in this band by its own thermal
# management, whose energy is part of the charger's loss; an assumption.
KEPT_COLDEST_C = 10.0
KEPT_WARMEST_C = 32.0


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def standing(place: I32, held: I32) -> int:
    """List the packs that stand at a site in ``held`` (packs,); return how many."""
    n = 0
    # Without a branch: every second guess would be wrong, and cost a wait.
    for p in range(place.size):
        held[n] = p
        n += place[p] >= 0
    return n


class Wants(NamedTuple):
    """What plugged packs want, (packs,) each: fields of `Snapshot`, and the packs' ``ids``."""

    ids: I64
    site: I64
    need_kwh: F64
    limit_kw: F64
    steps_needed: F64
    steps_left: I64


def new_wants(packs: int) -> Wants:
    """Room for ``packs`` packs."""
    kinds: dict[str, Any] = dict.fromkeys(Wants._fields, np.float64)
    kinds |= dict.fromkeys(("ids", "site", "steps_left"), np.int64)
    return Wants(**{name: np.zeros(packs, kind) for name, kind in kinds.items()})


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def wanting(
    held: I32, now: int, step_h: float, efficiency: float, packs: Packs, wants: Wants
) -> int:
    """Write which packs of ``held`` (n,) are plugged in and not full at step ``now`` of the run.

    Power and energy are AC. Returns how many they are.
    """
    n = 0
    per_ac = 1.0 / efficiency
    per_step = 1.0 / step_h
    for p in held:
        usable = packs.usable_kwh[p]
        missing = packs.target_soc[p] * usable - packs.energy_kwh[p]
        wants.ids[n], wants.need_kwh[n] = p, missing * per_ac
        n += (packs.plug_kw[p] > 0.0) & (missing > 1e-6 * usable)
    for k in range(n):
        p = wants.ids[k]
        usable = packs.usable_kwh[p]
        soc = packs.energy_kwh[p] / usable
        pack_kw = packs.charge_limit_kw[p]
        plug_kw = packs.plug_kw[p] * efficiency
        wants.site[k] = packs.place[p]
        wants.limit_kw[k] = min(packs.plug_kw[p], pack_kw * acceptance(soc) * per_ac)
        hours = hours_to_charge(soc, packs.target_soc[p], usable, pack_kw, plug_kw)
        wants.steps_needed[k] = hours * per_step
        wants.steps_left[k] = max(packs.depart_step[p] - now, 0)
    return n


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def _kept(outdoor_c: float) -> float:
    return min(max(outdoor_c, KEPT_COLDEST_C), KEPT_WARMEST_C)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def follow_share(step_h: float, time_constant_h: float) -> float:
    """Share of the way to its surroundings that a pack's temperature goes in one step [0-1]."""
    return 1.0 - math.exp(-step_h / time_constant_h)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def charge(
    held: I32,
    step_h: float,
    charge_efficiency: float,
    discharge_efficiency: float,
    outdoor_c: float,
    packs: Packs,
    soc: F32,
    soc_row: F32,
    temperature_row: F32,
) -> None:
    """Apply ``packs.ac_kw`` to the packs that stand at a site for one step.

    AC power becomes DC at the charger's or inverter's efficiency; the pack's own ohmic loss is
    taken at nominal voltage. What does not end in the pack is loss, so energy is conserved to
    rounding. Temperature goes to where surroundings and heat would bring it by the share of a
    first-order lag, which is exact for a constant step (see `batteries.heat`).
    held : the packs (n,). soc : charge now, soc_row and temperature_row : this step's histories,
    all (packs,).
    """
    share = follow_share(step_h, COOLED_TIME_CONSTANT_H)
    around = _kept(outdoor_c)
    for p in held:
        heat_k_per_h = 0.0
        power = packs.ac_kw[p]
        if power != 0.0:
            before, usable = packs.energy_kwh[p], packs.usable_kwh[p]
            dc = power * charge_efficiency if power > 0.0 else power / discharge_efficiency
            ohmic = ohmic_loss(dc, packs.loss_kw_per_kw2[p])
            after = min(max(before + (dc - ohmic) * step_h, 0.0), usable)
            packs.energy_kwh[p] = after
            packs.loss_kwh[p] += power * step_h - (after - before)
            packs.throughput_kwh[p] += abs(after - before)
            packs.session_kwh[p] += power * step_h
            heat_k_per_h = ohmic * packs.heat_k_per_kwh[p]
            packs.ac_kw[p] = 0.0
            soc[p] = after / usable
        goal = around + heat_k_per_h * COOLED_TIME_CONSTANT_H
        packs.temperature_c[p] += (goal - packs.temperature_c[p]) * share
        soc_row[p] = soc[p]
        temperature_row[p] = packs.temperature_c[p]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def rest(
    step_h: float,
    outdoor_c: float,
    place: I32,
    temperature_c: F64,
    soc: F32,
    soc_row: F32,
    temperature_row: F32,
) -> None:
    """Let the packs that stand at no site follow the air for one step; as `charge`, all (packs,).

    Heat of driving is in their temperature already.
    """
    share = follow_share(step_h, TIME_CONSTANT_H)
    for p in range(place.size):
        if place[p] < 0:
            temperature_c[p] += (outdoor_c - temperature_c[p]) * share
            soc_row[p] = soc[p]
            temperature_row[p] = temperature_c[p]
