"""The day's sessions: what every charge and every swap leaves behind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zerocity.batteries.state import Packs
from zerocity.measures.arrays import F64, I8, I32, I64
from zerocity.twin.kernel import kernel

CHARGE, SWAP = 0, 1


class Log(NamedTuple):
    """Sessions that ended today; ``size[0]`` rows are in use, ``size[1]`` found no room."""

    size: I32
    start: I32
    end: I32
    site: I32
    battery: I32
    vehicle: I32
    fleet: I8
    kind: I8
    energy_kwh: F64


def new_log(rows: int) -> Log:
    """An empty log with room for ``rows`` sessions."""
    return Log(
        size=np.zeros(2, np.int32),
        start=np.zeros(rows, np.int32),
        end=np.zeros(rows, np.int32),
        site=np.zeros(rows, np.int32),
        battery=np.zeros(rows, np.int32),
        vehicle=np.zeros(rows, np.int32),
        fleet=np.zeros(rows, np.int8),
        kind=np.zeros(rows, np.int8),
        energy_kwh=np.zeros(rows),
    )


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def note(
    log: Log,
    start: int,
    end: int,
    site: int,
    battery: int,
    vehicle: int,
    fleet: int,
    kind: int,
    energy_kwh: float,
) -> None:
    """Write one session into the log; one that finds no room is counted, for the caller to see."""
    n = log.size[0]
    if n >= log.start.size:
        log.size[1] += 1
        return
    log.start[n], log.end[n], log.site[n] = start, end, site
    log.battery[n], log.vehicle[n] = battery, vehicle
    log.fleet[n], log.kind[n], log.energy_kwh[n] = fleet, kind, energy_kwh
    log.size[0] = n + 1


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def end_sessions(log: Log, packs: Packs, ids: I64, now: int) -> None:
    """Note the running sessions of packs ``ids`` (n,) that leave their vehicles for good."""
    for p in ids:
        if packs.vehicle[p] >= 0 and packs.plug_kw[p] > 0.0 and packs.session_kwh[p] > 0.0:
            note(
                log, packs.session_start[p], now, packs.place[p], p, packs.vehicle[p],
                packs.fleet[p], CHARGE, packs.session_kwh[p],
            )  # fmt: skip
