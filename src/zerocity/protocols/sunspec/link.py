"""One Modbus/TCP connection to a site, and the SunSpec maps of the units behind it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException

from zerocity.protocols.sunspec.models import END, MARK, STARTS, Part

# A map with more models, or with more registers in one model, is no map: assumptions.
MOST_MODELS, LONGEST_MODEL = 60, 2000
# What a gateway answers in the name of a unit that is not there (Modbus 1.1b3, section 7).
_NO_UNIT = (ExcCodes.GATEWAY_PATH_UNAVIABLE, ExcCodes.GATEWAY_NO_RESPONSE)


class DeviceError(Exception):
    """A device does not answer, or not as SunSpec says."""


class WriteError(Exception):
    """A device refuses a write."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model lies: the address of its ID, and how many registers follow ID and length."""

    address: int
    length: int


def quiet_modbus() -> None:
    """Keep the Modbus library's own lines off the terminal: failures are told and counted here."""
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class Link:
    """A connection; every call may raise `DeviceError`. After one, close it and open another."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._where = f"{host}:{port}"
        self._client = AsyncModbusTcpClient(
            host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0.0
        )

    async def open(self) -> None:
        """Connect."""
        if not await self._client.connect():
            raise DeviceError(f"{self._where} does not answer")

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    async def models(self, unit: int) -> dict[int, Place]:
        """The models of a unit, the first of each number; empty where there is no map."""
        for start in STARTS:
            found = await self._read(unit, start, 2)
            if found in _NO_UNIT:
                return {}
            if isinstance(found, list) and tuple(found) == MARK:
                return await self._walk(unit, start + 2)
        return {}

    async def values(self, unit: int, place: Place, part: Part) -> Mapping[str, float | str | None]:
        """Points of a model."""
        if part.first + part.count > 2 + place.length:
            raise DeviceError(f"unit {unit}: the model at {place.address} is too short")
        found = await self._registers(unit, place.address + part.first, part.count)
        return part.decoded(found)

    async def write(self, unit: int, place: Place, offset: int, registers: list[int]) -> None:
        """Write registers of a model; `WriteError` when the unit refuses them."""
        address = place.address + offset
        try:
            answer = await self._client.write_registers(address, registers, device_id=unit)
        except ModbusException as error:
            raise DeviceError(f"unit {unit} is silent") from error
        if answer.isError():
            code = getattr(answer, "exception_code", "?")
            raise WriteError(f"unit {unit} refuses register {address} (exception {code})")

    async def _walk(self, unit: int, address: int) -> dict[int, Place]:
        found: dict[int, Place] = {}
        for _ in range(MOST_MODELS):
            model, length = await self._registers(unit, address, 2)
            if model == END:
                return found
            if length > LONGEST_MODEL or address + 2 + length > 0xFFFF:
                raise DeviceError(f"unit {unit}: model {model} has {length} registers")
            found.setdefault(model, Place(address, length))
            address += 2 + length
        raise DeviceError(f"unit {unit} has a map without an end")

    async def _registers(self, unit: int, address: int, count: int) -> list[int]:
        found = await self._read(unit, address, count)
        if not isinstance(found, list):
            raise DeviceError(f"unit {unit} refuses register {address} (exception {found})")
        return found

    async def _read(self, unit: int, address: int, count: int) -> list[int] | int:
        """Registers, or the exception that the unit answers with."""
        try:
            answer = await self._client.read_holding_registers(address, count=count, device_id=unit)
        except ModbusException as error:
            raise DeviceError(f"unit {unit} is silent") from error
        if answer.isError():
            return int(getattr(answer, "exception_code", 0))
        if len(answer.registers) != count:
            raise DeviceError(f"unit {unit} sends {len(answer.registers)} of {count} registers")
        return list(answer.registers)
