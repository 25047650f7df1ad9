"""The command charger, as a user meets it: against a server, and without one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from gateway_world import PASSWORD, open_world
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *arguments: str) -> None:
        environment = {"ZEROCITY_STATION_PASSWORD": PASSWORD}
        result = CliRunner().invoke(main.app, ["charger", *arguments], env=environment)
        self.stdout, self.code, self.error = result.stdout, result.exit_code, result.stderr
        if isinstance(result.exception, ZerocityError):
            self.error += str(result.exception)
            self.code = result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception


@contextmanager
def server(*stations: str) -> Iterator[str]:
    """Our own server in a thread; its URL."""
    ready, stop, url = threading.Event(), threading.Event(), ""

    async def serve() -> None:
        nonlocal url
        async with open_world(stations=stations) as world:
            url = world.url
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    # The server's log would stand between the lines of the command.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    thread.start()
    assert ready.wait(10.0)
    try:
        yield url
    finally:
        stop.set()
        thread.join(10.0)
        structlog.reset_defaults()


def test_a_short_run_in_json_and_in_tables() -> None:
    with server("sim-0001", "sim-0002") as url:
        common = ("--url", url, "--count", "2", "--version", "1.6,2.1", "--duration", "1.5")
        answer = Answer(*common, "--json")
        assert answer.code == 0, answer.error
        found = json.loads(answer.stdout)
        assert found["ever_connected"] == 2
        assert found["versions"] == {"1.6": 1, "2.1": 1}
        assert found["messages"]["answered"] >= 4
        assert found["messages"]["refused"] == 0
        answer = Answer(*common)
        assert answer.code == 0
        assert "Simulated stations" in answer.stdout
        assert "sim-0002" in answer.stdout


def test_a_server_that_is_not_there() -> None:
    url = "ws://127.0.0.1:9/ocpp"
    answer = Answer("--url", url, "--once")
    assert answer.code == 2
    assert "nobody listens" in answer.error
    answer = Answer("--url", url, "--duration", "1.3")
    assert answer.code == 1
    assert "trying again" in answer.error
    assert "no station ever reached the server" in answer.error


def test_a_wrong_password() -> None:
    with server("sim-0001") as url:
        answer = Answer("--url", url, "--password", "not-the-password", "--once")
    assert answer.code == 2
    assert "--password" in answer.error
    assert "not-the-password" not in answer.error


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--url", "http://x/ocpp"), "ws://"),
        (("--kind", "swap", "--version", "1.6"), "battery swap"),
        (("--count", "3", "--id-pattern", "x"), "{n}"),
        (("--version", "9"), "2.0.1"),
    ],
)
def test_mistakes_are_told_without_a_traceback(arguments: tuple[str, ...], text: str) -> None:
    answer = Answer(*arguments)
    assert answer.code == 2
    assert text in answer.error
