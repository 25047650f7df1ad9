"""The command that plays vehicles: `zerocity vehicle`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import ssl

    from zerocity.protocols.gbt32960.vehicle_gateway import VehicleClients, World

PORT = 9320


def register(app: typer.Typer) -> None:
    """Add the command of this file to the app."""
    app.command("vehicle")(vehicle)


def vehicle(
    host: Annotated[str, typer.Option("--host", help="Where the gateway listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Its port.")] = PORT,
    count: Annotated[int, typer.Option("--count", help="Vehicles, 1 to 50000.")] = 10,
    edition: Annotated[int, typer.Option("--edition", help="2016 or 2025.")] = 2016,
    period: Annotated[
        float, typer.Option("--period", help="Seconds between two reports, 1 to 30.")
    ] = 10.0,
    duration: Annotated[
        float | None, typer.Option("--duration", help="Seconds; default: until Ctrl-C.")
    ] = None,
    first: Annotated[int, typer.Option("--first", help="Number of the first VIN.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Number that fixes everything random.")] = 1,
    city: Annotated[
        str, typer.Option("--city", help="Report from the twin of this city: its fleets and days.")
    ] = "",
    alarm_share: Annotated[
        float, typer.Option("--alarm-share", help="Share of the vehicles that get an alarm, 0-1.")
    ] = 0.0,
    retry: Annotated[
        float, typer.Option("--retry", help="Seconds until a login is tried again (standard: 60).")
    ] = 10.0,
    tls: Annotated[bool, typer.Option("--tls", help="Connect by TLS.")] = False,
    ca: Annotated[
        Path | None, typer.Option("--ca", help="Certificate of the authority to trust (PEM).")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Own certificate and key in one PEM file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Simulate vehicles that report to a gateway by GB/T 32960.

    Each drives, charges and parks by a small physical model, or with --city as the city's twin
    has it. What the gateway does not acknowledge is kept, and sent again when the link is back.

    Examples: zerocity vehicle --count 100; zerocity vehicle --city lanzhou --count 500;
    zerocity vehicle --count 2000 --edition 2025 --period 10 --duration 60 --alarm-share 0.01 --json
    """
    from zerocity.errors import InputError

    _refuse(count=count, port=port, first=first, period=period, alarm_share=alarm_share,
            retry=retry, duration=duration, edition=edition, city=city)  # fmt: skip
    world, vins = _world(city, count, first, seed, alarm_share)
    made = _make(host, port, world, vins, edition, period, seed, retry, tls, ca,
                 certificate)  # fmt: skip
    passed_s = _run(made, count, duration, quiet=as_json)
    summary = _summary(made, count, edition, passed_s)
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
    else:
        _print(summary)
    if not summary["logins_taken"]:
        raise InputError(
            f"{host}:{port}", "no login that was taken", "a gateway that knows these vehicles",
            "Start one with: zerocity serve, and see that the VINs are registered.",
        )  # fmt: skip


def _refuse(
    *,
    count: int,
    port: int,
    first: int,
    period: float,
    alarm_share: float,
    retry: float,
    duration: float | None,
    edition: int,
    city: str,
) -> None:
    """InputError for an option out of its range, or two that exclude each other."""
    from zerocity.errors import InputError

    for name, value, low, high in (
        ("--count", count, 1, 50_000),
        ("--port", port, 1, 65_535),
        ("--first", first, 0, 999_999 - count),
        ("--period", period, 1.0, 30.0),
        ("--alarm-share", alarm_share, 0.0, 1.0),
        ("--retry", retry, 0.1, 3600.0),
        ("--duration", 1.0 if duration is None else duration, 0.1, 1e7),
    ):
        if not low <= value <= high:
            raise InputError(name, f"{value:g}", f"{low:g} to {high:g}")
    if edition not in (2016, 2025):
        raise InputError("--edition", f"{edition}", "2016 or 2025")
    if city and (first or alarm_share):
        came = "--first" if first else "--alarm-share"
        raise InputError("--city", came, "neither", "The twin has its own VINs and alarms.")


def _world(
    city: str, count: int, first: int, seed: int, alarm_share: float
) -> tuple[World, list[str]]:
    """What the vehicles live in, and their VINs."""
    from datetime import UTC, datetime

    from zerocity.app.twin_vehicles import TwinVehicles
    from zerocity.fleets.vin import demo_vin
    from zerocity.protocols.gbt32960.drive import FleetDrive
    from zerocity.protocols.gbt32960.vehicle_gateway import DriveWorld

    now = datetime.now(UTC)
    if city:
        twin = TwinVehicles(city, count, now, seed)
        return twin, [spec.vin for spec in twin.specs[:count]]
    drive = FleetDrive(count, now, seed=seed, alarm_share=alarm_share)
    return DriveWorld(drive), [demo_vin(first + row) for row in range(count)]


def _make(
    host: str,
    port: int,
    world: World,
    vins: list[str],
    edition: int,
    period: float,
    seed: int,
    retry: float,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
) -> VehicleClients:
    import random
    import time

    from zerocity.protocols.gbt32960.fields import Edition
    from zerocity.protocols.gbt32960.peer import TIMINGS
    from zerocity.protocols.gbt32960.terminal import Terminal
    from zerocity.protocols.gbt32960.vehicle import SimVehicle
    from zerocity.protocols.gbt32960.vehicle_gateway import VehicleClients

    draw, start_s, chosen = random.Random(seed), time.monotonic(), Edition(edition)
    timing = dataclasses.replace(TIMINGS[chosen], retry_s=retry, pause_s=retry)
    cars = [
        SimVehicle(
            vin,
            chosen,
            iccid="898600" + vin[-6:].zfill(14),
            period_s=period,
            offset_s=start_s + draw.uniform(0.0, period),
        )
        for vin in vins
    ]
    return VehicleClients(
        host,
        port,
        cars,
        world,
        make=lambda car: Terminal(car.vin, chosen, car.login_unit, timing=timing),
        tls=_context(ca, certificate) if tls or ca or certificate else None,
        ramp_s=min(period, len(vins) / 1000.0),
        seed=seed,
    )


def _context(ca: Path | None, certificate: Path | None) -> ssl.SSLContext:
    import ssl

    from zerocity.errors import InputError

    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        if certificate is not None:
            context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise InputError("--ca, --certificate", str(error), "readable PEM files") from error
    return context


def _run(clients: VehicleClients, count: int, duration: float | None, *, quiet: bool) -> float:
    """Run until the end or Ctrl-C; the seconds that it took."""
    import asyncio
    import time

    began_s = time.monotonic()
    _raise_file_limit(count)
    asyncio.run(_until_stopped(clients, count, duration, quiet))
    return time.monotonic() - began_s


async def _until_stopped(
    clients: VehicleClients, count: int, duration: float | None, quiet: bool
) -> None:
    import asyncio
    import contextlib
    import signal

    loop, work = asyncio.get_running_loop(), asyncio.create_task(clients.run(duration))
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, work.cancel)
    while not work.done():
        await asyncio.wait({work}, timeout=1.0)
        if not quiet:
            _progress(clients, count)
    if not quiet:
        typer.echo(err=True)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def _progress(clients: VehicleClients, count: int) -> None:
    done = clients.counts()
    line = (
        f"\ronline {clients.online}/{count}   reports {done.read}   "
        f"acknowledged {done.acknowledged}   waiting {clients.waiting}   "
    )
    typer.echo(line, nl=False, err=True)


def _raise_file_limit(count: int) -> None:
    """Allow a socket for each vehicle, as far as the system lets us."""
    import resource

    from zerocity.errors import InputError

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 200
    if soft < needed:
        if hard not in (resource.RLIM_INFINITY,) and hard < needed:
            raise InputError(
                "--count", f"{count}", f"at most {hard - 200} here",
                "The system allows no more open files (ulimit -n).",
            )  # fmt: skip
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _summary(clients: VehicleClients, count: int, edition: int, passed_s: float) -> dict[str, Any]:
    done = clients.counts()
    return {
        "vehicles": count,
        "edition": edition,
        "seconds": round(passed_s, 1),
        "reports": done.read,
        "frames_sent": done.sent,
        "acknowledged": done.acknowledged,
        "resent": done.resent,
        "refused": done.refused,
        "waiting": clients.waiting,
        "dropped": done.dropped + done.expired,
        "logins": done.logins,
        "logins_taken": done.logins_taken,
        "links_lost": done.links_lost,
    }


def _print(summary: dict[str, Any]) -> None:
    width = max(map(len, summary))
    for name, value in summary.items():
        typer.echo(f"{name.replace('_', ' '):{width}}  {value}")
