"""The command `zerocity vehicle` against a gateway on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

import pytest
from typer.testing import CliRunner
from vehicle_world import World, running, until

from zerocity.cli.main import app
from zerocity.errors import InputError

RUN = [sys.executable, "-m", "zerocity.cli.main", "vehicle"]


async def play(world: World, *words: str, stop: bool = False) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *RUN, "--port", str(world.gateway.port), "--json", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if stop:
        await until(lambda: len(world.lake.frames) >= 5, 20.0)
        process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30.0)
    assert process.returncode == 0, err.decode()
    assert not err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize(
    "more", [["--edition", "2025"], ["--edition", "2016"], ["--city", "starter"]]
)
def test_what_is_sent_is_acknowledged_and_stored(more: list[str]) -> None:
    async def talk() -> None:
        async with running(5) as world:
            words = ("--count", "5", "--period", "1", "--duration", "2.5", *more)
            found = await play(world, *words)
            assert found["acknowledged"] == found["reports"] == len(set(world.units)) >= 10
            assert found["waiting"] == found["refused"] == found["links_lost"] == 0
            assert not world.faults
            assert not world.vehicles.online()

    asyncio.run(talk())


def test_ctrl_c_logs_out_and_prints_the_summary() -> None:
    async def talk() -> None:
        async with running(5) as world:
            found = await play(world, "--count", "5", "--period", "1", stop=True)
            assert found["acknowledged"] == found["reports"] == len(world.lake.frames)
            assert not world.vehicles.online()

    asyncio.run(talk())


@pytest.mark.parametrize(
    "words",
    [
        ["--count", "0"],
        ["--edition", "2020"],
        ["--period", "31"],
        ["--alarm-share", "2"],
        ["--city", "starter", "--first", "3"],
        ["--ca", "no-such-file.pem"],
    ],
)
def test_bad_options_are_one_clear_message(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["vehicle", *words])
    assert isinstance(result.exception, InputError)
    assert words[0] in str(result.exception)


def test_nobody_there_is_an_error() -> None:
    words = ["vehicle", "--port", "1", "--duration", "0.3", "--count", "1", "--json"]
    result = CliRunner().invoke(app, words)
    assert "127.0.0.1:1" in str(result.exception)
