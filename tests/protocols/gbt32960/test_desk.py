"""What the platform believes: keys, signatures, alarms, duplicates; and after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from vehicle_world import NOW, OK, car, framed, login, reading, report

from zerocity.fleets.vin import demo_vin
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.alarms import AlarmWatch
from zerocity.protocols.gbt32960.crypto import KeyRing, Mode, SessionKey, sign
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Encryption, Response
from zerocity.protocols.gbt32960.glance import glance
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import signed_part, write_unit
from zerocity.protocols.gbt32960.peer import Conversation, State
from zerocity.protocols.gbt32960.restore import restore_records, restore_reports
from zerocity.protocols.gbt32960.seats import REMEMBERED, Batch, Caller, Policy, Seat, fault_row
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.lake import Lake
from zerocity.storage.recorder import Recorder

NEW = Edition.Y2025
ECC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
KEY = bytes(range(16))


class Platform:
    """A desk with one caller."""

    def __init__(self, policy: Policy | None = None, edition: Edition = NEW, **caller: object):
        self.vehicles = Vehicles()
        for number in range(3):
            self.vehicles.add(f"v{number}", demo_vin(number))
        self.desk, self.batch = Desk(self.vehicles, policy), Batch()
        self.caller = Caller(**caller)  # type: ignore[arg-type]
        self.car = car(0, edition)
        assert self.say(login(self.car)) == OK

    def say(self, frame: bytes) -> int:
        self.batch = Batch()
        self.desk.take(self.caller, frame, NOW, 0.0, self.batch)
        assert len(self.batch.answers) == 1
        return self.batch.answers[0][1][3]

    @property
    def rule(self) -> str:
        return self.batch.faults[0].rule


def activation(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, algorithm: int = 0) -> bytes:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bare = m.Activation(m.Clock.of(NOW), "CHIP1", public, demo_vin(0), m.Signature(0, b"", b""))
    made = sign(key, signed_part(bare, NEW))
    signature = m.Signature(algorithm or made[0], *made[1:])
    unit = write_unit(m.Activation(*bare_fields(bare), signature), NEW)
    return framed(car(0, NEW), Command.ACTIVATION, unit)


def bare_fields(one: m.Activation) -> tuple[m.Clock, str, bytes, str]:
    return one.clock, one.chip, one.public_key, one.vin


@pytest.mark.parametrize("key", [ECC, RSA], ids=["ecc", "rsa"])
def test_a_chip_is_activated_and_its_reports_are_believed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    platform = Platform(Policy(require_signatures=True))
    platform.caller.talk = Conversation()
    assert platform.say(activation(key)) == OK
    answer = read(platform.batch.answers[0][1])
    assert (answer[0].command, answer[1]) == (Command.ACTIVATION_ANSWER, m.ActivationAnswer(1, 0))
    assert platform.batch.rows[0].table == "certificates"
    # The same chip again, and another one for the same vehicle.
    platform.say(activation(key))
    assert read(platform.batch.answers[0][1])[1] == m.ActivationAnswer(2, 1)
    platform.say(activation(ec.generate_private_key(ec.SECP256R1())))
    assert read(platform.batch.answers[0][1])[1] == m.ActivationAnswer(2, 2)
    assert platform.say(login(car(0, NEW))) == OK
    signed = SimVehicle(demo_vin(0), NEW, key=key).unit(reading())
    assert platform.say(framed(platform.car, Command.REALTIME, signed)) == OK
    changed = bytearray(signed)
    changed[14] ^= 1
    assert platform.say(framed(platform.car, Command.REALTIME, bytes(changed))) == (
        Response.SIGNATURE
    )
    assert platform.say(report(platform.car)) == Response.SIGNATURE
    assert not platform.batch.frames


def test_sm2_is_never_taken_for_good() -> None:
    platform = Platform()
    platform.caller.talk = Conversation()
    assert platform.say(activation(ECC, algorithm=1)) == Response.SIGNATURE
    assert platform.batch.faults[0].came == "not checked (algorithm 1)"
    platform.say(login(car(0, NEW)))
    unit = car(0, NEW).unit(reading()) + b"\xff\x01\0\1a\0\1b"
    assert platform.say(framed(platform.car, Command.REALTIME, unit)) == OK
    assert platform.desk.counts.unchecked_signatures == 1
    closed = framed(platform.car, Command.REALTIME, bytes(32), Encryption.SM2)
    assert platform.say(closed) == Response.DECRYPTION
    strict = Platform(Policy(require_signatures=True))
    assert strict.say(framed(strict.car, Command.REALTIME, unit)) == Response.SIGNATURE


@pytest.mark.parametrize("method", [Encryption.AES, Encryption.SM4, Encryption.RSA])
def test_encrypted_reports_are_stored_plain(method: Encryption) -> None:
    ring = KeyRing(mode=Mode.CBC, aes=KEY, sm4=KEY, private_key=RSA, public_key=RSA.public_key())
    platform = Platform(keys=ring)
    unit = platform.car.unit(reading())
    closed = ring.close(method, unit, NOW)
    assert platform.say(framed(platform.car, Command.REALTIME, closed, method)) == OK
    assert platform.batch.answers[0][1][24:30] == unit[:6]
    ((_, _, stored),) = platform.batch.frames
    assert stored == framed(platform.car, Command.REALTIME, unit)
    broken = framed(platform.car, Command.REALTIME, closed[:-1], method)
    assert platform.say(broken) == Response.DECRYPTION
    assert platform.rule == "decryption"


def exchange(kind: int = Encryption.SM4, key: bytes = KEY, days: int = 1) -> bytes:
    clock = m.Clock.of(NOW)
    message = m.KeyExchange(kind, key, clock, m.Clock.of(NOW + timedelta(days=days)))
    return framed(car(0, NEW), Command.KEY_EXCHANGE, write_unit(message, NEW))


def test_a_key_is_taken_over_a_safe_way_only() -> None:
    platform = Platform()
    assert platform.say(exchange()) == Response.ERROR
    assert platform.rule == "key in clear"
    assert platform.batch.faults[0].raw == b""
    safe = Platform(secure=True)
    assert safe.say(exchange()) == OK
    ring = KeyRing(sm4=KEY)
    closed = ring.close(Encryption.SM4, safe.car.unit(reading()), NOW)
    assert safe.say(framed(safe.car, Command.REALTIME, closed, Encryption.SM4)) == OK
    assert safe.say(exchange(days=0)) == Response.STRUCTURE
    assert safe.say(exchange(key=KEY[:5])) == Response.DECRYPTION
    assert safe.say(exchange(kind=Encryption.SM2)) == Response.DECRYPTION
    assert isinstance(safe.caller.keys.session_keys[Encryption.SM4], SessionKey)
    assert KEY.hex() not in repr(safe.batch.faults)


@pytest.mark.parametrize("serial", [0, 65_532])
def test_a_serial_off_its_range_is_refused(serial: int) -> None:
    platform = Platform()
    assert platform.say(login(platform.car, serial)) == Response.ERROR
    assert platform.rule == "serial"
    assert platform.caller.talk.state is State.STRANGER


def test_the_same_report_is_stored_once() -> None:
    platform = Platform()
    assert platform.say(report(platform.car, 1)) == OK
    assert len(platform.batch.frames) == 1
    assert platform.say(report(platform.car, 1, resent=True)) == OK
    assert not platform.batch.frames
    assert platform.desk.counts.duplicates == 1
    seat = Seat(platform.vehicles.by_id["v1"])
    for number in range(REMEMBERED + 1):
        seat.remember(number)
    assert [seat.knows(number) for number in (0, 1, REMEMBERED)] == [False, True, True]


def test_an_old_report_is_stored_and_changes_no_picture() -> None:
    platform = Platform()
    platform.say(report(platform.car, 10))
    platform.say(report(platform.car, 5, resent=True, soc=0.9))
    live = platform.vehicles.by_id["v0"]
    assert live.last is not None
    assert live.last.soc == pytest.approx(0.55)
    # Nor does one of a clock that runs ahead: the picture would stand still until then.
    assert platform.say(report(platform.car, 3600, soc=0.9)) == OK
    assert live.last.soc == pytest.approx(0.55)
    assert platform.desk.counts.ahead_of_time == 1


def look(second: float, alarms: dict[int, int], edition: Edition = NEW):  # type: ignore[no-untyped-def]
    return glance(car(0, edition).unit(reading(second, alarms=alarms)), edition)


def rows(watch: AlarmWatch, second: float, alarms: dict[int, int], resent: bool = False) -> list:  # type: ignore[type-arg]
    seen = look(second, alarms)
    found = watch.take("v0", NEW, seen.report, seen.levels, resent=resent)
    return [(row.table, row.values["kind"], row.values.get("level")) for row in found]


def test_an_alarm_is_new_when_it_begins_or_rises() -> None:
    watch = AlarmWatch()
    low, order = ("alarms", "soc_low", 1), ("work_orders", "inspection", None)
    assert rows(watch, 0, {4: 1}) == [low]
    assert rows(watch, 1, {4: 1}) == []
    assert rows(watch, 2, {4: 1, 23: 4}) == [("alarms", "thermal_event", 4), order]
    assert rows(watch, 3, {4: 3, 23: 4}) == [("alarms", "soc_low", 3), order]
    assert rows(watch, 4, {}) == []
    # The order is open still.
    assert rows(watch, 5, {23: 4}) == [("alarms", "thermal_event", 4)]
    watch.closed("v0", "thermal_event")
    rows(watch, 6, {})
    assert rows(watch, 7, {23: 4}) == [("alarms", "thermal_event", 4), order]


def test_resent_alarms_are_watched_apart() -> None:
    watch = AlarmWatch([("v0", "insulation")])
    assert rows(watch, 10, {11: 3}) == [("alarms", "insulation", 3)]
    assert rows(watch, 5, {}, resent=True) == []
    assert rows(watch, 6, {11: 3}, resent=True) == [("alarms", "insulation", 3)]
    assert rows(watch, 11, {11: 3}) == []


def test_a_level_without_a_bit_is_the_makers_fault() -> None:
    seen = look(0, {})
    seen.report.alarm_level = 2
    (row,) = AlarmWatch().take("v0", NEW, seen.report)
    assert (row.values["kind"], row.values["level"]) == ("maker_fault", 2)


@given(st.lists(st.dictionaries(st.sampled_from([1, 4, 11, 23]), st.integers(1, 4)), max_size=20))
def test_never_two_open_orders_of_one_kind(story: list[dict[int, int]]) -> None:
    watch = AlarmWatch()
    orders = [
        row.values["evidence"]["alarm"]
        for second, alarms in enumerate(story)
        for seen in (look(second, alarms),)
        for row in watch.take("v0", NEW, seen.report, seen.levels)
        if row.table == "work_orders"
    ]
    assert len(orders) == len(set(orders))


def test_a_restart_brings_back_orders_keys_and_reports(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    migrate(open_engine(url))
    platform, recorder, lake = Platform(), Recorder(url), Lake(tmp_path / "lake")
    platform.caller.talk = Conversation()
    platform.say(activation(ECC))
    recorder.submit(platform.batch.rows)
    platform.say(login(platform.car))
    platform.say(report(platform.car, 1, alarms={23: 4}))
    recorder.submit(platform.batch.rows)
    lake.append(platform.batch.frames)
    platform.say(framed(platform.car, Command.REALTIME, b"\0"))
    recorder.submit([fault_row(fault) for fault in platform.batch.faults])
    assert recorder.close(10.0)
    assert lake.close(10.0)
    after, again = Platform(), Lake(tmp_path / "lake")
    assert restore_reports(after.desk, again.roll()) == 1
    restore_records(after.desk, open_engine(url))
    again.close()
    assert after.say(report(after.car, 1, alarms={23: 4})) == OK
    assert not after.batch.frames
    assert after.say(report(after.car, 2, alarms={23: 4})) == OK
    assert [row.table for row in after.batch.rows] == ["alarms"]
    seat = after.desk.seats.of("v0")
    assert seat is not None
    assert seat.public_key == ECC.public_key()
    with open_engine(url).connect() as connection:
        rules = connection.exec_driver_sql("select rule, place from frame_faults").all()
    assert [tuple(row) for row in rules] == [("block-length", 24)]


@given(st.binary(max_size=120), st.sampled_from(range(256)), st.sampled_from(list(Edition)))
def test_any_frame_is_answered_once_or_not_at_all(
    unit: bytes, command: int, edition: Edition
) -> None:
    platform = Platform()
    platform.batch = Batch()
    frame = framed(car(0, edition), command, unit)
    found = platform.desk.take(platform.caller, frame, NOW, 0.0, platform.batch)
    assert len(platform.batch.answers) == (found is None)
