"""The twin is a world, the day's journal is a journal: checked by their calls' names."""

from __future__ import annotations

import inspect

import pytest

from zerocity.control import ports
from zerocity.storage.journal import DayJournal
from zerocity.twin.world import TwinWorld


@pytest.mark.parametrize(("port", "kind"), [(ports.World, TwinWorld), (ports.Journal, DayJournal)])
def test_who_stands_behind_a_port_takes_its_calls(port: type, kind: type) -> None:
    calls = [name for name in vars(port) if not name.startswith("_")]
    assert calls
    for name in calls:
        wanted = list(inspect.signature(getattr(port, name)).parameters)
        assert list(inspect.signature(getattr(kind, name)).parameters) == wanted
