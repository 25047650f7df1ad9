"""One Modbus connection, with good devices and bad ones."""

from __future__ import annotations

import asyncio
import struct

import pytest
from sunspec_made import answered, made_site, rude_device, serving

from zerocity.protocols.sunspec.link import DeviceError, Link, WriteError
from zerocity.protocols.sunspec.models import END, MARK, part
from zerocity.protocols.sunspec.site import GRID, SUN


async def _link(port: int) -> Link:
    link = Link("127.0.0.1", port, 0.3)
    await link.open()
    return link


def test_models_are_found_and_read() -> None:
    async def run() -> None:
        async with serving(made_site()) as server:
            link = await _link(server.ports[0])
            models = await link.models(GRID)
            assert list(models) == [1, 203]
            values = await link.values(GRID, models[203], part(203, "W"))
            assert values["W"] == 120_500.0
            link.close()

    asyncio.run(run())


def test_a_unit_that_is_not_there_has_no_models() -> None:
    async def run() -> None:
        async with serving(made_site(has_pv=False)) as server:
            link = await _link(server.ports[0])
            assert await link.models(SUN) == {}
            link.close()

    asyncio.run(run())


def test_a_refused_write_is_told_apart_from_silence() -> None:
    async def run() -> None:
        async with serving(made_site()) as server:
            link = await _link(server.ports[0])
            place = (await link.models(GRID))[203]
            with pytest.raises(WriteError, match="refuses register"):
                await link.write(GRID, place, 5, [1])
            link.close()
        with pytest.raises(DeviceError):
            await link.write(GRID, place, 5, [1])

    asyncio.run(run())


def test_nobody_there_is_a_device_error() -> None:
    async def run() -> None:
        with pytest.raises(DeviceError, match="does not answer"):
            await _link(1)

    asyncio.run(run())


def _reply(request: bytes, memory: dict[int, list[int]]) -> bytes:
    address, count = struct.unpack(">HH", request[8:12])
    return answered(request, memory.get(address, [0] * count))


@pytest.mark.parametrize(
    ("memory", "says"),
    [
        ({40000: list(MARK), 40002: [1, 5000]}, "has 5000 registers"),
        ({40000: list(MARK), 40002: [1, 0]}, "without an end"),
        ({40000: list(MARK), 40002: [END, 0]}, None),
        ({40000: [1, 2], 0: [3, 4], 50000: [5, 6]}, None),
    ],
)
def test_maps_that_are_none(memory: dict[int, list[int]], says: str | None) -> None:
    async def run() -> None:
        async def handle(data: bytes) -> bytes:
            address = struct.unpack(">H", data[8:10])[0]
            loop = dict(memory)
            if says and "end" in says and address > 40000:
                loop[address] = [1, 0]
            return _reply(data, loop)

        async with rude_device(handle) as port:
            link = await _link(port)
            if says is None:
                assert await link.models(1) == {}
            else:
                with pytest.raises(DeviceError, match=says):
                    await link.models(1)
            link.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "garbage",
    [
        b"", b"\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 300,
        b"\x00\x01\x00\x00\xff\xff\x01\x03", b"\x00\x01\x00\x00\x00\x03\x01\x03\x04",
        b"\x00\x01\x00\x00\x00\x02\x01\x63", b"\x00" * 5000,
    ],
)  # fmt: skip
def test_garbage_is_a_device_error_in_bounded_time(garbage: bytes) -> None:
    async def run() -> None:
        async def handle(data: bytes) -> bytes:
            return garbage

        async with rude_device(handle) as port:
            link = await _link(port)
            with pytest.raises(DeviceError):
                async with asyncio.timeout(2.0):
                    await link.models(1)
            link.close()

    asyncio.run(run())


def test_an_answer_from_another_unit_or_of_another_length_is_refused() -> None:
    async def run() -> None:
        async def other(data: bytes) -> bytes:
            return answered(data[:6] + b"\x09" + data[7:], list(MARK))

        async def short(data: bytes) -> bytes:
            return answered(data, [MARK[0]])

        for handle, says in ((other, "silent"), (short, "sends 1 of 2")):
            async with rude_device(handle) as port:
                link = await _link(port)
                with pytest.raises(DeviceError, match=says):
                    await link.models(1)
                link.close()

    asyncio.run(run())
