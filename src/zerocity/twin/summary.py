"""What a run came to, in one dictionary."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from zerocity.books.accounts import CARBON, MONEY
from zerocity.books.audit import Balance
from zerocity.city.scenario import City
from zerocity.measures.units import KG_PER_T, KWH_PER_MWH
from zerocity.parks.assessment import assess
from zerocity.parks.indicators import indicators
from zerocity.twin.posting import GONE
from zerocity.twin.year import Twin
from zerocity.vpp.baseline import score_baseline


def summarise(twin: Twin, balances: dict[str, Balance]) -> dict[str, Any]:
    """The summary of a finished run, but for its runtime; plain values, ready for JSON."""
    tally = twin.tally
    present = ~np.isin(twin.people.packs.stage, GONE)
    products = np.bincount(twin.people.packs.product[present], minlength=len(twin.people.products))
    return {
        "city": twin.city.name,
        "title": twin.city.title,
        "start": str(twin.timeline.start),
        "days": twin.timeline.days,
        "seed": twin.options.seed,
        "utc_offset_h": twin.timeline.utc_offset_h,
        "runtime": {},
        "batteries": {**tally.battery_summary(twin.people), **twin.lives()},
        "fleets": tally.fleet_summary(),
        "energy_mwh": tally.energy_summary(),
        "cost_cny": _cost(twin),
        "carbon_t": _carbon(twin),
        "vpp": _vpp(twin),
        "forecast": twin.hindsight.forecasts(),
        "foresight": twin.hindsight.stores(twin.options.threads),
        "materials_kg": tally.material_summary(
            products @ twin.materials, twin.afterlife.recovered_kg
        ),
        "parks": _parks(twin),
        "audit": {
            book: {"residual": b.residual, "relative": b.relative, "account": b.account}
            for book, b in balances.items()
        },
        "certainty": dict(Counter(f.certainty for f in twin.city.figures)),
        "assumptions": _assumptions(twin.city),
    }


def _cost(twin: Twin) -> dict[str, float]:
    def paid(to: str) -> float:
        return twin.books.flow(MONEY, "operators", to)

    def earned(source: str) -> float:
        return twin.books.flow(MONEY, source, "operators")

    cost = {
        "grid_energy": paid("grid_energy"),
        "demand_charge": paid("grid_demand_charge"),
        "new_batteries": paid("battery_maker"),
        "centre": paid("centre"),
        "repacking": paid("repacking"),
        "haulage": paid("haulage"),
        "processing": paid("processing"),
        "export_income": -earned("grid_export"),
        "vpp_income": -earned("power_market") + paid("power_market"),
        "metal_income": -earned("metal_market"),
    }
    return {**cost, "total": sum(cost.values())}


def _carbon(twin: Twin) -> dict[str, float]:
    def added(source: str) -> float:
        return twin.books.flow(CARBON, source, "footprint") / KG_PER_T

    carbon = {
        "grid": added("grid_generation"),
        "embodied": added("battery_making"),
        "haulage": added("haulage"),
        "processing": added("processing"),
        "recycling_credit": -twin.books.flow(CARBON, "footprint", "recycling_credit") / KG_PER_T,
    }
    # What exported solar energy spares others is shown apart and never netted.
    return {**carbon, "total": sum(carbon.values()), "avoided": twin.tally.avoided_kg / KG_PER_T}


def _vpp(twin: Twin) -> dict[str, Any]:
    plant = twin.plant
    found: dict[str, Any] = {
        "events": plant.events,
        "requested_mwh": plant.requested_kwh / KWH_PER_MWH,
        "flexibility_without_notice_mw": float(np.mean(plant.flexible_kw or [0.0])) / 1e3,
        "delivered_mwh": plant.delivered_kwh / KWH_PER_MWH,
        "baseline_mwh": plant.baseline_kwh / KWH_PER_MWH,
        "payment_cny": plant.payment_cny,
    }
    score = score_baseline(
        plant.program,
        plant.metered_kw,
        events=plant.called,
        workdays=twin.timeline.is_workday(),
    )
    if score.days:
        found |= {f"baseline_{name}": value for name, value in asdict(score).items()}
    return found


def _parks(twin: Twin) -> dict[str, Any]:
    result = {}
    factor = twin.bills.factor(twin.timeline.days - 1)
    for spec in twin.city.parks:
        days = twin.tally.park_meters[spec.name]
        if not days:
            continue
        bought, sold, made, used = np.concatenate(days, axis=1)
        found = indicators(
            spec,
            import_kwh=bought,
            export_kwh=sold,
            generation_kwh=made,
            load_kwh=used,
            grid_kgco2_per_kwh=factor,
        )
        result[spec.name] = assess(spec, found).summary()
    return result


def _assumptions(city: City) -> list[dict[str, Any]]:
    return [
        {
            "path": figure.path,
            "value": figure.value,
            "unit": figure.unit,
            "source": figure.source,
            "note": figure.note,
            "weight": figure.weight,
        }
        for figure in city.assumptions()
    ]
