"""Simulated vehicles: what they read is what others read from their frames, at the right times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from vehicle_world import NOW, car, reading

from zerocity.errors import InputError
from zerocity.fleets.vin import demo_vin
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960.crypto import Verdict, verify
from zerocity.protocols.gbt32960.drive import DESIGNS, FleetDrive
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import Command, Frame, FrameFault
from zerocity.protocols.gbt32960.glance import glance
from zerocity.protocols.gbt32960.message_reader import read_message
from zerocity.protocols.gbt32960.messages import Login, Report
from zerocity.protocols.gbt32960.reading import Reading
from zerocity.protocols.gbt32960.vehicle import SimVehicle

EDITIONS = list(Edition)


def message(unit: bytes, edition: Edition, command: int = Command.REALTIME) -> object:
    return read_message(Frame(edition, command, 0xFE, demo_vin(0), 1, unit))


def report(unit: bytes, edition: Edition) -> Report:
    found = message(unit, edition)
    assert isinstance(found, Report)
    return found


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_report_says_what_was_read(edition: Edition) -> None:
    found = report(car(0, edition).unit(reading(alarms={1: 2, 23: 4})), edition)
    assert found.clock.utc() == NOW
    (vehicle,) = found.of(b.Vehicle)
    assert (vehicle.soc_percent, vehicle.speed_km_h) == (55, pytest.approx(43.2))
    # Out of the battery is positive on the wire.
    assert vehicle.current_a == pytest.approx(61.5)
    (cells,) = found.of(b.CellVoltages)
    assert cells.packs[0].cells_v == pytest.approx((3.301, 3.298, 3.305))
    (position,) = found.of(b.Position)
    assert (position.longitude_deg, position.latitude_deg) == pytest.approx((103.83, 36.06))
    (alarm,) = found.of(b.Alarm)
    if edition is Edition.Y2016:
        # It has no bit for a thermal event and no level 4.
        assert (alarm.level, alarm.bits) == (3, 0b10)
        (extremes,) = found.of(b.Extremes)
        assert (extremes.max_v_cell, extremes.min_v_cell, extremes.max_c) == (3, 2, 24)
    else:
        assert (alarm.level, alarm.levels) == (4, ((1, 2), (23, 4)))


@pytest.mark.parametrize("edition", EDITIONS)
def test_dead_sensors_and_values_off_the_wire_are_said_so(edition: Edition) -> None:
    nan = float("nan")
    dead = Reading(NOW, soc=nan, current_a=1e5, speed_kmh=nan, charging="parked")
    found = report(car(0, edition).unit(dead), edition)
    (vehicle,) = found.of(b.Vehicle)
    assert vehicle.soc_percent is Gap.INVALID
    assert vehicle.current_a is Gap.ABNORMAL
    assert not found.of(b.Position)[0].valid
    assert not found.of(b.Motors)
    look = glance(car(0, edition).unit(dead), edition).report
    assert np.isnan([look.soc, look.current_a, look.speed_kmh, look.longitude]).all()
    assert look.charging == "parked"


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_login_names_card_and_pack(edition: Edition) -> None:
    code = "08BPE0100000000A1234567X"
    one = SimVehicle(demo_vin(3), edition, iccid="89860000000000000003", pack_code=code)
    found = message(one.login_unit(NOW, 7), edition, Command.LOGIN)
    assert isinstance(found, Login)
    assert (found.serial, found.iccid, found.codes) == (7, one.iccid, (code,))


def test_bad_settings_are_told() -> None:
    for make in (
        lambda: car(period_s=31.0),
        lambda: SimVehicle("SHORT", Edition.Y2016),
        lambda: demo_vin(1_000_000),
        lambda: car().unit(reading(cells_v=[3.3] * 201)),
    ):
        with pytest.raises(InputError):
            make()


def test_vins_have_the_right_check_digit() -> None:
    values = {**{str(d): d for d in range(10)}, "L": 3, "Z": 9, "C": 3, "T": 3, "Y": 8, "S": 2}
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    for number in range(0, 999_999, 9973):
        vin = demo_vin(number)
        total = sum(
            w * values[c] for place, (w, c) in enumerate(zip(weights, vin, strict=True))
            if place != 8
        )  # fmt: skip
        assert vin[8] == "0123456789X"[total % 11]
    assert len({demo_vin(number) for number in range(1000)}) == 1000


def lived(one: SimVehicle, levels: list[int]) -> tuple[list[int], list[int]]:
    """Seconds reported live and late, for an alarm level in each second."""
    live, late = [], []
    for second, level in enumerate(levels):
        alarms = {11: level} if level else {}
        for due in one.observe(reading(second, alarms=alarms), float(second)):
            (late if due.late else live).append(round((due.at - NOW).total_seconds()))
    return live, late


@pytest.mark.parametrize("edition", EDITIONS)
def test_reports_come_each_period_and_each_second_around_a_grave_alarm(edition: Edition) -> None:
    one = car(0, edition, period_s=10.0)
    assert lived(one, [0] * 35) == ([0, 10, 20, 30], [])
    one = car(0, edition, period_s=10.0)
    live, late = lived(one, [0] * 45 + [3] * 50 + [0] * 55)
    # The half minute before, but what was reported already; nothing is told twice.
    assert late == [second for second in range(15, 45) if second % 10]
    fast = 94 + 30 if edition is Edition.Y2025 else 45 + 30
    assert live == [0, 10, 20, 30, 40, *range(45, fast + 1), *range((fast // 10 + 1) * 10, 150, 10)]


def test_a_small_alarm_changes_no_rhythm() -> None:
    assert lived(car(period_s=10.0), [2] * 21) == ([0, 10, 20], [])


def test_a_second_is_reported_once() -> None:
    one = car(period_s=1.0)
    due = [one.observe(reading(second // 4), second / 4) for second in range(40)]
    times = [report.at for reports in due for report in reports]
    assert len(times) == len(set(times)) == 10


def test_the_drive_hangs_together() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    drive = FleetDrive(60, at, seed=5)
    km, soc = drive.odometer_km.copy(), drive.soc.copy()
    inside = np.zeros(60)
    for _ in range(1200):
        before = drive.soc
        drive.step(1.0)
        inside += (drive.soc - before) * drive.capacity_kwh
    assert drive.at == at + timedelta(seconds=1200)
    assert np.allclose(inside, (drive.soc - soc) * drive.capacity_kwh)
    used, way = inside, drive.odometer_km - km
    drove = (way > 2.0) & (used < 0.0)
    per_km = -used[drove] / way[drove]
    # A taxi's 0.1 to a truck's 2 kWh/km, hard stops and all.
    assert drove.sum() > 20
    assert 0.05 < per_km.min() < per_km.max() < 3.5
    for row in range(60):
        one = drive.reading(row)
        design = drive.designs[row]
        assert len(one.cells_v) == design.cells
        assert sum(one.cells_v) == pytest.approx(one.voltage_v)
        assert one.current_a * one.voltage_v / 1000 == pytest.approx(drive.power_kw[row], abs=0.6)
        for edition in EDITIONS:
            look = glance(car(0, edition).unit(one), edition).report
            assert look.power_kw == pytest.approx(one.current_a * one.voltage_v / 1000, abs=0.1)
            assert look.soc == pytest.approx(one.soc, abs=0.0051)


def test_the_same_seed_drives_the_same_way() -> None:
    first, second = (FleetDrive(9, NOW, seed=3, alarm_share=1.0) for _ in range(2))
    for drive in (first, second):
        for _ in range(30):
            drive.step(1.0)
    assert first.reading(4) == second.reading(4)
    with pytest.raises(InputError):
        FleetDrive(0, NOW)
    assert set(DESIGNS) == {"taxi", "bus", "truck"}


def test_every_troubled_vehicle_has_its_alarm_once() -> None:
    drive = FleetDrive(12, NOW, alarm_share=1.0, alarm_within_s=60.0)
    seen = set()
    for _ in range(60):
        drive.step(1.0)
        seen |= {row for row in range(12) if drive.alarms(row)}
    assert seen == set(range(12))
    hot = next(row for row in range(12) if {1, 23} & set(drive.alarms(row)))
    assert max(drive.reading(hot).probes_c) > 50.0


@pytest.mark.parametrize("edition", EDITIONS)
@given(data=st.data())
def test_a_glance_agrees_with_the_whole_reading_on_what_is_broken(
    edition: Edition, data: st.DataObject
) -> None:
    """Any cut or changed report: both accept it, or both refuse it."""
    unit = bytearray(car(0, edition).unit(reading(alarms={11: 3})))
    for _ in range(data.draw(st.integers(0, 3))):
        unit[data.draw(st.integers(6, len(unit) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(unit[: data.draw(st.integers(6, len(unit)))])
    frame = Frame(edition, Command.REALTIME, 0xFE, demo_vin(0), 1, cut)
    try:
        glance(cut, edition)
        glanced = True
    except FrameFault:
        glanced = False
    try:
        read_message(frame, keep_unknown=True)
        whole = True
    except FrameFault:
        whole = False
    assert glanced == whole


def test_a_signed_report_covers_all_before_the_signature() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    one = SimVehicle(demo_vin(0), Edition.Y2025, key=key)
    unit = one.unit(reading())
    signed = glance(unit, Edition.Y2025).signed
    assert signed is not None
    assert unit.startswith(signed.signed)
    assert verify(key.public_key(), *signed[1:2], signed.signed, *signed[2:]) is Verdict.GOOD
