"""The processing base: what enters, what comes out as product, and what is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zerocity.batteries.chemistries import METALS, Chemistry
from zerocity.errors import InputError
from zerocity.recycling import everbatt

FloatArray = npt.NDArray[np.float64]

OTHER = "other"
DAYS_PER_YEAR = 365.0


# Overall yield, cell to product (EverBatt 2023 defaults), as (preprocessing, refining). Shredding
# and separation keep about 95 %; leaching and extraction 98 % (lithium 87 %), direct repair 90 %.
# Pyrometallurgy smelts whole cells, so it has one stage. Overall yields: pyro Ni 95.0, Co 94.9,
# Cu 95.1; hydro Li 83.0 (LFP 81.6), Ni and Mn 93.1, Co 93.0, foils 90, graphite 85.5; direct
# cathode 85.5. In direct repair the metals leave inside the repaired cathode.
_PRE = 0.95
_FOILS: dict[str, tuple[float, float]] = {
    "Cu": (0.90, 1.0),
    "Al": (0.90, 1.0),
    "graphite": (_PRE, 0.90),
}
YIELDS: dict[str, dict[str, tuple[float, float]]] = {
    "pyro": {"Ni": (1.0, 0.950), "Co": (1.0, 0.949), "Cu": (1.0, 0.951)},
    "hydro": {
        "Li": (_PRE, 0.830 / _PRE),
        "Ni": (_PRE, 0.931 / _PRE),
        "Co": (_PRE, 0.930 / _PRE),
        "Mn": (_PRE, 0.931 / _PRE),
        **_FOILS,
    },
    "direct": {
        **dict.fromkeys(("Li", "Ni", "Co", "Mn", "Fe", "P"), (_PRE, 0.90)),
        **_FOILS,
    },
}
_HYDRO_LFP_LI = (_PRE, 0.816 / _PRE)
_CATHODE = ("Li", "Ni", "Co", "Mn", "Fe", "P")


@dataclass(frozen=True)
class ProcessingBase:
    """One plant shared by the region.

    capacity_t_per_year : mass of packs per year [t]. Licensed capacity of Lanzhou is 5,500 t/year
        (Tian et al. 2025).
    process : "pyro" | "hydro" | "direct".
    prices_usd_per_kg : product prices that differ from EverBatt's, by material.
    yields : overall yields that differ from EverBatt's, by material [0-1].
    stand_ins : chemistry key to the key whose plant figures stand in for it; an assumption of
        the city that names it, for chemistries that EverBatt lacks.
    cost_factor : multiplies the cost without the feed fee. EverBatt is for 10,000 t/year.
    usd_to_cny : exchange rate for all dollar figures. Assumed 7.0.
    """

    name: str = "processing base"
    capacity_t_per_year: float = 5500.0
    process: str = "hydro"
    prices_usd_per_kg: Mapping[str, float] = field(default_factory=dict)
    yields: Mapping[str, float] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    cost_factor: float = 1.0
    usd_to_cny: float = 7.0

    def __post_init__(self) -> None:
        if self.process not in everbatt.PROCESSES:
            raise InputError(
                "base.process", repr(self.process), "one of " + ", ".join(everbatt.PROCESSES)
            )
        for name in ("capacity_t_per_year", "cost_factor", "usd_to_cny"):
            if getattr(self, name) <= 0:
                raise InputError(f"base.{name}", str(getattr(self, name)), "more than 0")
        for material, share in self.yields.items():
            if not 0.0 <= share <= 1.0:
                raise InputError(f"base.yields.{material}", str(share), "a fraction from 0 to 1")

    @property
    def capacity_kg_per_day(self) -> float:
        """Mass that the plant takes in a day [kg]."""
        return self.capacity_t_per_year * 1000.0 / DAYS_PER_YEAR

    def figures(self, chemistry: str) -> everbatt.Figures:
        """Plant figures for a chemistry, or for its stand-in."""
        return everbatt.figures(self.stand_ins.get(chemistry, chemistry), self.process)

    def price_usd_per_kg(self, material: str) -> float:
        """Price of a recovered material [USD/kg]; 0 for one that has none."""
        known = everbatt.PRICES_USD_PER_KG.get(material, 0.0)
        return self.prices_usd_per_kg.get(material, known)

    def stage_yields(self, chemistry: str, material: str) -> tuple[float, float]:
        """(preprocessing, refining) yields of a material [0-1]; (0, 0) = all left as residue."""
        stages = YIELDS[self.process].get(material, (0.0, 0.0))
        if self.process == "hydro" and chemistry == "lfp" and material == "Li":
            stages = _HYDRO_LFP_LI
        if material not in self.yields:
            return stages
        pre = max(stages[0], self.yields[material])
        return pre, (self.yields[material] / pre if pre else 0.0)


@dataclass(frozen=True)
class Recovery:
    """Fate of a feed by material [kg]: feed = recovered + lost + residue.

    recovered : sold as product. lost : passed preprocessing, then went into slag, tailings or
    water. residue : left in the shredder, or never meant to be recovered.
    """

    feed_kg: dict[str, float]
    recovered_kg: dict[str, float]
    lost_kg: dict[str, float]
    residue_kg: dict[str, float]
    cost_cny: float
    revenue_cny: float
    process_kgco2: float


@dataclass(frozen=True)
class Intake:
    """What the plant takes from its queue today: the first ``count`` items, and unused room."""

    count: int
    carry_kg: float


def intake(base: ProcessingBase, queue_kg: FloatArray, carry_kg: float = 0.0) -> Intake:
    """Take whole packs off the queue, first in first out, as far as today's capacity goes.

    ``queue_kg`` (n,) masses in the order of arrival. Room too small for the next pack is carried
    to tomorrow, so a heavy pack is never stuck; an empty queue carries nothing.
    """
    room = base.capacity_kg_per_day + carry_kg
    filled = np.cumsum(queue_kg)
    count = int(np.searchsorted(filled, room, side="right"))
    if count == queue_kg.size:
        return Intake(count, 0.0)
    return Intake(count, float(room - (filled[count - 1] if count else 0.0)))


def feed_kg(chemistry: Chemistry, kwh: float, mass_kg: float) -> dict[str, float]:
    """Materials in packs of one chemistry with rated energy ``kwh`` and total mass ``mass_kg``.

    What the bill of materials does not name (housing, plastics, solvent, oxygen) is "other".
    """
    shares = zip(METALS, chemistry.material_kg_per_kwh, strict=True)
    feed = {name: share * kwh for name, share in shares}
    other = mass_kg - sum(feed.values())
    if other < 0:
        raise InputError(
            f"mass of {chemistry.key} packs", f"{mass_kg:g} kg for {kwh:g} kWh",
            f"at least {sum(feed.values()):g} kg of materials", "Check mass_kg of the product",
        )  # fmt: skip
    return {**feed, OTHER: other}


def recover(base: ProcessingBase, chemistry: Chemistry, kwh: float, mass_kg: float) -> Recovery:
    """Process packs of one chemistry.

    ``kwh`` rated (new) energy of all packs [kWh], ``mass_kg`` their mass [kg]. Cost, revenue and
    carbon follow EverBatt per kg of cells; a price or yield of the base's own moves the revenue
    by the difference it makes. The cost leaves out the feed fee, which is an exchange between
    plant and owner.
    """
    feed = feed_kg(chemistry, kwh, mass_kg)
    recovered, lost, residue = {}, {}, {}
    for material, mass in feed.items():
        pre, refining = base.stage_yields(chemistry.key, material)
        recovered[material] = mass * pre * refining
        lost[material] = mass * pre * (1.0 - refining)
        residue[material] = mass * (1.0 - pre)
    cells_kg = chemistry.cell_kg_per_kwh * kwh
    figure = base.figures(chemistry.key)
    cost = (figure.cost_usd - figure.fee_usd) * base.cost_factor * cells_kg
    revenue = figure.revenue_usd * cells_kg + _moved_revenue_usd(base, chemistry.key, feed)
    return Recovery(
        feed, recovered, lost, residue,
        cost_cny=cost * base.usd_to_cny,
        revenue_cny=revenue * base.usd_to_cny,
        process_kgco2=figure.process_kgco2 * cells_kg,
    )  # fmt: skip


def _moved_revenue_usd(base: ProcessingBase, chemistry: str, feed: Mapping[str, float]) -> float:
    plain = ProcessingBase(process=base.process)
    moved = 0.0
    for material, mass in feed.items():
        if base.process == "direct" and material in _CATHODE:
            continue  # sold inside the cathode, whose price EverBatt's revenue holds
        own = np.prod(base.stage_yields(chemistry, material)) * base.price_usd_per_kg(material)
        theirs = np.prod(plain.stage_yields(chemistry, material)) * plain.price_usd_per_kg(material)
        moved += mass * float(own - theirs)
    return moved


def worth_cny_per_kwh(base: ProcessingBase, chemistry: Chemistry) -> float:
    """What a kWh of rated energy is worth to the plant: revenue less cost [CNY/kWh]."""
    result = recover(base, chemistry, 1.0, sum(chemistry.material_kg_per_kwh))
    return result.revenue_cny - result.cost_cny


@dataclass(frozen=True, slots=True)
class NormCheck:
    """One target of the norm at one boundary."""

    material: str
    boundary: str
    reached: float
    target: float

    @property
    def met(self) -> bool:
        """True when the yield reaches the target (to a rounding of 0.05 %)."""
        return self.reached >= self.target - 5e-4


def check_miit_2024(base: ProcessingBase, chemistry: str) -> tuple[NormCheck, ...]:
    """Yields against China's 2024 industry norm (MIIT): powder 98 %, Li 90 %, Ni Co Mn 98 %.

    The norm sets the metals at smelting, so "refining" is its own boundary; "overall" shows what
    a reader gets who sets the same target on feed to product.
    """
    checks = []
    for material, target in (("Li", 0.90), ("Ni", 0.98), ("Co", 0.98), ("Mn", 0.98)):
        pre, refining = base.stage_yields(chemistry, material)
        checks += [
            NormCheck(material, "refining", refining, target),
            NormCheck(material, "overall", pre * refining, target),
        ]
    powder = base.stage_yields(chemistry, "Li")[0]
    return (NormCheck("electrode powder", "preprocessing", powder, 0.98), *checks)
