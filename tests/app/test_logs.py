"""The log: JSON lines of ours and of libraries, without secrets and full vehicle numbers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from zerocity.app.logs import log_to
from zerocity.errors import InputError


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_level_and_a_file_are_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "new" / "log.jsonl"
    log_to("warning", file)
    log = structlog.get_logger()
    log.info("quiet")
    log.warning("loud", station="CP1")
    [line] = lines(file)
    assert (line["event"], line["level"], line["station"]) == ("loud", "warning", "CP1")
    assert line["timestamp"].endswith("Z")


def test_secrets_and_vehicle_numbers_are_hidden_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    log_to("debug", file)
    log = structlog.get_logger()
    log.info("a", password="planted-1", api_key="planted-2", deep={"private_key": "planted-3"})
    log.info("b", why="postgresql://zero:planted-4@host/city refused")
    log.info("c", why="Authorization: Basic cGxhbnRlZC01cGxhbnRlZA==")
    log.info("d", why="vehicle LZ9ZCTYB0T1000017 is late")
    log.info("e", why="{'password': 'planted-6', 'x': 1}")
    logging.getLogger("library").warning("it said password=planted-7")
    try:
        raise ValueError("of LZ9ZCTYB0T1000018, secret: planted-8")
    except ValueError:
        log.exception("f")
        logging.getLogger("library").exception("g")
    text = file.read_text()
    assert "planted" not in text
    assert "LZ9ZCTYB0" not in text
    assert "cGxhbnRlZ" not in text
    assert text.count("0017") == 1
    assert [line["event"] for line in lines(file)] == [*"abcde", "library", "f", "library"]
    assert "ValueError" in lines(file)[-1]["exception"]


@pytest.mark.parametrize(("level", "name"), [("loud", "log"), ("info", "file/log")])
def test_what_cannot_be_used_is_one_clear_error(tmp_path: Path, level: str, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--log"):
        log_to(level, tmp_path / name)


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    stream = log_to("warning", Path("/dev/full"))
    log = structlog.get_logger()
    for _ in range(3):
        log.error("the disk is full")
        logging.getLogger("a library").error("it is")
    stream.buffer.raw.close()
