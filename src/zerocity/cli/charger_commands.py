"""The command charger: simulated stations that connect to an OCPP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str, typer.Option("--url", help="Where the server listens, without the station's id.")
]
Count = Annotated[int, typer.Option("--count", help="How many stations.")]
Versions = Annotated[
    str, typer.Option("--version", help="1.6, 2.0.1 or 2.1; several with commas, in turn.")
]
Kind = Annotated[str, typer.Option("--kind", help="charger, or swap (needs 2.1).")]
IdPattern = Annotated[str, typer.Option("--id-pattern", help="Names; {n} counts from 1.")]
Password = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="ZEROCITY_STATION_PASSWORD",
        help="Of all stations; better from the environment than on the command line.",
    ),
]
Passwords = Annotated[
    Path | None, typer.Option("--passwords", help="File with a line id,password for each.")
]
Connectors = Annotated[int, typer.Option("--connectors", help="Of each charger.")]
Slots = Annotated[int, typer.Option("--slots", help="Of each swap cabinet.")]
PowerKw = Annotated[
    float, typer.Option("--power-kw", help="Most power of a connector or slot, kW.")
]
MeterInterval = Annotated[
    int, typer.Option("--meter-interval", help="Seconds between meter values; 0 for none.")
]
Arrivals = Annotated[
    float, typer.Option("--arrivals-per-hour", help="Cars or riders at each station.")
]
TokenPattern = Annotated[
    str, typer.Option("--token-pattern", help="Tokens that drivers show; {n} counts.")
]
Tokens = Annotated[int, typer.Option("--tokens", help="How many different tokens.")]
ConnectsPerS = Annotated[
    float, typer.Option("--connects-per-second", help="How fast connections open.")
]
Ca = Annotated[Path | None, typer.Option("--ca", help="Certificates to trust, for wss.")]
ClientCertificate = Annotated[
    str, typer.Option("--certificate", help="Client certificate (PEM); {id} is the station's.")
]
ClientKey = Annotated[str, typer.Option("--key", help="Its key, where it is a file of its own.")]
Compress = Annotated[bool, typer.Option("--compress", help="Offer permessage-deflate.")]
Duration = Annotated[
    float | None, typer.Option("--duration", help="Seconds to run; default: until Ctrl-C.")
]
Once = Annotated[bool, typer.Option("--once", help="Give up when a connection cannot be made.")]
Seed = Annotated[int, typer.Option("--seed", help="Fixes everything random.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the command of this file to the app."""
    app.command("charger")(charger)


def charger(
    url: Url = "ws://127.0.0.1:9310/ocpp",
    count: Count = 1,
    version: Versions = "2.0.1",
    kind: Kind = "charger",
    id_pattern: IdPattern = "sim-{n:04d}",
    password: Password = "",
    passwords: Passwords = None,
    connectors: Connectors = 1,
    slots: Slots = 12,
    power_kw: PowerKw = 60.0,
    meter_interval: MeterInterval = 60,
    arrivals_per_hour: Arrivals = 2.0,
    token_pattern: TokenPattern = "driver-{n:03d}",
    tokens: Tokens = 100,
    connects_per_s: ConnectsPerS = 100.0,
    ca: Ca = None,
    certificate: ClientCertificate = "",
    key: ClientKey = "",
    compress: Compress = False,
    duration: Duration = None,
    once: Once = False,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Simulate charging stations or swap cabinets that speak OCPP with a server.

    They boot, take cars or riders of their own, charge, obey the server's limits and commands, and
    go on while the server is away. Ctrl-C ends with a summary.

    Examples: zerocity charger; zerocity charger --count 500 --version 1.6,2.0.1,2.1
    """
    from zerocity.cli.charger_run import Wish, print_summary, run
    from zerocity.protocols.ocpp.station.drivers import Habits
    from zerocity.protocols.ocpp.station.fleet import (
        FleetPlan,
        make_stations,
        make_tls,
        read_passwords,
        read_versions,
    )
    from zerocity.protocols.ocpp.station.gateway import Line, check_url

    is_default = kind == "swap" and version == "2.0.1"
    plan = FleetPlan(
        count=count,
        versions=read_versions("2.1" if is_default else version),
        kind=kind,
        id_pattern=id_pattern,
        password=password,
        passwords={} if passwords is None else read_passwords(passwords),
        connectors=connectors,
        slots=slots,
        power_kw=power_kw,
        meter_interval_s=meter_interval,
        seed=seed,
    )
    tls = make_tls(ca, certificate, key) if check_url(url).startswith("wss") else None
    line = Line(url, tls, compress, connects_per_s)
    habits = Habits(arrivals_per_hour, token_pattern, tokens)
    found = run(Wish(make_stations(plan), line, habits, duration, once, seed, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        print_summary(found)
    if found["ever_connected"] == 0:
        raise typer.Exit(1)
