"""The office: who may send what, and that nothing a station says breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, City, start_v16, started, station
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office import office
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Refusal

BOOT: dict[Version, dict[str, Any]] = {
    Version.V16: {"chargePointVendor": "V", "chargePointModel": "M"},
    Version.V201: {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"},
    Version.V21: {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"},
}
START = {
    Version.V16: ("StartTransaction", start_v16()),
    Version.V201: ("TransactionEvent", started()),
    Version.V21: ("TransactionEvent", started()),
}


def new(version: Version, state: str, admission: str = "accepted") -> City:
    city = City(version)
    made = city.registry.add_station(station("A", boot=state))
    made.admission = admission
    return city


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("state", ["unknown", "pending", "rejected"])
def test_nothing_changes_before_acceptance(version: Version, state: str) -> None:
    city = new(version, state)
    for action, payload in (START[version], ("Heartbeat", {})):
        refused = city.ask(action, payload)
        assert isinstance(refused, Refusal)
        assert refused.code == "SecurityError"
    assert not city.registry.sessions
    assert not city.rows
    assert city.hear("BootNotification", BOOT[version])["status"] == "Accepted"
    city.hear(*START[version])
    assert len(city.registry.sessions) == 1


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(("admission", "word"), [("pending", "Pending"), ("rejected", "Rejected")])
def test_station_that_must_wait(version: Version, admission: str, word: str) -> None:
    city = new(version, "accepted", admission)
    answer = city.hear("BootNotification", BOOT[version])
    assert (answer["status"], answer["interval"]) == (word, 60)
    assert isinstance(city.ask(*START[version]), Refusal)
    assert city.table("stations")[("A",)]["status"] == admission


def test_pending_station_may_tell_what_was_asked_of_it() -> None:
    city = new(Version.V201, "pending")
    report = {"requestId": 1, "generatedAt": "2026-05-01T01:00:00Z", "seqNo": 0}
    answer = city.ask("NotifyReport", report)
    assert not isinstance(answer, Refusal) or answer.code == "NotSupported"


@pytest.mark.parametrize("version", list(Version))
def test_clock_is_told(version: Version) -> None:
    city = City(version)
    city.registry.heartbeat_s = 120
    answer = city.hear("BootNotification", BOOT[version])
    assert answer == {
        "currentTime": "2026-05-01T01:00:00Z", "interval": 120, "status": "Accepted",
    }  # fmt: skip
    assert city.hear("Heartbeat", {}) == {"currentTime": "2026-05-01T01:00:00Z"}
    row = city.table("stations")[("A",)]
    assert (row["vendor"], row["model"], row["version"]) == ("V", "M", version.value)


@pytest.mark.parametrize(
    ("version", "action", "code"),
    [
        (Version.V16, "Nonsense", "NotImplemented"),
        (Version.V16, "TransactionEvent", "NotImplemented"),
        (Version.V16, "RemoteStartTransaction", "NotSupported"),
        (Version.V201, "StartTransaction", "NotImplemented"),
        (Version.V201, "BatterySwap", "NotImplemented"),
        (Version.V21, "RequestStartTransaction", "NotSupported"),
    ],
)
def test_actions_that_are_not_ours(version: Version, action: str, code: str) -> None:
    city = City(version)
    context = Context(
        city.registry.stations["A"], city.registry, AT, 0.0, version, "m", lambda *_: None
    )
    refused = office.answer(context, action, {})
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_fault_of_ours_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(context: Context, payload: dict[str, Any]) -> Outcome:
        raise ZeroDivisionError

    monkeypatch.setitem(office.HANDLERS, (Version.V16, "Heartbeat"), fail)
    refused = City().ask("Heartbeat", {})
    assert isinstance(refused, Refusal)
    assert refused.code == "InternalError"


NUMBERS = st.integers(-5, 10) | st.sampled_from([2**31, -(2**63), 10**25, 1.0, 1e30])
TAGS = st.text(max_size=20)
MOMENTS = st.sampled_from(
    ["2026-05-01T01:00:00Z", "1970-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z",
     "9999-12-31T23:59:59-12:00", "2026-05-01T01:00:00+14:00"]
)  # fmt: skip
VALUES = st.fixed_dictionaries(
    {"value": st.text(max_size=8) | st.floats().map(str)},
    optional={
        "unit": st.sampled_from(["Wh", "kWh", "W", "Percent"]),
        "phase": st.sampled_from(["L1", "N", "L1-L2"]),
        "measurand": st.sampled_from(["SoC", "Power.Active.Import", "Voltage"]),
    },
)
METER = st.lists(
    st.fixed_dictionaries(
        {"timestamp": MOMENTS, "sampledValue": st.lists(VALUES, min_size=1, max_size=3)}
    ),
    min_size=1,
    max_size=3,
)
LAWFUL = st.one_of(
    st.tuples(
        st.just("StartTransaction"),
        st.fixed_dictionaries(
            {"connectorId": NUMBERS, "idTag": TAGS, "meterStart": NUMBERS, "timestamp": MOMENTS}
        ),
    ),
    st.tuples(
        st.just("MeterValues"),
        st.fixed_dictionaries(
            {"connectorId": NUMBERS, "meterValue": METER}, optional={"transactionId": NUMBERS}
        ),
    ),
    st.tuples(
        st.just("StopTransaction"),
        st.fixed_dictionaries(
            {"transactionId": NUMBERS, "meterStop": NUMBERS, "timestamp": MOMENTS},
            optional={"idTag": TAGS, "transactionData": METER},
        ),
    ),
)


@given(messages=st.lists(LAWFUL, max_size=8))
@settings(max_examples=200)
def test_no_schema_valid_message_is_a_fault_of_ours(
    messages: list[tuple[str, dict[str, Any]]],
) -> None:
    city = City()
    for action, payload in messages:
        if check(Version.V16, action, "request", payload) is not None:
            continue
        outcome = city.ask(action, payload)
        if isinstance(outcome, Refusal):
            assert outcome.code == "PropertyConstraintViolation"
    for row in city.rows:
        for value in row.values.values():
            assert not isinstance(value, int) or abs(value) < 2**63
            assert not isinstance(value, str) or "\x00" not in value
