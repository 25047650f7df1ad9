"""Two doors of one gateway: plain and TLS, and vehicles that move between them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import tls_files
from vehicle_world import MemoryLake, MemoryStore, Wire, car, login

from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.frames import Response
from zerocity.protocols.gbt32960.gateway import Settings, VehicleGateway


def test_a_vehicle_may_come_plain_or_by_tls_and_sits_once(tmp_path: Path) -> None:
    made = tls_files.make(tmp_path, server="localhost", client=car().vin)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server)
    trusting = ssl.create_default_context(cafile=str(made.authority))

    async def test() -> None:
        vehicles = Vehicles()
        vehicles.add("bus", car().vin)
        gateway = VehicleGateway(
            Desk(vehicles), MemoryLake(), MemoryStore(), Settings(port=0, tls_port=0), tls=context
        )
        await gateway.start()
        assert gateway.port != gateway.tls_port > 0
        plain = Wire(*await asyncio.open_connection("127.0.0.1", gateway.port))
        assert await plain.ask(login(car())) == Response.OK
        secure = Wire(*await asyncio.open_connection(
            "127.0.0.1", gateway.tls_port, ssl=trusting, server_hostname="localhost"
        ))  # fmt: skip
        assert await secure.ask(login(car(), serial=2)) == Response.OK
        assert await plain.is_cut()  # the newer link of the same card has the seat
        secure.close()
        await gateway.stop(1.0)

    asyncio.run(test())


def test_without_a_door_for_tls_there_is_no_port_of_it() -> None:
    async def test() -> None:
        gateway = VehicleGateway(Desk(Vehicles()), MemoryLake(), MemoryStore(), Settings(port=0))
        await gateway.start()
        assert gateway.tls_port == 0
        await gateway.stop(1.0)

    asyncio.run(test())
