"""Reports in parts, bounded memory, and which connectors a refused limit makes us count in full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zerocity.live.station_file import CityFile, Report, StationFile, keep


@given(st.permutations(range(6)))
def test_a_report_is_whole_in_whatever_order_its_parts_come(order: list[int]) -> None:
    report = Report()
    for count, part in enumerate(order):
        assert report.whole == (count == 6)
        report.heard.add(part)
        if part == 5:
            report.last = 5
    assert report.whole
    assert report.missing == []


def test_missing_parts_are_named() -> None:
    assert Report({0, 3}).missing == [1, 2]
    assert Report({0}, last=2).missing == [1, 2]
    assert not Report().whole


def test_the_oldest_goes_when_there_are_too_many() -> None:
    store: dict[int, str] = {}
    for number in (1, 2, 3, 1, 4):
        keep(store, number, "x", 3)
    assert list(store) == [3, 1, 4]


def test_a_connector_whose_limits_were_all_refused_counts_in_full() -> None:
    file = StationFile()
    assert not file.counts_in_full(1)
    file.profiles[1, "TxProfile", 1] = "rejected"
    assert file.counts_in_full(1)
    assert not file.counts_in_full(2)
    file.profiles[2, "TxProfile", 1] = "unanswered"
    assert file.counts_in_full(2)
    file.profiles[1, "TxDefaultProfile", 1] = "accepted"
    assert not file.counts_in_full(1)


def test_request_ids_rise_and_do_not_come_again_after_a_restart() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    city = CityFile()
    first = [city.next_request(at) for _ in range(3)]
    assert first == sorted(set(first))
    assert CityFile().next_request(at + timedelta(minutes=1)) > first[-1]
    assert city.next_request(datetime(2090, 1, 1, tzinfo=UTC)) < 2**31
