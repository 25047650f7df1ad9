"""The command `serve`: a city in real time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zerocity.cli.store_access import Database

TlsPort = Annotated[
    int | None,
    typer.Option("--tls-port", min=0, max=65535, help="Port for stations by TLS, such as 9311."),
]
VehicleTlsPort = Annotated[
    int | None,
    typer.Option("--vehicle-tls-port", min=0, max=65535, help="Port for vehicles by TLS."),
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", help="Server certificate (PEM); default: the city makes its own."),
]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="Key of --tls-cert (PEM).")]
TlsNames = Annotated[
    list[str] | None,
    typer.Option("--tls-name", help="Name of this server in its own certificate; again for more."),
]
ClientCa = Annotated[
    Path | None,
    typer.Option("--client-ca", help="Who else than the city signs stations' certificates (PEM)."),
]
LeastProfile = Annotated[
    int,
    typer.Option("--least-profile", min=1, max=3, help="Least OCPP security profile: 2 is TLS."),
]
FreeVend = Annotated[
    list[str] | None,
    typer.Option(
        "--free-vend", help="Site where unknown tokens may charge and swap, or all; repeatable."
    ),
]
LogLevel = Annotated[
    str, typer.Option("--log-level", help="Least that is logged: debug, info, warning or error.")
]
LogFile = Annotated[
    Path | None, typer.Option("--log-file", help="File for the log; default: standard error.")
]
OcppPort = Annotated[
    int, typer.Option("--ocpp-port", min=0, max=65535, help="Port for stations; 0 for a free one.")
]
VehiclePort = Annotated[
    int, typer.Option("--vehicle-port", min=0, max=65535, help="Port for vehicles.")
]
WebPort = Annotated[int, typer.Option("--web-port", min=0, max=65535, help="Port for HTTP.")]
City = Annotated[str, typer.Argument(help="A shipped city, or the path of a city folder.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of store, journal and telemetry.")
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Sites = Annotated[
    Path | None, typer.Option("--sites", help="CSV of site,host,port of SunSpec meters.")
]
Twin = Annotated[
    bool, typer.Option("--twin", help="Let the twin play every device, by its real protocol.")
]
Chargers = Annotated[int, typer.Option("--chargers", help="Chargers of the demo.")]
SwapStations = Annotated[int, typer.Option("--swap-stations", help="Swap stations of the demo.")]
Vehicles = Annotated[int, typer.Option("--vehicles", help="Vehicles of the demo.")]
Hour = Annotated[
    float | None,
    typer.Option("--hour", min=0.0, max=24.0, help="Local hour at which the demo begins."),
]
Step = Annotated[int, typer.Option("--step", help="Seconds between two decisions.")]
Seed = Annotated[int, typer.Option("--seed", help="Number that fixes the demo.")]
Duration = Annotated[
    float | None, typer.Option("--duration", min=1.0, help="End after so many seconds.")
]
RequireLogin = Annotated[bool, typer.Option("--require-login", help="Sign in on this machine too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    app.command("serve")(serve)


def serve(
    city: City,
    data: Data = None,
    database: Database = "",
    host: Host = "127.0.0.1",
    ocpp_port: OcppPort = 9310,
    vehicle_port: VehiclePort = 9320,
    web_port: WebPort = 9300,
    sites: Sites = None,
    twin: Twin = False,
    chargers: Chargers = 300,
    swaps: SwapStations = 20,
    vehicles: Vehicles = 2000,
    hour: Hour = None,
    step: Step = 5,
    seed: Seed = 1,
    duration: Duration = None,
    require_login: RequireLogin = False,
    tls_port: TlsPort = None,
    vehicle_tls_port: VehicleTlsPort = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_name: TlsNames = None,
    client_ca: ClientCa = None,
    least_profile: LeastProfile = 1,
    free_vend: FreeVend = None,
    log_level: LogLevel = "warning",
    log_file: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a city in real time: stations by OCPP, vehicles by GB/T 32960, meters by SunSpec.

    Examples: zerocity serve lanzhou; zerocity serve lanzhou --twin; zerocity serve lanzhou --twin
    --chargers 30 --swap-stations 4 --vehicles 200 --duration 120; zerocity serve lanzhou
    --host 0.0.0.0 --tls-port 9311 --tls-name ocpp.example.org --least-profile 2
    """
    from zerocity.app.doors import Doors
    from zerocity.app.serving import Demo, run_served
    from zerocity.city.thin import Size
    from zerocity.live.facts import Rhythm

    demo = Demo(Size(chargers, swaps, vehicles), hour, seed) if twin else None
    doors = Doors(
        tls_port, vehicle_tls_port, tls_cert, tls_key, tuple(tls_name or ()), client_ca,
        least_profile, tuple(free_vend or ()),
    )  # fmt: skip
    result = run_served(
        city,
        data or Path("live") / (f"{Path(city).name}-twin" if twin else Path(city).name),
        database=database,
        host=host,
        ports=(ocpp_port, vehicle_port, web_port),
        sites=sites,
        demo=demo,
        rhythm=Rhythm(step_s=step),
        duration_s=duration,
        require_login=require_login,
        doors=doors,
        log_level=log_level,
        log_file=log_file,
        said=_json_line if as_json else _plain_line,
    )
    if as_json:
        typer.echo(json.dumps({"event": "ended", **result}))
    else:
        _print_end(result)


def _json_line(event: str, fields: dict[str, Any]) -> None:
    typer.echo(json.dumps({"event": event, **fields}))


def _plain_line(event: str, fields: dict[str, Any]) -> None:
    if event == "open":
        typer.echo(f"Serving {fields['city']}; Ctrl-C ends it.")
        typer.echo(f"  stations  {fields['ocpp']}")
        typer.echo(f"  vehicles  {fields['vehicles']}")
        typer.echo(f"  pages     {fields['web']}")
        typer.echo(f"  data      {fields['data']}")
    elif event == "status":
        typer.echo(
            f"{fields['at'][11:19]} UTC  {fields['stations_online']} of {fields['stations']} "
            f"stations, {fields['sessions']} sessions, {fields['charging_kw']:.0f} kW, "
            f"{fields['vehicles_online']} vehicles, {fields['sites_over_limit']} sites over limit"
        )
        for problem in fields["problems"]:
            typer.echo(f"  trouble: {problem}")
    else:
        typer.echo(f"{event}: {fields.get('text', '')}")


def _print_end(result: dict[str, Any]) -> None:
    from zerocity.cli.tables import console, pairs

    devices = result.pop("devices", None)
    console().print(pairs("Served", result))
    if devices:
        console().print(pairs("By the devices' own account", devices))
