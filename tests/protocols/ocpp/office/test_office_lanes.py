"""A message that a lane read leads to the same answer, rows and session as its dictionary."""

from __future__ import annotations

from typing import Any

import orjson
from core_cases import AT, City, after, event, iso, start_v16, started
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.lanes import lanes, read_lane
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Outcome
from zerocity.protocols.ocpp.office.office import LANES, answer

WORDS: dict[str, list[Any]] = {
    "measurand": ["Energy.Active.Import.Register", "Power.Active.Import", "SoC", "Voltage",
                  "Current.Import", "Frequency", None],
    "phase": ["L1", "L2", "L1-N", "L1-L2", "N", None, None],
    "location": ["Outlet", "Inlet", "EV", None, None],
}  # fmt: skip
UNITS = ["Wh", "kWh", "W", "kW", "Percent", "V", "A", None]
NUMBERS = st.one_of(st.integers(-10, 10**6), st.floats(-1e9, 1e9, width=32))


@st.composite
def sampled(draw: st.DrawFn, version: Version) -> dict[str, Any]:
    said = {name: draw(st.sampled_from(words)) for name, words in WORDS.items()}
    number, unit = draw(NUMBERS), draw(st.sampled_from(UNITS))
    if version is Version.V16:
        odd = st.sampled_from(["", " 7", "1_0", "nan", "1e3", "x"])
        said |= {"value": draw(st.one_of(odd, st.just(str(number)))), "unit": unit}
        said["format"] = draw(st.sampled_from(["Raw", "SignedData", None]))
    else:
        said["value"] = number
        more = draw(st.sampled_from([{}, {"multiplier": 3}, {"multiplier": -20}]))
        said["unitOfMeasure"] = draw(st.sampled_from([None, more, more | {"unit": unit or "Wh"}]))
    return {name: word for name, word in said.items() if word is not None}


def groups(version: Version) -> st.SearchStrategy[list[dict[str, Any]]]:
    moments = st.sampled_from([iso(after(minutes)) for minutes in (-1, 0, 1, 1, 2)])
    group = st.fixed_dictionaries(
        {"timestamp": moments, "sampledValue": st.lists(sampled(version), min_size=1, max_size=4)}
    )
    return st.lists(group, min_size=1, max_size=3)


def said_of(city: City, action: str, data: bytes, payload: Any) -> tuple[Any, ...]:
    context = Context(
        city.registry.stations["A"], city.registry, AT, 0.0, city.version, "m", lambda *_: None,
        data,
    )  # fmt: skip
    outcome = answer(context, action, payload)
    assert isinstance(outcome, Outcome)
    sessions = [
        (one.curve, one.notes, one.power_kw, one.soc, one.meter_wh)
        for one in city.registry.sessions.values()
    ]
    seats = [(seat.power_kw, seat.power_at_s) for seat in context.station.connectors.values()]
    return outcome.payload, outcome.rows, sessions, seats


def same_both_ways(action: str, payload: dict[str, Any], version: Version, spaced: bool) -> None:
    data = orjson.dumps([2, "m", action, payload])
    data = data.replace(b",", b", ") if spaced else data
    call = read_lane(data, lanes(version, LANES))
    assert call is not None
    found = []
    for told in (payload, call.payload):
        city = City(version)
        if version is Version.V16:
            city.hear("StartTransaction", start_v16())
        else:
            city.hear("TransactionEvent", started())
        found.append(said_of(city, action, data, told))
    assert found[0] == found[1]


@given(groups(Version.V16), st.sampled_from([None, 1, 7]), st.booleans())
def test_meter_values_of_16(
    meter_value: list[dict[str, Any]], number: int | None, spaced: bool
) -> None:
    payload: dict[str, Any] = {"connectorId": 1, "meterValue": meter_value}
    if number is not None:
        payload["transactionId"] = number
    same_both_ways("MeterValues", payload, Version.V16, spaced)


@given(groups(Version.V201), st.sampled_from([Version.V201, Version.V21]), st.booleans())
def test_meter_values_and_events_of_2x(
    meter_value: list[dict[str, Any]], version: Version, spaced: bool
) -> None:
    same_both_ways("MeterValues", {"evseId": 1, "meterValue": meter_value}, version, spaced)
    told = event("Updated", 1, None, 1.0) | {"meterValue": meter_value}
    same_both_ways("TransactionEvent", told, version, spaced)
