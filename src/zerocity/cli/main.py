"""The command `zerocity`."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from zerocity.cli import (
    charger_commands,
    city_commands,
    dispatch_commands,
    park_commands,
    rolling_commands,
    run_commands,
    serve_commands,
    station_commands,
    store_commands,
    telemetry_commands,
    vehicle_commands,
    vpp_commands,
    what_if_commands,
)
from zerocity.cli.kernel_cache import use_fresh_kernels
from zerocity.errors import ZerocityError

app = typer.Typer(
    name="zerocity",
    help="Plan and run a zero-carbon city that lives on batteries.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: zerocity run lanzhou --days 7",
)


@app.callback(invoke_without_command=True)
def version_of(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Plan and run a zero-carbon city that lives on batteries."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"zerocity {installed('zerocity')}")
        raise typer.Exit


run_commands.register(app)
serve_commands.register(app)
store_commands.register(app)
station_commands.register(app)
city_commands.register(app)
park_commands.register(app)
rolling_commands.register(app)
dispatch_commands.register(app)
vpp_commands.register(app)
charger_commands.register(app)
vehicle_commands.register(app)
telemetry_commands.register(app)
what_if_commands.register(app)


def run() -> None:
    """Run the command line; every error of ours is one message and an exit code."""
    use_fresh_kernels()
    try:
        app()
    except ZerocityError as error:
        typer.echo(f"zerocity: {error}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as leaving:
        # Typer turns Ctrl-C into this code before we hear of it.
        if leaving.code == 130:
            _stopped()
        raise
    except KeyboardInterrupt:
        _stopped()
    except BrokenPipeError:
        # The reader of our output has gone; there is no one left to tell.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if not _is_interrupted(error):
            raise
        _stopped()


def _stopped() -> NoReturn:
    typer.echo("zerocity: stopped", err=True)
    sys.exit(130)


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C stands behind an error: a library that cleans up may raise one of its own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


if __name__ == "__main__":
    run()
