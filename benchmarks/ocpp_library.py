"""The `ocpp` library's server as its documentation shows it, over websockets, storing nothing.

Run by ocpp_server.py; prints its port, ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call_result as result16
from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v21 import call_result as result21
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call_result as result201


def now() -> str:
    return datetime.now(UTC).isoformat()


class Station16(ChargePoint16):
    @on("BootNotification")
    def boot(self, **said: Any) -> Any:
        return result16.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("Heartbeat")
    def beat(self) -> Any:
        return result16.Heartbeat(current_time=now())

    @on("StartTransaction")
    def begin(self, **said: Any) -> Any:
        return result16.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def meter(self, **said: Any) -> Any:
        return result16.MeterValues()


class Station201(ChargePoint201):
    @on("BootNotification")
    def boot(self, **said: Any) -> Any:
        return result201.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("TransactionEvent")
    def event(self, **said: Any) -> Any:
        return result201.TransactionEvent(id_token_info={"status": "Accepted"})


class Station21(ChargePoint21):
    @on("BootNotification")
    def boot(self, **said: Any) -> Any:
        return result21.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("BatterySwap")
    def swap(self, **said: Any) -> Any:
        return result21.BatterySwap()


KINDS = {"ocpp1.6": Station16, "ocpp2.0.1": Station201, "ocpp2.1": Station21}


async def connected(connection: Any) -> None:
    name = connection.request.path.rpartition("/")[2]
    await KINDS[connection.subprotocol](name, connection).start()


async def serve() -> None:
    async with websockets.serve(connected, "127.0.0.1", 0, subprotocols=list(KINDS)) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
