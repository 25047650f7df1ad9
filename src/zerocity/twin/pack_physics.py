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
from zerocity.twin.kernel import kernel, vector_kernel

# A pack that is plugged in or stands in a station is kept in this band by its own thermal
# management, whose energy is part of the charger's loss; an assumption.
KEPT_COLDEST_C = 10.0
KEPT_WARMEST_C = 32.0
# A pack that lacks less than this share of its room is full.
FULL = 1e-6


class Wants(NamedTuple):
    """What plugged packs want, (packs,) each: fields of `Snapshot`, and the packs' ``ids``."""

    ids: I32
    site: I64
    need_kwh: F64
    limit_kw: F64
    steps_needed: F64
    steps_left: I64


def new_wants(packs: int) -> Wants:
    """Room for ``packs`` packs."""
    kinds: dict[str, Any] = dict.fromkeys(Wants._fields, np.float64)
    kinds |= {"ids": np.int32, "site": np.int64, "steps_left": np.int64}
    return Wants(**{name: np.zeros(packs, kind) for name, kind in kinds.items()})


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def wanting(now: int, step_h: float, efficiency: float, packs: Packs, wants: Wants) -> int:
    """Write which packs are plugged in and not full at step ``now`` of the run.

    Looks at those that ask, and lets those be that want nothing any more. Power and energy are AC.
    Returns how many they are.
    """
    asking = 0
    # Without a branch: every second guess would be wrong, and cost a wait.
    for p in range(packs.asks.size):
        wants.ids[asking] = p
        asking += packs.asks[p]
    n = 0
    per_ac, per_step = 1.0 / efficiency, 1.0 / step_h
    for k in range(asking):
        p = wants.ids[k]
        usable, plug_kw, pack_kw = packs.usable_kwh[p], packs.plug_kw[p], packs.charge_limit_kw[p]
        missing = packs.target_soc[p] * usable - packs.energy_kwh[p]
        soc = packs.energy_kwh[p] / usable
        hours = hours_to_charge(soc, packs.target_soc[p], usable, pack_kw, plug_kw * efficiency)
        wants.ids[n], wants.site[n], wants.need_kwh[n] = p, packs.place[p], missing * per_ac
        wants.limit_kw[n] = min(plug_kw, pack_kw * acceptance(soc) * per_ac)
        wants.steps_needed[n] = hours * per_step
        wants.steps_left[n] = max(packs.depart_step[p] - now, 0)
        packs.asks[p] = (plug_kw > 0.0) & (missing > FULL * usable)
        n += packs.asks[p]
    return n


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def follow_share(step_h: float, time_constant_h: float) -> float:
    """Share of the way to its surroundings that a pack's temperature goes in one step [0-1]."""
    return 1.0 - math.exp(-step_h / time_constant_h)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def charge(
    ids: I32,
    ac_kw: F64,
    step_h: float,
    charge_efficiency: float,
    discharge_efficiency: float,
    packs: Packs,
    soc: F32,
    soc_row: F32,
    temperature_row: F32,
) -> None:
    """Put power into packs that stand at a site, or take it out, for one step; after `rest`.

    AC power becomes DC at the charger's or inverter's efficiency; the pack's own ohmic loss is
    taken at nominal voltage. What does not end in the pack is loss, so energy is conserved to
    rounding. The loss inside brings the temperature to where surroundings and heat together would
    by the share of a first-order lag, which is exact for a constant step (see `batteries.heat`).
    ids : the packs (n,), each once. ac_kw : power of each, positive into it, (n,) [kW].
    soc : charge now, soc_row and temperature_row : this step's histories, all (packs,).
    """
    heated = COOLED_TIME_CONSTANT_H * follow_share(step_h, COOLED_TIME_CONSTANT_H)
    for k in range(ids.size):
        p, power = ids[k], ac_kw[k]
        if power == 0.0:
            continue
        before, usable = packs.energy_kwh[p], packs.usable_kwh[p]
        dc = power * charge_efficiency if power > 0.0 else power / discharge_efficiency
        ohmic = ohmic_loss(dc, packs.loss_kw_per_kw2[p])
        after = min(max(before + (dc - ohmic) * step_h, 0.0), usable)
        packs.energy_kwh[p] = after
        packs.loss_kwh[p] += power * step_h - (after - before)
        packs.throughput_kwh[p] += abs(after - before)
        packs.session_kwh[p] += power * step_h
        packs.temperature_c[p] += ohmic * packs.heat_k_per_kwh[p] * heated
        temperature_row[p] = packs.temperature_c[p]
        soc[p] = after / usable
        soc_row[p] = soc[p]


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def rest(
    step_h: float,
    outdoor_c: float,
    place: I32,
    temperature_c: F64,
    soc: F32,
    soc_row: F32,
    temperature_row: F32,
) -> None:
    """Let every pack's temperature follow its surroundings for one step, and note it.

    Who stands at a site is kept there, all others follow the air; heat of driving is in their
    temperature already. All (packs,), as in `charge`.
    """
    kept_c = min(max(outdoor_c, KEPT_COLDEST_C), KEPT_WARMEST_C)
    kept_share = follow_share(step_h, COOLED_TIME_CONSTANT_H)
    share = follow_share(step_h, TIME_CONSTANT_H)
    for p in range(place.size):
        held = place[p] >= 0
        around, part = kept_c if held else outdoor_c, kept_share if held else share
        temperature_c[p] += (around - temperature_c[p]) * part
        temperature_row[p] = temperature_c[p]
        soc_row[p] = soc[p]
