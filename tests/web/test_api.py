"""The HTTP side: what is shown, what is ordered, and that no request makes it stumble."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families

from zerocity.errors import InputError, RunStateError
from zerocity.web.access import Access
from zerocity.web.api import MOST_BODY_BYTES, MOST_ROWS, make_app

ROLES = {
    "viewer": {"see"},
    "operator": {"see", "set_limit", "reset"},
    "admin": {"see", "set_limit", "reset", "see_personal", "edit_stations"},
}


class Person:
    def __init__(self, name: str) -> None:
        self.name = name

    def may(self, action: str) -> bool:
        return action in ROLES[self.name]


async def check(kind: str, secret: str) -> Person | None:
    return Person(secret) if kind == "key" and secret in ROLES else None


class City:
    """A platform that notes its orders; one site, station, session."""

    def __init__(self) -> None:
        self.orders: list[tuple[Any, ...]] = []
        self.problems: list[str] = []
        self.down = False

    def health(self) -> dict[str, Any]:
        return {"ready": not self.problems, "problems": self.problems, "city": "兰州"}

    def sites(self) -> list[dict[str, Any]]:
        return [{"site": "depot", "net_kw": np.float64(12.5), "age_s": math.inf}]

    def stations(self) -> list[dict[str, Any]]:
        return [{"station": f"s{n}"} for n in range(MOST_ROWS + 5)]

    def sessions(self) -> list[dict[str, Any]]:
        return [{"session": "one"}]

    def receipt(self, session: str) -> dict[str, Any] | None:
        if self.down:
            raise RunStateError("the database does not answer; ask again later")
        return {"session": session, "energy_kwh": 3.5} if session == "one" else None

    def passport(self, battery: str, personal: bool) -> dict[str, Any] | None:
        return {"battery": battery, "personal": personal} if battery.endswith("one") else None

    def vehicles(self, personal: bool) -> list[dict[str, Any]]:
        return [{"vehicle": "v", **({"vin": "LZW"} if personal else {})}]

    def inspections(self) -> list[dict[str, Any]]:
        if self.down:
            raise RunStateError("the database does not answer; ask again later")
        return []

    def cap(self, who: str, site: str, kw: float | None) -> None:
        if site != "depot":
            raise InputError("site", repr(site), "a site of the city")
        self.orders.append((who, site, kw))

    def order(self, who: str, session: str, kw: float | None) -> None:
        if session != "one":
            raise InputError("session", repr(session), "an open session")
        self.orders.append((who, session, kw))

    def command(self, who: str, station: str, name: str, arguments: dict[str, Any]) -> None:
        json.dumps(arguments, allow_nan=False)
        self.orders.append((who, station, name, arguments))

    def action_of(self, command: str) -> str | None:
        return {"reset": "reset", "Reset": "edit_stations"}.get(command)


def asked(
    city: City, ask: Callable[[httpx2.AsyncClient], Any], who: str | None = "operator"
) -> httpx2.Response:
    """What one request is answered."""
    registry = CollectorRegistry()
    Counter("tests", "Requests of tests.", registry=registry).inc(3)
    Gauge("warmth", "How warm it is\nin here.", ["room"], registry=registry).labels('a"b').set(21.5)
    app = make_app(city, Access(check, False), registry)
    headers = {} if who is None else {"authorization": f"Bearer {who}"}

    async def run() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://city", headers=headers
        ) as client:
            response: httpx2.Response = await ask(client)
            return response

    return asyncio.run(run())


VIEWS = ["status", "sites", "stations", "sessions", "vehicles", "inspections"]


def test_health_needs_no_sign_in_and_readiness_tells_why_not() -> None:
    city = City()
    assert asked(city, lambda c: c.get("/health"), None).json() == {"alive": True}
    assert asked(city, lambda c: c.get("/ready"), None).status_code == 200
    city.problems = ["the database: gone"]
    found = asked(city, lambda c: c.get("/ready"), None)
    assert found.status_code == 503
    assert found.json() == {"ready": False, "problems": ["the database: gone"]}


@pytest.mark.parametrize("path", [*(f"/api/{v}" for v in VIEWS), "/metrics"])
def test_everything_else_needs_one(path: str) -> None:
    city = City()
    assert asked(city, lambda c: c.get(path), None).status_code == 401
    assert asked(city, lambda c: c.get(path), "nobody").status_code == 401
    assert asked(city, lambda c: c.get(path), "viewer").status_code == 200


def test_views_are_json_whatever_is_in_them() -> None:
    (site,) = asked(City(), lambda c: c.get("/api/sites")).json()
    assert site == {"site": "depot", "net_kw": 12.5, "age_s": None}
    assert asked(City(), lambda c: c.get("/api/status")).json()["city"] == "兰州"


@pytest.mark.parametrize(("start", "count"), [(0, MOST_ROWS), (1000, 5), (10**30, 0), (-7, 1000)])
def test_long_lists_come_in_pages(start: int, count: int) -> None:
    found = asked(City(), lambda c: c.get(f"/api/stations?start={start}"))
    assert len(found.json()) == count


def test_a_vin_is_shown_to_those_who_may_see_it() -> None:
    for who, shown in (("operator", False), ("admin", True)):
        (row,) = asked(City(), lambda c: c.get("/api/vehicles"), who).json()
        assert ("vin" in row) == shown


def test_passports() -> None:
    found = asked(City(), lambda c: c.get("/api/batteries/vehicle/bus-one/passport")).json()
    assert found == {"battery": "vehicle/bus-one", "personal": False}
    assert asked(City(), lambda c: c.get("/api/batteries/two/passport")).status_code == 404


def test_receipts() -> None:
    city = City()
    path = "/api/sessions/one/receipt"
    assert asked(city, lambda c: c.get(path)).json()["energy_kwh"] == 3.5
    assert asked(city, lambda c: c.get("/api/sessions/two/receipt")).status_code == 404
    city.down = True
    assert asked(city, lambda c: c.get(path)).status_code == 503
    found = asked(city, lambda c: c.get("/api/inspections"))
    assert found.status_code == 503
    assert found.json() == {"detail": "the database does not answer; ask again later"}


@pytest.mark.parametrize("kw", [0, 12.5, 1e6, None])
def test_orders_are_given_in_the_name_of_who_gave_them(kw: float | None) -> None:
    city = City()
    assert asked(city, lambda c: c.put("/api/sites/depot/cap", json={"kw": kw})).status_code == 200
    put = asked(city, lambda c: c.put("/api/sessions/one/limit", json={"kw": kw}))
    assert put.status_code == 200
    assert city.orders == [("operator", "depot", kw), ("operator", "one", kw)]


@pytest.mark.parametrize("path", ["/api/sites/depot/cap", "/api/sessions/one/limit"])
@pytest.mark.parametrize(
    "body",
    ['{"kw": -1}', '{"kw": 1e7}', '{"kw": NaN}', '{"kw": 1e999}', '{"kw": "x"}', "{}", "[]", "",
     '{"kw": 1, "more": 2}', '{"kw": "\\ud800"}', "{", "[" * 5000, '{"kw": true }x', "null"],
)  # fmt: skip
def test_orders_that_make_no_sense_are_refused(path: str, body: str) -> None:
    city = City()
    headers = {"content-type": "application/json"}
    found = asked(city, lambda c: c.put(path, content=body, headers=headers))
    assert found.status_code == 422
    assert found.json()["detail"]
    assert city.orders == []


def test_what_is_not_there_is_told_plainly() -> None:
    for path in ("/api/sites/moon/cap", "/api/sessions/two/limit"):
        found = asked(City(), lambda c, path=path: c.put(path, json={"kw": 1}))  # type: ignore[misc]
        assert found.status_code == 422
        assert "wanted" in found.json()["detail"]


def test_roles_bound_orders() -> None:
    city = City()
    for path in ("/api/sites/depot/cap", "/api/sessions/one/limit"):
        put = asked(city, lambda c, p=path: c.put(p, json={"kw": 1}), "viewer")  # type: ignore[misc]
        assert put.status_code == 403

    def post(name: str, who: str) -> int:
        body = {"name": name, "arguments": {"kind": "soft"}}
        path = "/api/stations/s1/command"
        return asked(city, lambda c: c.post(path, json=body), who).status_code

    assert post("reset", "viewer") == 403
    assert post("Reset", "operator") == 403
    assert city.orders == []
    assert post("reset", "operator") == 202
    assert post("Reset", "admin") == 202
    assert post("explode", "admin") == 404
    assert city.orders[0] == ("operator", "s1", "reset", {"kind": "soft"})


def test_a_body_beyond_its_bound_is_not_read() -> None:
    async def endless() -> Any:
        for _ in range(1000):
            yield b" " * 65536

    headers = {"content-type": "application/json"}
    for content in (b" " * (MOST_BODY_BYTES + 1), endless()):
        found = asked(
            City(), lambda c, body=content: c.put(  # type: ignore[misc]
                "/api/sites/depot/cap", content=body, headers=headers)
        )  # fmt: skip
        assert found.status_code == 413


def test_another_sites_page_may_not_ask_even_for_a_user() -> None:
    headers = {"origin": "http://evil.example"}
    found = asked(City(), lambda c: c.get("/api/sites", headers=headers))
    assert found.status_code == 403


def test_the_metrics_can_be_read() -> None:
    found = asked(City(), lambda c: c.get("/metrics"))
    families = {one.name: one for one in text_string_to_metric_families(found.text)}
    assert families["tests"].samples[0].value == 3.0
    assert families["warmth"].samples[0].labels == {"room": 'a"b'}


PATHS = st.sampled_from(
    ["/health", "/ready", "/metrics", "/openapi.json", "/", "/api/sites/{}/cap",
     "/api/sessions/{}/limit", "/api/sessions/{}/receipt",
     "/api/batteries/{}/passport", "/api/stations/{}/command",
     *(f"/api/{view}" for view in VIEWS)]
)  # fmt: skip
WORDS = st.sampled_from(["depot", "one", "s1", "%00", "%ff", "..", "%2e%2e%2f", "a" * 500, "é"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"kw": JSON}).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"name": JSON, "arguments": JSON}).map(
        lambda value: json.dumps(value).encode()
    ),
    st.dictionaries(st.text(), JSON, max_size=5).map(
        lambda given: json.dumps({"name": "reset", "arguments": given}).encode()
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "origin", "accept", "content-length", "x-forwarded-for", "range"]
    ),
    st.sampled_from(["application/json", "text/plain", "", "application/x+json", "-5", "é", "1"]),
    max_size=2,
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "MOVE"]),
    PATHS, WORDS, st.sampled_from(["", "?start=1", "?start=x", "?start=&a=%00", "?" + "9" * 400]),
    BODIES, HEADERS, st.sampled_from([*ROLES, None]),
)  # fmt: skip
def test_no_request_makes_it_stumble(
    method: str, path: str, word: str, query: str, body: bytes, headers: dict[str, str],
    who: str | None,
) -> None:  # fmt: skip
    city = City()
    raw = {"content-type": "application/json", **headers}
    found = asked(
        city,
        lambda c: c.request(
            method, path.replace("{}", word) + query, content=body,
            headers={k: v.encode() for k, v in raw.items()},
        ),
        who,
    )  # fmt: skip
    assert found.status_code < 500
    if who is None:
        assert city.orders == []
