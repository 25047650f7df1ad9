"""Messages from frames; which command is read how stands in `READERS`."""

from __future__ import annotations

from collections.abc import Callable

from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.block_reader import SIGNATURE, Cursor, read_block
from zerocity.protocols.gbt32960.blocks import Block, Unknown
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    HEAD,
    Command,
    Encryption,
    Frame,
    FrameFault,
    Response,
    read_frame,
)

MOST_CODE_LENGTH = 50
"""Characters of a store's code, table 6 of 2016."""
BLOCK_TYPE = "a block's type"
UNKNOWN_REST = "the rest behind an unknown type"


def read_message(frame: Frame, *, keep_unknown: bool = False) -> m.Message:
    """What a frame says; raises `FrameFault` with the offset in the frame and the rule.

    ``keep_unknown``: a block type that the standard does not define ends the report as `Unknown`
    (its length is not known, so nothing behind it can be read); without it, that is a fault.
    """
    if frame.encryption in (Encryption.ABNORMAL, Encryption.INVALID):
        raise FrameFault("encryption", 21, f"{frame.encryption:02X}")
    if frame.encryption != Encryption.NONE:
        return m.Sealed(frame.data)
    cursor = Cursor(frame.data, HEAD)
    if frame.command == Command.ACTIVATION_ANSWER and frame.edition is Edition.Y2025:
        return _activation_answer(cursor)
    if not frame.is_command:
        return _answer(cursor, frame)
    if frame.command in (Command.REALTIME, Command.RESEND):
        return read_report(cursor, frame.edition, keep_unknown)
    reader = READERS[frame.edition].get(frame.command)
    if reader is None:
        return m.Raw(frame.data)
    found = reader(cursor, frame.edition)
    if cursor.left:
        came = f"{cursor.left} bytes behind the end of the message"
        raise FrameFault("trailing", HEAD + cursor.at, came)
    return found


def read(data: bytes, *, keep_unknown: bool = False) -> tuple[Frame, m.Message]:
    """Frame and message of the bytes of one frame; raises `FrameFault`."""
    frame = read_frame(data)
    return frame, read_message(frame, keep_unknown=keep_unknown)


def _clock(cursor: Cursor, what: str = "the time") -> m.Clock:
    return m.Clock(*cursor.take(6, what))


def _text(cursor: Cursor, size: int, what: str) -> str:
    return cursor.take(size, what).decode("latin-1").rstrip("\0 ")


def _login(cursor: Cursor, edition: Edition) -> m.Login:
    clock, serial = _clock(cursor), cursor.number(2, "the serial")
    iccid = _text(cursor, m.ICCID_LENGTH, "the ICCID")
    count = cursor.number(1, "the number of stores")
    if edition is Edition.Y2025:
        packs = tuple(cursor.take(count, "the packs of each BMS"))
        codes = tuple(_text(cursor, m.PACK_CODE_LENGTH, "a pack's code") for _ in range(sum(packs)))
        return m.Login(clock, serial, iccid, codes, count, m.PACK_CODE_LENGTH, packs)
    length = cursor.number(1, "the length of the codes")
    if length > MOST_CODE_LENGTH:
        raise FrameFault("code-length", HEAD + cursor.at - 1, f"{length}, more than 50")
    codes = tuple(_text(cursor, length, "a store's code") for _ in range(count if length else 0))
    return m.Login(clock, serial, iccid, codes, count, length)


def read_report(cursor: Cursor, edition: Edition, keep_unknown: bool = False) -> m.Report:
    """The report that a cursor stands before; raises `FrameFault`."""
    clock = _clock(cursor)
    blocks: list[Block] = []
    while cursor.left:
        start = cursor.at
        kind = cursor.number(1, BLOCK_TYPE)
        if kind == SIGNATURE and edition is Edition.Y2025:
            signature = _signature(cursor)
            if cursor.left:
                came = f"{cursor.left} bytes behind the signature"
                raise FrameFault("trailing", HEAD + cursor.at, came)
            return m.Report(clock, tuple(blocks), signature, start)
        try:
            blocks.append(read_block(cursor, kind, edition))
        except FrameFault as fault:
            if not keep_unknown or fault.rule != "block-type":
                raise
            blocks.append(Unknown(kind, cursor.take(cursor.left, UNKNOWN_REST)))
    return m.Report(clock, tuple(blocks))


def _signature(cursor: Cursor) -> m.Signature:
    algorithm = cursor.number(1, "the kind of the signature")
    r = cursor.take(cursor.number(2, "the length of r"), "r")
    return m.Signature(algorithm, r, cursor.take(cursor.number(2, "the length of s"), "s"))


def _logout(cursor: Cursor, edition: Edition) -> m.Logout:
    return m.Logout(_clock(cursor), cursor.number(2, "the serial"))


def _platform_login(cursor: Cursor, edition: Edition) -> m.PlatformLogin:
    return m.PlatformLogin(
        _clock(cursor),
        cursor.number(2, "the serial"),
        _text(cursor, m.USER_LENGTH, "the user"),
        _text(cursor, m.PASSWORD_LENGTH, "the password"),
        cursor.number(1, "the encryption"),
    )


def _heartbeat(cursor: Cursor, edition: Edition) -> m.Heartbeat:
    return m.Heartbeat(cursor.take(cursor.left, "the rest"))


def _time_sync(cursor: Cursor, edition: Edition) -> m.TimeSync:
    return m.TimeSync(cursor.take(cursor.left, "the rest"))


def _activation(cursor: Cursor, edition: Edition) -> m.Activation:
    clock, chip = _clock(cursor), _text(cursor, m.CHIP_LENGTH, "the chip")
    key = cursor.take(cursor.number(2, "the length of the key"), "the key")
    vin = _text(cursor, m.VIN_LENGTH, "the VIN")
    signed = cursor.at
    return m.Activation(clock, chip, key, vin, _signature(cursor), signed)


def _activation_answer(cursor: Cursor) -> m.ActivationAnswer:
    answer = m.ActivationAnswer(cursor.number(1, "the state"), cursor.number(1, "the information"))
    if cursor.left:
        came = f"{cursor.left} bytes behind the end of the message"
        raise FrameFault("trailing", HEAD + cursor.at, came)
    return answer


def _key_exchange(cursor: Cursor, edition: Edition) -> m.KeyExchange:
    kind = cursor.number(1, "the kind of key")
    key = cursor.take(cursor.number(2, "the length of the key"), "the key")
    return m.KeyExchange(kind, key, _clock(cursor, "the start"), _clock(cursor, "the end"))


def _query(cursor: Cursor, edition: Edition) -> m.Query:
    clock = _clock(cursor)
    return m.Query(clock, tuple(cursor.take(cursor.number(1, "the number of ids"), "the ids")))


def _settings(cursor: Cursor, edition: Edition) -> m.Settings:
    clock, count = _clock(cursor), cursor.number(1, "the number of parameters")
    return m.Settings(clock, count, cursor.take(cursor.left, "the rest"))


def _control(cursor: Cursor, edition: Edition) -> m.Control:
    clock, command = _clock(cursor), cursor.number(1, "the command")
    return m.Control(clock, command, cursor.take(cursor.left, "the rest"))


def _answer(cursor: Cursor, frame: Frame) -> m.Answer | m.Settings:
    if frame.command == Command.QUERY and frame.response == Response.OK:
        return _settings(cursor, frame.edition)
    clock = _clock(cursor) if cursor.left else None
    return m.Answer(clock, cursor.take(cursor.left, "the rest"))


Reader = Callable[[Cursor, Edition], m.Message]
_BOTH: dict[int, Reader] = {
    Command.LOGIN: _login,
    Command.LOGOUT: _logout,
    Command.PLATFORM_LOGIN: _platform_login,
    Command.PLATFORM_LOGOUT: _logout,
    Command.HEARTBEAT: _heartbeat,
    Command.TIME_SYNC: _time_sync,
    Command.QUERY: _query,
    Command.SET: _settings,
    Command.CONTROL: _control,
}
READERS: dict[Edition, dict[int, Reader]] = {
    Edition.Y2016: _BOTH,
    Edition.Y2025: {
        **_BOTH,
        Command.ACTIVATION: _activation,
        Command.KEY_EXCHANGE: _key_exchange,
    },
}
"""By edition and command: who reads the unit of a command; other commands stay `Raw`."""
