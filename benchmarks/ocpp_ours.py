"""Our server for the OCPP benchmark. Run by ocpp_server.py; prints its port, ends with its input.

`--plain` only validates and answers, which is all that the library's server does. `--store none`
handles each message as the city does, but commits to nothing. The other stores are the Recorder.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
import uvloop

from ocpp_load import PASSWORD
from ocpp_words import TOKEN
from zerocity.live.cores import share_core
from zerocity.live.registry import Connector, LiveStation, Registry, Slot
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.office import office
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Payload, Refusal
from zerocity.protocols.ocpp.server.credentials import Credential
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.protocols.ocpp.server.hub import Office, Store
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.protocols.ocpp.server.station_book import StorePasswords
from zerocity.protocols.ocpp.wire_words import stamp
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.recorder import Recorder, Row


class Nowhere:
    """A store that keeps nothing; it says so once a turn of the loop, as a group commit does."""

    waiting, full = 0, False

    def __init__(self) -> None:
        self._done: list[Callable[[], None]] = []

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        if done is not None:
            if not self._done:
                asyncio.get_running_loop().call_soon(self._commit)
            self._done.append(done)

    def _commit(self) -> None:
        finished, self._done = self._done, []
        for done in finished:
            done()


class OnePassword:
    """All stations are known, with the same password."""

    def __init__(self) -> None:
        self._kept = StorePasswords().hash(PASSWORD)

    def find(self, station: str) -> Credential | None:
        return Credential(station, password_hash=self._kept)

    def is_revoked(self, serial: str) -> bool:
        return False


def city(count: int, kind: str) -> Registry:
    registry = Registry()
    for number in range(count):
        name = f"B{number:05}"
        station = registry.add_station(LiveStation(name, "site-1", kind))
        station.connectors[1, 1] = Connector(name, 1, 1, "site-1", 60.0)
        if kind == "swap":
            station.slots = {n: Slot(n) for n in range(1, 5)}
    registry.add_token(Token(TOKEN, many=True))
    return registry


def plain_office() -> Office:
    """Answers and does nothing else, as the handlers of the library's server do."""
    now = stamp(datetime.now(UTC))
    answers: dict[str, dict[str, Any]] = {
        "BootNotification": {"currentTime": now, "interval": 300, "status": "Accepted"},
        "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
        "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
    }

    def answer(context: Context, action: str, payload: Payload) -> Outcome | Refusal:
        if action == "Heartbeat":
            return Outcome({"currentTime": stamp(context.at)})
        return Outcome(answers.get(action, {}))

    nothing: list[Row] = []
    return Office(answer, lambda *a: nothing, lambda *a: nothing, lambda *a: nothing, office.LANES)


def open_store(options: argparse.Namespace) -> Store:
    if options.store == "none":
        return Nowhere()
    engine = open_engine(options.store)
    migrate(engine)
    return Recorder(engine, most_waiting=options.most_waiting)


async def serve(options: argparse.Namespace) -> None:
    settings = OcppSettings(
        port=0, messages_per_s=1e6, burst=1_000_000, most_connections=options.stations + 10
    )
    store = open_store(options)
    gateway = OcppGateway(
        city(options.stations, options.kind),
        store,
        office=plain_office() if options.plain else None,
        source=OnePassword(),
        passwords=StorePasswords(),
        settings=settings,
    )
    await gateway.start()
    # As `zerocity serve` does: what lives from the start need not be looked through for circles.
    gc.set_threshold(50_000, 20, 20)
    gc.freeze()
    if isinstance(store, Recorder):
        share_core([store.thread_id])
    print(gateway.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(dict(gateway.metrics.closed), gateway.metrics.paused, file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default="none", help="none, or a database's address")
    parser.add_argument("--stations", type=int, default=100)
    parser.add_argument("--kind", default="charger")
    parser.add_argument("--plain", action="store_true", help="handle nothing, only answer")
    parser.add_argument("--most-waiting", type=int, default=200_000)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(serve(parser.parse_args()))
