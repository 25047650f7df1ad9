"""Read a case from TOML or JSON text and find all its mistakes in one pass.

What leaves nothing to plan with is refused: an unknown or missing field, text where a number
belongs, arrays of unlike length, an efficiency above 1. What a plan can live with is planned
around and named in ``Case.notes``: a gap in a price, a negative load, limits that cross, a session
that cannot finish.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from zerocity.energy.case import Case, Heat, Process, Store
from zerocity.energy.case_fields import CASE, COP_TABLE, HEAT, LISTS, Fields
from zerocity.energy.case_intake import Intake, steps_text
from zerocity.energy.case_sessions import Session
from zerocity.errors import InputError, InputErrors
from zerocity.measures.arrays import F64
from zerocity.measures.wording import quote

Asset = TypeVar("Asset")
SINGULAR = {"stores": "store", "sessions": "session", "processes": "process"}


def parse_text(text: str, where: str = "case") -> dict[str, Any]:
    """Return the table that TOML or JSON ``text`` holds; JSON where it begins with a brace.

    Raises InputError naming the line that cannot be read.
    """
    try:
        raw = json.loads(text) if text.lstrip()[:1] in ("{", "[") else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(where, str(error), "TOML or JSON") from error
    except RecursionError as error:
        raise InputError(where, "brackets without end", "TOML or JSON") from error
    if not isinstance(raw, dict):
        raise InputError(where, quote(raw), "a table of fields")
    return raw


def read_case(raw: Mapping[str, Any]) -> Case:
    """Return the case of a table as a TOML or JSON file holds it.

    Raises InputErrors with every mistake that leaves nothing to plan with.
    """
    steps = _steps(raw)
    intake = Intake(max(steps, 1))
    if steps < 1:
        wanted = "at least one array with a value a step, or steps = ..."
        intake.error("steps", "nothing", wanted)
    top = intake.table("", raw, CASE, (*LISTS, "heat"))
    assets = {
        "stores": _assets(intake, raw, "stores", _store),
        "sessions": _assets(intake, raw, "sessions", _session),
        "processes": _assets(intake, raw, "processes", _process),
    }
    heat = _heat(intake, raw["heat"]) if raw.get("heat") is not None else None
    if intake.errors:
        raise InputErrors(intake.errors)
    del top["steps"]
    if top["sell_cny_per_kwh"] is None:
        top["sell_cny_per_kwh"] = np.minimum(top["buy_cny_per_kwh"], 0.0)
    _note_prices(intake, top["buy_cny_per_kwh"], top["sell_cny_per_kwh"])
    return Case(**{**top, **assets}, heat=heat, notes=tuple(intake.notes))


def _steps(raw: Mapping[str, Any]) -> int:
    given = raw.get("steps")
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    lengths = Counter(_lengths(raw))
    return max(lengths, key=lambda n: (lengths[n], n), default=0)


def _lengths(raw: Mapping[str, Any]) -> Iterator[int]:
    """Lengths of all arrays that have a value a step."""
    tables: list[tuple[object, Fields]] = [(raw, CASE), (raw.get("heat"), HEAT)]
    for key, fields in LISTS.items():
        rows = raw.get(key)
        tables += [(row, fields) for row in rows] if isinstance(rows, list) else []
    for table, fields in tables:
        if isinstance(table, Mapping):
            for key, value in table.items():
                if key in fields and fields[key].kind == "series" and isinstance(value, list):
                    yield len(value)


def _assets(
    intake: Intake, raw: Mapping[str, Any], key: str,
    build: Callable[[Intake, str, dict[str, Any]], Asset],
) -> tuple[Asset, ...]:  # fmt: skip
    rows = raw.get(key, [])
    if not isinstance(rows, list):
        intake.error(key, quote(rows), "a list of tables", f"Write [[{key}]] above each.")
        return ()
    found: list[Asset] = []
    names: set[str] = set()
    for at, row in enumerate(rows):
        given = row.get("name") if isinstance(row, Mapping) else None
        name = given if isinstance(given, str) and given else f"{SINGULAR[key]} {at + 1}"
        path, before = f"{key}.{name}", len(intake.errors)
        if name in names:
            intake.error(f"{path}.name", quote(name), "a name of its own", "Another one has it.")
        names.add(name)
        values = intake.table(path, row, LISTS[key])
        if len(intake.errors) == before:
            found.append(build(intake, path, {**values, "name": name}))
    return tuple(found)


def _store(intake: Intake, path: str, values: dict[str, Any]) -> Store:
    if values["initial_soc"] is None:
        values["initial_soc"] = float(min(values["soc_min"][0], values["soc_max"][0]))
    store = Store(**values)
    crossed = store.soc_min > store.soc_max
    if crossed.any():
        sentence = f"above soc_max at {steps_text(crossed)}; soc_max is kept there"
        intake.note(f"{path}.soc_min", sentence)
    low, high = float(store.soc_min[0]), float(store.soc_max[0])
    if not crossed[0] and not low <= store.initial_soc <= high:
        sentence = f"{store.initial_soc:g} is outside {low:g} to {high:g}; brought back at once"
        intake.note(f"{path}.initial_soc", f"{sentence}, as far as power allows")
    if store.final_soc is not None:
        low, high = float(store.soc_min[-1]), float(store.soc_max[-1])
        kept = max(min(store.final_soc, high), min(low, high))
        if kept != store.final_soc:
            sentence = f"{store.final_soc:g} is outside {low:g} to {high:g} at the last step"
            intake.note(f"{path}.final_soc", f"{sentence}; planned with {kept:g}")
            return replace(store, final_soc=kept)
    return store


def _session(intake: Intake, path: str, values: dict[str, Any]) -> Session:
    if values["capacity_kwh"] is None:
        values["capacity_kwh"] = values["initial_kwh"] + values["energy_kwh"]
    one = Session(**values)
    if one.initial_kwh > one.capacity_kwh:
        sentence = f"{one.initial_kwh:g} is above the capacity; planned with {one.capacity_kwh:g}"
        intake.note(f"{path}.initial_kwh", sentence)
        one = replace(one, initial_kwh=one.capacity_kwh)
    start, end = max(one.arrive_step, 0), min(one.depart_step, intake.steps)
    if one.arrive_step >= intake.steps or one.depart_step <= 0:
        intake.note(path, "is there outside the planned steps only; left out of the plan")
        return replace(one, arrive_step=0, depart_step=0, energy_kwh=0.0)
    if (start, end) != (one.arrive_step, one.depart_step):
        span = f"from {one.arrive_step} to {one.depart_step}"
        intake.note(path, f"is there {span}; planned within {start} to {end}")
    elif start >= end:
        intake.note(path, f"departs at {end}, not after it arrives at {start}; it gets nothing")
    return replace(one, arrive_step=start, depart_step=max(start, end))


def _process(intake: Intake, path: str, values: dict[str, Any]) -> Process:
    profile, given = values["profile_kw"], values["energy_kwh"]
    if profile is None and (given is None or values["power_max_kw"] is None):
        wanted = "energy_kwh and power_max_kw, or profile_kw"
        intake.error(path, "neither", wanted, "Say what the process needs.")
    if profile is not None and (given is not None or values["power_max_kw"] is not None):
        wanted = "profile_kw alone, or energy_kwh with power limits"
        intake.error(path, "both", wanted, "The profile says power and energy.")
    most = values["power_max_kw"]
    if profile is not None:
        values["power_max_kw"] = float(profile.max())
    elif most is not None and values["power_min_kw"] > most:
        intake.note(f"{path}.power_min_kw", f"above power_max_kw; planned with {most:g}")
        values["power_min_kw"] = most
    values["energy_kwh"] = given or 0.0
    values["power_max_kw"] = values["power_max_kw"] or 0.0
    latest = intake.steps if values["latest_step"] is None else values["latest_step"]
    start, end = max(values["earliest_step"], 0), min(latest, intake.steps)
    if start != values["earliest_step"] or end != latest:
        intake.note(path, f"may run from {values['earliest_step']} to {latest}; "
                          f"planned within {start} to {end}")  # fmt: skip
    values["earliest_step"], values["latest_step"] = start, max(start, end)
    return Process(**values)


def _heat(intake: Intake, raw: object) -> Heat | None:
    before = len(intake.errors)
    table = raw if isinstance(raw, Mapping) else {}
    by_temperature = table.get("cop") if isinstance(table.get("cop"), Mapping) else None
    plain = {**table, "cop": 1.0} if by_temperature is not None else raw
    values = intake.table("heat", plain, HEAT)
    if by_temperature is not None:
        values["cop"] = _cop(intake, by_temperature, values["temperature_c"])
    if len(intake.errors) > before:
        return None
    del values["temperature_c"]
    if values["initial_kwh"] > values["capacity_kwh"]:
        sentence = f"above the capacity; planned with {values['capacity_kwh']:g}"
        intake.note("heat.initial_kwh", sentence)
        values["initial_kwh"] = values["capacity_kwh"]
    if values["final_kwh"] is None:
        values["final_kwh"] = values["initial_kwh"]
    values["final_kwh"] = min(values["final_kwh"], values["capacity_kwh"])
    return Heat(**values)


def _cop(intake: Intake, raw: object, temperature_c: F64 | None) -> F64 | None:
    found = intake.table("heat.cop", raw, COP_TABLE)
    nodes, cop = found["temperature_c"], found["cop"]
    if nodes is None or cop is None:
        return None
    if nodes.size != cop.size or (np.diff(nodes) <= 0.0).any():
        wanted = "as many values as cop has, each above the last"
        intake.error("heat.cop.temperature_c", f"{nodes.size} values", wanted)
        return None
    if temperature_c is None:
        wanted = "the temperature at each step, which the table needs"
        intake.error("heat.temperature_c", "nothing", wanted)
        return None
    return np.asarray(np.interp(temperature_c, nodes, cop))


def _note_prices(intake: Intake, buy_cny_per_kwh: F64, sell_cny_per_kwh: F64) -> None:
    below = buy_cny_per_kwh < sell_cny_per_kwh
    if below.any():
        sentence = f"below the selling price at {steps_text(below)}"
        intake.note("buy_cny_per_kwh", f"{sentence}; planned without buying to sell at once")
