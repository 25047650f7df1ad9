"""Campaigns: a few stations at a time, stopped by failures, ended states that stay."""

from __future__ import annotations

from typing import Any

import pytest
from block_cases import AT, Case, rows_of
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office import blocks
from zerocity.protocols.ocpp.office.firmware import (
    ENDED,
    UNDER_WAY,
    Campaign,
    Step,
    campaign_orders,
    start_campaign,
    update_message,
)
from zerocity.protocols.ocpp.office.orders import Order

URL = "https://city.example/firmware.bin"


def campaign(**more: Any) -> Campaign:
    return Campaign("c1", URL, AT, AT, **more)


def city(count: int, version: Version = Version.V201) -> Registry:
    registry = Registry()
    for number in range(count):
        station = LiveStation(f"S{number}", "site", version=version.value, online=True)
        station.boot = "accepted"
        registry.add_station(station)
    return registry


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("signed", [True, False])
def test_updates_fit_the_schema(version: Version, signed: bool) -> None:
    more = {"signature": "abc", "certificate": "PEM"} if signed else {}
    action, payload = update_message(version, URL, AT, 5, **more)
    assert check(version, action, "request", payload) is None
    assert (action == "SignedUpdateFirmware") == (signed and version is Version.V16)


@given(
    share=st.floats(0.01, 1.0),
    words=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(Step))), max_size=60),
)
def test_never_more_than_the_share_at_once_and_an_end_is_an_end(
    share: float, words: list[tuple[int, Step]]
) -> None:
    made = campaign(share=share, most_failures=100)
    registry = city(10)
    start_campaign(registry, made, registry.stations, AT)
    for number, step in words:
        campaign_orders(registry, made, AT)
        under_way = sum(s in UNDER_WAY for s in made.steps.values())
        assert under_way <= max(int(share * 10), 1)
        before = made.steps[f"S{number}"]
        # A station that was not asked reports nothing of this campaign.
        if before in UNDER_WAY and step is not Step.WAITING:
            made.take(f"S{number}", step)
        elif before in ENDED:
            assert not made.take(f"S{number}", step)


def test_it_stops_when_too_many_failed() -> None:
    registry, made = city(4), campaign(share=1.0, most_failures=1)
    start_campaign(registry, made, registry.stations, AT)
    orders, rows = campaign_orders(registry, made, AT)
    assert len(orders) == len(rows) == 4
    made.take("S0", Step.FAILED)
    assert made.status == "running"
    made.take("S1", Step.REFUSED)
    assert made.status == "stopped"
    assert made.next_stations(registry.stations) == []


def test_only_stations_that_are_there_are_asked() -> None:
    registry, made = city(3), campaign(share=1.0)
    registry.stations["S1"].online = False
    start_campaign(registry, made, registry.stations, AT)
    assert [name for name, _ in campaign_orders(registry, made, AT)[0]] == ["S0", "S2"]


@pytest.mark.parametrize("version", list(Version))
def test_a_station_goes_through_its_update(version: Version) -> None:
    case = Case(version)
    case.station.version, case.station.online = version.value, True
    made = campaign()
    start_campaign(case.registry, made, ["S1"], AT)
    ((_, order),), _ = campaign_orders(case.registry, made, AT)
    accepted = {} if version is Version.V16 else {"status": "Accepted"}
    assert case.reply(order.action, order.payload, accepted) == []
    number = order.payload.get("requestId")
    said = {"requestId": number} if number is not None else {}
    seen = []
    for word in ("Idle", "Downloading", "Downloaded", "Installing", "Installed", "Downloading"):
        outcome = case.hear("FirmwareStatusNotification", {"status": word} | said)
        seen += [row["status"] for row in rows_of(outcome.rows, "firmware_updates")]
    assert seen == ["downloading", "downloaded", "installing", "installed"]
    assert made.status == "done"


def test_signed_updates_of_1_6_report_by_their_own_message() -> None:
    case = Case(Version.V16)
    case.station.version, case.station.online = "1.6", True
    made = campaign(signature="a", certificate="b")
    start_campaign(case.registry, made, ["S1"], AT)
    ((_, order),), _ = campaign_orders(case.registry, made, AT)
    told = {"status": "InvalidSignature", "requestId": order.payload["requestId"]}
    case.hear("SignedFirmwareStatusNotification", told)
    assert made.steps["S1"] is Step.FAILED


def test_a_refusal_or_silence_counts_as_a_failure() -> None:
    case = Case(Version.V21)
    case.station.version, case.station.online = "2.1", True
    made = campaign()
    start_campaign(case.registry, made, ["S1"], AT)
    ((_, order),), _ = campaign_orders(case.registry, made, AT)
    rows = case.reply(order.action, order.payload, {"status": "RevokedCertificate"})
    assert rows_of(rows, "firmware_updates")[0]["status"] == "refused"
    assert rows_of(rows, "firmware_campaigns")[0]["status"] == "done"
    assert blocks.REFUSALS[order.action](case.context(), order, "Timeout", "") == []


def test_an_update_by_hand_is_kept_apart() -> None:
    case = Case(Version.V21)
    told = {"status": "Installed", "requestId": 3}
    (row,) = rows_of(case.hear("FirmwareStatusNotification", told).rows, "firmware_updates")
    assert (row["campaign"], row["status"]) == ("by_hand", "installed")
    order = Order("UpdateFirmware", {"requestId": 3})
    (failed,) = blocks.REFUSALS["UpdateFirmware"](case.context(), order, "Timeout", "")
    assert failed.values["status"] == "failed"


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_a_published_firmware_is_noted(version: Version) -> None:
    told = {"status": "Published", "requestId": 3, "location": [URL]}
    outcome = Case(version).hear("PublishFirmwareStatusNotification", told)
    assert rows_of(outcome.rows, "firmware_updates")[0]["campaign"] == "publish/3"


def test_a_wrong_campaign_is_refused() -> None:
    registry = city(1)
    wrong: list[tuple[Campaign, list[str]]] = [
        (campaign(), []), (campaign(), ["nobody"]), (campaign(share=0.0), ["S0"]),
    ]  # fmt: skip
    for made, names in wrong:
        with pytest.raises(InputError):
            start_campaign(registry, made, names, AT)
    start_campaign(registry, campaign(), ["S0"], AT)
    with pytest.raises(InputError, match="new name"):
        start_campaign(registry, campaign(), ["S0"], AT)
