"""The running city as plain data, and the orders that come back: none of them past the loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_cities import NOON, Hand, made_facts, made_readings, made_registry, plug

from zerocity.app.starting import open_store
from zerocity.app.view import LOOPS_OWN, PERMISSIONS, PlatformView
from zerocity.errors import InputError, RunStateError, ZerocityError
from zerocity.live.vehicles import Vehicles
from zerocity.live.world import Orders
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.commands import BUILDERS, words
from zerocity.storage.recorder import Recorder, Row
from zerocity.storage.users import ACTIONS, User, new_api_key, new_user

PASSWORD = "quite long enough"


class City(SimpleNamespace):
    """What the view asks of a platform, and what it tells it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.rows: list[Row] = []
        self.nudges = 0
        super().__init__(
            clock=Hand().clock(), registry=made_registry(), facts=made_facts(),
            readings=made_readings(), vehicles=Vehicles(), city=SimpleNamespace(name="small"),
            world=SimpleNamespace(orders=Orders(), nudge=self._nudge),
            ocpp=SimpleNamespace(call=self._call, ready=True),
            recorder=SimpleNamespace(submit=self.rows.extend),
        )  # fmt: skip

    def _nudge(self, site: str = "") -> None:
        self.nudges += 1

    def _call(self, station: str, action: str, payload: Any, token: object) -> bool:
        self.sent.append((station, action, payload))
        return True


def made() -> tuple[City, PlatformView]:
    city = City()
    return city, PlatformView(city)  # type: ignore[arg-type]


def test_sites_stations_and_sessions_are_plain_data() -> None:
    city, view = made()
    session = plug(city.registry, "ac", power_kw=7.0)
    for rows in (view.sites(), view.stations(), view.sessions()):
        assert orjson.loads(orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY))
    (row,) = view.sessions()
    assert (row["session"], row["wants_kwh"], row["leaves_in_h"]) == (session.id, 20.0, 4.0)
    assert [row["cap_kw"] for row in view.sites()] == [None, None]
    assert len(view.stations()[2]["slots"]) == 2


def test_a_vin_is_shown_only_to_those_who_may_see_it() -> None:
    city, view = made()
    city.vehicles.add("v1", "LZWADAGA0N0000001", "taxis")
    (hidden,), (shown,) = view.vehicles(False), view.vehicles(True)
    assert "LZWADAGA0N0000001" not in str(hidden)
    assert shown["vin"] == "LZWADAGA0N0000001"


def test_a_cap_is_set_ended_noted_and_decided_about_soon() -> None:
    city, view = made()
    view.cap("ann", "a", 30.0)
    assert city.world.orders.cap_kw == {"a": 30.0}
    view.cap("ann", "a", None)
    view.cap("ann", "a", None)
    assert city.world.orders.cap_kw == {}
    assert city.nudges == 3
    assert [row.values["outcome"] for row in city.rows] == ["set", "ended", "ended"]
    assert {(row.table, row.values["who"], row.values["target"]) for row in city.rows} == {
        ("audit_log", "ann", "a")
    }
    with pytest.raises(InputError, match="site"):
        view.cap("ann", "moon", 1.0)


def test_an_order_is_for_an_open_session() -> None:
    city, view = made()
    session = plug(city.registry, "dc")
    view.order("ann", session.id, 0.0)
    assert city.world.orders.asked_kw == {session.id: 0.0}
    with pytest.raises(InputError, match="session"):
        view.order("ann", "another", 1.0)


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("name", sorted(LOOPS_OWN))
def test_no_command_sets_a_limit_past_the_loop(version: Version, name: str) -> None:
    city, view = made()
    city.registry.stations["ac"].version = version
    plug(city.registry, "ac", transaction="t", number=4)
    with pytest.raises(InputError, match="control loop"):
        view.command("root", "ac", name, {"evse": 1, "kw": 60.0})
    assert city.sent == []


def test_a_command_goes_to_a_station_that_is_there() -> None:
    city, view = made()
    city.registry.stations["ac"].version = Version.V201
    view.command("ann", "ac", "Reset", {"type": "OnIdle"})
    assert city.sent == [("ac", "Reset", {"type": "OnIdle"})]
    city.registry.stations["ac"].online = False
    for station in ("ac", "nobody"):
        with pytest.raises(InputError, match="station"):
            view.command("ann", station, "Reset", {"type": "OnIdle"})


def test_every_word_needs_a_permission_that_exists() -> None:
    _, view = made()
    assert set(PERMISSIONS.values()) <= ACTIONS
    for version in Version:
        for name in words(version):
            assert view.action_of(name) in ACTIONS
    assert set(PERMISSIONS) <= set(BUILDERS)
    assert view.action_of("explode") is None
    assert view.action_of("") is None


ARGUMENTS = st.dictionaries(
    st.sampled_from(
        ["evse", "connector", "kw", "token", "kind", "type", "session", "at", "location", "text",
         "id", "name", "value", "requestId", "evseId", "valid_s", "customData"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(Version), st.data(), ARGUMENTS)
def test_whatever_is_asked_is_sent_or_plainly_refused(
    version: Version, data: st.DataObject, arguments: dict[str, Any]
) -> None:
    city, view = made()
    city.registry.stations["ac"].version = version
    plug(city.registry, "ac", transaction="t", number=4)
    name = data.draw(st.sampled_from(words(version)))
    try:
        view.command("ann", "ac", name, arguments)
    except ZerocityError:
        assert city.sent == []
    else:
        assert len(city.sent) == 1


# What asks the database


@pytest.fixture
def stored(tmp_path: Path) -> tuple[City, PlatformView]:
    city, view = made()
    city.engine = open_store(tmp_path, f"sqlite:///{tmp_path / 'live.db'}")
    return city, view


def test_keys_and_passwords_open_the_door(stored: tuple[City, PlatformView]) -> None:
    city, view = stored
    key, row = new_api_key("ann", NOON - timedelta(days=1), timedelta(days=2))
    old, late = new_api_key("ann", NOON - timedelta(days=3), timedelta(days=1))
    recorder = Recorder(city.engine)
    recorder.submit([new_user("ann", PASSWORD, "operator", NOON), row, late])
    recorder.close()

    async def ask() -> list[User | None]:
        asked = [("key", key), ("key", old), ("key", "zc_none"), ("password ann", PASSWORD),
                 ("password ann", "wrong"), ("password bob", PASSWORD),
                 ("password a\0nn", PASSWORD)]  # fmt: skip
        return list(await asyncio.gather(*(view.person(*one) for one in asked)))

    ann = User("ann", "operator")
    assert asyncio.run(ask()) == [ann, None, None, ann, None, None, None]


def test_a_receipt_that_is_not_there(stored: tuple[City, PlatformView]) -> None:
    assert stored[1].receipt("nobody") is None
    assert stored[1].receipt("no\0body") is None
    assert stored[1].passport("nobody", True) is None
    assert stored[1].passport("no\0body", True) is None
    assert stored[1].inspections() == []


def test_a_database_that_is_gone_is_told(stored: tuple[City, PlatformView]) -> None:
    city, view = stored
    with city.engine.begin() as connection:
        for table in ("cdrs", "work_orders", "api_keys"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    for ask in (lambda: view.receipt("s"), view.inspections,
                lambda: asyncio.run(view.person("key", "k"))):  # fmt: skip
        with pytest.raises(RunStateError, match="does not answer"):
            ask()
