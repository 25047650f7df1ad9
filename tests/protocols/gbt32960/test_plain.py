from __future__ import annotations

import json

from frames_made import VIN, any_frames
from hypothesis import given

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import Command, Frame, FrameFault
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import to_frame
from zerocity.protocols.gbt32960.plain import plain_frame

CLOCK = m.Clock(25, 10, 27, 20, 2, 2)


def plain(message: m.Message, command: int, edition: Edition = Edition.Y2016) -> dict[str, object]:
    return plain_frame(to_frame(VIN, command, message, edition), message)


def test_a_report_is_spelled_out() -> None:
    vehicle = b.Vehicle(1, 3, 1, 45.5, Gap.INVALID, 350.1, 5.1, 88, 1, 0x2E, 5000, 0, 0)
    found = plain(m.Report(CLOCK, (vehicle, b.Alarm(1, 3), b.Private(0x80, b"\xab"))), 2)
    assert found["at"] == "2025-10-27T12:02:02Z"
    assert found["command"] == "realtime"
    assert found["vin"] == "*" * 13 + "0001"
    first, alarm, private = found["blocks"]  # type: ignore[misc]
    assert (first["odometer_km"], first["current_a"], first["gear_name"]) == ("invalid", 5.1, "D")
    assert alarm["names"] == ["temperature_difference", "battery_hot"]
    assert (private["kind"], private["data"]) == ("80", "ab")


def test_secrets_stay_hidden() -> None:
    login = plain(m.PlatformLogin(CLOCK, 1, "user", "hunter2"), Command.PLATFORM_LOGIN)
    key = m.KeyExchange(5, b"\xde\xad", CLOCK, CLOCK)
    keys = plain(key, Command.KEY_EXCHANGE, Edition.Y2025)
    assert (login["user"], login["password"], keys["key"]) == ("user", "hidden", "hidden")


def test_the_vin_within_an_activation_is_masked_too() -> None:
    made = m.Activation(CLOCK, "CHIP", b"", VIN, m.Signature(1, b"", b""))
    frame = to_frame(VIN, Command.ACTIVATION, made, Edition.Y2025)
    assert VIN not in json.dumps(plain_frame(frame, made))
    assert VIN in json.dumps(plain_frame(frame, made, show_vin=True))


def test_reserved_numbers_are_shown_as_such() -> None:
    frame = Frame(Edition.Y2016, 0xC5, 0xFE, VIN, 1, b"\x01")
    found = plain_frame(frame, m.Raw(b"\x01"))
    assert (found["command"], found["message"], found["data"]) == ("C5", "Raw", "01")


@given(any_frames())
def test_whatever_is_read_becomes_json(data: bytes) -> None:
    try:
        frame, message = read(data)
    except FrameFault:
        return
    json.dumps(plain_frame(frame, message))
