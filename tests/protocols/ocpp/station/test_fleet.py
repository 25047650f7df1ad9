"""Fleets made from a plan, who comes to them, and what is told in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.drivers import Drivers, Habits, stocked
from zerocity.protocols.ocpp.station.fleet import (
    FleetPlan,
    charging_kw,
    energy_kwh,
    make_stations,
    read_passwords,
    read_versions,
    summary,
    totals,
)
from zerocity.protocols.ocpp.station.gateway import Line, StationFleet
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet

START = datetime(2026, 5, 1, tzinfo=UTC)


def live(plan: FleetPlan, hours: float, per_hour: float) -> tuple[list[SimStation], Drivers]:
    """The stations of a plan after some hours alone, without any server."""
    stations = make_stations(plan)
    drivers = Drivers(stations, Habits(arrivals_per_hour=per_hour), seed=plan.seed, now_s=0.0)
    for second in range(0, int(hours * 3600), 20):
        at = START + timedelta(seconds=second)
        drivers.step(float(second), at)
        for station in stations:
            station.tick(float(second), at)
    return stations, drivers


def test_names_versions_and_passwords_are_dealt_out() -> None:
    plan = FleetPlan(
        count=4,
        versions=list(Version),
        password="usual",
        passwords={"sim-0002": "own"},
        connectors=3,
        power_kw=22.0,
    )
    stations = make_stations(plan)
    assert [s.id for s in stations] == ["sim-0001", "sim-0002", "sim-0003", "sim-0004"]
    assert [s.version.value for s in stations] == ["1.6", "2.0.1", "2.1", "1.6"]
    assert [s.settings.text("password") for s in stations] == ["usual", "own", "usual", "usual"]
    assert all(len(s.evses) == 3 and s.evses[1].max_kw == 22.0 for s in stations)


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        (FleetPlan(count=0), "--count"),
        (FleetPlan(count=2, id_pattern="one"), "--id-pattern"),
        (FleetPlan(count=2, id_pattern="{x}"), "--id-pattern"),
        (FleetPlan(count=1, id_pattern="x" * 49), "--id-pattern"),
        (FleetPlan(count=1, connectors=0), "--connectors"),
        (FleetPlan(count=1, power_kw=float("nan")), "--power-kw"),
        (FleetPlan(count=1, kind="boat"), "--kind"),
        (FleetPlan(count=1, kind="swap"), "--version"),
        (FleetPlan(count=1, kind="swap", versions=[Version.V21], slots=1), "--slots"),
    ],
)
def test_plans_that_cannot_be(plan: FleetPlan, where: str) -> None:
    with pytest.raises(InputError, match=where):
        make_stations(plan)


def test_cars_come_by_chance_and_the_seed_fixes_them() -> None:
    plan = FleetPlan(count=5, connectors=4, seed=3)
    stations, drivers = live(plan, 6.0, 2.0)
    sessions = totals(stations)["sessions"]
    assert 40 <= sessions + drivers.lost <= 80
    again, _ = live(plan, 6.0, 2.0)
    assert totals(again) == totals(stations)
    assert [energy_kwh(s) for s in again] == [energy_kwh(s) for s in stations]
    assert sum(energy_kwh(s) for s in stations) > 100.0
    assert all(0.0 <= charging_kw(s) <= 240.0 for s in stations)


def test_riders_keep_the_number_of_packs() -> None:
    plan = FleetPlan(count=1, kind="swap", versions=[Version.V21], slots=8, power_kw=40.0)
    stations, drivers = live(plan, 8.0, 4.0)
    (cabinet,) = stations
    assert isinstance(cabinet, SwapCabinet)
    assert cabinet.counts.swaps > 5
    outside = drivers._outside[cabinet.id]
    inside = list(cabinet.packs.values())
    serials = {pack.serial for pack in outside + inside}
    assert len(inside) == 6
    assert len(outside) == 8
    assert len(serials) == 14


def test_stocked_leaves_room() -> None:
    assert [len(stocked("x", slots, seed=1)) for slots in (2, 3, 4, 12)] == [1, 2, 2, 10]
    assert stocked("x", 4, seed=1) == stocked("x", 4, seed=1)


def test_the_summary_adds_up() -> None:
    stations, _ = live(FleetPlan(count=3), 2.0, 3.0)
    line = Line("ws://127.0.0.1:1/ocpp")
    found = summary(stations, StationFleet(stations, line, lambda: (0.0, START)), 7200.0)
    assert found["stations"] == 3
    assert found["ever_connected"] == 0
    total = sum(row["energy_kwh"] for row in found["by_station"])
    assert found["energy_kwh"] == pytest.approx(total, abs=0.01)
    assert found["messages"]["queued"] > 0
    assert line.address("a/b") == "ws://127.0.0.1:1/ocpp/a%2Fb"


def test_files_and_words_of_the_user(tmp_path: Path) -> None:
    assert read_versions("1.6, 2.1") == [Version.V16, Version.V21]
    with pytest.raises(InputError, match="--version"):
        read_versions("3.0")
    path = tmp_path / "passwords"
    path.write_text("# stations\na,secret-1\n\nb, secret,2\n")
    assert read_passwords(path) == {"a": "secret-1", "b": "secret,2"}
    path.write_text("a,one\nonly-a-secret\n")
    with pytest.raises(InputError, match="line 2") as caught:
        read_passwords(path)
    assert "only-a-secret" not in str(caught.value)
    with pytest.raises(InputError, match="FileNotFound"):
        read_passwords(tmp_path / "none")
