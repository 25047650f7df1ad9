"""Running totals of a run, and the summary made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from zerocity.city.scenario import City
from zerocity.control.ports import Journal
from zerocity.measures.units import KWH_PER_MWH
from zerocity.passports.lifecycle import Stage
from zerocity.twin.flows import MATERIALS, NightFlows
from zerocity.twin.population import Population
from zerocity.twin.world import DayMeters

FLEET_SUMS = ("km", "kwh", "trips_served", "trips_missed", "swaps", "charges")


class Tally:
    """Adds the days up."""

    def __init__(self, city: City, people: Population) -> None:
        self.city = city
        self.night = NightFlows()
        self.energy_kwh: dict[str, float] = {}
        self.fleets = {f.name: dict.fromkeys(FLEET_SUMS, 0.0) for f in city.fleets}
        self.journal: Callable[[int], Journal] = _no_journal
        self.lost_kwh = 0.0
        self.avoided_kg = 0.0
        self.park_meters: dict[str, list[Any]] = {p.name: [] for p in city.parks}
        names = list(city.sites.name)
        self._park_sites = {
            p.name: np.array([names.index(s) for s in p.sites if s in names], np.int64)
            for p in city.parks
        }
        self.stored_kwh = float(people.packs.energy_kwh.sum())
        self.first_stored_kwh = self.stored_kwh

    def open(self, people: Population) -> None:
        """Note what is stored when the run begins."""
        self.first_stored_kwh = float(people.packs.energy_kwh.sum())

    def add_day(self, m: DayMeters, lost_kwh: float, night: NightFlows, people: Population) -> None:
        """Take in a day's meters and its night."""
        for one in fields(DayMeters):
            total = self.energy_kwh.get(one.name, 0.0)
            self.energy_kwh[one.name] = total + float(getattr(m, one.name).sum())
        self.lost_kwh += lost_kwh
        for one in fields(NightFlows):
            setattr(self.night, one.name, getattr(self.night, one.name) + getattr(night, one.name))
        self.stored_kwh = float(people.packs.energy_kwh.sum())
        for name, sites in self._park_sites.items():
            if sites.size:
                self.park_meters[name].append(_hourly(m, sites))

    def add_fleets(self, rows: dict[str, Any]) -> None:
        """Take in a day's rows of `fleet_days`."""
        for k, name in enumerate(rows["fleet"]):
            for key in FLEET_SUMS:
                self.fleets[name][key] += float(rows[key][k])

    def fleet_summary(self) -> dict[str, dict[str, float]]:
        """Totals of each fleet; kWh per km is left out where nobody drove."""
        result = {}
        for spec in self.city.fleets:
            sums = self.fleets[spec.name]
            row: dict[str, float] = {"vehicles": spec.vehicles, **sums}
            row["swaps"], row["charges"] = int(sums["swaps"]), int(sums["charges"])
            row["kwh_per_km"] = sums["kwh"] / sums["km"] if sums["km"] > 0.0 else 0.0
            result[spec.name] = row
        return result

    def energy_summary(self) -> dict[str, float]:
        """Energy of the run [MWh]."""
        e = self.energy_kwh
        lost = self.lost_kwh
        kwh = {
            "grid_import": e["import_kwh"],
            "grid_export": e["export_kwh"],
            "pv": e["pv_kwh"],
            "pv_curtailed": e["pv_kwh"] - e["pv_used_kwh"],
            "load": e["load_kwh"],
            "charging": e["charging_kwh"],
            "storage_charge": e["store_in_kwh"],
            "storage_discharge": e["store_out_kwh"],
            "traction": e["traction_kwh"],
            "losses": lost,
            "delivered_in_new_packs": self.night.delivered_kwh,
            "left_in_old_packs": self.night.leaked_kwh + self.night.dismantled_kwh,
            "stored_change": self.stored_kwh - self.first_stored_kwh,
        }
        return {name: value / KWH_PER_MWH for name, value in kwh.items()}

    def material_summary(
        self, held_kg: Any, recovered_stock_kg: Any
    ) -> dict[str, dict[str, float]]:
        """Kilograms of each material; ``held_kg`` and ``recovered_stock_kg`` (materials,)."""
        n = self.night
        return {
            name: {
                "in_service": float(held_kg[k]),
                "into_new_packs": float(n.new_kg[k]),
                "collected": float(n.collected_kg[k]),
                "processed": float(n.processed_kg[k]),
                "recovered": float(n.recovered_kg[k]),
                "reused_in_new_packs": float(n.reused_kg[k]),
                "recovered_stock": float(recovered_stock_kg[k]),
                "lost": float(n.leaked_kg[k] + n.residue_kg[k]),
            }
            for k, name in enumerate(MATERIALS)
        }

    def battery_summary(self, people: Population) -> dict[str, Any]:
        """Batteries at the end of the run."""
        packs = people.packs
        working = np.isin(
            packs.stage, (Stage.IN_SERVICE, Stage.SWAP_POOL, Stage.STORAGE, Stage.REPAIR)
        )
        stages = np.bincount(packs.stage, minlength=max(Stage) + 1)
        names = [f.name for f in self.city.fleets]
        by_fleet = {n: int(((packs.fleet == k) & working).sum()) for k, n in enumerate(names)}
        by_fleet["stationary"] = int(((packs.fleet < 0) & working).sum())
        ended = [Stage.RETIRED, Stage.AT_CENTRE, Stage.SECOND_LIFE, Stage.QUEUED,
                 Stage.RECYCLED, Stage.LOST]  # fmt: skip
        return {
            "total": packs.size,
            "by_stage": {s.label: int(stages[s]) for s in Stage if s >= 0 and stages[s]},
            "by_fleet": by_fleet,
            "mean_soh": float(packs.soh[working].mean()) if working.any() else 0.0,
            "retired": int(sum(stages[s] for s in ended)),
            "second_life": int(stages[Stage.SECOND_LIFE]),
            "recycled": int(stages[Stage.RECYCLED]),
            "lost_to_informal": int(stages[Stage.LOST]),
        }


def _hourly(m: DayMeters, sites: Any) -> Any:
    """Import, export, generation and load of a park by hour, (4, 24) [kWh]."""
    per_hour = m.import_kwh.shape[0] // 24
    load = m.load_kwh + m.charging_kwh
    rows = [a[:, sites].sum(axis=1) for a in (m.import_kwh, m.export_kwh, m.pv_used_kwh, load)]
    return np.array(rows).reshape(4, 24, per_hour).sum(axis=2)


def _no_journal(day: int) -> Journal:
    raise LookupError(f"no journal was set for day {day}")
