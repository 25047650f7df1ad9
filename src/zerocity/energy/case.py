"""One site's planning problem: prices, limits, stores, charging sessions and other assets.

Power is the mean over a step and AC, energy stands at the end of a step, charging is positive.
Arrays have one value a step, shape (T,). ``case_reader.read_case`` makes a case from text and
checks it; a case made by hand is taken as lawful.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zerocity.energy.case_sessions import Fleet, Session, fleet_of
from zerocity.measures.arrays import F64


@dataclass(frozen=True, slots=True)
class Store:
    """A stationary store.

    Attributes
    ----------
    name : what it is called in the schedule.
    capacity_kwh : usable energy at soc 1 [kWh], >= 0.
    charge_limit_kw, discharge_limit_kw : AC power limits, (T,) [kW].
    charge_efficiency, discharge_efficiency : AC to stored and stored to AC, in (0, 1].
    self_discharge_per_step : share of the content lost in a step, in [0, 1).
    initial_soc : content before the first step over capacity, in [0, 1].
    final_soc : content at the end that is wanted, exactly; None leaves the end free.
    final_value_cny_per_kwh : what a kWh left at the end is worth [CNY/kWh].
    soc_min, soc_max : bounds at the end of each step, (T,). They may be broken at a price.
    wear_cny_per_kwh : price of each AC kWh charged and of each discharged [CNY/kWh].
    """

    name: str
    capacity_kwh: float
    charge_limit_kw: F64
    discharge_limit_kw: F64
    charge_efficiency: float
    discharge_efficiency: float
    self_discharge_per_step: float
    initial_soc: float
    final_soc: float | None
    final_value_cny_per_kwh: float
    soc_min: F64
    soc_max: F64
    wear_cny_per_kwh: float


@dataclass(frozen=True, slots=True)
class Process:
    """A load that may be shifted within [earliest_step, latest_step).

    Without a profile it takes ``energy_kwh`` in any steps, at ``power_min_kw`` to
    ``power_max_kw`` where it runs. With ``profile_kw`` (n,) it runs once, uninterrupted.
    """

    name: str
    earliest_step: int
    latest_step: int
    energy_kwh: float
    power_min_kw: float
    power_max_kw: float
    profile_kw: F64 | None = None


@dataclass(frozen=True, slots=True)
class Heat:
    """Heat demand met by a heat pump, with or without a tank.

    Attributes
    ----------
    demand_kw : heat wanted, (T,) [kW heat].
    cop : heat over electricity, (T,).
    power_limit_kw : electric power of the heat pump, (T,) [kW].
    capacity_kwh, initial_kwh, final_kwh : tank, content before the first step, least content at
        the end [kWh heat].
    loss_per_step : share of the content lost in a step, in [0, 1).
    """

    demand_kw: F64
    cop: F64
    power_limit_kw: F64
    capacity_kwh: float
    initial_kwh: float
    final_kwh: float
    loss_per_step: float


@dataclass(frozen=True, slots=True)
class Case:
    """What a site faces over T steps.

    Attributes
    ----------
    step_minutes : length of a step [min].
    import_limit_kw, export_limit_kw : grid connection, (T,) [kW]; infinite where there is none.
    load_kw, pv_kw : inflexible load, and sun that may be curtailed, (T,) [kW].
    buy_cny_per_kwh, sell_cny_per_kwh : (T,) [CNY/kWh].
    demand_charge_cny_per_kw : price of each kW by which the highest import passes
        ``peak_so_far_kw``, the highest of the billing period until now.
    carbon_kg_per_kwh : carbon of imported energy, (T,) [kg/kWh].
    carbon_price_cny_per_t, carbon_budget_kg : price [CNY/t] and most carbon of the whole plan.
    fair_sessions : share what cannot be served among sessions of equal priority.
    notes : what was wrong with the input and how it is planned around, a sentence each.
    fleet : the sessions as arrays.
    import_price_cny_per_kwh : buying price with the price of its carbon, (T,) [CNY/kWh].
    """

    step_minutes: float
    import_limit_kw: F64
    export_limit_kw: F64
    load_kw: F64
    pv_kw: F64
    buy_cny_per_kwh: F64
    sell_cny_per_kwh: F64
    demand_charge_cny_per_kw: float = 0.0
    peak_so_far_kw: float = 0.0
    stores: tuple[Store, ...] = ()
    sessions: tuple[Session, ...] = ()
    processes: tuple[Process, ...] = ()
    heat: Heat | None = None
    carbon_kg_per_kwh: F64 = field(default_factory=lambda: np.zeros(1))
    carbon_price_cny_per_t: float = 0.0
    carbon_budget_kg: float = np.inf
    fair_sessions: bool = True
    notes: tuple[str, ...] = ()
    fleet: Fleet = field(init=False, repr=False)
    import_price_cny_per_kwh: F64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Gather once what every plan of the case asks for."""
        carbon = self.carbon_kg_per_kwh * (self.carbon_price_cny_per_t / 1000.0)
        object.__setattr__(self, "fleet", fleet_of(self.sessions))
        object.__setattr__(self, "import_price_cny_per_kwh", self.buy_cny_per_kwh + carbon)

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return int(self.load_kw.size)

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self.step_minutes / 60.0
