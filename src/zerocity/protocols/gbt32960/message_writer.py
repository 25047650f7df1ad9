"""Messages to frames and bytes, the other way round of `message_reader`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.block_reader import SIGNATURE
from zerocity.protocols.gbt32960.block_writer import write_block
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    LONGEST_UNIT,
    Encryption,
    Frame,
    Response,
    write_frame,
)


def to_frame(
    vin: str,
    command: int,
    message: m.Message,
    edition: Edition = Edition.Y2016,
    response: int = Response.COMMAND,
    encryption: int = Encryption.NONE,
) -> Frame:
    """The frame that says ``message``; raises `InputError` for what the wire cannot hold."""
    return Frame(
        edition, int(command), int(response), vin, int(encryption), write_unit(message, edition)
    )


def write(
    vin: str, command: int, message: m.Message, edition: Edition = Edition.Y2016, **more: int
) -> bytes:
    """The bytes of `to_frame`."""
    return write_frame(to_frame(vin, command, message, edition, **more))


def answer(frame: Frame, response: Response, clock: m.Clock | None = None) -> Frame:
    """The answer to ``frame``: its time kept, all else dropped (clause 6.3.2).

    ``clock`` replaces the time: for time synchronisation, whose command carries none.
    """
    keeps_time = frame.encryption == Encryption.NONE and len(frame.data) >= 6
    data = bytes(clock) if clock is not None else frame.data[:6] if keeps_time else b""
    none = int(Encryption.NONE)
    return Frame(frame.edition, frame.command, int(response), frame.vin, none, data)


def write_unit(message: m.Message, edition: Edition) -> bytes:
    """The data unit of a message; raises `InputError`."""
    unit = _WRITERS[type(message)](message, edition)
    if len(unit) > LONGEST_UNIT:
        raise InputError("data unit", f"{len(unit)} bytes", f"at most {LONGEST_UNIT}")
    return unit


def _number(value: int, size: int, name: str) -> bytes:
    if not 0 <= value < 1 << 8 * size:
        raise InputError(name, f"{value}", f"0 to {(1 << 8 * size) - 1}")
    return value.to_bytes(size, "big")


def _text(value: str, size: int, name: str, fill: bytes = b"\0") -> bytes:
    data = value.encode("latin-1", "replace")
    if len(data) > size:
        raise InputError(name, f"{len(data)} characters", f"at most {size}")
    return data.ljust(size, fill)


def _sized(data: bytes, name: str) -> bytes:
    return _number(len(data), 2, f"length of {name}") + data


def _login(message: m.Login, edition: Edition) -> bytes:
    head = bytes(message.clock) + _number(message.serial, 2, "serial")
    head += _text(message.iccid, m.ICCID_LENGTH, "iccid")
    if edition is Edition.Y2025:
        packs = message.packs_per_bms or ()
        if sum(packs) != len(message.codes):
            raise InputError("codes", f"{len(message.codes)}", f"{sum(packs)}, as packs_per_bms")
        head += _number(len(packs), 1, "number of BMS") + bytes(packs)
        return head + b"".join(_text(c, m.PACK_CODE_LENGTH, "codes") for c in message.codes)
    wanted = message.subsystems if message.code_length else 0
    if len(message.codes) != wanted:
        raise InputError("codes", f"{len(message.codes)}", f"{wanted}, one for each subsystem")
    if message.code_length > 50:
        raise InputError("code_length", f"{message.code_length}", "at most 50")
    head += _number(message.subsystems, 1, "subsystems") + bytes((message.code_length,))
    return head + b"".join(_text(code, message.code_length, "codes") for code in message.codes)


def signed_part(message: m.Report | m.Activation, edition: Edition) -> bytes:
    """The bytes that a vehicle signs: from the time to the last byte before the signature."""
    if isinstance(message, m.Activation):
        return (
            bytes(message.clock)
            + _text(message.chip, m.CHIP_LENGTH, "chip", b" ")
            + _sized(message.public_key, "public_key")
            + _text(message.vin, m.VIN_LENGTH, "vin")
        )
    return bytes(message.clock) + b"".join(write_block(block, edition) for block in message.blocks)


def _signature(signature: m.Signature) -> bytes:
    kind = _number(signature.algorithm, 1, "algorithm")
    return kind + _sized(signature.r, "r") + _sized(signature.s, "s")


def _report(message: m.Report, edition: Edition) -> bytes:
    unit = signed_part(message, edition)
    if message.signature is None:
        return unit
    if edition is Edition.Y2016:
        raise InputError("signature", "one", "none (2016 does not sign)")
    return unit + bytes((SIGNATURE,)) + _signature(message.signature)


def _logout(message: m.Logout, edition: Edition) -> bytes:
    return bytes(message.clock) + _number(message.serial, 2, "serial")


def _platform_login(message: m.PlatformLogin, edition: Edition) -> bytes:
    return (
        bytes(message.clock)
        + _number(message.serial, 2, "serial")
        + _text(message.user, m.USER_LENGTH, "user")
        + _text(message.password, m.PASSWORD_LENGTH, "password")
        + _number(message.encryption, 1, "encryption")
    )


def _activation(message: m.Activation, edition: Edition) -> bytes:
    return signed_part(message, edition) + _signature(message.signature)


def _activation_answer(message: m.ActivationAnswer, edition: Edition) -> bytes:
    return _number(message.state, 1, "state") + _number(message.info, 1, "info")


def _key_exchange(message: m.KeyExchange, edition: Edition) -> bytes:
    head = _number(message.kind, 1, "kind") + _sized(message.key, "key")
    return head + bytes(message.valid_from) + bytes(message.valid_until)


def _query(message: m.Query, edition: Edition) -> bytes:
    return bytes(message.clock) + _number(len(message.ids), 1, "number of ids") + bytes(message.ids)


def _settings(message: m.Settings, edition: Edition) -> bytes:
    return bytes(message.clock) + _number(message.count, 1, "count") + message.items


def _control(message: m.Control, edition: Edition) -> bytes:
    return bytes(message.clock) + _number(message.command, 1, "command") + message.arguments


def _extra(message: m.Heartbeat | m.TimeSync, edition: Edition) -> bytes:
    return message.extra


def _answer(message: m.Answer, edition: Edition) -> bytes:
    return bytes(message.clock or ()) + message.rest


def _data(message: m.Raw | m.Sealed, edition: Edition) -> bytes:
    return message.data


_WRITERS: dict[type, Callable[[Any, Edition], bytes]] = {
    m.Login: _login,
    m.Report: _report,
    m.Logout: _logout,
    m.PlatformLogin: _platform_login,
    m.Heartbeat: _extra,
    m.TimeSync: _extra,
    m.Activation: _activation,
    m.ActivationAnswer: _activation_answer,
    m.KeyExchange: _key_exchange,
    m.Query: _query,
    m.Settings: _settings,
    m.Control: _control,
    m.Answer: _answer,
    m.Raw: _data,
    m.Sealed: _data,
}
