"""What a decision may see, and what it may say. Both are frozen; both worlds use them."""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.measures.arrays import F64, I64


@dataclass(frozen=True)
class PlanRow:
    """The day plan of every site at one step, shape (sites,) [kW]."""

    pv_kw: F64
    flex_kw: F64
    store_kw: F64


@dataclass(frozen=True)
class Snapshot:
    """One step as it was observed.

    Sites, shape (sites,): ``load_kw``, ``pv_kw`` available; ``import_limit_kw``,
    ``export_limit_kw``; the store's ``store_charge_limit_kw`` and ``store_discharge_limit_kw``
    as its content allows now (AC).
    Batteries that want energy, shape (n,): ``site``, ``need_kwh`` (AC), ``limit_kw`` (AC, what
    plug and pack allow now), ``steps_needed`` at the most they allow from now on until they are
    full, ``steps_left`` until they leave.
    """

    step: int
    step_h: float
    load_kw: F64
    pv_kw: F64
    import_limit_kw: F64
    export_limit_kw: F64
    store_charge_limit_kw: F64
    store_discharge_limit_kw: F64
    site: I64
    need_kwh: F64
    limit_kw: F64
    steps_needed: F64
    steps_left: I64


@dataclass(frozen=True)
class Commands:
    """What everyone is told for one step, AC side.

    ``battery_kw`` (n,) charging power of each battery of the snapshot; ``store_kw`` (sites,)
    positive into the store; ``pv_used_kw`` (sites,).
    """

    battery_kw: F64
    store_kw: F64
    pv_used_kw: F64
