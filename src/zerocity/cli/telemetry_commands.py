"""The commands about vehicles' telemetry: decode what vehicles sent, look after the lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[str, typer.Argument(help="A file, or - for standard input.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="hex, json, pcap or raw; default: told by the first bytes."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, one a frame, in full.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write reports to FILE.parquet, FILE.csv or into a folder."),
]
Errors = Annotated[
    Path | None, typer.Option("--errors", help="Write the refused frames to this CSV file.")
]
ShowVin = Annotated[
    bool, typer.Option("--show-vin", help="Show whole VINs; else only their last four characters.")
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="Rows of the printed tables.")]

telemetry = typer.Typer(
    help="What vehicles report by GB/T 32960: decode it, look after it.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    telemetry.command("decode")(decode)
    telemetry.command("lake")(lake)
    app.add_typer(telemetry, name="telemetry")


def decode(
    file: File,
    source: From = None,
    as_json: Json = False,
    out: Out = None,
    errors: Errors = None,
    show_vin: ShowVin = False,
    limit: Limit = 20,
) -> None:
    """Decode GB/T 32960 frames of both editions from hex, JSON lines, pcap or raw bytes.

    JSON lines have the frame in a field `hex`. From a packet capture, TCP streams are put together
    first. Refused frames are listed with the byte and the rule; they are no error of the command.

    Examples: zerocity telemetry decode frames.txt; zerocity telemetry decode day.pcap --out
    day.parquet --errors refused.csv; cat frames.jsonl | zerocity telemetry decode - --json
    """
    from zerocity.cli.telemetry_decode import decode_file
    from zerocity.cli.telemetry_output import Wishes

    decode_file(Wishes(file, source, as_json, out, errors, show_vin, limit))


def lake(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The data folder of `serve`.")],
    since: Annotated[
        str | None, typer.Option("--since", help="From this day or moment on, UTC.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Up to this day or moment.")] = None,
    vehicle: Annotated[
        str | None, typer.Option("--vehicle", metavar="VIN", help="Count this vehicle's only.")
    ] = None,
    tidy: Annotated[
        bool, typer.Option("--tidy", help="First make files of all that waits, and join them.")
    ] = False,
    delete_before: Annotated[
        str | None,
        typer.Option("--delete-before", help="First delete the hours that ended before, for good."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the hours of a city's telemetry lake: reports, files and sizes.

    The platform makes files of what came in every hour by itself. With --tidy this command does
    it, if the platform does not run.

    Examples: zerocity telemetry lake live/lanzhou --since 2026-05-01; zerocity telemetry lake
    live/lanzhou --tidy --json; zerocity telemetry lake live/lanzhou --delete-before 2026-02-01
    """
    from zerocity.cli.telemetry_lake import Asked, show_lake

    show_lake(Asked(data, since, until, vehicle, tidy, delete_before, as_json))
