"""Reading against the bytes of the standard, and its refusals."""

from __future__ import annotations

import pytest
from frames_made import BYTES, VIN
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import (
    Command,
    Encryption,
    Frame,
    FrameFault,
    Response,
    write_frame,
)
from zerocity.protocols.gbt32960.message_reader import read, read_message

OLD, NEW = Edition.Y2016, Edition.Y2025
CLOCK = bytes((25, 10, 27, 20, 2, 2))


def unit(
    data: bytes, command: int = Command.REALTIME, edition: Edition = OLD, **more: int
) -> m.Message:
    response = more.get("response", Response.COMMAND)
    encryption = more.get("encryption", Encryption.NONE)
    return read_message(Frame(edition, command, int(response), VIN, int(encryption), data))


def fault_of(data: bytes, command: int = Command.REALTIME, edition: Edition = OLD) -> FrameFault:
    with pytest.raises(FrameFault) as caught:
        unit(data, command, edition)
    return caught.value


def block(data: str, edition: Edition = OLD) -> object:
    found = unit(CLOCK + bytes.fromhex(data), edition=edition)
    assert isinstance(found, m.Report)
    (only,) = found.blocks
    return only


def test_beijing_time_becomes_utc() -> None:
    found = unit(CLOCK)
    assert isinstance(found, m.Report)
    at = found.clock.utc()
    assert at is not None
    assert at.isoformat() == "2025-10-27T12:02:02+00:00"
    assert m.Clock.of(at) == found.clock


def test_a_time_that_is_none_does_not_cost_the_readings() -> None:
    found = unit(b"\xff" * 6 + bytes.fromhex("0401006400fa"))
    assert isinstance(found, m.Report)
    assert found.clock.utc() is None
    assert found.blocks == (b.Engine(100, 1, 2.5),)


@pytest.mark.parametrize(
    "clock",
    [(100, 1, 1, 0, 0, 0), (25, 2, 29, 0, 0, 0), (25, 13, 1, 0, 0, 0), (25, 1, 1, 24, 0, 0)],
)
def test_what_is_no_time_is_none(clock: tuple[int, ...]) -> None:
    assert m.Clock(*clock).utc() is None


def test_no_motor_and_no_pack() -> None:
    assert block("0200") == b.Motors(())
    assert block("0800") == b.CellVoltages(())
    assert block("0900") == b.Temperatures(())


def test_codes_instead_of_a_number_of_things() -> None:
    assert block("08fe") == b.CellVoltages(Gap.ABNORMAL)
    assert block("09ff") == b.Temperatures(Gap.INVALID)
    assert block("0901" + "01fffe") == b.Temperatures((b.PackProbes(1, Gap.ABNORMAL),))
    assert block("02ff", NEW) == b.Motors(Gap.INVALID)
    assert block("0701" + "01" + "0000" + "7530" + "ffff", NEW) == b.CellVoltages(
        (b.PackCells(1, 0.0, 0.0, Gap.INVALID, 1, ()),)
    )


def test_254_motors_of_2016_are_motors() -> None:
    assert fault_of(CLOCK + b"\x02\xfe" + bytes(12)).rule == "block-length"
    found = block("02fe" + "00" * 12 * 254)
    assert isinstance(found, b.Motors)
    assert not isinstance(found.motors, Gap)
    assert len(found.motors) == 254


def test_south_and_west_are_negative() -> None:
    found = block("05" + "06" + "06 2f de 32".replace(" ", "") + "02266162")
    assert found == b.Position(6, -103.800370, -36.069730)
    assert isinstance(found, b.Position)
    assert found.valid


def test_private_blocks_are_kept_as_they_came() -> None:
    assert block("80" + "0003" + "010203") == b.Private(0x80, b"\x01\x02\x03")
    assert block("fe" + "0000", NEW) == b.Private(0xFE, b"")


def test_several_blocks_of_a_type_all_stay_in_order() -> None:
    found = unit(CLOCK + bytes.fromhex("0200" + "04ffffffffff" + "0200"))
    assert isinstance(found, m.Report)
    assert [type(each) for each in found.blocks] == [b.Motors, b.Engine, b.Motors]
    assert found.of(b.Motors) == [b.Motors(()), b.Motors(())]


@pytest.mark.parametrize("kind", [0x00, 0x0A, 0x2F, 0x30, 0x7F, 0xFF])
def test_a_type_without_a_known_length_is_refused_where_it_stands(kind: int) -> None:
    fault = fault_of(CLOCK + bytes.fromhex("0200") + bytes((kind, 1, 2, 3)))
    assert (fault.rule, fault.offset, fault.came) == ("block-type", 32, f"{kind:02X}")


def test_an_unknown_type_may_be_kept_with_all_behind_it() -> None:
    frame = Frame(OLD, 2, 0xFE, VIN, 1, CLOCK + bytes.fromhex("0200" + "0a010203"))
    found = read_message(frame, keep_unknown=True)
    assert isinstance(found, m.Report)
    assert found.blocks == (b.Motors(()), b.Unknown(0x0A, b"\x01\x02\x03"))


@pytest.mark.parametrize(
    "data", ["01", "0201ff", "0308", "07030000", "0801", "090101", "80", "8000"]
)
def test_a_block_that_ends_too_early_is_refused(data: str) -> None:
    fault = fault_of(CLOCK + bytes.fromhex(data))
    assert fault.rule == "block-length"
    assert 24 + 6 < fault.offset <= 24 + 6 + len(data) // 2


def test_a_report_without_a_time_is_refused() -> None:
    assert fault_of(b"").rule == "block-length"
    assert fault_of(CLOCK[:5]).offset == 24


def test_the_signature_ends_a_report_and_says_what_it_covers() -> None:
    found = unit(CLOCK + bytes.fromhex("04ffff" + "ff" + "02" + "0002abcd" + "0000"), edition=NEW)
    assert isinstance(found, m.Report)
    assert found.signature == m.Signature(2, b"\xab\xcd", b"")
    assert found.signed_size == 9
    fault = fault_of(CLOCK + bytes.fromhex("ff" + "01" + "0000" + "0000" + "00"), edition=NEW)
    assert fault.rule == "trailing"


def test_the_login_has_a_bare_iccid_of_twenty_characters() -> None:
    data = CLOCK + b"\x00\x07" + b"8986" * 5 + b"\x02\x03" + b"AAABBB"
    found = unit(data, Command.LOGIN)
    codes = ("AAA", "BBB")
    assert found == m.Login(m.Clock(*CLOCK), 7, "8986" * 5, codes, 2, 3)
    assert fault_of(data + b"!", Command.LOGIN).rule == "trailing"
    assert fault_of(data[:-1], Command.LOGIN).rule == "block-length"
    long = CLOCK + bytes(22) + b"\x01\x33" + bytes(51)
    assert fault_of(long, Command.LOGIN).rule == "code-length"


def test_the_login_of_2025_counts_packs_for_each_bms() -> None:
    data = CLOCK + b"\x00\x01" + b"8" * 20 + b"\x02\x01\x02" + b"A" * 24 + b"B" * 24 + b"C" * 24
    found = unit(data, Command.LOGIN, NEW)
    assert isinstance(found, m.Login)
    assert (found.subsystems, found.packs_per_bms) == (2, (1, 2))
    assert found.codes == ("A" * 24, "B" * 24, "C" * 24)


def test_answers_are_no_commands() -> None:
    answer = unit(CLOCK, Command.LOGIN, response=Response.OK)
    assert answer == m.Answer(m.Clock(*CLOCK))
    assert unit(b"", Command.HEARTBEAT, response=Response.OK) == m.Answer()
    whole = unit(CLOCK + b"rest", Command.LOGIN, response=Response.VIN_DUPLICATE)
    assert whole == m.Answer(m.Clock(*CLOCK), b"rest")


def test_an_encrypted_unit_stays_sealed() -> None:
    assert unit(b"secret", encryption=Encryption.SM4) == m.Sealed(b"secret")
    with pytest.raises(FrameFault, match="encryption"):
        unit(b"", encryption=Encryption.ABNORMAL)


def test_commands_of_2025_are_private_matters_of_2016() -> None:
    data = bytes((1, 0))
    assert unit(data, Command.ACTIVATION_ANSWER, NEW) == m.ActivationAnswer(1, 0)
    assert unit(data, Command.ACTIVATION_ANSWER, OLD) == m.Raw(data)
    assert unit(data, 0xC0, NEW) == m.Raw(data)
    assert fault_of(b"\x01\x00\x00", Command.ACTIVATION_ANSWER, NEW).rule == "trailing"


def test_secrets_are_not_shown() -> None:
    data = CLOCK + b"\x00\x01" + b"user".ljust(12, b"\0") + b"hunter2".ljust(20, b"\0") + b"\x01"
    found = unit(data, Command.PLATFORM_LOGIN)
    assert isinstance(found, m.PlatformLogin)
    assert (found.user, found.password) == ("user", "hunter2")
    assert "hunter2" not in repr(found)
    key = unit(b"\x05\x00\x02zz" + CLOCK * 2, Command.KEY_EXCHANGE, NEW)
    assert isinstance(key, m.KeyExchange)
    assert key.key == b"zz"
    assert "zz" not in repr(key)


@settings(max_examples=400)
@given(
    st.sampled_from(Edition),
    st.integers(0, 255),
    st.sampled_from(Response),
    BYTES.map(CLOCK.__add__) | st.binary(max_size=400),
    st.booleans(),
)
def test_any_unit_is_read_or_refused(
    edition: Edition, command: int, response: Response, data: bytes, keep: bool
) -> None:
    whole = write_frame(Frame(edition, command, int(response), VIN, 1, data))
    fault = refusal(whole, keep)
    assert fault is None or 0 <= fault.offset <= len(whole)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(b"##".__add__))
def test_bytes_that_are_no_frame_are_refused(data: bytes) -> None:
    assert refusal(data, keep=False) is not None


def refusal(data: bytes, keep: bool) -> FrameFault | None:
    try:
        read(data, keep_unknown=keep)
    except FrameFault as fault:
        return fault
    return None
