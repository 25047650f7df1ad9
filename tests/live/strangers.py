"""A city served by its command in a process of its own, and charge points that we did not write.

The charge points are those of the PyPI package `ocpp` over the package `websockets`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ocpp.v16
import ocpp.v16.call
import ocpp.v16.call_result
import ocpp.v21
import ocpp.v21.call
import ocpp.v21.call_result
import ocpp.v201
import ocpp.v201.call
import ocpp.v201.call_result
import websockets
from ocpp.routing import on
from typer.testing import CliRunner
from websockets.asyncio.client import ClientConnection

from zerocity.cli import main

SITE = "Town bus depot"
# Kernels may have to be compiled first.
START_S = 300.0
SOON_S = 15.0


class Served:
    """`zerocity serve starter` on free ports. ``said``: what it told, as JSON."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.data, self.log = folder / "data", folder / "log.jsonl"
        self.said: list[dict[str, Any]] = []
        ports = [w for p in ("ocpp", "vehicle", "web") for w in (f"--{p}-port", "0")]
        words = ["serve", "starter", "--data", str(self.data), "--json", "--step", "1"]
        logs = ["--log-level", "debug", "--log-file", str(self.log)]
        self._errors = (folder / "errors.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zerocity", *words, *ports, *logs, *options],
            stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=folder,
        )  # fmt: skip
        self._opened = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._opened.wait(START_S) or not self.said:
            self.stop()
            self._errors.seek(0)
            raise RuntimeError(f"the city was not served: {self._errors.read()[-2000:]}")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(json.loads(line))
            self._opened.set()
        self._opened.set()

    def stop(self) -> None:
        """End it gently."""
        self._process.terminate()
        try:
            self._process.wait(30.0)
        finally:
            self._process.kill()
            self._errors.close()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def at(self, what: str, scheme: str) -> str:
        """An address that it told: of `ocpp`, `vehicles` or `web`."""
        found = next(a for a in self.said[0][what].split() if a.startswith(f"{scheme}://"))
        return str(found).removesuffix("/STATION")

    def command(self, *words: str, **environment: str) -> Any:
        """Give another command on the same data; its facts."""
        said = [*words, "--data", str(self.data), "--json"]
        made = CliRunner().invoke(main.app, said, env=environment)
        assert made.exit_code == 0, made.exception
        return json.loads(made.stdout)

    def add_station(self, name: str, *options: str) -> str:
        """Make a station known; its password."""
        facts = self.command("station", "add", name, "--site", SITE, "--max-kw", "60", *options)
        return str(facts["password"])

    async def ask(self, path: str, *, put: Any = None, key: str = "") -> Any:
        """Ask over HTTP; the JSON, or the status of a refusal."""

        def work() -> Any:
            data = None if put is None else json.dumps(put).encode()
            headers = {"Content-Type": "application/json"}
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
            url = self.at("web", "http") + path
            method = "GET" if put is None else "PUT"
            request = urllib.request.Request(url, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10.0) as answer:
                    text = answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code
            return json.loads(text) if text.startswith(("{", "[")) else text

        return await asyncio.to_thread(work)

    def trusting(self) -> ssl.SSLContext:
        """TLS that trusts the city's own authority."""
        return ssl.create_default_context(cafile=str(self.data / "keys" / "authority.pem"))


async def until(true: Callable[[], Any], within_s: float = SOON_S) -> Any:
    """Wait until something is true; what it is."""
    async with asyncio.timeout(within_s):
        while not (found := true()):
            await asyncio.sleep(0.05)
    return found


def login(name: str, password: str) -> dict[str, str]:
    """The header of HTTP basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def now() -> str:
    """The moment as stations say it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class Heard:
    """What the city told a station: purpose and limit [W] of its profiles, signed chains."""

    profiles: list[tuple[str, float]] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)

    def limit_kw(self) -> float | None:
        """The last limit of a session [kW]."""
        found = [watts for purpose, watts in self.profiles if purpose == "TxProfile"]
        return found[-1] / 1000.0 if found else None


def _limit(profile: dict[str, Any]) -> tuple[str, float]:
    schedule = profile["charging_schedule"]
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    assert schedule["charging_rate_unit"] == "W"
    period = schedule["charging_schedule_period"][0]
    return profile["charging_profile_purpose"], float(period["limit"])


class Stranger16(ocpp.v16.ChargePoint):  # type: ignore[misc]
    """A charge point of OCPP 1.6."""

    subprotocol, words = "ocpp1.6", ocpp.v16.call

    def __init__(self, name: str, connection: ClientConnection) -> None:
        super().__init__(name, connection, response_timeout=10)
        self.heard = Heard()

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def profile(self, cs_charging_profiles: dict[str, Any], **_: Any) -> Any:
        self.heard.profiles.append(_limit(cs_charging_profiles))
        return ocpp.v16.call_result.SetChargingProfile("Accepted")

    async def boot(self) -> Any:
        return await self.call(self.words.BootNotification("Strange", "Brand"))

    async def status(self, word: str = "Available") -> Any:
        return await self.call(self.words.StatusNotification(1, "NoError", word))

    async def authorize(self, token: str) -> str:
        answer = await self.call(self.words.Authorize(token))
        return str(answer.id_tag_info["status"])

    async def begin(self, token: str, wh: int = 1000) -> str:
        await self.status("Preparing")
        answer = await self.call(self.words.StartTransaction(1, token, wh, now()))
        await self.status("Charging")
        assert answer.id_tag_info["status"] == "Accepted"
        return str(answer.transaction_id)

    async def meter(self, transaction: str, wh: int, kw: float) -> Any:
        sampled = [
            {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(kw * 1000.0), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = [{"timestamp": now(), "sampledValue": sampled}]
        return await self.call(self.words.MeterValues(1, values, transaction_id=int(transaction)))

    async def end(self, transaction: str, token: str, wh: int) -> Any:
        return await self.call(
            self.words.StopTransaction(wh, now(), int(transaction), "Local", token)
        )


class _Stranger2:
    """What charge points of OCPP 2.0.1 and 2.1 have in common."""

    words: Any
    results: Any
    call: Any

    def __init__(self, name: str, connection: ClientConnection) -> None:
        super().__init__(name, connection, response_timeout=10)  # type: ignore[call-arg]
        self.heard, self._number = Heard(), 0

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def profile(self, charging_profile: dict[str, Any], **_: Any) -> Any:
        self.heard.profiles.append(_limit(charging_profile))
        return self.results.SetChargingProfile("Accepted")

    # The library's 2.1 leaves a call that it has no handler for without any answer.
    @on("GetVariables")  # type: ignore[untyped-decorator]
    def variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        return self.results.GetVariables(
            [{**asked, "attribute_status": "UnknownComponent"} for asked in get_variable_data]
        )

    @on("GetLocalListVersion")  # type: ignore[untyped-decorator]
    def list_version(self) -> Any:
        return self.results.GetLocalListVersion(0)

    @on("CertificateSigned")  # type: ignore[untyped-decorator]
    def signed(self, certificate_chain: str, **_: Any) -> Any:
        self.heard.chains.append(certificate_chain)
        return self.results.CertificateSigned("Accepted")

    async def boot(self) -> Any:
        about = {"vendor_name": "Strange", "model": "Brand"}
        return await self.call(self.words.BootNotification(about, "PowerUp"))

    async def status(self, word: str = "Available") -> Any:
        return await self.call(
            self.words.StatusNotification(
                timestamp=now(), connector_status=word, evse_id=1, connector_id=1
            )
        )

    async def authorize(self, token: str) -> str:
        answer = await self.call(self.words.Authorize({"id_token": token, "type": "ISO14443"}))
        return str(answer.id_token_info["status"])

    async def begin(self, token: str, wh: int = 1000) -> str:
        await self.status("Occupied")
        answer = await self._event("Started", "Authorized", "T1", wh, 0.0, token)
        assert answer.id_token_info["status"] == "Accepted"
        return "T1"

    async def meter(self, transaction: str, wh: int, kw: float) -> Any:
        return await self._event("Updated", "MeterValuePeriodic", transaction, wh, kw)

    async def end(self, transaction: str, token: str, wh: int) -> Any:
        return await self._event("Ended", "StopAuthorized", transaction, wh, 0.0, token)

    async def _event(
        self, event: str, trigger: str, transaction: str, wh: int, kw: float, token: str = ""
    ) -> Any:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
        about = {"context": context.get(event, "Sample.Periodic")}
        values = [
            {**about, "value": float(wh), "measurand": "Energy.Active.Import.Register"},
            {**about, "value": kw * 1000.0, "measurand": "Power.Active.Import"},
        ]
        shown = {"id_token": {"id_token": token, "type": "ISO14443"}} if token else {}
        ended = {"stopped_reason": "Local"} if event == "Ended" else {}
        info = {"transaction_id": transaction, "charging_state": "Charging", **ended}
        self._number += 1
        return await self.call(
            self.words.TransactionEvent(
                event_type=event, timestamp=now(), trigger_reason=trigger,
                seq_no=self._number - 1, transaction_info=info,
                evse={"id": 1, "connector_id": 1},
                meter_value=[{"timestamp": now(), "sampled_value": values}], **shown,
            )
        )  # fmt: skip


class Stranger201(_Stranger2, ocpp.v201.ChargePoint):  # type: ignore[misc]
    """A charge point of OCPP 2.0.1."""

    subprotocol, words, results = "ocpp2.0.1", ocpp.v201.call, ocpp.v201.call_result


class Stranger21(_Stranger2, ocpp.v21.ChargePoint):  # type: ignore[misc]
    """A charge point of OCPP 2.1."""

    subprotocol, words, results = "ocpp2.1", ocpp.v21.call, ocpp.v21.call_result


@asynccontextmanager
async def connected(
    kind: type[Any],
    url: str,
    name: str,
    password: str | None,
    *,
    tls: ssl.SSLContext | None = None,
    subprotocol: str = "",
) -> AsyncIterator[Any]:
    """A charge point that is connected and listens."""
    headers = {} if password is None else login(name, password)
    offered = [websockets.Subprotocol(subprotocol or kind.subprotocol)]
    async with websockets.connect(
        f"{url}/{name}", subprotocols=offered, additional_headers=headers, ssl=tls
    ) as connection:
        station = kind(name, connection)
        listening = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
