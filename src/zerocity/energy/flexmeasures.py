"""Read a scheduling request of FlexMeasures, its flex-model and flex-context, as a case.

Field names and meaning follow FlexMeasures' documentation of scheduling
(https://flexmeasures.readthedocs.io/latest/features/scheduling.html). A field that would change the
plan and that we do not know is refused by name; one that only says where FlexMeasures writes
results, or how soft a limit is, is named in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.flexmeasures_units import Reading, duration, moment
from zerocity.errors import InputErrors
from zerocity.measures.arrays import F64
from zerocity.measures.wording import did_you_mean, quote

MODEL_FIELDS = frozenset(
    [
        "soc-at-start",
        "soc-unit",
        "soc-min",
        "soc-max",
        "soc-minima",
        "soc-maxima",
        "soc-targets",
        "power-capacity",
        "consumption-capacity",
        "production-capacity",
        "roundtrip-efficiency",
        "charging-efficiency",
        "discharging-efficiency",
        "storage-efficiency",
        "commodity",
        "name",
    ]
)
CONTEXT_FIELDS = frozenset(
    [
        "consumption-price",
        "production-price",
        "site-power-capacity",
        "site-consumption-capacity",
        "site-production-capacity",
        "site-peak-consumption",
        "site-peak-consumption-price",
        "inflexible-device-sensors",
        "commitments",
    ]
)
REQUEST_FIELDS = frozenset(
    [
        "flex-model",
        "flex-context",
        "start",
        "duration",
        "resolution",
        "sensors",
        "prior",
        "belief-time",
        "force-new-job-creation",
    ]
)
REMARKS = {
    "sensor": "",
    "asset": "",
    "consumption": "results are printed, not written to its database",
    "production": "results are printed, not written to its database",
    "state-of-charge": "results are printed, not written to its database",
    "aggregate-power": "results are printed, not written to its database",
    "prefer-charging-sooner": "ties are broken early, or late with --late",
    "prefer-curtailing-later": "ties are broken early, or late with --late",
    "relax-constraints": "limits are always soft here",
    "relax-soc-constraints": "limits are always soft here",
    "relax-capacity-constraints": "limits are always soft here",
    "relax-site-capacity-constraints": "limits are always soft here",
    "soc-minima-breach-price": "limits break in our own order",
    "soc-maxima-breach-price": "limits break in our own order",
    "consumption-breach-price": "limits break in our own order",
    "production-breach-price": "limits break in our own order",
    "site-consumption-breach-price": "limits break in our own order",
    "site-production-breach-price": "limits break in our own order",
}
UNSUPPORTED = {
    "soc-gain": "Remove it; flows past the meter are not modelled.",
    "soc-usage": "Remove it; flows past the meter are not modelled.",
    "gas-price": "Remove it; only electricity is planned.",
    "site-peak-production": "Remove it; only peaks of consumption are charged.",
    "site-peak-production-price": "Remove it; only peaks of consumption are charged.",
    "consumption-price-sensor": 'Write "consumption-price" and its values.',
    "production-price-sensor": 'Write "production-price" and its values.',
}
DEFAULT_STEP = "PT15M"
MOST_STEPS = 1_000_000


def is_flexmeasures(raw: Mapping[str, Any]) -> bool:
    """Whether a table looks like a request to FlexMeasures."""
    return "flex-model" in raw or "flex-context" in raw


def read_flexmeasures(raw: Mapping[str, Any]) -> Case:
    """Return the case of a request: flex-model, flex-context, start, duration, resolution.

    Values of sensors may come along as ``"sensors": {"3": ["0.3 EUR/kWh", ...]}``, one a step.
    Money is carried in its own currency. Raises InputErrors with every mistake.
    """
    reading = _reading(raw)
    _names(reading, "", raw, REQUEST_FIELDS)
    context = raw.get("flex-context", {})
    models = raw.get("flex-model", [])
    case = _context(reading, context if isinstance(context, Mapping) else {})
    rows = models if isinstance(models, list) else [models]
    site_kw = case.pop("site_kw")
    case["stores"] = [_store(reading, at, row, site_kw) for at, row in enumerate(rows)]
    if reading.errors:
        raise InputErrors(reading.errors)
    if len(reading.currencies) > 1:
        reading.error("flex-context", f"{sorted(reading.currencies)}", "prices in one currency")
        raise InputErrors(reading.errors)
    for name in reading.currencies - {"CNY"}:
        reading.notes.append(f"prices are in {name}: read CNY as {name} everywhere")
    found = read_case(case)
    return replace(found, notes=(*reading.notes, *found.notes))


def _reading(raw: Mapping[str, Any]) -> Reading:
    start = moment(raw.get("start")) if "start" in raw else datetime(2000, 1, 1, tzinfo=UTC)
    step, span = duration(raw.get("resolution", DEFAULT_STEP)), duration(raw.get("duration", "P1D"))
    sensors = raw.get("sensors", {})
    steps = (span or timedelta(days=1)) / (step or timedelta(minutes=15))
    reading = Reading(
        start=start or datetime(2000, 1, 1, tzinfo=UTC),
        step=step or timedelta(minutes=15),
        steps=max(round(steps), 1) if steps <= MOST_STEPS else 1,
        sensors=sensors if isinstance(sensors, Mapping) else {},
    )
    if steps > MOST_STEPS:
        reading.error("duration", f"{steps:,.0f} steps", f"at most {MOST_STEPS:,}")
    if start is None:
        wanted = 'a time with zone like "2026-01-01T00:00:00+08:00"'
        reading.error("start", quote(raw.get("start")), wanted)
    for name, found in (("resolution", step), ("duration", span)):
        if found is None:
            reading.error(name, quote(raw.get(name)), 'a duration like "PT15M" or "P1D"')
        elif name not in raw:
            given = DEFAULT_STEP if name == "resolution" else "P1D"
            reading.notes.append(f"{name}: not given; planned with {given}")
    return reading


def _names(reading: Reading, path: str, raw: Mapping[str, Any], fields: frozenset[str]) -> None:
    """Name every field that is not read: as a mistake, or as a remark where it does not matter."""
    for key in raw:
        where = f"{path}.{key}" if path else str(key)
        if key in UNSUPPORTED:
            reading.error(where, "a field that cannot be planned", "a case without it",
                          UNSUPPORTED[key])  # fmt: skip
        elif key in REMARKS and path:
            if REMARKS[key] and not (key.startswith("prefer-") and raw[key] is True):
                reading.notes.append(f"{where}: not used; {REMARKS[key]}")
        elif key not in fields:
            known = fields | (REMARKS.keys() if path else set())
            way_out = did_you_mean(str(key), known, "Remove it.")
            wanted = f"one of {', '.join(sorted(fields))}"
            reading.error(where, "an unknown field", wanted, way_out)


def _context(reading: Reading, raw: Mapping[str, Any]) -> dict[str, Any]:
    where = "flex-context"
    _names(reading, where, raw, CONTEXT_FIELDS)
    if raw.get("commitments"):
        reading.error(f"{where}.commitments", "commitments", "none", "They are not planned here.")
    if "consumption-price" not in raw:
        reading.error(f"{where}.consumption-price", "nothing", 'a price like "0.29 EUR/kWh"')
    buy = _given(reading, where, raw, "consumption-price", "price", np.nan)
    sell = _given(reading, where, raw, "production-price", "price", np.nan)
    if "production-price" not in raw:
        sell = buy
        reading.notes.append("production-price: not given; export earns the consumption price")
    site = _given(reading, where, raw, "site-power-capacity", "power", np.inf)
    case = {
        "step_minutes": reading.step / timedelta(minutes=1),
        "steps": reading.steps,
        "buy_cny_per_kwh": buy.tolist(),
        "sell_cny_per_kwh": sell.tolist(),
        "site_kw": site,
    }
    for ours, theirs in (("import", "consumption"), ("export", "production")):
        limit = _given(reading, where, raw, f"site-{theirs}-capacity", "power", np.inf)
        case[f"{ours}_limit_kw"] = np.minimum(limit, site).tolist()
    if "site-peak-consumption-price" in raw:
        name = "site-peak-consumption-price"
        case["demand_charge_cny_per_kw"] = reading.number(f"{where}.{name}", raw[name],
                                                          "peak price")  # fmt: skip
    if "site-peak-consumption" in raw:
        peak = _given(reading, where, raw, "site-peak-consumption", "power", 0.0)
        case["peak_so_far_kw"] = float(np.nanmax(peak, initial=0.0))
    _inflexible(reading, raw.get("inflexible-device-sensors", []), case)
    return case


def _inflexible(reading: Reading, numbers: object, case: dict[str, Any]) -> None:
    """Sum the devices that cannot be shifted: what they use is load, what they give is sun."""
    where = "flex-context.inflexible-device-sensors"
    if not isinstance(numbers, list):
        reading.error(where, quote(numbers), "a list of sensors")
        return
    load, sun = np.zeros(reading.steps), np.zeros(reading.steps)
    for number in numbers:
        power = reading.series(where, {"sensor": number}, "power")
        load, sun = load + np.maximum(power, 0.0), sun + np.maximum(-power, 0.0)
    if numbers:
        reading.notes.append(f"{where}: above 0 is use, below 0 is sun that may be curtailed")
    case["load_kw"], case["pv_kw"] = load.tolist(), sun.tolist()


def _given(
    reading: Reading, path: str, raw: Mapping[str, Any], key: str, kind: Any, otherwise: float
) -> F64:
    if key not in raw:
        return np.full(reading.steps, otherwise)
    values = reading.series(f"{path}.{key}", raw[key], kind)
    return np.where(np.isnan(values), otherwise, values)


def _store(reading: Reading, at: int, raw: object, site_kw: F64) -> dict[str, Any]:
    path = f"flex-model[{at}]"
    if not isinstance(raw, Mapping):
        reading.error(path, quote(raw), "a table of fields")
        return {}
    _names(reading, path, raw, MODEL_FIELDS)
    if raw.get("commodity", "electricity") != "electricity":
        came, way_out = quote(raw["commodity"]), "Only electricity is planned."
        reading.error(f"{path}.commodity", came, '"electricity"', way_out)
    reading.plain_unit = str(raw.get("soc-unit", "MWh"))
    power = _given(reading, path, raw, "power-capacity", "power", np.inf)
    power = np.minimum(power, site_kw)
    store: dict[str, Any] = {"name": _name(at, raw)}
    for ours, theirs in (("charge", "consumption"), ("discharge", "production")):
        limit = _given(reading, path, raw, f"{theirs}-capacity", "power", np.inf)
        limit = np.minimum(limit, power)
        if np.isinf(limit).any():
            wanted = f'"power-capacity" or "{theirs}-capacity", like "50 kW"'
            reading.error(f"{path}.power-capacity", "nothing", wanted)
        store[f"{ours}_limit_kw"] = limit.tolist()
    _efficiency(reading, path, raw, store)
    _content(reading, path, raw, store)
    return store


def _name(at: int, raw: Mapping[str, Any]) -> str:
    for key in ("name", "sensor", "asset"):
        if isinstance(raw.get(key), str | int):
            return str(raw[key]) if key == "name" else f"{key} {raw[key]}"
    return f"device {at + 1}"


def _efficiency(reading: Reading, path: str, raw: Mapping[str, Any], store: dict[str, Any]) -> None:
    whole = "roundtrip-efficiency"
    for ours, theirs in (("charge", "charging"), ("discharge", "discharging")):
        key = f"{theirs}-efficiency"
        if key in raw and whole in raw:
            way_out = f'Give "{whole}" or the two one-way efficiencies.'
            reading.error(f"{path}.{key}", f'{key} beside "{whole}"', "one of them", way_out)
        elif key in raw:
            store[f"{ours}_efficiency"] = reading.number(f"{path}.{key}", raw[key], "share")
        elif whole in raw:
            share = reading.number(f"{path}.{whole}", raw[whole], "share")
            store[f"{ours}_efficiency"] = float(np.sqrt(share)) if share >= 0.0 else share
    if "storage-efficiency" in raw:
        kept = reading.number(f"{path}.storage-efficiency", raw["storage-efficiency"], "share")
        store["self_discharge_per_step"] = 1.0 - kept


def _content(reading: Reading, path: str, raw: Mapping[str, Any], store: dict[str, Any]) -> None:
    """Turn energies into shares of the capacity, which is soc-max."""
    start = reading.number(f"{path}.soc-at-start", raw.get("soc-at-start", "0 kWh"), "energy")
    bounds = {}
    for key in ("soc-minima", "soc-maxima", "soc-targets"):
        bounds[key], outside = reading.ends(f"{path}.{key}", raw.get(key, []))
        if outside:
            reading.notes.append(f"{path}.{key}: {outside} of them lie outside the plan")
    low = reading.number(f"{path}.soc-min", raw.get("soc-min", "0 kWh"), "energy")
    if "soc-max" in raw:
        size = reading.number(f"{path}.soc-max", raw["soc-max"], "energy")
    else:
        highest = [np.nanmax(one, initial=0.0) for one in bounds.values()]
        size = float(max(start, *highest))
        reading.notes.append(f"{path}.soc-max: not given; planned with {size:g} kWh")
    if not size > 0.0:
        reading.error(f"{path}.soc-max", f"{size:g} kWh", "an energy above 0")
        return
    targets = bounds["soc-targets"]
    least = np.fmax(np.full(reading.steps, low), bounds["soc-minima"])
    most = np.fmin(np.full(reading.steps, size), bounds["soc-maxima"])
    store["capacity_kwh"], store["initial_soc"] = size, start / size
    store["soc_min"] = (np.where(np.isnan(targets), least, targets) / size).tolist()
    store["soc_max"] = (np.where(np.isnan(targets), most, targets) / size).tolist()
