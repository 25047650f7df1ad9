"""The state of many packs at once: one array a quantity, one row a pack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zerocity.measures.arrays import F64, I8, I16, I32, side_by_side

NOWHERE = -1


class Packs(NamedTuple):
    """Every battery of the city, shape (packs,) each; a tuple of arrays, so that kernels take it.

    Energy is the state that is kept; ``soc`` follows from it. A pack that ages keeps its energy
    and loses room.

    product, fleet : index into the city's products and fleets (fleet -1: stationary).
    stage : `passports.lifecycle.Stage` value.
    place : site where it stands or is plugged, -1 on the road or parked without a plug.
    vehicle : the vehicle it is in, -1 none.
    born_day : day it was made, relative to the first day of the run (negative: before).
    life_days : age at which its owner gives it up [days].
    capacity_kwh : when new [kWh]. usable_kwh : room when full today, capacity times soh [kWh].
    energy_kwh : content now [kWh]. soh : 0-1.
    resistance : ratio to new, >= 1. temperature_c : [degC]. spread : ageing factor, about 1.
    loss_kw_per_kw2 : ohmic loss at today's resistance [kW per kW squared].
    heat_k_per_kwh : warming by its own loss [K/kWh].
    charge_limit_kw : most power the pack takes [kW].
    target_soc : what its session or slot fills it to.
    plug_kw : limit of its plug, 0 unplugged [kW].
    berth : its place among those that charge now (see the twin's `berths`), -1 without.
    depart_step : step of the run by which it should be full.
    session_start, session_kwh : first step and AC energy of the running session.
    throughput_kwh, loss_kwh : energy in and out, and lost, today [kWh].
    checked_day : day of its last check. fault : 0 none, 1 hidden fault that raises resistance.
    """

    product: I16
    fleet: I8
    stage: I8
    place: I32
    vehicle: I32
    born_day: I32
    life_days: F64
    capacity_kwh: F64
    usable_kwh: F64
    energy_kwh: F64
    soh: F64
    resistance: F64
    temperature_c: F64
    spread: F64
    loss_kw_per_kw2: F64
    heat_k_per_kwh: F64
    charge_limit_kw: F64
    target_soc: F64
    plug_kw: F64
    berth: I32
    depart_step: I32
    session_start: I32
    session_kwh: F64
    throughput_kwh: F64
    loss_kwh: F64
    checked_day: I32
    fault: I8

    @property
    def size(self) -> int:
        """Number of packs."""
        return int(self.product.size)

    @property
    def soc(self) -> F64:
        """State of charge against today's capacity, shape (packs,) [0-1]."""
        return self.energy_kwh / self.usable_kwh


# What plugging in, unplugging and swapping ask of one pack, a line of the cache in all, and what no
# step asks of all packs.
_TOGETHER = (
    "target_soc", "plug_kw", "charge_limit_kw", "loss_kw_per_kw2", "heat_k_per_kwh", "session_kwh",
    "session_start", "depart_step", "berth", "vehicle",
)  # fmt: skip


def new_packs(count: int) -> Packs:
    """``count`` packs, new and empty, nowhere; the maker fills in the rest."""
    kinds = {"I16": np.int16, "I8": np.int8, "I32": np.int32, "F64": np.float64}
    hints = {name: kinds[_kind(hint)] for name, hint in Packs.__annotations__.items()}
    arrays = side_by_side(count, {name: hints[name] for name in _TOGETHER})
    apart = (name for name in hints if name not in arrays)
    packs = Packs(**arrays, **{name: np.zeros(count, hints[name]) for name in apart})
    packs.place[:] = NOWHERE
    packs.vehicle[:] = NOWHERE
    packs.berth[:] = NOWHERE
    packs.fleet[:] = -1
    packs.soh[:] = 1.0
    packs.resistance[:] = 1.0
    packs.spread[:] = 1.0
    packs.target_soc[:] = 1.0
    return packs


def joined(parts: Sequence[Packs]) -> Packs:
    """All packs of several parts, one after the other."""
    whole = new_packs(sum(part.size for part in parts))
    first = 0
    for part in parts:
        for name in Packs._fields:
            getattr(whole, name)[first : first + part.size] = getattr(part, name)
        first += part.size
    return whole


def _kind(annotation: object) -> str:
    return str(getattr(annotation, "__forward_arg__", annotation))
