"""The live picture of vehicles moves forward only, and keeps what a part report leaves out."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from zerocity.live.vehicles import Report, Vehicles

NOW = datetime(2026, 5, 1, tzinfo=UTC)
VIN = "LZ9ZCTY01S0000001"


def test_a_vehicle_is_added_once_and_removed() -> None:
    vehicles = Vehicles()
    one = vehicles.add("v1", VIN, "bus")
    assert vehicles.add("v1", VIN) is one
    assert (len(vehicles), [*vehicles], vehicles.by_vin[VIN]) == (1, [one], one)
    assert math.isinf(one.age_s(5.0))
    assert VIN not in repr(one)
    vehicles.remove("v1")
    vehicles.remove("v1")
    assert not vehicles.by_vin


def test_the_picture_moves_forward_only() -> None:
    changed: list[str] = []
    vehicles = Vehicles(changed.append)
    one = vehicles.add("v1", VIN)
    assert vehicles.report(one, Report(NOW, soc=0.5), 10.0)
    assert not vehicles.report(one, Report(NOW - timedelta(seconds=1), soc=0.9), 12.0)
    assert one.last is not None
    assert one.last.soc == 0.5
    assert (one.age_s(15.0), changed) == (3.0, ["v1"])


def test_what_a_part_report_leaves_out_stays() -> None:
    vehicles = Vehicles()
    one = vehicles.add("v1", VIN)
    whole = Report(NOW, 0.5, 40.0, 100.0, 350.0, 20.0, "none", 103.8, 36.0, 1, 16)
    vehicles.report(one, whole, 1.0)
    vehicles.report(one, Report(NOW + timedelta(seconds=1)), 2.0)
    last = one.last
    assert last is not None
    assert last.at == NOW + timedelta(seconds=1)
    assert (last.soc, last.longitude, last.latitude, last.power_kw) == (0.5, 103.8, 36.0, 7.0)
    assert (last.alarm_level, last.alarm_bits, last.charging) == (1, 16, "none")
    assert vehicles.online() == 0
