"""Charging profiles: what one allows when, what all of them allow, and what may be installed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.profile_store import ProfileStore, composite
from zerocity.protocols.ocpp.station.profiles import (
    NEVER,
    Running,
    Span,
    Supply,
    from_ms,
    period_kw,
    read_profile,
    span_at,
    to_ms,
)

T0 = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)  # a Monday
NOW = to_ms(T0)
HOUR = 3_600_000


def profile(
    limits: list[tuple[int, float]],
    *,
    id: int = 1,  # noqa: A002 - the name on the wire
    level: int = 0,
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    start: datetime | None = T0,
    unit: str = "W",
    **more: Any,
) -> dict[str, Any]:
    """A profile of 2.x; ``more`` goes to the profile, ``duration`` to its schedule."""
    schedule: dict[str, Any] = {
        "id": id,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": s, "limit": x} for s, x in limits],
    }
    if start is not None:
        schedule["startSchedule"] = start.isoformat()
    if "duration" in more:
        schedule["duration"] = more.pop("duration")
    return {
        "id": id,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **more,
    }


def at(hours: float) -> int:
    return NOW + round(hours * HOUR)


DAY = [(0, 10_000.0), (8 * 3600, 2_000.0), (20 * 3600, 10_000.0)]


@pytest.mark.parametrize(
    ("wire", "hours", "limit", "until"),
    [
        (profile([(0, 7000.0)]), 5, 7.0, None),
        (profile([(0, 7000.0)], duration=3600), 0.5, 7.0, 1.0),
        (profile([(0, 7000.0)], duration=3600), 1.0, None, None),
        (profile([(0, 7000.0)]), -1, None, 0.0),
        (profile(DAY, kind="Recurring", recurrencyKind="Daily"), 9, 2.0, 20.0),
        (profile(DAY, kind="Recurring", recurrencyKind="Daily"), 24 * 9 + 9, 2.0, 24 * 9 + 20),
        (profile(DAY, kind="Recurring", recurrencyKind="Daily"), 23, 10.0, 24.0),
        (profile(DAY, kind="Recurring", recurrencyKind="Weekly"), 24 * 6, 10.0, 24 * 7),
        (profile(DAY, kind="Recurring", recurrencyKind="Weekly"), 24 * 7 + 9, 2.0, 24 * 7 + 20),
        (
            profile(DAY, kind="Recurring", recurrencyKind="Daily", duration=3600),
            24 + 2,
            None,
            48.0,
        ),
        (profile([(0, 7000.0)], kind="Relative", start=None, duration=3600), 2.5, 7.0, 3.0),
        (profile([(0, 7000.0)], kind="Relative", start=None, duration=3600), 3.0, None, None),
        (profile([(0, 5000.0)], start=None), 2.5, 5.0, None),
        (profile([(0, 7000.0)], validTo=(T0 + timedelta(hours=2)).isoformat()), 1, 7.0, 2.0),
        (profile([(0, 7000.0)], validTo=(T0 + timedelta(hours=2)).isoformat()), 2, None, None),
        (profile([(0, 7000.0)], validFrom=(T0 + timedelta(hours=2)).isoformat()), 1, None, 2.0),
        (profile([(0, 16.0)], unit="A"), 1, 16 * 230 * 3 / 1000, None),
        (profile([(0, 9000.0)], kind="Dynamic", start=None), 1, 9.0, None),
    ],
)
def test_limit_and_its_end(
    wire: dict[str, Any], hours: float, limit: float | None, until: float | None
) -> None:
    started = at(2.0)
    found = span_at(read_profile(wire, 1, Supply(), NOW), at(hours), started)
    assert found == Span(limit, NEVER if until is None else at(until))


@pytest.mark.parametrize(
    ("period", "unit", "kw"),
    [
        ({"limit": 11_000.0}, "W", 11.0),
        ({"limit": 16.0, "numberPhases": 1}, "A", 16 * 0.23),
        ({"limit": 16.0, "numberPhases": 3}, "A", 16 * 0.69),
        ({"limit": 1000.0, "limit_L2": 2000.0, "limit_L3": 500.0}, "W", 3.5),
        ({"limit": 10.0, "limit_L2": 6.0}, "A", 16 * 0.23),
        ({"setpoint": -5000.0}, "W", -5.0),
        ({"setpoint": 7000.0, "limit": 6000.0}, "W", 6.0),
        ({"operationMode": "Idle"}, "W", 0.0),
        ({"operationMode": "ChargingOnly"}, "W", float("inf")),
    ],
)
def test_periods_in_all_units(period: dict[str, Any], unit: str, kw: float) -> None:
    assert period_kw(period, unit, Supply()) == pytest.approx(kw)


def store_of(*wires: tuple[int, dict[str, Any]], version: Version = Version.V201) -> ProfileStore:
    store = ProfileStore(version)
    for evse, wire in wires:
        assert store.install(wire, evse, NOW, Running("tx", NOW)) is None
    return store


def test_the_highest_level_leads_and_what_lies_below_returns() -> None:
    store = store_of(
        (0, profile([(0, 6000.0)], id=1, level=0)),
        (1, profile([(0, 20_000.0)], id=2, level=3, duration=3600)),
    )
    assert store.transaction_span(1, at(0.5), None) == Span(20.0, at(1.0))
    assert store.transaction_span(1, at(1.0), None).limit_kw == 6.0
    assert store.transaction_span(2, at(0.5), None).limit_kw == 6.0


def test_a_transaction_profile_goes_before_the_default_and_ends_with_its_transaction() -> None:
    store = store_of(
        (0, profile([(0, 6000.0)], id=1, level=9)),
        (1, profile([(0, 30_000.0)], id=2, purpose="TxProfile", transactionId="tx")),
    )
    assert store.transaction_span(1, at(1), Running("tx", NOW)).limit_kw == 30.0
    assert store.transaction_span(1, at(1), Running("other", NOW)).limit_kw == 6.0
    store.end_transaction("tx")
    assert store.transaction_span(1, at(1), Running("tx", NOW)).limit_kw == 6.0


def test_the_station_maximum_binds_all() -> None:
    store = store_of(
        (0, profile([(0, 5000.0)], id=1, purpose="ChargingStationMaxProfile")),
        (0, profile([(0, 6000.0)], id=2)),
    )
    assert store.composite_span(1, at(1), None).limit_kw == 5.0
    assert store.station_span(at(1)).limit_kw == 5.0


def test_generation_on_the_spot_comes_on_top_of_the_maximum() -> None:
    store = store_of(
        (0, profile([(0, 5000.0)], id=1, purpose="ChargingStationMaxProfile")),
        (0, profile([(0, 3000.0)], id=2, purpose="LocalGeneration")),
        version=Version.V21,
    )
    assert store.station_span(at(1)).limit_kw == 8.0


def test_priority_charging_once_it_is_active() -> None:
    store = store_of(
        (0, profile([(0, 6000.0)], id=1)),
        (0, profile([(0, 50_000.0)], id=2, purpose="PriorityCharging")),
        version=Version.V21,
    )
    running = Running("tx", NOW)
    assert store.transaction_span(1, at(1), running).limit_kw == 6.0
    store.priority.add("tx")
    assert store.transaction_span(1, at(1), running).limit_kw == 50.0


def test_in_1_6_a_connectors_own_default_wins_whatever_the_level() -> None:
    def wire(number: int, level: int, watts: float) -> dict[str, Any]:
        made = profile([(0, watts)], level=level)
        made["chargingProfileId"] = number
        made["chargingSchedule"] = made["chargingSchedule"][0]
        return made

    for version, limit in ((Version.V16, 4.0), (Version.V201, 9.0)):
        low, high = wire(1, 0, 4000.0), wire(2, 5, 9000.0)
        store = ProfileStore(version)
        for evse, made in ((1, low), (0, high)):
            assert store.install(made, evse, NOW, None) is None
        assert store.transaction_span(1, at(1), None).limit_kw == limit


def test_the_same_id_or_in_1_6_the_same_place_is_replaced() -> None:
    for version in Version:
        store = ProfileStore(version)
        for number in (1, 2):
            made = profile([(0, 1000.0 * number)], id=number)
            reason = store.install(made, 1, NOW, None)
            expected = None if number == 1 or version is Version.V16 else "DuplicateProfile"
            assert reason == expected
        assert len(store.profiles) == 1
        assert store.install(profile([(0, 500.0)], id=1), 1, NOW, None) in (None,)


@pytest.mark.parametrize(
    ("evse", "wire", "reason"),
    [
        (1, profile([(0, 1.0)], level=99), "InvalidStackLevel"),
        (1, profile([(5, 1.0)]), "InvalidSchedule"),
        (1, profile([(0, 1.0), (0, 2.0)]), "InvalidSchedule"),
        (1, profile([(0, 1.0)], kind="Recurring"), "InvalidProfile"),
        (1, profile([(0, 1.0)], validTo=T0.isoformat()), "InvalidProfile"),
        (1, profile([(0, 1.0)], purpose="ChargingStationMaxProfile"), "InvalidProfile"),
        (0, profile([(0, 1.0)], purpose="TxProfile", transactionId="tx"), "InvalidProfile"),
        (1, profile([(0, 1.0)], purpose="TxProfile"), "MissingParam"),
        (1, profile([(0, 1.0)], purpose="TxProfile", transactionId="no"), "TxNotFound"),
        (1, profile([(0, 1.0)], purpose="ChargingStationExternalConstraints"), "InvalidProfile"),
        (1, profile([(0, 1.0), (9, 2.0)], kind="Dynamic"), "InvalidSchedule"),
    ],
)
def test_profiles_that_cannot_be(evse: int, wire: dict[str, Any], reason: str) -> None:
    store = ProfileStore(Version.V21)
    assert store.install(wire, evse, NOW, Running("tx", NOW)) == reason
    assert not store.profiles


def test_dynamic_values_arrive() -> None:
    store = ProfileStore(Version.V21)
    store.install(profile([(0, 9000.0)], kind="Dynamic", start=None), 1, NOW, None)
    assert store.update(1, {"limit": 4000.0}, at(1)) is None
    assert store.transaction_span(1, at(2), None).limit_kw == 4.0
    assert store.update(2, {"limit": 1.0}, at(1)) == "UnknownProfile"


def test_a_profile_may_end_with_the_link() -> None:
    store = store_of(
        (0, profile([(0, 6000.0)], id=1)),
        (
            1,
            profile(
                [(0, 30_000.0)],
                id=2,
                purpose="TxProfile",
                transactionId="tx",
                maxOfflineDuration=600,
                invalidAfterOfflineDuration=True,
            ),
        ),
        version=Version.V21,
    )
    running = Running("tx", NOW)
    store.offline_since_ms = at(1)
    assert store.transaction_span(1, at(1.1), running) == Span(30.0, at(1) + 600_000)
    assert store.transaction_span(1, at(1.2), running).limit_kw == 6.0
    store.back_online(at(1.3))
    assert store.transaction_span(1, at(1.3), running).limit_kw == 6.0


def test_composite_rounds_to_the_stricter_side() -> None:
    changes = [(0, 10.0), (1500, 5.0), (2500, 8.0), (2600, 6.0)]

    def span(t_ms: int) -> Span:
        place = max(i for i, (start, _) in enumerate(changes) if start <= t_ms)
        end = changes[place + 1][0] if place + 1 < len(changes) else NEVER
        return Span(changes[place][1], end)

    assert composite(span, 0, 10) == [(0, 10.0), (1, 5.0), (3, 6.0)]


# Laws

watts = st.floats(0.0, 50_000.0).map(lambda x: round(x, 1))
limits = st.lists(st.tuples(st.integers(1, 7200), watts), max_size=4).map(
    lambda rows: [(0, 5000.0), *dict(sorted(rows)).items()]
)


@st.composite
def wires(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    purpose = draw(st.sampled_from(["TxDefaultProfile", "TxProfile", "ChargingStationMaxProfile"]))
    kind = draw(st.sampled_from(["Absolute", "Recurring", "Relative"]))
    if purpose == "ChargingStationMaxProfile" and kind == "Relative":
        kind = "Absolute"
    more: dict[str, Any] = {}
    if kind == "Recurring":
        more["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
    if purpose == "TxProfile":
        more["transactionId"] = "tx"
    if draw(st.booleans()):
        more["duration"] = draw(st.integers(1, 90_000))
    if draw(st.booleans()):
        more["validTo"] = (T0 + timedelta(seconds=draw(st.integers(1, 90_000)))).isoformat()
    start = T0 + timedelta(milliseconds=draw(st.integers(-(10**8), 10**7)))
    evse = 0 if purpose == "ChargingStationMaxProfile" else 1
    made = profile(
        draw(limits),
        id=draw(st.integers(1, 6)),
        level=draw(st.integers(0, 4)),
        purpose=purpose,
        kind=kind,
        start=None if kind == "Relative" else start,
        unit=draw(st.sampled_from(["W", "A"])),
        **more,
    )
    return evse, made


@settings(max_examples=150, deadline=None)
@given(st.lists(wires(), max_size=6), st.integers(0, 100_000_000), st.integers(0, 20_000))
def test_nothing_is_ever_above_a_limit_that_applies(
    installed: list[tuple[int, dict[str, Any]]], later_ms: int, window_s: int
) -> None:
    store, running = ProfileStore(Version.V201), Running("tx", NOW)
    for evse, wire in installed:
        store.install(wire, evse, NOW, running)
    t_ms = NOW + later_ms

    def leading(purpose: str, t: int) -> float | None:
        """Written plainly: the highest level of a purpose that says something now."""
        said = [
            (p.stack_level, p.id, span_at(p, t, running.started_ms).limit_kw)
            for p in store.profiles.values()
            if p.purpose.value == purpose
        ]
        spoken = [(-level, number, kw) for level, number, kw in said if kw is not None]
        return min(spoken)[2] if spoken else None

    def plain(t: int) -> float | None:
        tx, default = leading("TxProfile", t), leading("TxDefaultProfile", t)
        own = default if tx is None else tx
        bounds = [x for x in (own, leading("ChargingStationMaxProfile", t)) if x is not None]
        return min(bounds, default=None)

    found = store.composite_span(1, t_ms, running)
    assert found.limit_kw == plain(t_ms)
    assert found.until_ms > t_ms
    # Constant until its end, as far as can be seen by looking.
    for share in (0.3, 0.999):
        inside = t_ms + int(min(found.until_ms - t_ms, 10**9) * share)
        if inside < found.until_ms:
            assert plain(inside) == found.limit_kw
    periods = composite(lambda t: store.composite_span(1, t, running), t_ms, window_s)
    assert [s for s, _ in periods] == sorted({s for s, _ in periods})
    for number, (second, kw) in enumerate(periods):
        end = periods[number + 1][0] if number + 1 < len(periods) else window_s
        for t in (t_ms + second * 1000, t_ms + end * 1000 - 1):
            allowed = plain(t)
            assert allowed is None or (kw is not None and kw <= allowed)


def test_moments_go_there_and_back() -> None:
    assert from_ms(to_ms(T0 + timedelta(milliseconds=7))) == T0 + timedelta(milliseconds=7)
