from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from frames_made import BYTES, CLOCKS, SIGNATURES, TEXT, VIN, logins, reports
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.fields import ALARM_NAMES, Edition, Gap, alarm_names
from zerocity.protocols.gbt32960.frames import Command, Encryption, Frame, Response
from zerocity.protocols.gbt32960.message_reader import read, read_message
from zerocity.protocols.gbt32960.message_writer import answer, signed_part, to_frame, write

OLD, NEW = Edition.Y2016, Edition.Y2025
CLOCK = m.Clock(25, 10, 27, 20, 2, 2)
SERIALS = st.integers(0, 65_535)


def back(message: m.Message, command: int, edition: Edition, **more: int) -> Any:
    return read(write(VIN, command, message, edition, **more))[1]


@pytest.mark.parametrize("edition", list(Edition))
@settings(max_examples=150)
@given(data=st.data())
def test_a_written_report_reads_equal(edition: Edition, data: st.DataObject) -> None:
    made = data.draw(reports(edition))
    found = back(made, Command.REALTIME, edition)
    assert replace(found, signed_size=0) == made
    if made.signature:
        frame = to_frame(VIN, Command.REALTIME, made, edition)
        assert frame.data[: found.signed_size] == signed_part(found, edition)


@pytest.mark.parametrize("edition", list(Edition))
@given(data=st.data())
def test_a_written_login_reads_equal(edition: Edition, data: st.DataObject) -> None:
    made = data.draw(logins(edition))
    assert back(made, Command.LOGIN, edition) == made


@pytest.mark.parametrize(
    ("command", "edition", "made"),
    [
        (Command.LOGOUT, OLD, st.builds(m.Logout, CLOCKS, SERIALS)),
        (Command.PLATFORM_LOGOUT, NEW, st.builds(m.Logout, CLOCKS, SERIALS)),
        (
            Command.PLATFORM_LOGIN,
            OLD,
            st.builds(
                m.PlatformLogin,
                CLOCKS,
                SERIALS,
                TEXT.map(lambda text: text[:12]),
                TEXT,
                st.integers(0, 255),
            ),
        ),
        (Command.HEARTBEAT, OLD, st.builds(m.Heartbeat, BYTES)),
        (Command.TIME_SYNC, NEW, st.builds(m.TimeSync, BYTES)),
        (Command.QUERY, OLD, st.builds(m.Query, CLOCKS, BYTES.map(tuple))),
        (Command.SET, OLD, st.builds(m.Settings, CLOCKS, st.integers(0, 255), BYTES)),
        (Command.CONTROL, NEW, st.builds(m.Control, CLOCKS, st.integers(0, 255), BYTES)),
        (
            Command.KEY_EXCHANGE,
            NEW,
            st.builds(m.KeyExchange, st.integers(0, 255), BYTES, CLOCKS, CLOCKS),
        ),
        (
            Command.ACTIVATION_ANSWER,
            NEW,
            st.builds(m.ActivationAnswer, st.integers(0, 255), st.integers(0, 255)),
        ),
        (0xC1, OLD, st.builds(m.Raw, BYTES)),
    ],
)
@given(data=st.data())
def test_every_other_message_reads_equal(
    command: int, edition: Edition, made: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    message = data.draw(made)
    assert back(message, command, edition) == message


@given(CLOCKS, TEXT.map(lambda text: text[:16]), BYTES, TEXT, SIGNATURES)
def test_an_activation_reads_equal_and_knows_what_is_signed(
    clock: m.Clock, chip: str, key: bytes, vin: str, signature: m.Signature
) -> None:
    made = m.Activation(clock, chip, key, vin, signature)
    frame = to_frame(VIN, Command.ACTIVATION, made, NEW)
    found = read_message(frame)
    assert isinstance(found, m.Activation)
    assert replace(found, signed_size=0) == made
    assert frame.data[: found.signed_size] == signed_part(made, NEW)


@pytest.mark.parametrize("edition", list(Edition))
@pytest.mark.parametrize("bit", range(32))
def test_every_alarm_bit_arrives(edition: Edition, bit: int) -> None:
    levels = ((bit, 3),) if edition is NEW else None
    alarm = b.Alarm(3, 1 << bit, (bit,), (), (7, 8), (), levels)
    found = back(m.Report(CLOCK, (alarm,)), Command.RESEND, edition)
    assert found.blocks == (alarm,)
    names = ALARM_NAMES[edition]
    assert alarm_names(found.blocks[0].bits, edition) == (
        names[bit] if bit < len(names) else f"bit_{bit}",
    )


def test_an_answer_keeps_the_time_and_drops_the_rest() -> None:
    asked = to_frame(VIN, Command.LOGOUT, m.Logout(CLOCK, 5), NEW)
    given = answer(asked, Response.OK)
    assert (given.command, given.response, given.vin) == (Command.LOGOUT, Response.OK, VIN)
    assert read_message(given) == m.Answer(CLOCK)
    assert answer(to_frame(VIN, Command.HEARTBEAT, m.Heartbeat()), Response.OK).data == b""


def test_an_answer_to_an_encrypted_command_shows_nothing_of_it() -> None:
    sealed = Frame(OLD, Command.LOGIN, Response.COMMAND, VIN, Encryption.AES, b"0123456789")
    given = answer(sealed, Response.ERROR)
    assert (given.data, given.encryption) == (b"", Encryption.NONE)


def test_time_synchronisation_is_answered_with_the_time_given() -> None:
    asked = to_frame(VIN, Command.TIME_SYNC, m.TimeSync())
    assert read_message(answer(asked, Response.OK, CLOCK)) == m.Answer(CLOCK)


def cells(count: int, **more: Any) -> b.CellVoltages:
    head = {"cells_total": count, "first_cell": 1} | more
    return b.CellVoltages((b.PackCells(1, 400.0, 0.0, cells_v=(3.3,) * count, **head),))


@pytest.mark.parametrize(
    ("block", "edition", "about"),
    [
        (b.Motors(Gap.INVALID), OLD, "motors"),
        (b.Stacks(()), OLD, "Stacks"),
        (b.FuelCell(*(0.0,) * 3, (), *(0.0,) * 7), NEW, "FuelCell"),
        (cells(256), OLD, "at most 255"),
        (cells(3, cells_total=4), NEW, "whole pack"),
        (cells(3, cells_total=Gap.INVALID), NEW, "none"),
        (b.Private(0x7F, b""), OLD, "80 to FE"),
        (b.Position(0, -1.0, 0.0), OLD, "longitude_deg"),
        (b.Alarm(0, 0, (1 << 32,)), OLD, "battery faults"),
        (b.Alarm(0, 0, levels=((0, 256),)), NEW, "alarm levels"),
        (b.Temperatures((b.PackProbes(1, (300.0,)),)), OLD, "probe_c"),
        (b.Motors((b.Motor(1, 1, 20, 0, 0.0, 20, 0.0, 0.0),) * 254), OLD, "253"),
    ],
)
def test_what_an_edition_cannot_say_is_refused(
    block: b.Block, edition: Edition, about: str
) -> None:
    with pytest.raises(InputError, match=about):
        write(VIN, Command.REALTIME, m.Report(CLOCK, (block,)), edition)


def test_what_a_message_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="codes"):
        write(VIN, Command.LOGIN, m.Login(CLOCK, 1, "", ("A",), 2, 24))
    with pytest.raises(InputError, match="at most 50"):
        write(VIN, Command.LOGIN, m.Login(CLOCK, 1, "", (), 0, 51))
    with pytest.raises(InputError, match="packs_per_bms"):
        write(VIN, Command.LOGIN, m.Login(CLOCK, 1, "", ("A",), packs_per_bms=(2,)), NEW)
    with pytest.raises(InputError, match="signature"):
        write(VIN, Command.REALTIME, m.Report(CLOCK, (), m.Signature(1, b"", b"")))
    with pytest.raises(InputError, match="user"):
        write(VIN, Command.PLATFORM_LOGIN, m.PlatformLogin(CLOCK, 1, "a" * 13, ""))
    with pytest.raises(InputError, match="data unit"):
        write(VIN, 0xC0, m.Raw(bytes(65_532)))


def test_a_place_knows_its_flags() -> None:
    place = b.Position.at(-70.5, -33.4, valid=False)
    assert (place.flags, place.valid) == (7, False)
    found = back(m.Report(CLOCK, (place,)), Command.REALTIME, OLD)
    assert found.blocks[0].longitude_deg == pytest.approx(-70.5, abs=1e-6)
