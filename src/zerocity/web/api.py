"""The HTTP side of a live city: health and metrics for machines, state and orders for people."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field

from zerocity.errors import RunStateError, ZerocityError
from zerocity.web.access import Access, Person

MOST_ROWS = 1000
MOST_BODY_BYTES = 64 * 1024

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class Platform(Protocol):
    """What the pages ask of the running city. Every result is plain data.

    Raises InputError (HTTP 422) for what cannot be done, RunStateError (503) for what cannot be
    done now. What asks the database is called outside the event loop.
    """

    def health(self) -> dict[str, Any]:
        """How it goes; ``ready`` and ``problems`` among it."""

    def sites(self) -> list[dict[str, Any]]:
        """Every site with its readings, its limit and its age."""

    def page(self, site: str) -> dict[str, Any] | None:
        """Everything about one site; None for one that the city has not."""

    def stations(self) -> list[dict[str, Any]]:
        """Every station with its link and its plugs."""

    def sessions(self) -> list[dict[str, Any]]:
        """Every open session."""

    def receipt(self, session: str) -> dict[str, Any] | None:
        """The receipt of an ended session; asks the database."""

    def passport(self, battery: str, personal: bool) -> dict[str, Any] | None:
        """A battery's life; where a vehicle was only if ``personal``; asks the database."""

    def vehicles(self, personal: bool) -> list[dict[str, Any]]:
        """Every vehicle; VIN and position only where ``personal``."""

    def inspections(self) -> list[dict[str, Any]]:
        """Open work orders of the after-sales centre; asks the database."""

    def cap(self, who: str, site: str, kw: float | None) -> None:
        """Set or end (None) a grid event's import limit of a site [kW]."""

    def order(self, who: str, session: str, kw: float | None) -> None:
        """Set or end (None) a person's order for a session [kW]."""

    def command(self, who: str, station: str, name: str, arguments: dict[str, Any]) -> None:
        """Send a command to a station."""

    def action_of(self, command: str) -> str | None:
        """The permission that a command needs; None for one that does not exist."""


class Power(BaseModel):
    """A limit in kW; null ends it."""

    model_config = ConfigDict(extra="forbid")
    kw: float | None = Field(ge=0.0, le=1e6, allow_inf_nan=False)


class Command(BaseModel):
    """A command to a station by its name, such as ``reset``, with its arguments."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64)
    arguments: dict[str, Any] = Field(default_factory=dict)


def _json(value: Any, status: int = 200) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json")


class _Asked(Request):
    """A request whose JSON is JSON: no NaN, no half of a UTF-16 pair."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class _Route(APIRoute):
    def get_route_handler(self) -> Handle:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_Asked(request.scope, request.receive))

        return strictly


def make_app(platform: Platform, access: Access, metrics: CollectorRegistry) -> FastAPI:
    """The HTTP application. ``/health`` and ``/ready`` tell nothing that needs a sign-in."""
    app = FastAPI(title="Zerocity", docs_url=None, redoc_url=None, max_body_size=MOST_BODY_BYTES)
    app.router.route_class = _Route
    _machines(app, platform, access, metrics)
    _views(app, platform, access)
    _fleet(app, platform, access)
    _orders(app, platform, access)

    @app.exception_handler(ZerocityError)
    async def mistaken(_: Request, error: ZerocityError) -> Response:
        return _json({"detail": str(error)}, 503 if isinstance(error, RunStateError) else 422)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> Response:
        # Without what came: it may be what no JSON can say, and what no log should keep.
        wrong = [
            {"where": ".".join(map(str, one["loc"])), "wrong": one["msg"]} for one in error.errors()
        ]
        return _json({"detail": wrong}, 422)

    return app


def _machines(app: FastAPI, platform: Platform, access: Access, metrics: CollectorRegistry) -> None:
    @app.get("/health")
    async def health() -> Response:
        return _json({"alive": True})

    @app.get("/ready")
    async def ready() -> Response:
        found = platform.health()
        body = {"ready": found["ready"], "problems": found["problems"]}
        return _json(body, 200 if found["ready"] else 503)

    @app.get("/metrics")
    async def scrape(request: Request) -> Response:
        await access.allow(request, "see")
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)


def _views(app: FastAPI, platform: Platform, access: Access) -> None:
    @app.get("/api/status")
    async def status(request: Request) -> Response:
        await access.allow(request, "see")
        return _json(platform.health())

    @app.get("/api/sites/{site}/page")
    async def page(request: Request, site: str) -> Response:
        await access.allow(request, "see")
        found = platform.page(site)
        if found is None:
            raise HTTPException(404, "no site of that name")
        return _json(found)

    @app.get("/api/sites")
    async def sites(request: Request) -> Response:
        await access.allow(request, "see")
        return _json(platform.sites())

    @app.get("/api/stations")
    async def stations(request: Request, start: int = 0) -> Response:
        await access.allow(request, "see")
        return _json(platform.stations()[max(start, 0) : max(start, 0) + MOST_ROWS])

    @app.get("/api/sessions")
    async def sessions(request: Request) -> Response:
        await access.allow(request, "see")
        return _json(platform.sessions())

    @app.get("/api/sessions/{session}/receipt")
    async def receipt(request: Request, session: str) -> Response:
        await access.allow(request, "see")
        found = await run_in_threadpool(platform.receipt, session)
        if found is None:
            raise HTTPException(404, "no ended session of that name")
        return _json(found)


def _fleet(app: FastAPI, platform: Platform, access: Access) -> None:
    @app.get("/api/vehicles")
    async def vehicles(request: Request, start: int = 0) -> Response:
        person = await access.allow(request, "see")
        rows = platform.vehicles(person.may("see_personal"))
        return _json(rows[max(start, 0) : max(start, 0) + MOST_ROWS])

    @app.get("/api/batteries/{battery:path}/passport")
    async def passport(request: Request, battery: str) -> Response:
        person = await access.allow(request, "see")
        found = await run_in_threadpool(platform.passport, battery, person.may("see_personal"))
        if found is None:
            raise HTTPException(404, "no battery of that name in the ledger")
        return _json(found)

    @app.get("/api/inspections")
    async def inspections(request: Request) -> Response:
        await access.allow(request, "see")
        return _json(await run_in_threadpool(platform.inspections))


def _orders(app: FastAPI, platform: Platform, access: Access) -> None:
    @app.put("/api/sites/{site}/cap")
    async def cap(request: Request, site: str, power: Power) -> Response:
        person = await access.allow(request, "set_limit")
        platform.cap(person.name, site, power.kw)
        return _json({"accepted": True})

    @app.put("/api/sessions/{session}/limit")
    async def limit(request: Request, session: str, power: Power) -> Response:
        person = await access.allow(request, "set_limit")
        platform.order(person.name, session, power.kw)
        return _json({"accepted": True})

    @app.post("/api/stations/{station}/command")
    async def command(request: Request, station: str, asked: Command) -> Response:
        action = platform.action_of(asked.name)
        if action is None:
            raise HTTPException(404, f"there is no command {asked.name!r}")
        person: Person = await access.allow(request, action)
        platform.command(person.name, station, asked.name, asked.arguments)
        return _json({"sent": True}, 202)
