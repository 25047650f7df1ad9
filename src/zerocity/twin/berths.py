"""Berths: packs at a plug, in a slot or in a store, side by side while power moves them.

What a step needs of a pack is copied together when it docks and written back when it undocks, as
on the `road`: value ``K`` of berth ``i`` of a tile lies at ``K * TILE + i``. Only what others look
at between two steps, energy, charge and temperature, goes back to the packs at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from zerocity.batteries.heat import COOLED_TIME_CONSTANT_H
from zerocity.batteries.state import NOWHERE, Packs
from zerocity.charging.acceptance import acceptance, hours_to_charge
from zerocity.measures.arrays import F32, F64, I32, I64
from zerocity.measures.prefetch import prefetch
from zerocity.twin.driving import ohmic_loss_kw
from zerocity.twin.kernel import AHEAD, kernel, vector_kernel
from zerocity.twin.pack_physics import follow_share

# A pack that lacks less than this share of its room is full.
FULL = 1e-6

TILE = 128
_ENERGY, _USABLE, _TARGET, _PLUG, _PACK = 0 * TILE, 1 * TILE, 2 * TILE, 3 * TILE, 4 * TILE
_OHMIC, _HEAT, _LOST, _THROUGH, _SESSION = 5 * TILE, 6 * TILE, 7 * TILE, 8 * TILE, 9 * TILE
_NEED, _LIMIT, _STEPS = 10 * TILE, 11 * TILE, 12 * TILE
FIELDS = 13
# What only matters within a step lies in one tile that all share.
_POWER, _WARMER, _SOC = 0 * TILE, 1 * TILE, 2 * TILE
PASSING = 3


class Berths(NamedTuple):
    """Room for many packs; all taken berths are among the first ``used[0]``.

    Between two steps some of those are empty (pack -1): a gap is closed when all are looked at.
    pack, site, depart : who is there, where, and the step of the run at which it leaves, (room,).
    work : (tiles, fields * TILE), passing : (fields * TILE,), see above.
    """

    used: I32
    pack: I32
    site: I32
    depart: I32
    work: F64
    passing: F64


def new_berths(packs: int) -> Berths:
    """Empty berths for up to ``packs`` packs."""
    tiles = -(-packs // TILE)
    return Berths(
        used=np.zeros(1, np.int32),
        pack=np.zeros(packs, np.int32),
        site=np.zeros(packs, np.int32),
        depart=np.zeros(packs, np.int32),
        work=np.zeros((tiles, FIELDS * TILE)),
        passing=np.zeros(PASSING * TILE),
    )


class Wants(NamedTuple):
    """What packs in berths want, (packs,) each: fields of `Snapshot`, and the packs' ``ids``."""

    ids: I32
    site: I64
    need_kwh: F64
    limit_kw: F64
    steps_needed: F64
    steps_left: I64


def new_wants(packs: int) -> Wants:
    """Room for the wants of ``packs`` packs."""
    kinds: dict[str, Any] = dict.fromkeys(Wants._fields, np.float64)
    kinds |= {"ids": np.int32, "site": np.int64, "steps_left": np.int64}
    return Wants(**{name: np.empty(packs, kind) for name, kind in kinds.items()})


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def dock(berths: Berths, packs: Packs, p: int) -> None:
    """Give pack ``p``, which stands at a site, a berth."""
    n = berths.used[0]
    berths.used[0], packs.berth[p] = n + 1, n
    berths.pack[n], berths.site[n], berths.depart[n] = p, packs.place[p], packs.depart_step[p]
    w, i = berths.work[n // TILE], n % TILE
    w[_ENERGY + i], w[_USABLE + i] = packs.energy_kwh[p], packs.usable_kwh[p]
    w[_TARGET + i], w[_PLUG + i] = packs.target_soc[p], packs.plug_kw[p]
    w[_PACK + i], w[_OHMIC + i] = packs.charge_limit_kw[p], packs.loss_kw_per_kw2[p]
    w[_HEAT + i], w[_LOST + i] = packs.heat_k_per_kwh[p], packs.loss_kwh[p]
    w[_THROUGH + i], w[_SESSION + i] = packs.throughput_kwh[p], packs.session_kwh[p]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def undock(berths: Berths, packs: Packs, p: int) -> None:
    """Take pack ``p`` out of its berth, if it has one; the berth is empty until `wanting`."""
    n = packs.berth[p]
    if n < 0:
        return
    w, i = berths.work[n // TILE], n % TILE
    packs.energy_kwh[p], packs.loss_kwh[p] = w[_ENERGY + i], w[_LOST + i]
    packs.throughput_kwh[p], packs.session_kwh[p] = w[_THROUGH + i], w[_SESSION + i]
    packs.berth[p], berths.pack[n] = NOWHERE, NOWHERE


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def close_gap(berths: Berths, packs: Packs, gap: int) -> None:
    """Let the last pack move into the empty berth ``gap``."""
    last = berths.used[0] - 1
    berths.used[0] = last
    if gap == last:
        return
    mover = berths.pack[last]
    packs.berth[mover], berths.pack[gap] = gap, mover
    berths.site[gap], berths.depart[gap] = berths.site[last], berths.depart[last]
    w, i = berths.work[gap // TILE], gap % TILE
    other, j = berths.work[last // TILE], last % TILE
    for k in range(FIELDS):
        w[k * TILE + i] = other[k * TILE + j]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def dock_all(berths: Berths, packs: Packs, ids: I32) -> None:
    """Begin with the packs ``ids`` (n,) in empty berths."""
    berths.used[0] = 0
    for k in range(ids.size):
        dock(berths, packs, ids[k])


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def undock_all(berths: Berths, packs: Packs) -> None:
    """Write every pack back and leave the berths empty."""
    for k in range(berths.used[0]):
        if berths.pack[k] >= 0:
            undock(berths, packs, berths.pack[k])
    berths.used[0] = 0


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def held_kwh(w: F64, i: int) -> tuple[float, float, float]:
    """Content and room [kWh], and most power [kW], of the pack in berth ``i`` of a tile."""
    return w[_ENERGY + i], w[_USABLE + i], w[_PACK + i]


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def look(w: F64, n: int, step_h: float, efficiency: float) -> None:
    """Write what the first ``n`` berths of a tile need and can take, AC [kWh, kW, steps]."""
    per_ac, per_step = 1.0 / efficiency, 1.0 / step_h
    for i in range(n):
        energy, usable, target = w[_ENERGY + i], w[_USABLE + i], w[_TARGET + i]
        plug_kw, pack_kw = w[_PLUG + i], w[_PACK + i]
        soc = energy / usable
        hours = hours_to_charge(soc, target, usable, pack_kw, plug_kw * efficiency)
        w[_NEED + i] = (target * usable - energy) * per_ac
        w[_LIMIT + i] = min(plug_kw, pack_kw * acceptance(soc) * per_ac)
        w[_STEPS + i] = hours * per_step


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def wanting(step_h: float, efficiency: float, berths: Berths, packs: Packs) -> int:
    """Find what every pack in a berth wants; who is full leaves, and the others close up.

    Returns how many are left.
    """
    count = berths.used[0]
    for t in range((count + TILE - 1) // TILE - 1, -1, -1):
        w, first = berths.work[t], t * TILE
        n = min(TILE, count - first)
        look(w, n, step_h, efficiency)
        # From behind, so that whoever moves into a gap has been looked at.
        for i in range(n - 1, -1, -1):
            if w[_NEED + i] * efficiency <= FULL * w[_USABLE + i] and berths.pack[first + i] >= 0:
                undock(berths, packs, berths.pack[first + i])
            if berths.pack[first + i] < 0:
                close_gap(berths, packs, first + i)
    return int(berths.used[0])


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def picture(now: int, berths: Berths, wants: Wants) -> None:
    """Write what `wanting` found at step ``now`` of the run into ``wants``, berth by berth."""
    count = wants.ids.size
    for t in range((count + TILE - 1) // TILE):
        w, first = berths.work[t], t * TILE
        for i in range(min(TILE, count - first)):
            wants.need_kwh[first + i] = w[_NEED + i]
            wants.limit_kw[first + i] = w[_LIMIT + i]
            wants.steps_needed[first + i] = w[_STEPS + i]
    for k in range(count):
        wants.ids[k], wants.site[k] = berths.pack[k], berths.site[k]
        wants.steps_left[k] = max(berths.depart[k] - now, 0)


@vector_kernel  # type: ignore[untyped-decorator,unused-ignore]
def move(
    w: F64, passing: F64, n: int, step_h: float, charge_efficiency: float,
    per_discharge: float, heated: float,
) -> None:  # fmt: skip
    """Put the power of the first ``n`` berths of a tile into their packs, or take it out."""
    for i in range(n):
        power, before = passing[_POWER + i], w[_ENERGY + i]
        dc = power * (charge_efficiency if power > 0.0 else per_discharge)
        ohmic = ohmic_loss_kw(-dc, w[_OHMIC + i])
        after = min(max(before + (dc - ohmic) * step_h, 0.0), w[_USABLE + i])
        w[_ENERGY + i] = after
        w[_LOST + i] += power * step_h - (after - before)
        w[_THROUGH + i] += abs(after - before)
        w[_SESSION + i] += power * step_h
        passing[_WARMER + i] = ohmic * w[_HEAT + i] * heated
        passing[_SOC + i] = after / w[_USABLE + i]


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def charge(
    ac_kw: F64,
    step_h: float,
    charge_efficiency: float,
    discharge_efficiency: float,
    berths: Berths,
    packs: Packs,
    soc: F32,
) -> None:
    """Charge or discharge the packs in berths for one step; before `pack_physics.rest`.

    AC power becomes DC at the charger's or inverter's efficiency; the pack's own ohmic loss is
    taken at nominal voltage. What does not end in the pack is loss, so energy is conserved to
    rounding. The loss inside brings the temperature to where surroundings and heat together would
    by the share of a first-order lag, which is exact for a constant step (see `batteries.heat`).
    `rest` will take its share of that away, so it is put on top here.
    ac_kw : power into the pack of each berth in use, (n,) [kW]. soc : charge now, (packs,).
    """
    share = follow_share(step_h, COOLED_TIME_CONSTANT_H)
    heated = COOLED_TIME_CONSTANT_H * share / (1.0 - share)
    passing, count = berths.passing, ac_kw.size
    for t in range((count + TILE - 1) // TILE):
        w, first = berths.work[t], t * TILE
        n = min(TILE, count - first)
        for i in range(n):
            passing[_POWER + i] = ac_kw[first + i]
        move(w, passing, n, step_h, charge_efficiency, 1.0 / discharge_efficiency, heated)
        for i in range(n):
            q = berths.pack[min(first + i + AHEAD, count - 1)]
            prefetch(packs.temperature_c, q)
            prefetch(packs.energy_kwh, q)
            if passing[_POWER + i] == 0.0:
                continue
            p = berths.pack[first + i]
            packs.energy_kwh[p] = w[_ENERGY + i]
            packs.temperature_c[p] += passing[_WARMER + i]
            soc[p] = passing[_SOC + i]
