"""The gateway over real sockets: who gets in, what is stored before it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest
import tls_files
from vehicle_world import NOW, OK, Wire, car, framed, login, report, running, until

from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Response
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import write_unit
from zerocity.protocols.gbt32960.peer import command_frame
from zerocity.protocols.gbt32960.seats import Policy, open_door

EDITIONS = list(Edition)
PLATFORM = b"PLATFORM000000001"


def platform_login(password: str, edition: Edition = Edition.Y2016) -> bytes:
    unit = write_unit(m.PlatformLogin(m.Clock.of(NOW), 1, "fleet", password), edition)
    return command_frame(edition, Command.PLATFORM_LOGIN, PLATFORM, unit)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_vehicle_logs_in_reports_and_logs_out(edition: Edition) -> None:
    async def talk() -> None:
        async with running() as world:
            one, live = car(1, edition), world.vehicles.by_id["vehicle-1"]
            wire = await Wire.to(world)
            assert await wire.ask(login(one)) == OK
            assert live.online
            wire.send(report(one, 10))
            answer = await wire.answer()
            # The answer keeps the time and nothing else (6.3.2).
            assert answer[3] == OK
            assert read(answer)[1] == m.Answer(m.Clock(26, 5, 1, 16, 0, 10))
            assert await wire.ask(report(one, 5, resent=True)) == OK
            assert [vehicle for vehicle, _, _ in world.lake.frames] == ["vehicle-1"] * 2
            assert live.last is not None
            assert live.last.soc == pytest.approx(0.55)
            assert live.last.power_kw == pytest.approx(352.4 * -61.5 / 1000)
            unit = write_unit(m.Logout(m.Clock.of(NOW), 1), edition)
            assert await wire.ask(framed(one, Command.LOGOUT, unit)) == OK
            assert not live.online
            wire.close()

    asyncio.run(talk())


def test_nothing_is_answered_before_it_is_stored() -> None:
    async def talk() -> None:
        async with running() as world:
            one, wire = car(), await Wire.to(world)
            assert await wire.ask(login(one)) == OK
            world.lake.held = True
            wire.send(report(one, 1))
            with pytest.raises(TimeoutError):
                await wire.answer(0.2)
            # A heartbeat behind it waits for its turn.
            wire.send(framed(one, Command.HEARTBEAT, b""))
            with pytest.raises(TimeoutError):
                await wire.answer(0.1)
            world.lake.release()
            assert (await wire.answer())[2] == Command.REALTIME
            assert (await wire.answer())[2] == Command.HEARTBEAT
            wire.close()

    asyncio.run(talk())


def test_reading_stops_while_the_store_is_full_and_nothing_is_lost() -> None:
    async def talk() -> None:
        async with running(settings={"most_waiting": 4, "frames_per_s": 1e4}) as world:
            one, wire = car(), await Wire.to(world)
            assert await wire.ask(login(one)) == OK
            world.lake.held = True
            for second in range(10):
                wire.send(report(one, second))
                await asyncio.sleep(0.01)
            assert world.gateway.waiting <= 6
            world.lake.held = False
            world.lake.release()
            for _ in range(10):
                assert (await wire.answer())[3] == OK
            assert len(set(world.units)) == len(world.units) == 10
            wire.close()

    asyncio.run(talk())


def test_an_unknown_vehicle_stays_outside_and_a_demo_lets_it_in() -> None:
    async def talk() -> None:
        async with running(1) as world:
            for edition, code in zip(EDITIONS, (Response.ERROR, Response.VIN_UNKNOWN), strict=True):
                wire = await Wire.to(world)
                assert await wire.ask(login(car(2, edition))) == code
                assert await wire.ask(report(car(2, edition))) == Response.ERROR
                wire.close()
            assert not world.lake.frames
            assert {fault.rule for fault in world.faults} == {"unknown vin", "order"}
            world.desk.seats._admit = open_door(world.vehicles, most=2)
            for number, code in ((2, OK), (2, OK), (3, Response.ERROR)):
                wire = await Wire.to(world)
                assert await wire.ask(login(car(number))) == code
                wire.close()
            assert len(world.vehicles) == 2

    asyncio.run(talk())


def test_the_same_terminal_replaces_its_dead_link_and_another_is_refused() -> None:
    async def talk() -> None:
        async with running() as world:
            one = car()
            old = await Wire.to(world)
            assert await old.ask(login(one)) == OK
            # The same SIM card: the first link is half open, and is cut.
            new = await Wire.to(world)
            assert await new.ask(login(one, 2)) == OK
            assert await old.is_cut()
            # Another card claims the VIN of a vehicle that speaks.
            other = car()
            other.iccid = "89860099999999999999"
            wire = await Wire.to(world)
            assert await wire.ask(login(other)) == Response.VIN_DUPLICATE
            assert await new.ask(report(one, 3)) == OK
            assert world.vehicles.by_id["vehicle-0"].online
            wire.close()
            new.close()

    asyncio.run(talk())


def test_another_sim_card_takes_over_once_the_first_is_silent() -> None:
    async def talk() -> None:
        async with running(policy=Policy(alive_s=0.05)) as world:
            old = await Wire.to(world)
            assert await old.ask(login(car())) == OK
            await asyncio.sleep(0.1)
            other = car()
            other.iccid = "89860099999999999999"
            new = await Wire.to(world)
            assert await new.ask(login(other)) == OK
            assert await old.is_cut()
            new.close()

    asyncio.run(talk())


def test_a_platform_speaks_for_its_vehicles() -> None:
    async def talk() -> None:
        check = {("fleet", "right")}
        async with running(check_platform=lambda *pair: pair in check) as world:
            wire = await Wire.to(world)
            assert await wire.ask(platform_login("wrong")) == Response.ERROR
            # What comes behind the login waits for the password check.
            wire.send(platform_login("right"), login(car(0)), report(car(1), 1))
            assert [(await wire.answer())[3] for _ in range(3)] == [OK] * 3
            assert world.vehicles.by_id["vehicle-0"].online
            assert await wire.ask(report(car(9), 1)) == Response.ERROR
            assert [vehicle for vehicle, _, _ in world.lake.frames] == ["vehicle-1"]
            assert "right" not in repr(world.faults)
            wire.close()
            await until(lambda: not world.vehicles.online())
            wire = await Wire.to(world)
            for _ in range(4):
                wire.send(platform_login("wrong"))
            assert await wire.is_cut()

    asyncio.run(talk())


def test_time_and_heartbeat_are_answered_to_anybody() -> None:
    async def talk() -> None:
        async with running(now=lambda: NOW) as world:
            wire, one = await Wire.to(world), car()
            wire.send(framed(one, Command.TIME_SYNC, b""), framed(one, Command.HEARTBEAT, b""))
            answer = read(await wire.answer())[1]
            assert answer == m.Answer(m.Clock.of(NOW))
            assert read(await wire.answer())[1] == m.Answer(None)
            wire.close()

    asyncio.run(talk())


def test_a_malformed_report_is_refused_with_rule_and_offset() -> None:
    async def talk() -> None:
        async with running() as world:
            for edition, code in zip(EDITIONS, (Response.ERROR, Response.STRUCTURE), strict=True):
                one, wire = car(0, edition), await Wire.to(world)
                assert await wire.ask(login(one)) == OK
                cut = framed(one, Command.REALTIME, report(one)[24:-1][:-3])
                assert await wire.ask(cut) == code
                fault = world.faults[-1]
                assert (fault.rule, fault.vehicle) == ("block-length", "vehicle-0")
                assert fault.offset > 24
                assert fault.raw == cut[:256]
                assert await wire.ask(report(one, 1)) == OK
                wire.close()

    asyncio.run(talk())


def test_alarms_become_rows_and_one_order_each() -> None:
    async def talk() -> None:
        async with running() as world:
            one, wire = car(), await Wire.to(world)
            assert await wire.ask(login(one)) == OK
            for second, alarms in enumerate(({}, {1: 2}, {1: 2, 11: 3}, {11: 3}, {}, {1: 2})):
                assert await wire.ask(report(one, second, alarms=alarms)) == OK
            kinds = [(row["kind"], row["level"]) for row in world.store.of("alarms")]
            # One level holds for all bits of 2016, so the hot battery rises with the insulation.
            assert kinds == [
                ("battery_hot", 2), ("battery_hot", 3), ("insulation", 3), ("battery_hot", 2),
            ]  # fmt: skip
            orders = world.store.of("work_orders")
            assert [(row["subject"], row["kind"], row["severity"]) for row in orders] == [
                ("vehicle-0", "inspection", "soon"), ("vehicle-0", "inspection", "immediate"),
            ]  # fmt: skip
            assert orders[0]["reason"] == "fault: battery hot, level 2"
            assert "36.06" not in repr(world.store.rows)
            wire.close()

    asyncio.run(talk())


def test_tls_and_client_certificates(tmp_path: Path) -> None:
    async def talk() -> None:
        made = tls_files.make(tmp_path, server="localhost", client=car().vin)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.server)
        context.load_verify_locations(made.authority)
        context.verify_mode = ssl.CERT_REQUIRED
        async with running(policy=Policy(certificate_names=True), tls=context) as world:
            client = ssl.create_default_context(cafile=str(made.authority))
            client.load_cert_chain(made.client)
            wire = await Wire.to(world, ssl=client, server_hostname="localhost")
            assert await wire.ask(login(car(1))) == Response.ERROR
            assert await wire.ask(login(car(0))) == OK
            wire.close()
            # TLS 1.3 refuses a client without a certificate only after its side is done.
            bare = ssl.create_default_context(cafile=str(made.authority))
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                wire = await Wire.to(world, ssl=bare, server_hostname="localhost")
                assert await wire.ask(login(car(0))) == 0
            assert world.desk.counts.logins == 1

    asyncio.run(talk())
